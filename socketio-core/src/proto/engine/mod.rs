//! The Engine.IO session, of either revision.

mod connection;
mod fifo;
mod heartbeat;
mod queue;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use self::{
    connection::{Connection, Event, SendError, WebSocketId, WebSocketState},
    fifo::Fifo,
};

/// What a session needs to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) body_timeout: Duration,
    /// How long a session that the server closes waits for its client to fetch the rest.
    pub(crate) drain_timeout: Duration,
    /// Bytes that may wait for the client.
    pub(crate) max_queue: usize,
}

/// How a client and the server exchange packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The name in the `transport` parameter of a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Polling => "polling",
            Transport::WebSocket => "websocket",
        }
    }
}
