//! What adapters on tokio share: the time, and WebSocket over any connection.
//!
//! Users take the adapter of their framework; this is for who writes one.

mod clock;
mod handshake;
mod websocket;

pub use self::{clock::TokioClock, handshake::switching_protocols, websocket::WebSocket};
