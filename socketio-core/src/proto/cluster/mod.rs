//! What the nodes of a cluster tell each other.

mod description;

pub use self::description::RemoteHandshake;
pub(crate) use self::description::SocketDescription;
