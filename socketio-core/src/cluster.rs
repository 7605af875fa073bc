//! How the messages of a cluster are written, for those who write an [`Adapter`](crate::Adapter).

pub use crate::wire::document::Document;
