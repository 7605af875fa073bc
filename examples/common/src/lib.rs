//! What the examples share and what is not their point: where to listen, when to stop, the files of
//! their pages, and where the browser client is.

#[cfg(feature = "hyper")]
pub mod hyper;
mod page;
mod setup;

#[cfg(feature = "axum")]
pub use self::page::router;
pub use self::{
    page::Asset,
    setup::{address, builder, greet, listener, stopped},
};
