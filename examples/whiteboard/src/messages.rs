//! What goes over the wire.

use bytes::Bytes;
use examples_common::{Answer, NicknameError};
use serde::{Deserialize, Serialize};
use socketio_axum::{EmitError, Event};

// From the client.

/// Comes in, or changes the nickname.
#[derive(Debug, Deserialize, Event)]
#[event(ack = Answer<Entered>)]
pub(crate) struct Join(pub(crate) String);

/// Begins a stroke; unchecked.
#[derive(Debug, Deserialize, Event)]
#[event(name = "stroke", ack = Answer<Stroke>)]
pub(crate) struct Draw {
    pub(crate) colour: u8,
    pub(crate) width: u8,
    pub(crate) points: Bytes,
}

/// Goes on with the stroke.
#[derive(Debug, Deserialize, Event)]
#[event(ack = Answer<()>)]
pub(crate) struct Extend(pub(crate) Bytes);

#[derive(Debug, Deserialize, Event)]
#[event(ack = Answer<Stroke>)]
pub(crate) struct Undo;

#[derive(Debug, Deserialize, Event)]
#[event(ack = Answer<()>)]
pub(crate) struct Clear;

/// Moves the cursor.
#[derive(Debug, Deserialize, Event)]
#[event(name = "cursor")]
pub(crate) struct Point(pub(crate) u16, pub(crate) u16);

// What these are acknowledged with.

#[derive(Debug, Serialize)]
pub(crate) struct Entered {
    pub(crate) person: u64,
    pub(crate) nickname: String,
    pub(crate) people: usize,
    pub(crate) drawing: Bytes,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stroke {
    pub(crate) id: u64,
}

// To the clients.

#[derive(Debug, Serialize, Event)]
#[event(name = "stroke")]
pub(crate) struct Drawn<'a> {
    pub(crate) id: u64,
    pub(crate) colour: u8,
    pub(crate) width: u8,
    pub(crate) points: &'a Bytes,
}

#[derive(Debug, Serialize, Event)]
#[event(name = "extend")]
pub(crate) struct Extended<'a> {
    pub(crate) id: u64,
    pub(crate) points: &'a Bytes,
}

/// Strokes that are gone.
#[derive(Debug, Serialize, Event)]
pub(crate) struct Removed<'a>(pub(crate) &'a [u64]);

#[derive(Debug, Serialize, Event)]
pub(crate) struct Cleared<'a> {
    pub(crate) nickname: &'a str,
}

#[derive(Debug, Serialize, Event)]
pub(crate) struct Joined<'a> {
    pub(crate) person: u64,
    pub(crate) nickname: &'a str,
    pub(crate) people: usize,
}

#[derive(Debug, Serialize, Event)]
pub(crate) struct Left<'a> {
    pub(crate) person: u64,
    pub(crate) nickname: &'a str,
    pub(crate) people: usize,
}

/// All that is shown of a cursor: the one before may have been dropped.
#[derive(Debug, Serialize, Event)]
pub(crate) struct Cursor<'a> {
    pub(crate) person: u64,
    pub(crate) nickname: &'a str,
    pub(crate) x: u16,
    pub(crate) y: u16,
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
