//! Packets as `MessagePack`, as `socket.io-msgpack-parser` writes them.

use std::mem;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    BytesAs,
    decode::{Item, Reader},
    encode::Writer,
};
use crate::wire::{
    AckId, AssemblerLimits, Decoder, Encoded, Message, Packet, PacketError, Parser, RawArgs,
    packet::{ROOT, check},
};

/// Packets as `MessagePack`: smaller where there are many numbers or bytes. Clients need
/// `socket.io-msgpack-parser`, or the bundle `socket.io.msgpack.min.js`.
///
/// Handlers see what they see of other clients: bytes, those in an `ArrayBuffer` too, are bytes, a
/// `Date` is a string as `toISOString` makes it, `undefined` is `null` in a list and left out of an
/// object, a number that JSON cannot write is `null`. [`Limits`](crate::Limits) for attachments are
/// those for binary values.
///
/// ```
/// use socketio_core::{MsgPack, SocketIo};
///
/// let io = SocketIo::builder().parser(MsgPack).build()?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgPack;

impl Parser for MsgPack {
    fn encode(&self, packet: Packet) -> Encoded {
        Message::Binary(encode(&packet).into()).into()
    }

    fn decoder(&self, limits: AssemblerLimits) -> Box<dyn Decoder> {
        Box::new(MsgPackDecoder { limits })
    }
}

#[derive(Debug)]
struct MsgPackDecoder {
    limits: AssemblerLimits,
}

impl Decoder for MsgPackDecoder {
    fn decode(&mut self, message: Message) -> Result<Option<Packet>, PacketError> {
        match message {
            Message::Binary(bytes) => decode(&bytes, self.limits).map(Some),
            Message::Text(_) => Err(PacketError::Malformed),
        }
    }
}

/// Writes a packet: `{ type, nsp, id?, data? }`.
fn encode(packet: &Packet) -> Vec<u8> {
    let mut writer = Writer::new(&[]);
    match packet {
        Packet::Connect { namespace, auth } => {
            writer.head(0, namespace, None, auth.is_some());
            if let Some(auth) = auth {
                writer.json(auth, 0);
            }
        }
        Packet::Disconnect { namespace } => writer.head(1, namespace, None, false),
        Packet::Event { namespace, id, name, args } => {
            writer.head(2, namespace, *id, true);
            writer.args(Some(name), args);
        }
        Packet::Ack { namespace, id, args } => {
            writer.head(3, namespace, *id, true);
            writer.args(None, args);
        }
        Packet::ConnectError { namespace, data } => {
            writer.head(4, namespace, None, true);
            writer.json(data, 0);
        }
    }
    writer.out
}

impl<'a> Writer<'a> {
    /// All but the data, which comes last.
    fn head(&mut self, kind: u64, namespace: &str, id: Option<AckId>, has_data: bool) {
        let fields = 2 + usize::from(id.is_some()) + usize::from(has_data);
        self.map(fields);
        self.string("type");
        self.unsigned(kind);
        self.string("nsp");
        self.string(namespace);
        if let Some(AckId(id)) = id {
            self.string("id");
            self.unsigned(id);
        }
        if has_data {
            self.string("data");
        }
    }

    fn args(&mut self, name: Option<&str>, args: &'a RawArgs) {
        self.parts = args.attachments();
        let len = args.len() + usize::from(name.is_some());
        self.array(len);
        if let Some(name) = name {
            self.string(name);
        }
        for argument in args.iter() {
            self.json(argument, 1);
        }
    }
}

/// Reads a whole packet: `{ type, nsp, data?, id?, options? }`.
fn decode(bytes: &Bytes, limits: AssemblerLimits) -> Result<Packet, PacketError> {
    let mut reader = Reader::new(bytes, limits, BytesAs::Attachments);
    let fields = fields(&mut reader)?;
    let parts = reader.finish()?;
    let kind = fields.kind.ok_or(PacketError::Type)?;
    let namespace = fields.namespace.as_deref().ok_or(PacketError::Payload)?;
    let namespace: String = serde_json::from_str(namespace).map_err(|_| PacketError::Payload)?;
    let namespace = match namespace.as_str() {
        "/" => ROOT,
        _ => namespace.into(),
    };
    let id =
        fields.id.map(|id| id.parse().map(AckId).map_err(|_| PacketError::AckId)).transpose()?;
    let data = fields.data.map(ByteString::from);
    Ok(match (kind.as_str(), data) {
        ("0", data) => {
            Packet::Connect { namespace, auth: data.map(|data| check(data, b"{")).transpose()? }
        }
        ("1", None) => Packet::Disconnect { namespace },
        ("2", Some(data)) => {
            let (name, mut args) = RawArgs::event(data)?;
            args.attach(parts);
            Packet::Event { namespace, id, name, args }
        }
        ("3", Some(data)) => {
            let mut args = RawArgs::list(data)?;
            args.attach(parts);
            Packet::Ack { namespace, id, args }
        }
        ("4", Some(data)) => Packet::ConnectError { namespace, data },
        ("1" | "2" | "3" | "4", _) => return Err(PacketError::Payload),
        _ => return Err(PacketError::Type),
    })
}

/// The values of a packet as JSON; `undefined` is as if it were not there.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    namespace: Option<String>,
    data: Option<String>,
    id: Option<String>,
}

/// Reads the fields of a packet.
fn fields(reader: &mut Reader<'_>) -> Result<Fields, PacketError> {
    let Item::Map(len) = reader.item()? else {
        return Err(PacketError::Malformed);
    };
    let mut fields = Fields::default();
    for _ in 0..len {
        let Item::String(len) = reader.item()? else {
            return Err(PacketError::Malformed);
        };
        let name = reader.take(len)?;
        let is_written = reader.value(0)?;
        let value = is_written.then(|| mem::take(&mut reader.json));
        match name {
            b"type" => fields.kind = value,
            b"nsp" => fields.namespace = value,
            b"data" => fields.data = value,
            b"id" => fields.id = value,
            _ => reader.json.clear(),
        }
    }
    Ok(fields)
}
