//! What goes over the wire.

use bytes::Bytes;
use examples_common::NicknameError;
use serde::{Deserialize, Serialize};
use socketio_axum::EmitError;

/// Of a stroke that a client begins; unchecked.
#[derive(Debug, Deserialize)]
pub(crate) struct Draw {
    pub(crate) colour: u8,
    pub(crate) width: u8,
    pub(crate) points: Bytes,
}

#[derive(Debug, Serialize)]
pub(crate) struct Drawn<'a> {
    pub(crate) id: u64,
    pub(crate) colour: u8,
    pub(crate) width: u8,
    pub(crate) points: &'a Bytes,
}

#[derive(Debug, Serialize)]
pub(crate) struct Extended<'a> {
    pub(crate) id: u64,
    pub(crate) points: &'a Bytes,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stroke {
    pub(crate) id: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Joined {
    pub(crate) person: u64,
    pub(crate) nickname: String,
    pub(crate) people: usize,
    pub(crate) drawing: Bytes,
}

#[derive(Debug, Serialize)]
pub(crate) struct Presence<'a> {
    pub(crate) person: u64,
    pub(crate) nickname: &'a str,
    pub(crate) people: usize,
}

/// All that is shown of a cursor: the one before may have been dropped.
#[derive(Debug, Serialize)]
pub(crate) struct Cursor<'a> {
    pub(crate) person: u64,
    pub(crate) nickname: &'a str,
    pub(crate) x: u16,
    pub(crate) y: u16,
}

#[derive(Debug, Serialize)]
pub(crate) struct Cleared<'a> {
    pub(crate) nickname: &'a str,
}

/// Why the answer is not `ok`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("points are 4 bytes each")]
    BrokenPoints,
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("a stroke has at most {max} points")]
    LongStroke { max: usize },
    #[error(transparent)]
    Nickname(#[from] NicknameError),
    #[error("there is no stroke under way")]
    NoStroke,
    #[error("join first")]
    NotJoined,
    #[error("there is nothing of yours to undo")]
    NothingToUndo,
    #[error("a message has 1 to {max} points")]
    PointCount { max: usize },
    #[error("there is no such colour")]
    UnknownColour,
    #[error("there is no such width")]
    UnknownWidth,
}
