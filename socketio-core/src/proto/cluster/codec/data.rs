//! What each of the messages says, but for who sends it.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{
    super::{
        description::{Name, SocketDescription, or_default},
        message::{BroadcastOptions, ClusterMessage, RequestId},
    },
    DecodeError,
    event::{answer_from_json, answer_to_json, event_from_json, event_to_json},
    options::{names, texts},
};
use crate::{
    id::SocketId,
    wire::{PacketError, RawArgs, document::Document},
};

/// The messages as they are written, in parts, for transports that have places of their own for
/// these: [`Envelope`](crate::cluster::Envelope) is all of one.
impl ClusterMessage {
    /// The number that stands for it: 1 to 13.
    pub fn kind(&self) -> u8 {
        match self {
            Self::InitialHeartbeat => 1,
            Self::Heartbeat => 2,
            Self::Broadcast { .. } => 3,
            Self::SocketsJoin { .. } => 4,
            Self::SocketsLeave { .. } => 5,
            Self::DisconnectSockets { .. } => 6,
            Self::FetchSockets { .. } => 7,
            Self::FetchSocketsResponse { .. } => 8,
            Self::ServerSideEmit { .. } => 9,
            Self::ServerSideEmitResponse { .. } => 10,
            Self::BroadcastClientCount { .. } => 11,
            Self::BroadcastAck { .. } => 12,
            Self::AdapterClose => 13,
        }
    }

    /// Whether there are bytes in it, which JSON has no place for.
    pub fn has_bytes(&self) -> bool {
        !self.attachments().is_empty()
    }

    /// What it says, if it says more than its kind.
    pub fn data(&self) -> Option<Document> {
        let data = Data(self);
        data.is_some()
            .then(|| Document { json: data.to_string(), attachments: self.attachments().to_vec() })
    }

    /// Reads a message of a kind, with what it says.
    ///
    /// # Errors
    /// There is no such kind, or it says something else.
    pub fn from_parts(kind: u64, data: Option<&Document>) -> Result<Self, DecodeError> {
        match data {
            Some(Document { json, attachments }) => Self::read(kind, json, attachments),
            None => Self::read(kind, "{}", &[]),
        }
    }

    pub(super) fn attachments(&self) -> &[Bytes] {
        match self {
            Self::Broadcast { args, .. } | Self::ServerSideEmit { args, .. } => args.attachments(),
            Self::ServerSideEmitResponse { answer, .. } | Self::BroadcastAck { answer, .. } => {
                answer.attachments()
            }
            _ => &[],
        }
    }

    pub(super) fn read(kind: u64, json: &str, attachments: &[Bytes]) -> Result<Self, DecodeError> {
        Ok(match kind {
            1 => Self::InitialHeartbeat,
            2 => Self::Heartbeat,
            3 => {
                let BroadcastData { packet, opts, request_id } = serde_json::from_str(json)?;
                let Packet { kind, data } = packet;
                // An event, also by the name that it has with attachments.
                if !matches!(kind, None | Some(2 | 5)) {
                    return Err(PacketError::Type.into());
                }
                let (name, args) = event_from_json(data.get(), attachments.to_vec())?;
                Self::Broadcast { options: opts, name, args, request: request_id.map(Into::into) }
            }
            4 | 5 => {
                let RoomsData { opts: options, rooms } = serde_json::from_str(json)?;
                let rooms = names(rooms);
                match kind {
                    4 => Self::SocketsJoin { options, rooms },
                    _ => Self::SocketsLeave { options, rooms },
                }
            }
            6 => {
                let DisconnectData { opts, close } = serde_json::from_str(json)?;
                Self::DisconnectSockets { options: opts, close }
            }
            7 => {
                let FetchData { opts, request_id } = serde_json::from_str(json)?;
                Self::FetchSockets { options: opts, request: request_id.into() }
            }
            8 => {
                let SocketsData { request_id, sockets } = sockets(json, attachments)?;
                Self::FetchSocketsResponse { request: request_id.into(), sockets }
            }
            9 => {
                let EventData { packet, request_id } = serde_json::from_str(json)?;
                let (name, args) = event_from_json(packet.get(), attachments.to_vec())?;
                Self::ServerSideEmit { name, args, request: request_id.map(Into::into) }
            }
            10 => {
                let data: AnswerData<'_> = serde_json::from_str(json)?;
                let answer = data.answer(attachments)?;
                Self::ServerSideEmitResponse { request: data.request_id.into(), answer }
            }
            11 => {
                let CountData { request_id, client_count } = serde_json::from_str(json)?;
                Self::BroadcastClientCount { request: request_id.into(), count: client_count }
            }
            12 => {
                let data: AnswerData<'_> = serde_json::from_str(json)?;
                let answer = data.answer(attachments)?;
                let socket = data.socket.as_deref().and_then(SocketId::parse);
                Self::BroadcastAck { request: data.request_id.into(), socket, answer }
            }
            13 => Self::AdapterClose,
            other => return Err(DecodeError::Type(other)),
        })
    }
}

/// Writes what a message says as JSON.
pub(super) struct Data<'a>(pub(super) &'a ClusterMessage);

impl Data<'_> {
    pub(super) fn is_some(&self) -> bool {
        !matches!(
            self.0,
            ClusterMessage::InitialHeartbeat
                | ClusterMessage::Heartbeat
                | ClusterMessage::AdapterClose
        )
    }
}

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |request: &RequestId| Json(request.as_str()).to_string();
        match self.0 {
            ClusterMessage::InitialHeartbeat
            | ClusterMessage::Heartbeat
            | ClusterMessage::AdapterClose => Ok(()),
            ClusterMessage::Broadcast { options, name, args, request } => {
                let (event, opts) = (event_to_json(name, args), Json(options));
                write!(f, r#"{{"packet":{{"type":2,"data":{event}}},"opts":{opts}"#)?;
                optional(f, "requestId", request.as_ref().map(RequestId::as_str))?;
                f.write_str("}")
            }
            ClusterMessage::SocketsJoin { options, rooms }
            | ClusterMessage::SocketsLeave { options, rooms } => {
                write!(f, r#"{{"opts":{},"rooms":{}}}"#, Json(options), Json(texts(rooms)))
            }
            ClusterMessage::DisconnectSockets { options, close } => {
                write!(f, r#"{{"opts":{},"close":{close}}}"#, Json(options))
            }
            ClusterMessage::FetchSockets { options, request } => {
                write!(f, r#"{{"opts":{},"requestId":{}}}"#, Json(options), id(request))
            }
            ClusterMessage::FetchSocketsResponse { request, sockets } => {
                write!(f, r#"{{"requestId":{},"sockets":{}}}"#, id(request), Json(sockets))
            }
            ClusterMessage::ServerSideEmit { name, args, request } => {
                write!(f, r#"{{"packet":{}"#, event_to_json(name, args))?;
                optional(f, "requestId", request.as_ref().map(RequestId::as_str))?;
                f.write_str("}")
            }
            ClusterMessage::ServerSideEmitResponse { request, answer } => {
                write!(f, r#"{{"requestId":{}{}}}"#, id(request), Answer(answer))
            }
            ClusterMessage::BroadcastClientCount { request, count } => {
                write!(f, r#"{{"requestId":{},"clientCount":{count}}}"#, id(request))
            }
            ClusterMessage::BroadcastAck { request, socket, answer } => {
                write!(f, r#"{{"requestId":{}{}"#, id(request), Answer(answer))?;
                optional(f, "socket", socket.as_ref().map(SocketId::as_str))?;
                f.write_str("}")
            }
        }
    }
}

/// Writes one more field, or leaves it out.
fn optional(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&str>) -> fmt::Result {
    match value {
        Some(value) => write!(f, r#","{name}":{}"#, Json(value)),
        None => Ok(()),
    }
}

/// Writes a value of ours as JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> fmt::Display for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// Writes the field for an answer, or leaves it out.
struct Answer<'a>(&'a RawArgs);

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match answer_to_json(self.0) {
            Some(answer) => write!(f, r#","packet":{answer}"#),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BroadcastData<'a> {
    #[serde(borrow)]
    packet: Packet<'a>,
    #[serde(default, deserialize_with = "or_default")]
    opts: BroadcastOptions,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct Packet<'a> {
    #[serde(rename = "type")]
    kind: Option<u64>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct RoomsData {
    #[serde(default, deserialize_with = "or_default")]
    opts: BroadcastOptions,
    #[serde(default, deserialize_with = "or_default")]
    rooms: Vec<Name>,
}

#[derive(Deserialize)]
struct DisconnectData {
    #[serde(default, deserialize_with = "or_default")]
    opts: BroadcastOptions,
    #[serde(default, deserialize_with = "or_default")]
    close: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FetchData {
    #[serde(default, deserialize_with = "or_default")]
    opts: BroadcastOptions,
    request_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SocketsData {
    request_id: String,
    #[serde(default, deserialize_with = "or_default")]
    sockets: Vec<SocketDescription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventData<'a> {
    #[serde(borrow)]
    packet: &'a RawValue,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CountData {
    request_id: String,
    client_count: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerData<'a> {
    request_id: String,
    #[serde(default, borrow, deserialize_with = "present")]
    packet: Option<&'a RawValue>,
    socket: Option<Cow<'a, str>>,
}

impl AnswerData<'_> {
    fn answer(&self, attachments: &[Bytes]) -> Result<RawArgs, DecodeError> {
        answer_from_json(self.packet.map(RawValue::get), attachments.to_vec())
    }
}

/// `null` is an answer, too.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What sockets have of their own may hold what `serde_json` does not read: bytes, and halves of
/// characters.
fn sockets(json: &str, attachments: &[Bytes]) -> Result<SocketsData, DecodeError> {
    if attachments.is_empty()
        && let Ok(data) = serde_json::from_str(json)
    {
        return Ok(data);
    }
    let document = Document { json: json.to_owned(), attachments: attachments.to_vec() };
    Ok(serde_json::from_str(&document.to_clean_json())?)
}

impl From<String> for RequestId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}
