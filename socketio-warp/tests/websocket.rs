//! Websockets, as in every framework.

#[path = "../../socketio-tower/tests/stories/websocket.rs"]
mod stories;
mod support;
