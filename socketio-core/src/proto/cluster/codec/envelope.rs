use std::str;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::message::{ClusterMessage, NodeId},
    DecodeError,
    data::{Data, Json},
};
use crate::wire::{PacketError, document::Document};

/// A message of a namespace, with who sends it: `{type, data?, uid, nsp}`, as all cluster adapters
/// of Node write it but the classic one for Redis.
///
/// ```
/// use socketio_core::{ClusterMessage, NodeId, cluster::Envelope};
///
/// let from = NodeId::new("8aecdbd8926f1590");
/// let envelope = Envelope { namespace: "/".into(), from, message: ClusterMessage::Heartbeat };
/// let json = r#"{"type":2,"uid":"8aecdbd8926f1590","nsp":"/"}"#;
/// assert_eq!(envelope.to_json(), json);
/// assert_eq!(Envelope::decode(&json.into()), Ok(envelope));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The namespace. Node: `nsp`.
    pub namespace: ByteString,
    /// The node that sends it. Node: `uid`.
    pub from: NodeId,
    /// The message. Node: `type` and `data`.
    pub message: ClusterMessage,
}

impl Envelope {
    /// Whether there are bytes in the message, which JSON has no place for.
    pub fn has_bytes(&self) -> bool {
        self.message.has_bytes()
    }

    /// Writes it as JSON. Bytes are written as `JSON.stringify` does with a `Buffer`, which nobody
    /// reads as bytes.
    pub fn to_json(&self) -> String {
        self.to_document().to_json()
    }

    /// Writes it as `MessagePack`.
    pub fn to_msgpack(&self) -> Vec<u8> {
        self.to_document().to_msgpack()
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// It is no message.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        Self::read(str::from_utf8(json).map_err(|_| PacketError::Malformed)?, &[])
    }

    /// Reads `MessagePack`. Attachments are slices of these bytes.
    ///
    /// # Errors
    /// It is no message.
    pub fn from_msgpack(bytes: &Bytes) -> Result<Self, DecodeError> {
        let Document { json, attachments } = Document::from_msgpack(bytes)?;
        Self::read(&json, &attachments)
    }

    /// Reads JSON, which begins with `{`, or else `MessagePack`.
    ///
    /// # Errors
    /// It is no message.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        match bytes.first() {
            Some(b'{') => Self::from_json(bytes),
            _ => Self::from_msgpack(bytes),
        }
    }

    fn to_document(&self) -> Document {
        let Self { namespace, from, message } = self;
        let data = Data(message);
        let data = if data.is_some() { format!(r#","data":{data}"#) } else { String::new() };
        let (uid, nsp) = (Json(from.as_str()), Json(&**namespace));
        Document {
            json: format!(r#"{{"type":{}{data},"uid":{uid},"nsp":{nsp}}}"#, message.kind()),
            attachments: message.attachments().to_vec(),
        }
    }

    fn read(json: &str, attachments: &[Bytes]) -> Result<Self, DecodeError> {
        let Fields { kind, data, uid, nsp } = serde_json::from_str(json)?;
        let data = data.map_or("{}", RawValue::get);
        Ok(Self {
            namespace: nsp.into(),
            from: NodeId::new(uid),
            message: ClusterMessage::read(kind, data, attachments)?,
        })
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    uid: String,
    nsp: String,
}
