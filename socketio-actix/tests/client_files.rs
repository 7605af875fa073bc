//! The browser client's files, as in every framework.

#[path = "../../socketio-tower/tests/stories/client_files.rs"]
mod stories;
mod support;
