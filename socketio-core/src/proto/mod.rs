//! The state machines, of one client and of one node: no locks, no wakers, no clock, no randomness.
//!
//! Two machines stand on each other. [`engine::Connection`] is an Engine.IO session: heartbeat,
//! transports, upgrade, the outgoing queue. [`client::Client`] is the Socket.IO client on it:
//! namespaces, packet assembly, acknowledgements awaited. [`cluster::Cluster`] is a server among the
//! nodes of its cluster. Each is driven alike:
//!
//! - `handle_*` takes what happened, with the time;
//! - commands such as [`send`](engine::Connection::send) come from the application;
//! - `poll_*` gives what is to be done: bytes to send, events, the next deadline.
//!
//! Bad input is not an error to be forgotten by the caller but an event with a reason.

pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod engine;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::{Serialize, Serializer};

/// The time after a duration that may be meant as "never": then it is in thirty years.
pub(crate) fn after(now: Instant, duration: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    now + duration.min(NEVER)
}

/// The earlier one, of those that there are.
pub(crate) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Why a session or a socket ended, in the words of the Node server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server closed the connection, or the client broke the Socket.IO protocol.
    ForcedClose,
    /// The server closed a connection that could not take the news at once.
    ForcedServerClose,
    /// The client sent what is no Engine.IO packet.
    ParseError,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The server took the socket out of its namespace.
    ServerNamespaceDisconnect,
    /// The whole server is closing.
    ServerShuttingDown,
    /// The client closed its connection.
    TransportClose,
    /// The connection broke, or the client broke the rules of the transport.
    TransportError,
}

impl DisconnectReason {
    /// The string that Node gives to `disconnect` listeners.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ParseError => "parse error",
            Self::PingTimeout => "ping timeout",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ServerShuttingDown => "server shutting down",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DisconnectReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
