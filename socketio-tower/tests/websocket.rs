//! Websockets, as in every framework.

#[path = "stories/websocket.rs"]
mod stories;
mod support;
