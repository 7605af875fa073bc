//! What goes over the wire.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use socketio_actix::EmitError;

use crate::storage::File;

#[derive(Debug, Deserialize)]
pub(crate) struct Start {
    pub(crate) name: String,
    pub(crate) size: usize,
    #[serde(rename = "type")]
    pub(crate) content_type: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    pub(crate) id: u64,
    /// Whoever has it can resume the upload.
    pub(crate) token: String,
    pub(crate) chunk_bytes: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Resume {
    pub(crate) id: u64,
    pub(crate) token: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Received {
    pub(crate) received: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<'a> {
    pub(crate) files: &'a VecDeque<File>,
    pub(crate) file_bytes: usize,
}

/// Why the answer is not `ok`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the server has its hands full, try again later")]
    Busy,
    #[error("a chunk of {expected} bytes was due, not of {actual}")]
    ChunkLength { expected: usize, actual: usize },
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("the file is empty")]
    EmptyFile,
    #[error("the file has more than {} MB", max / 1_000_000)]
    LargeFile { max: usize },
    #[error("a file name has up to {max} bytes, and no slashes or control characters")]
    Name { max: usize },
    #[error("the chunk at {expected} was due, not at {actual}")]
    Offset { expected: usize, actual: usize },
    #[error("a client has at most {max} uploads under way")]
    TooMany { max: usize },
    #[error("a type has up to {max} bytes")]
    Type { max: usize },
    #[error("there is no such upload")]
    Unknown,
}
