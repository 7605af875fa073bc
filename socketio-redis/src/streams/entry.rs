use std::num::ParseIntError;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use redis::{Cmd, Value, cmd, from_redis_value, streams::StreamId};
use socketio_core::{
    ClusterMessage, LogOffset, NodeId,
    cluster::{DecodeError, Document},
};

use super::Settings;

/// An entry of a stream.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) offset: LogOffset,
    pub(super) from: NodeId,
    pub(super) namespace: String,
    /// The number that its node wrote it under. A Node server does not tell, and does not read it.
    pub(super) number: Option<u64>,
    kind: String,
    data: Option<Bytes>,
}

/// What is no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("its type is no number")]
    Kind(#[from] ParseIntError),
    #[error(transparent)]
    Base64(#[from] base64::DecodeError),
    #[error(transparent)]
    Message(#[from] DecodeError),
    #[error(transparent)]
    Packet(#[from] socketio_core::wire::PacketError),
    #[error("it is no text")]
    Text,
}

impl Entry {
    /// `None` if it is not one that a node wrote.
    pub(super) fn read(StreamId { id, mut map, .. }: StreamId) -> Option<Self> {
        let mut text = |field| {
            let value = map.remove(field)?;
            from_redis_value::<String>(value).ok()
        };
        let offset = id.parse().ok()?;
        let (from, namespace, kind) = (text("uid")?, text("nsp")?, text("type")?);
        let number = text("seq").and_then(|number| number.parse().ok());
        let data = map.remove("data").and_then(|data| from_redis_value::<Vec<u8>>(data).ok());
        let (from, data) = (NodeId::new(from), data.map(Bytes::from));
        Some(Self { offset, from, namespace, number, kind, data })
    }

    /// What it says.
    pub(super) fn message(&self) -> Result<ClusterMessage, Unreadable> {
        let data = match &self.data {
            None => None,
            Some(data) if data.starts_with(b"{") => {
                let json = std::str::from_utf8(data).map_err(|_| Unreadable::Text)?;
                Some(Document { json: json.into(), attachments: Vec::new() })
            }
            Some(data) => Some(Document::from_msgpack(&STANDARD.decode(data)?.into())?),
        };
        Ok(ClusterMessage::from_parts(self.kind.parse()?, data.as_ref())?)
    }
}

/// Whether a message goes by a stream, rather than by pub/sub: all that is to be done and not to be
/// answered.
pub(super) fn is_kept(message: &ClusterMessage) -> bool {
    matches!(
        message,
        ClusterMessage::Broadcast { request: None, .. }
            | ClusterMessage::SocketsJoin { .. }
            | ClusterMessage::SocketsLeave { .. }
            | ClusterMessage::DisconnectSockets { .. }
    )
}

/// The command that adds a message: who says it, in which namespace, and what.
pub(crate) fn add(
    settings: &Settings,
    from: &str,
    namespace: &str,
    kind: u8,
    data: Option<&Document>,
) -> Cmd {
    let stream = settings.names.stream(settings.names.index(namespace));
    let mut command = cmd("XADD");
    command.arg(stream).arg("MAXLEN").arg("~").arg(settings.max_len).arg("*");
    command.arg("uid").arg(from).arg("nsp").arg(namespace).arg("type").arg(kind);
    if let Some(data) = data {
        let has_bytes = !data.attachments.is_empty() && !settings.only_plaintext;
        command.arg("data").arg(match has_bytes {
            true => STANDARD.encode(data.to_msgpack()),
            false => data.to_json(),
        });
    }
    command
}

/// The command that adds a message of a node, under a number.
pub(super) fn add_numbered(
    settings: &Settings,
    from: &NodeId,
    namespace: &str,
    number: u64,
    message: &ClusterMessage,
) -> Cmd {
    let data = message.data();
    let mut command = add(settings, from.as_str(), namespace, message.kind(), data.as_ref());
    command.arg("seq").arg(number);
    command
}

/// How many entries a stream ever had, in what `XINFO STREAM` says. Redis tells since version 7.
pub(super) fn entries_added(info: &Value) -> Option<usize> {
    let is_field = |name: &Value| {
        matches!(name, Value::BulkString(name) if name == b"entries-added")
            || matches!(name, Value::SimpleString(name) if name == "entries-added")
    };
    let value = match info {
        Value::Map(fields) => {
            fields.iter().find(|(name, _)| is_field(name)).map(|(_, value)| value)
        }
        Value::Array(items) => {
            items.chunks_exact(2).find(|pair| is_field(&pair[0])).map(|pair| &pair[1])
        }
        _ => None,
    }?;
    from_redis_value(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use redis::Arg;
    use socketio_core::{BroadcastOptions, RawArgs};

    use super::{super::RedisStreamsAdapter, *};
    use crate::Target;

    fn settings() -> Settings {
        let target = Target::server("redis://127.0.0.1/").expect("a URL");
        RedisStreamsAdapter::builder(target).settings
    }

    fn words(command: &Cmd) -> Vec<String> {
        let words = command.args_iter().map(|word| match word {
            Arg::Simple(word) => String::from_utf8(word.to_vec()).expect("text"),
            _ => panic!("a cursor"),
        });
        words.collect()
    }

    fn event(args: RawArgs) -> ClusterMessage {
        let options = BroadcastOptions { rooms: vec!["r".into()], ..BroadcastOptions::default() };
        ClusterMessage::Broadcast { options, name: "hi".into(), args, request: None }
    }

    /// The entry that a command adds.
    fn entry(words: &[String]) -> StreamId {
        let fields = words[6..].chunks_exact(2);
        let value = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let map: HashMap<_, _> = fields.map(|field| (field[0].clone(), value(&field[1]))).collect();
        StreamId { id: "1526919030474-55".into(), map, ..StreamId::default() }
    }

    #[test]
    fn an_event_is_written_as_node_does_and_read_back() {
        let node = NodeId::new("8aecdbd8926f1590");
        let message = event(RawArgs::new(&(1, "two")).expect("arguments"));
        let words = words(&add_numbered(&settings(), &node, "/", 7, &message));
        let data = r#"{"packet":{"type":2,"data":["hi",1,"two"]},"opts":{"rooms":["r"],"except":[],"flags":{}}}"#;
        let expected = [
            "XADD",
            "socket.io",
            "MAXLEN",
            "~",
            "10000",
            "*",
            "uid",
            "8aecdbd8926f1590",
            "nsp",
            "/",
            "type",
            "3",
            "data",
            data,
            "seq",
            "7",
        ];
        assert_eq!(words, expected);
        let entry = Entry::read(entry(&words)).expect("an entry");
        assert_eq!((entry.offset.to_string(), entry.number), ("1526919030474-55".into(), Some(7)));
        assert_eq!(entry.message().expect("a message"), message);
    }

    #[test]
    fn bytes_are_written_as_messagepack_in_base64() {
        let node = NodeId::new("8aecdbd8926f1590");
        let message = event(RawArgs::new(&Bytes::from_static(b"\0\x01")).expect("arguments"));
        let binary = words(&add_numbered(&settings(), &node, "/", 7, &message));
        assert!(!binary[13].starts_with('{'), "{}", binary[13]);
        let read = Entry::read(entry(&binary)).expect("an entry");
        assert_eq!(read.message().expect("a message"), message);
        let settings = Settings { only_plaintext: true, ..settings() };
        let plain = words(&add_numbered(&settings, &node, "/", 7, &message));
        assert!(plain[13].contains(r#"{"type":"Buffer","data":[0,1]}"#), "{}", plain[13]);
    }

    #[test]
    fn what_is_no_entry_of_a_node_is_passed_over() {
        let node = NodeId::new("8aecdbd8926f1590");
        let message = event(RawArgs::default());
        let words = words(&add_numbered(&settings(), &node, "/", 7, &message));
        let read = |change: fn(&mut StreamId)| {
            let mut entry = entry(&words);
            change(&mut entry);
            Entry::read(entry)
        };
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        assert!(read(|entry| entry.id = "x".into()).is_none());
        assert!(read(|entry| drop(entry.map.remove("uid"))).is_none());
        for (field, value) in
            [("type", "three"), ("type", "99"), ("data", "{"), ("data", "!"), ("data", "gA==")]
        {
            let mut entry = entry(&words);
            entry.map.insert(field.into(), text(value));
            let entry = Entry::read(entry).expect("an entry");
            assert!(entry.message().is_err(), "{field} {value}");
        }
    }
}
