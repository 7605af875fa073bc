//! How nodes write what they tell each other, for who makes an [`Adapter`](crate::Adapter).
//!
//! An [`Envelope`] is a [`ClusterMessage`](crate::ClusterMessage) with who sends it, as JSON or
//! `MessagePack`. Its parts can be had [one by one](crate::ClusterMessage::kind). [`Document`] is what
//! they are made of: what is older or newer than these messages can be made of it as well, with the
//! functions for what events and answers look like.
//!
//! It reads what Node servers write, with each of their libraries, and what emitters leave out. What
//! is undefined on Node may come as null, the name of a room as a number. It writes what they read:
//! keys that have no value are left out.

pub use crate::{
    proto::cluster::codec::{
        DecodeError, Envelope, answer_from_json, answer_to_json, event_from_json, event_to_json,
    },
    wire::document::Document,
};
