//! What goes over the wire.

use std::collections::VecDeque;

use examples_common::NicknameError;
use serde::{Deserialize, Serialize};
use socketio_core::EmitError;

#[derive(Debug, Deserialize)]
pub(crate) struct Join {
    pub(crate) nickname: String,
    pub(crate) room: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Joined<'a> {
    pub(crate) node: &'a str,
    pub(crate) nickname: &'a str,
    pub(crate) room: &'a str,
    pub(crate) history: &'a VecDeque<Message>,
    pub(crate) online: &'a [String],
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Message {
    /// Of all messages, on whatever node.
    pub(crate) id: String,
    pub(crate) room: String,
    pub(crate) nickname: String,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Posted {
    pub(crate) message: Message,
}

#[derive(Debug, Serialize)]
pub(crate) struct Presence<'a> {
    pub(crate) nickname: &'a str,
    pub(crate) online: &'a [String],
}

/// What nodes tell each other of someone who joined or left.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Change {
    pub(crate) nickname: String,
    pub(crate) room: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Typing<'a> {
    pub(crate) nickname: &'a str,
    pub(crate) typing: bool,
}

/// Why the answer is not `ok`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a message needs some text")]
    EmptyMessage,
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("a message has at most {max} characters")]
    LongMessage { max: usize },
    #[error(transparent)]
    Nickname(#[from] NicknameError),
    #[error("join a room first")]
    NotJoined,
    #[error("there is no such room")]
    UnknownRoom,
}
