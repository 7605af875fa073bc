//! A bare Engine.IO server, as in every framework.

#[path = "../../socketio-tower/tests/stories/engine_io.rs"]
mod stories;
mod support;
