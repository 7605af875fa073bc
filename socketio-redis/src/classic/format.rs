//! The messages as they are written. What there is not is left out, never null: Node takes a
//! `requestId` of any kind for a question.

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, value::RawValue};
use socketio_core::{BroadcastOptions, SocketDescription};

/// What is said on the channels for requests and for answers. Each message has some of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<ByteString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<ByteString>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opts: Option<BroadcastOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rooms: Option<Vec<Room>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) close: Option<bool>,
    /// An event for servers, or the answer to it.
    #[serde(borrow, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a RawValue>,
    /// An event for clients, or the answer to it.
    #[serde(borrow, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) packet: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sockets: Option<Sockets>,
    /// The one socket and the one room of older versions.
    #[serde(skip_serializing)]
    pub(crate) sid: Option<Room>,
    #[serde(skip_serializing)]
    pub(crate) room: Option<Room>,
}

/// What is said on the channels for events: who sends it, the event, for whom it is.
#[derive(Debug, Deserialize)]
pub(crate) struct Broadcast<'a>(
    pub(crate) Option<ByteString>,
    #[serde(borrow)] pub(crate) Packet<'a>,
    #[serde(default)] pub(crate) Option<BroadcastOptions>,
);

/// An event for clients.
#[derive(Debug, Deserialize)]
pub(crate) struct Packet<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
    pub(crate) nsp: Option<ByteString>,
}

/// The type of an event, and what one with bytes had been before `MessagePack` had place for them.
pub(crate) const EVENT: u8 = 2;
pub(crate) const BINARY_EVENT: u8 = 5;

/// The sockets of a node: what it knows of them, or, for older versions, their ids.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Sockets {
    Described(Vec<SocketDescription>),
    Ids(Vec<String>),
}

/// A room. On Node its name may be a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Room(pub(crate) ByteString);

impl Room {
    pub(crate) fn all(names: impl IntoIterator<Item = ByteString>) -> Vec<Self> {
        names.into_iter().map(Self).collect()
    }

    pub(crate) fn names(rooms: impl IntoIterator<Item = Self>) -> Vec<ByteString> {
        rooms.into_iter().map(|Self(name)| name).collect()
    }
}

impl<'de> Deserialize<'de> for Room {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Name {
            Text(ByteString),
            Number(Number),
        }
        Ok(match Name::deserialize(deserializer)? {
            Name::Text(name) => Self(name),
            Name::Number(number) => Self(number.to_string().into()),
        })
    }
}

/// What is there, though it be null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
