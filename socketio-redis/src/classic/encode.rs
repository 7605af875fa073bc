use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;
use socketio_core::{
    ClusterMessage, NodeId, RawArgs, RequestId,
    cluster::{Document, answer_to_json, event_to_json},
};

use super::format::{Body, EVENT, Room, Sockets};

/// Something to publish, and on which channel of its namespace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) channel: Channel,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// That of one room, or of all events.
    Broadcast(Option<ByteString>),
    Request,
    /// That of who asked, where the options have nodes answer there.
    Response,
    /// That of all answers.
    SharedResponse,
}

/// Writes what a node says. There are messages that this transport does not have.
pub(crate) fn encode(from: &NodeId, namespace: &str, message: ClusterMessage) -> Option<Written> {
    let request =
        |kind| Body { uid: Some(from.as_str().into()), kind: Some(kind), ..Body::default() };
    let response =
        |kind, request: &RequestId| Body { kind, request_id: Some(id(request)), ..Body::default() };
    let json = |channel, body: Body<'_>| Written { channel, payload: text(&body).into() };
    Some(match message {
        ClusterMessage::Broadcast { options, name, args, request: None } => {
            broadcast(from.as_str(), namespace, &options.rooms, &options, &name, &args)
        }
        ClusterMessage::Broadcast { options, name, args, request: Some(asked) } => {
            let packet = raw(packet(namespace, &name, &args));
            let body = Body {
                request_id: Some(id(&asked)),
                opts: Some(options),
                packet: Some(&packet),
                ..request(7)
            };
            Written { channel: Channel::Request, payload: msgpack(text(&body), &args) }
        }
        ClusterMessage::SocketsJoin { options, rooms } => {
            let (opts, rooms) = (Some(options), Some(Room::all(rooms)));
            json(Channel::Request, Body { opts, rooms, ..request(2) })
        }
        ClusterMessage::SocketsLeave { options, rooms } => {
            let (opts, rooms) = (Some(options), Some(Room::all(rooms)));
            json(Channel::Request, Body { opts, rooms, ..request(3) })
        }
        ClusterMessage::DisconnectSockets { options, close } => {
            let (opts, close) = (Some(options), Some(close));
            json(Channel::Request, Body { opts, close, ..request(4) })
        }
        ClusterMessage::FetchSockets { options, request: asked } => {
            let (opts, request_id) = (Some(options), Some(id(&asked)));
            json(Channel::Request, Body { opts, request_id, ..request(5) })
        }
        ClusterMessage::FetchSocketsResponse { request, sockets } => {
            let sockets = Some(Sockets::Described(sockets));
            json(Channel::Response, Body { sockets, ..response(None, &request) })
        }
        ClusterMessage::ServerSideEmit { name, args, request: asked } => {
            let data = raw(event_to_json(&name, &args));
            let (data, request_id) = (Some(&*data), asked.as_ref().map(id));
            let body = Body { data, request_id, ..request(6) };
            Written { channel: Channel::Request, payload: plain(&body, &args) }
        }
        ClusterMessage::ServerSideEmitResponse { request, answer } => {
            let data = answer_to_json(&answer).map(raw);
            let body = Body { data: data.as_deref(), ..response(Some(6), &request) };
            Written { channel: Channel::SharedResponse, payload: plain(&body, &answer) }
        }
        ClusterMessage::BroadcastClientCount { request, count } => {
            let client_count = Some(count);
            json(Channel::Response, Body { client_count, ..response(Some(8), &request) })
        }
        ClusterMessage::BroadcastAck { request, answer, .. } => {
            let packet = answer_to_json(&answer).map(raw);
            let body = Body { packet: packet.as_deref(), ..response(Some(9), &request) };
            Written { channel: Channel::Response, payload: msgpack(text(&body), &answer) }
        }
        _ => return None,
    })
}

/// Writes an event for clients.
pub(crate) fn broadcast(
    from: &str,
    namespace: &str,
    rooms: &[ByteString],
    opts: &impl Serialize,
    name: &str,
    args: &RawArgs,
) -> Written {
    let room = match rooms {
        [room] => Some(room.clone()),
        _ => None,
    };
    let (from, packet, opts) = (text(&from), packet(namespace, name, args), text(opts));
    let payload = msgpack(format!("[{from},{packet},{opts}]"), args);
    Written { channel: Channel::Broadcast(room), payload }
}

pub(crate) fn packet(namespace: &str, name: &str, args: &RawArgs) -> String {
    let (data, nsp) = (event_to_json(name, args), text(&namespace));
    format!(r#"{{"type":{EVENT},"data":{data},"nsp":{nsp}}}"#)
}

pub(crate) fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).expect("arguments are JSON")
}

fn id(request: &RequestId) -> ByteString {
    request.as_str().into()
}

pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text, numbers and JSON")
}

/// Bytes become what `JSON.stringify` makes of them.
pub(crate) fn plain(body: &Body<'_>, args: &RawArgs) -> Vec<u8> {
    document(text(body), args).to_json().into()
}

fn msgpack(json: String, args: &RawArgs) -> Vec<u8> {
    document(json, args).to_msgpack()
}

fn document(json: String, args: &RawArgs) -> Document {
    Document { json, attachments: args.attachments().to_vec() }
}
