//! This node among the nodes of a cluster: who the others are, what was asked of them, and what they
//! tell each other. As the machines of a client it has no locks, no wakers, no clock and no
//! randomness.
//!
//! ```text
//! request   asked ── every node that is expected has answered ──────────────▶ over
//!                 ── the others have answered, left or died; or it is late ─▶ over, some missing
//! node      heard ── said that it closes, or not heard of for the time-out ──▶ forgotten
//! ```
//!
//! A node is expected to answer if it was known when it was asked: from heartbeats, or as one of a
//! number of nodes that the transport tells. Both count only nodes that have the namespace.

#[cfg(feature = "cluster")]
pub(crate) mod codec;
mod description;
mod log;
mod machine;
mod message;
mod request;
#[cfg(test)]
mod tests;

pub use self::{
    description::{RemoteHandshake, SocketDescription},
    log::{LogOffset, LogOffsetError, LoggedMessage, SavedRoom, SavedSession, SessionSpan},
    machine::Membership,
    message::{BroadcastOptions, ClusterMessage, NodeId, RequestId},
    request::MissingNodes,
};
pub(crate) use self::{
    machine::Cluster,
    request::{Answer, Question},
};
