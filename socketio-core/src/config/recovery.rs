use std::time::Duration;

use serde::Deserialize;

use super::de;

/// Connection state recovery: a client whose connection broke and that comes back in time has its
/// socket again, with its id, its rooms and its [data](crate::SocketData), and gets what was sent to
/// it meanwhile.
///
/// It comes back to this server only, and not after a restart, unless the server has an adapter
/// whose nodes share a [log](crate::Adapter::log): then to any of them. Events that ask for an
/// acknowledgement and volatile ones are not kept. What is emitted to a socket that may come back
/// is kept even if its client is gone or too slow, so it is no error. The client's listeners get
/// one argument more, a string, behind those of each event. Node: `connectionStateRecovery`.
///
/// More may be added, so write `Recovery { skip_middlewares: false, ..Recovery::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recovery {
    /// Bytes that the events take which each namespace keeps for those who are away. Past it the
    /// oldest are forgotten, and who missed one of them comes back as somebody new. Default 16 MB.
    pub max_bytes: usize,
    /// Time that a client may be away. Default 2 min. Node: `maxDisconnectionDuration`.
    #[serde(alias = "maxDisconnectionDuration", deserialize_with = "de::millis")]
    pub max_disconnection_duration: Duration,
    /// Sockets that each namespace keeps for their return. Past it, who leaves comes back as somebody
    /// new. Default 10,000.
    pub max_sockets: usize,
    /// Whether the [middlewares](crate::Namespace::middleware) are left out for a client that comes
    /// back. Default true. Node: `skipMiddlewares`.
    #[serde(alias = "skipMiddlewares")]
    pub skip_middlewares: bool,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            max_bytes: 16_000_000,
            max_disconnection_duration: Duration::from_secs(120),
            max_sockets: 10_000,
            skip_middlewares: true,
        }
    }
}
