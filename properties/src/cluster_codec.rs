//! What nodes tell each other, written and read.

use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use serde_json::json;
use socketio_core::{
    BroadcastOptions, ClusterMessage, NodeId, RawArgs, RemoteHandshake, RequestId,
    SocketDescription, SocketId,
    cluster::{Document, Envelope},
};

use crate::{
    input::{Junk, List},
    packets::Sample,
};

/// What may come from the other nodes.
#[derive(Arbitrary, Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Input {
    Bytes(List<u8, 200>),
    /// A message with some bytes changed, and whether it is JSON.
    Damaged(Message, bool, List<(u16, u8), 8>),
    /// As the event of a message.
    Json(Junk),
    Message(Message),
}

/// A message, by what its encodings could get wrong.
#[derive(Arbitrary, Clone, Debug)]
pub struct Message {
    from: String,
    namespace: String,
    kind: Kind,
    names: [List<String, 3>; 3],
    request: Option<String>,
    flag: bool,
    number: u32,
    event: String,
    values: List<Sample, 2>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Ack,
    Answer,
    Broadcast,
    Close,
    Count,
    Disconnect,
    Emit,
    Fetch,
    FirstHeartbeat,
    Heartbeat,
    Join,
    Leave,
    Sockets,
}

/// Nothing panics; what is written is read the same, and what was understood comes back the same.
pub fn check(input: &Input) {
    match input {
        Input::Bytes(bytes) => refused_or_the_same(bytes.0.clone().into()),
        Input::Damaged(message, is_json, changes) => {
            let envelope = message.envelope();
            let mut bytes = match is_json {
                true => envelope.to_json().into_bytes(),
                false => envelope.to_msgpack(),
            };
            for (at, byte) in &changes.0 {
                let at = usize::from(*at) % bytes.len();
                bytes[at] = *byte;
            }
            refused_or_the_same(bytes.into());
        }
        Input::Json(junk) => {
            let array = junk.0.trim_start_matches(|byte| byte != '[');
            let json = format!(
                r#"{{"type":3,"uid":"u","nsp":"/","data":{{"packet":{{"data":{array}}}}}}}"#
            );
            refused_or_the_same(json.into());
        }
        Input::Message(message) => {
            let envelope = message.envelope();
            let written = envelope.to_msgpack();
            assert_eq!(Envelope::decode(&written.into()).as_ref(), Ok(&envelope));
            let json = envelope.to_json().into();
            let read = Envelope::decode(&json).expect("what was written can be read");
            assert_eq!(read == envelope, !envelope.has_bytes());
        }
    }
}

fn refused_or_the_same(bytes: Bytes) {
    if let Ok(document) = Document::from_msgpack(&bytes) {
        assert_eq!(Document::from_msgpack(&document.to_msgpack().into()), Ok(document));
    }
    let Ok(envelope) = Envelope::decode(&bytes) else {
        return;
    };
    if !envelope.has_bytes() {
        assert_eq!(Envelope::decode(&envelope.to_json().into()).as_ref(), Ok(&envelope));
    }
    // What JSON has no value for, such as 1e999 and half a character, is lost once, and no more.
    let read = |envelope: &Envelope| Envelope::decode(&envelope.to_msgpack().into());
    let cleaned = read(&envelope).expect("what was written can be read");
    assert_eq!(read(&cleaned), Ok(cleaned));
}

impl Message {
    fn envelope(&self) -> Envelope {
        let names = |index: usize| -> Vec<_> {
            self.names[index].0.iter().map(|name| name.as_str().into()).collect()
        };
        let options = BroadcastOptions {
            rooms: names(0),
            except: names(1),
            is_volatile: self.flag,
            timeout: self.flag.then(|| Duration::from_millis(self.number.into())),
        };
        let rooms = names(2);
        let name = self.event.as_str().into();
        let args = RawArgs::new(&self.values.0[..]).expect("JSON");
        let answer = match self.values.0.first() {
            Some(value) => RawArgs::new(value).expect("JSON"),
            None => RawArgs::default(),
        };
        let asked = self.request.clone().map(RequestId::new);
        let request = RequestId::new(self.request.clone().unwrap_or_default());
        let message = match self.kind {
            Kind::Ack => {
                let socket = self.flag.then(|| SocketId::parse("AAAAAAAAAAAAAAAAAAAA")).flatten();
                ClusterMessage::BroadcastAck { request, socket, answer }
            }
            Kind::Answer => ClusterMessage::ServerSideEmitResponse { request, answer },
            Kind::Broadcast => ClusterMessage::Broadcast { options, name, args, request: asked },
            Kind::Close => ClusterMessage::AdapterClose,
            Kind::Count => {
                let count = self.number as usize;
                ClusterMessage::BroadcastClientCount { request, count }
            }
            Kind::Disconnect => ClusterMessage::DisconnectSockets { options, close: self.flag },
            Kind::Emit => ClusterMessage::ServerSideEmit { name, args, request: asked },
            Kind::Fetch => ClusterMessage::FetchSockets { options, request },
            Kind::FirstHeartbeat => ClusterMessage::InitialHeartbeat,
            Kind::Heartbeat => ClusterMessage::Heartbeat,
            Kind::Join => ClusterMessage::SocketsJoin { options, rooms },
            Kind::Leave => ClusterMessage::SocketsLeave { options, rooms },
            Kind::Sockets => {
                let sockets = self.names[0].0.iter().map(|id| self.socket(id)).collect();
                ClusterMessage::FetchSocketsResponse { request, sockets }
            }
        };
        let from = NodeId::new(self.from.as_str());
        Envelope { namespace: self.namespace.as_str().into(), from, message }
    }

    fn socket(&self, id: &str) -> SocketDescription {
        let handshake = RemoteHandshake {
            url: self.event.clone(),
            is_secure: self.flag,
            issued: self.number.into(),
            auth: json!([self.event, null, -1]),
            ..RemoteHandshake::default()
        };
        let (id, rooms) = (id.to_owned(), self.names[1].0.clone());
        SocketDescription { id, handshake, rooms, data: json!({ "n": self.number }) }
    }
}
