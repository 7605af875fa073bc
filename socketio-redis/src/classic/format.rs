//! The messages as they are written. What there is not is left out, never null: Node takes a
//! `requestId` of any kind for a question.

use std::time::Duration;

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, value::RawValue};
use socketio_core::{BroadcastOptions, RawArgs, SocketDescription};

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
    pub(crate) opts: Option<Opts>,
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
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Broadcast<'a>(
    pub(crate) Option<ByteString>,
    #[serde(borrow)] pub(crate) Packet<'a>,
    #[serde(default)] pub(crate) Option<Opts>,
);

/// An event for clients.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Packet<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nsp: Option<ByteString>,
}

/// The type of an event, and what one with bytes had been before they were `MessagePack`'s.
pub(crate) const EVENT: u8 = 2;
pub(crate) const BINARY_EVENT: u8 = 5;

/// For whom something is, and how it is sent.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Opts {
    #[serde(default, deserialize_with = "or_default")]
    rooms: Vec<Room>,
    #[serde(default, deserialize_with = "or_default")]
    except: Vec<Room>,
    /// Only with events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flags: Option<Flags>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Flags {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub(crate) volatile: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compress: Option<bool>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Number>,
}

/// The sockets of a node: what it knows of them, or, to older versions, their ids.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Sockets {
    Described(Vec<SocketDescription>),
    Ids(Vec<String>),
}

/// A room. On Node its name may be a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Room(pub(crate) ByteString);

impl Opts {
    /// Those of an event, with its flags.
    pub(crate) fn of_event(options: BroadcastOptions) -> Self {
        let BroadcastOptions { is_volatile, timeout, .. } = options;
        let timeout = timeout.map(|timeout| {
            let millis = timeout.as_millis();
            u64::try_from(millis).unwrap_or(u64::MAX).into()
        });
        let flags = Flags { volatile: is_volatile, compress: None, timeout };
        Self { flags: Some(flags), ..Self::of_others(options) }
    }

    /// Those of everything else.
    pub(crate) fn of_others(options: BroadcastOptions) -> Self {
        Self { rooms: Room::all(options.rooms), except: Room::all(options.except), flags: None }
    }

    /// The room, if it is one.
    pub(crate) fn only_room(&self) -> Option<&ByteString> {
        match &self.rooms[..] {
            [Room(room)] => Some(room),
            _ => None,
        }
    }

    pub(crate) fn with_flags(self, flags: Flags) -> Self {
        Self { flags: Some(flags), ..self }
    }
}

impl From<Opts> for BroadcastOptions {
    fn from(Opts { rooms, except, flags }: Opts) -> Self {
        let Flags { volatile, timeout, .. } = flags.unwrap_or_default();
        let millis = timeout.as_ref().and_then(Number::as_f64);
        let timeout = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
        Self {
            rooms: Room::names(rooms),
            except: Room::names(except),
            is_volatile: volatile,
            timeout,
        }
    }
}

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

/// `["name",…]`
pub(crate) fn event(name: &str, args: &RawArgs) -> Box<RawValue> {
    let mut json = String::with_capacity(name.len() + args.as_json().len() + 8);
    json.push('[');
    json.push_str(&serde_json::Value::from(name).to_string());
    if !args.is_empty() {
        json.push(',');
        json.push_str(args.as_json());
    }
    json.push(']');
    raw(json)
}

/// The first of some arguments.
pub(crate) fn first(args: &RawArgs) -> Option<Box<RawValue>> {
    args.iter().next().map(|json| raw(json.to_owned()))
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("arguments are JSON")
}

/// What is there, though it be null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Null is nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn is_false(value: &bool) -> bool {
    !value
}
