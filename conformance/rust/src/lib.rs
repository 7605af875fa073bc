//! What the stories about rust_socketio share.

mod client;
mod server;

pub use client::{Client, Options};
pub use server::Server;

use std::time::Duration;

use rust_socketio::TransportType::{self, Any, Polling, Websocket, WebsocketUpgrade};

/// The ways in which the client reaches a server, and the transport that it ends up with.
pub const WAYS: [(TransportType, &str); 4] = [
    (Polling, "polling"),
    (Websocket, "websocket"),
    (WebsocketUpgrade, "websocket"),
    (Any, "websocket"),
];

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);
