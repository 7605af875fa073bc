//! What goes over the wire.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use socketio_core::EmitError;

const NICKNAME_CHARS: usize = 24;

#[derive(Debug, Deserialize)]
pub(crate) struct Join {
    pub(crate) nickname: String,
    pub(crate) room: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Joined<'a> {
    pub(crate) nickname: &'a str,
    pub(crate) room: &'a str,
    pub(crate) history: &'a VecDeque<Message>,
    pub(crate) online: &'a [String],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Message {
    pub(crate) id: u64,
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

#[derive(Debug, Serialize)]
pub(crate) struct Typing<'a> {
    pub(crate) nickname: &'a str,
    pub(crate) typing: bool,
}

/// `{ ok: true, … }` or `{ ok: false, error }`.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<T> {
    ok: bool,
    #[serde(flatten)]
    body: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Why the answer is not `ok`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a message needs some text")]
    EmptyMessage,
    #[error("a nickname is needed")]
    EmptyNickname,
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("a message has at most {max} characters")]
    LongMessage { max: usize },
    #[error("a nickname has at most {max} characters")]
    LongNickname { max: usize },
    #[error("join a room first")]
    NotJoined,
    #[error("there is no such room")]
    UnknownRoom,
}

impl<T> From<Result<T, Refusal>> for Answer<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(body) => Self { ok: true, body: Some(body), error: None },
            Err(refusal) => Self { ok: false, body: None, error: Some(refusal.to_string()) },
        }
    }
}

/// The nickname without the space around it.
pub(crate) fn nickname(asked: &str) -> Result<&str, Refusal> {
    match asked.trim() {
        "" => Err(Refusal::EmptyNickname),
        name if name.chars().count() > NICKNAME_CHARS => {
            Err(Refusal::LongNickname { max: NICKNAME_CHARS })
        }
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_is_trimmed_and_bounded() {
        assert_eq!(nickname("  Ada \n"), Ok("Ada"));
        assert_eq!(nickname(" \t"), Err(Refusal::EmptyNickname));
        assert!(nickname(&"é".repeat(24)).is_ok());
        assert_eq!(nickname(&"é".repeat(25)), Err(Refusal::LongNickname { max: 24 }));
    }
}
