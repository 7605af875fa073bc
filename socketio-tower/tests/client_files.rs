//! The browser client's files, as in every framework.

#[path = "stories/client_files.rs"]
mod stories;
mod support;
