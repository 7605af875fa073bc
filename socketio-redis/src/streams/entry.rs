use std::{mem, num::ParseIntError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use redis::{Cmd, Value, cmd, from_redis_value};
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
    fn read(offset: LogOffset, fields: Value) -> Option<Self> {
        let mut fields = items(fields);
        let mut field = |name: &str| {
            let is_name = |pair: &[Value]| is_text(&pair[0], name);
            let index = fields.chunks_exact(2).position(is_name)?;
            from_redis_value::<Vec<u8>>(mem::replace(&mut fields[2 * index + 1], Value::Nil)).ok()
        };
        let data = field("data").map(Bytes::from);
        let mut text = |name| String::from_utf8(field(name)?).ok();
        let (from, namespace, kind) = (text("uid")?, text("nsp")?, text("type")?);
        let number = text("seq").and_then(|number| number.parse().ok());
        Some(Self { offset, from: NodeId::new(from), namespace, number, kind, data })
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

/// The entries in what `XRANGE` says, each with its place. What no node wrote is `None`.
pub(super) fn entries(reply: Value) -> Vec<(LogOffset, Option<Entry>)> {
    let entry = |item| {
        let [id, fields] = items(item).try_into().ok()?;
        let offset = from_redis_value::<String>(id).ok()?.parse().ok()?;
        Some((offset, Entry::read(offset, fields)))
    };
    items(reply).into_iter().filter_map(entry).collect()
}

/// The same in what `XREAD` says of one stream.
pub(super) fn new_entries(reply: Value) -> Vec<(LogOffset, Option<Entry>)> {
    let stream = match reply {
        Value::Map(streams) => streams.into_iter().next().map(|(_, entries)| entries),
        reply => items(reply).pop().and_then(|stream| items(stream).pop()),
    };
    stream.map(entries).unwrap_or_default()
}

/// Whether a stream has all that it ever had, by what `XINFO STREAM` says. Redis tells since version
/// 7.
pub(super) fn is_whole(info: Value) -> bool {
    let fields = items(info);
    let field = |name| {
        let pair = fields.chunks_exact(2).find(|pair| is_text(&pair[0], name))?;
        from_redis_value::<usize>(pair[1].clone()).ok()
    };
    field("entries-added").is_some_and(|added| field("length") == Some(added))
}

/// What is in a list, or the names and values of a map.
fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Map(fields) => fields.into_iter().flat_map(|(name, value)| [name, value]).collect(),
        _ => Vec::new(),
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == text.as_bytes(),
        Value::SimpleString(string) => string == text,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
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

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn reply(id: &str, fields: &[Value]) -> Value {
        Value::Array(vec![text(id), Value::Array(fields.to_vec())])
    }

    /// The entry that a command adds.
    fn entry(words: &[String]) -> Option<Entry> {
        let fields: Vec<_> = words[6..].iter().map(|word| text(word)).collect();
        let reply = Value::Array(vec![reply("1526919030474-55", &fields)]);
        entries(reply).pop().and_then(|(_, entry)| entry)
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
        let entry = entry(&words).expect("an entry");
        assert_eq!((entry.offset.to_string(), entry.number), ("1526919030474-55".into(), Some(7)));
        assert_eq!(entry.message().expect("a message"), message);
    }

    #[test]
    fn bytes_are_written_as_messagepack_in_base64() {
        let node = NodeId::new("8aecdbd8926f1590");
        let message = event(RawArgs::new(&Bytes::from_static(b"\0\x01")).expect("arguments"));
        let binary = words(&add_numbered(&settings(), &node, "/", 7, &message));
        assert!(!binary[13].starts_with('{'), "{}", binary[13]);
        let read = entry(&binary).expect("an entry");
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
        let with = |field: &str, value: &str| {
            let mut words = words.clone();
            let index = words.iter().rposition(|word| word == field).expect("a field");
            words[index + 1] = value.into();
            entry(&words)
        };
        for (field, value) in
            [("type", "three"), ("type", "99"), ("data", "{"), ("data", "!"), ("data", "gA==")]
        {
            let entry = with(field, value).expect("an entry");
            assert!(entry.message().is_err(), "{field} {value}");
        }
    }

    #[test]
    fn what_no_node_wrote_hides_nothing_else() {
        let own = ["uid", "a", "nsp", "/", "type", "3", "seq", "7"].map(text);
        let odd = [Value::BulkString(vec![0xff]), text("x")];
        let replies = Value::Array(vec![
            reply("1-0", &odd),
            reply("no place", &own),
            Value::Nil,
            reply("2-0", &own),
            reply("3-0", &own[..3]),
            Value::Array(vec![text("4-0"), Value::Nil]),
        ]);
        let read = |entries: Vec<(LogOffset, Option<Entry>)>| -> Vec<_> {
            let number = |entry: Option<Entry>| entry.and_then(|entry| entry.number);
            entries.into_iter().map(|(at, entry)| (at.major, number(entry))).collect()
        };
        let expected = vec![(1, None), (2, Some(7)), (3, None), (4, None)];
        assert_eq!(read(entries(replies.clone())), expected);
        let map = Value::Map(vec![(text("s"), replies.clone())]);
        assert_eq!(read(new_entries(map)), expected);
        let list = Value::Array(vec![Value::Array(vec![text("s"), replies])]);
        assert_eq!(read(new_entries(list)), expected);
        assert_eq!(read(new_entries(Value::Nil)), vec![]);
    }
}
