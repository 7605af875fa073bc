use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;
use socketio_core::{
    BroadcastOptions, ClusterMessage, NodeId, RawArgs, RequestId,
    cluster::{Document, answer_from_json, event_from_json},
};

use super::{
    format::{BINARY_EVENT, Body, Broadcast, EVENT, Packet, Room, Sockets},
    legacy::Question,
};

/// What is asked of this node, or said to it.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    Message {
        from: Option<NodeId>,
        message: ClusterMessage,
    },
    /// Something that only older versions ask.
    Legacy {
        from: Option<NodeId>,
        request: RequestId,
        question: Question,
    },
}

/// It is broken, of a version that is not known, or for another namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<E: std::error::Error> From<E> for Unreadable {
    fn from(error: E) -> Self {
        tracing::debug!("a message of another node: {error}");
        Self
    }
}

/// Whether an event for clients begins as those of this node do: an array of three, and its name.
pub(crate) fn is_from(node: &NodeId, payload: &[u8]) -> bool {
    let name = node.as_str().as_bytes();
    let begins = |rest: &[u8]| rest.starts_with(name);
    matches!(payload, [0x93, len, rest @ ..] if usize::from(*len) == 0xa0 + name.len() && begins(rest))
}

/// Reads an event for clients.
pub(super) fn broadcast(namespace: &str, payload: &Bytes) -> Result<Read, Unreadable> {
    let Document { json, attachments } = Document::from_msgpack(payload)?;
    let Broadcast(from, packet, opts) = serde_json::from_str(&json)?;
    let (name, args) = packet_event(namespace, &packet, attachments)?;
    let options = opts.unwrap_or_default();
    let message = ClusterMessage::Broadcast { options, name, args, request: None };
    Ok(Read::Message { from: from.map(NodeId::new), message })
}

/// Reads what came on the channel for requests.
pub(super) fn request(namespace: &str, payload: &Bytes) -> Result<Read, Unreadable> {
    let Document { json, attachments } = document(payload)?;
    let body: Body<'_> = serde_json::from_str(&json)?;
    let from = body.uid.map(NodeId::new);
    let request = body.request_id.map(RequestId::new);
    let rooms = Room::names(body.rooms.unwrap_or_default());
    let close = body.close.unwrap_or_default();
    // Older versions name one socket.
    let of_socket = body.sid.is_some();
    let options: BroadcastOptions = match body.sid {
        Some(Room(id)) => BroadcastOptions { rooms: vec![id], ..BroadcastOptions::default() },
        None => body.opts.unwrap_or_default(),
    };
    let rooms = match body.room {
        Some(Room(room)) => vec![room],
        None => rooms,
    };
    let which = options.clone();
    let question = |question| {
        let request = request.clone().ok_or(Unreadable)?;
        Ok(Read::Legacy { from: from.clone(), request, question })
    };
    let message = match body.kind.ok_or(Unreadable)? {
        0 => {
            let options = BroadcastOptions { rooms, ..BroadcastOptions::default() };
            return question(Question::Sockets(options));
        }
        1 => return question(Question::Rooms),
        2 => ClusterMessage::SocketsJoin { options, rooms },
        3 => ClusterMessage::SocketsLeave { options, rooms },
        4 => ClusterMessage::DisconnectSockets { options, close },
        5 => {
            let request = request.ok_or(Unreadable)?;
            return Ok(Read::Message {
                from,
                message: ClusterMessage::FetchSockets { options, request },
            });
        }
        6 => {
            let data = body.data.ok_or(Unreadable)?;
            let (name, args) = event_from_json(data.get(), attachments)?;
            let message = ClusterMessage::ServerSideEmit { name, args, request };
            return Ok(Read::Message { from, message });
        }
        7 => {
            let packet = serde_json::from_str(body.packet.ok_or(Unreadable)?.get())?;
            let (name, args) = packet_event(namespace, &packet, attachments)?;
            let request = Some(request.ok_or(Unreadable)?);
            let message = ClusterMessage::Broadcast { options, name, args, request };
            return Ok(Read::Message { from, message });
        }
        _ => return Err(Unreadable),
    };
    match of_socket && request.is_some() {
        true => question(Question::Socket { which, order: Box::new(message) }),
        false => Ok(Read::Message { from, message }),
    }
}

/// Reads an answer. Who gives it is not told.
pub(super) fn response(payload: &Bytes) -> Result<ClusterMessage, Unreadable> {
    let Document { json, attachments } = document(payload)?;
    let body: Body<'_> = serde_json::from_str(&json)?;
    let request = body.request_id.map(RequestId::new).ok_or(Unreadable)?;
    Ok(match (body.kind, body.sockets) {
        (Some(6), _) => {
            let answer = answer_from_json(body.data.map(RawValue::get), attachments)?;
            ClusterMessage::ServerSideEmitResponse { request, answer }
        }
        (Some(8), _) => {
            let count = body.client_count.ok_or(Unreadable)?;
            ClusterMessage::BroadcastClientCount { request, count }
        }
        (Some(9), _) => {
            let answer = answer_from_json(body.packet.map(RawValue::get), attachments)?;
            ClusterMessage::BroadcastAck { request, socket: None, answer }
        }
        (_, Some(Sockets::Described(sockets))) => {
            ClusterMessage::FetchSocketsResponse { request, sockets }
        }
        _ => return Err(Unreadable),
    })
}

/// JSON, or what `MessagePack` is as JSON.
fn document(payload: &Bytes) -> Result<Document, Unreadable> {
    match payload.first() {
        Some(b'{') => {
            let json = str::from_utf8(payload)?.to_owned();
            Ok(Document { json, attachments: Vec::new() })
        }
        _ => Ok(Document::from_msgpack(payload)?),
    }
}

fn packet_event(
    namespace: &str,
    packet: &Packet<'_>,
    attachments: Vec<Bytes>,
) -> Result<(ByteString, RawArgs), Unreadable> {
    let is_here = packet.nsp.as_deref().unwrap_or("/") == namespace;
    if !is_here || !matches!(packet.kind, EVENT | BINARY_EVENT) {
        return Err(Unreadable);
    }
    Ok(event_from_json(packet.data.get(), attachments)?)
}
