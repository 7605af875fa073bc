//! The first request, as in every framework.

#[path = "../../socketio-tower/tests/stories/handshake.rs"]
mod stories;
mod support;
