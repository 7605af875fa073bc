//! The messages of nodes as the cluster adapters of Node write them.

mod data;
mod envelope;
mod event;
mod options;
#[cfg(test)]
mod tests;

pub use self::{
    envelope::Envelope,
    event::{answer_from_json, answer_to_json, event_from_json, event_to_json},
};
use crate::wire::{ArgsError, PacketError};

/// What is no message of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It cannot be read, or its event cannot be one.
    #[error(transparent)]
    Document(#[from] PacketError),
    /// It lacks something, or has something else in its place.
    #[error(transparent)]
    Fields(#[from] ArgsError),
    /// There is no message of this type.
    #[error("unknown message type {0}")]
    Type(u64),
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Fields(error.into())
    }
}
