//! The codecs of the core.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use socketio_core::{
    Frame, Message, MsgPack, RawArgs,
    wire::{
        AckId, Assembler, AssemblerLimits, Encoded, Framing, Packet, PacketError, Parser, Revision,
        TextForm, encode_ack, encode_event, engine, packet,
        payload::{self, Payload},
    },
};

use crate::input::{Junk, List};

const LIMITS: AssemblerLimits = AssemblerLimits { attachments: 4, bytes: 100 };

/// What is read or written.
#[derive(Arbitrary, Clone, Debug)]
pub enum Input {
    /// A message for the parser `MsgPack`.
    MsgPack(List<u8, 100>),
    /// The body of a POST.
    Payload(Kind, List<u8, 60>),
    /// The same, made of what is likely to mean something.
    Records(Kind, List<Junk, 4>),
    /// A message, and the attachments that may belong to it.
    Text(Junk, List<List<u8, 10>, 4>),
    /// Rust values as arguments of an event with this name, and of an acknowledgement.
    Values(Junk, u64, Box<Sample>, List<Sample, 3>),
}

/// What a client's payloads are like.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Kind {
    is_v3: bool,
    is_base64: bool,
    is_binary: bool,
    is_jsonp: bool,
    text: u8,
}

impl Kind {
    fn framing(self) -> Framing {
        Framing {
            revision: if self.is_v3 { Revision::V3 } else { Revision::V4 },
            is_base64: self.is_base64,
            jsonp: self.is_jsonp.then_some(0),
            text: match self.text % 3 {
                0 => TextForm::Bytes,
                1 => TextForm::Units,
                _ => TextForm::Unknown,
            },
            // What is escaped does not come back the same.
            is_json: false,
        }
    }

    fn payload(self, body: Bytes) -> Payload {
        match self.is_v3 && self.is_binary && !self.is_jsonp {
            true => Payload::Binary(body),
            false => Payload::Text(body),
        }
    }

    /// Puts records together as clients of this kind do.
    fn join(self, records: &[Junk]) -> Bytes {
        let mut body = Vec::new();
        for (index, Junk(record)) in records.iter().enumerate() {
            let mut record = record.clone();
            match self.payload(Bytes::new()) {
                Payload::Binary(_) => {
                    let is_binary = record.starts_with('b');
                    if is_binary {
                        record.replace_range(..1, "\u{4}");
                    }
                    body.push(is_binary.into());
                    body.extend(record.len().to_string().bytes().map(|digit| digit - b'0'));
                    body.push(0xff);
                }
                Payload::Text(_) if self.is_v3 => {
                    let units = record.encode_utf16().count();
                    body.extend_from_slice(format!("{units}:").as_bytes());
                }
                Payload::Text(_) if index > 0 => body.push(0x1e),
                Payload::Text(_) => {}
            }
            body.extend_from_slice(record.as_bytes());
        }
        match self.is_jsonp {
            true => [b"d=", &body[..]].concat().into(),
            false => body.into(),
        }
    }
}

/// A value with all that serde knows, and bytes in every place.
#[derive(Arbitrary, Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Sample {
    boolean: bool,
    signed: i64,
    unsigned: u64,
    text: String,
    character: char,
    bytes: Blob,
    option: Option<Blob>,
    list: Vec<Blob>,
    map: BTreeMap<String, Blob>,
    texts: BTreeMap<String, String>,
    tuple: (u8, Blob),
    choice: Choice,
}

#[derive(Arbitrary, Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Choice {
    Unit,
    One(Blob),
    Two(i8, Blob),
    Named { blob: Blob },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Blob(Bytes);

impl<'a> Arbitrary<'a> for Blob {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(u.arbitrary::<Vec<u8>>()?.into()))
    }
}

/// Nothing panics, and what was understood comes back the same when it is written and read again.
pub fn check(input: &Input) {
    match input {
        Input::MsgPack(bytes) => msgpack(bytes.0.clone().into()),
        Input::Payload(kind, body) => {
            payload(kind.payload(body.0.clone().into()), kind.framing());
        }
        Input::Records(kind, records) => {
            payload(kind.payload(kind.join(&records.0)), kind.framing());
        }
        Input::Text(text, parts) => message(&text.0, &parts.0),
        Input::Values(name, id, first, rest) => values(&name.0, AckId(*id), first, &rest.0),
    }
}

/// What was understood is the same when it is written for a client of this kind and read again, by
/// polling and by WebSocket.
fn payload(payload: Payload, framing: Framing) {
    let messages: Vec<Message> = payload::decode(payload, framing)
        .filter_map(|packet| match packet {
            Ok(engine::Packet::Message(message)) => Some(message),
            _ => None,
        })
        .collect();
    if messages.is_empty() {
        return;
    }
    let written: Vec<_> = messages.iter().cloned().map(Encoded::from).collect();
    let packets = || messages.iter().cloned().map(|message| Ok(engine::Packet::Message(message)));
    if framing.jsonp.is_none() {
        let body = payload::encode(written.iter(), framing);
        assert!(payload::decode(body, framing).eq(packets()));
    }
    let frames = written.into_iter().flat_map(|packet| packet.into_frames(framing));
    let again = frames.map(|frame| engine::Packet::from_frame(frame, framing.revision));
    assert!(again.eq(packets().map(Some)));
}

/// What was understood is the same when it is written and read again.
fn msgpack(bytes: Bytes) {
    if let Ok(packet) = read_msgpack(bytes) {
        if let Packet::Event { args, .. } | Packet::Ack { args, .. } = &packet {
            arguments(args);
        }
        assert_eq!(translate(packet.clone()), packet);
    }
}

/// A packet by way of `MessagePack`.
fn translate(packet: Packet) -> Packet {
    match MsgPack.encode(packet).into_frames(Framing::default()).next() {
        Some(Frame::Binary(bytes)) => read_msgpack(bytes).expect("what was written can be read"),
        other => panic!("no binary message: {other:?}"),
    }
}

fn read_msgpack(bytes: Bytes) -> std::result::Result<Packet, PacketError> {
    let limits = AssemblerLimits { attachments: usize::MAX, bytes: usize::MAX };
    let packet = MsgPack.decoder(limits).decode(Message::Binary(bytes))?;
    Ok(packet.expect("a packet is one message"))
}

fn message(text: &str, parts: &[List<u8, 10>]) {
    for revision in [Revision::V3, Revision::V4] {
        let _ = engine::Packet::decode(&text.into(), revision);
        let _ = engine::Packet::decode_binary(text.to_owned().into(), revision);
    }
    let mut assembler = Assembler::new(LIMITS);
    let mut packet = assembler.text(&text.into());
    for part in parts {
        if packet != Ok(None) {
            break;
        }
        packet = assembler.binary(part.0.clone().into());
    }
    let Ok(Some(packet)) = packet else {
        return;
    };
    assert!(!assembler.is_pending());
    if let Packet::Connect { namespace, .. } = &packet {
        let (name, auth) = packet::split_query(namespace.clone());
        assert!(!name.contains('?'));
        let _ = auth.map(|auth| {
            let fields: BTreeMap<String, String> = serde_json::from_str(&auth).expect("JSON");
            fields
        });
    }
    // What JSON has no value for, such as 1e999 and half a character, is written as null.
    let _ = translate(packet.clone());
    let encoded = match &packet {
        Packet::Event { namespace, id, name, args } => {
            arguments(args);
            encode_event(namespace, name, *id, args)
        }
        Packet::Ack { namespace, id: Some(id), args } => {
            arguments(args);
            encode_ack(namespace, *id, args)
        }
        _ => return,
    };
    let again = assemble(encoded.expect("what was read can be written"));
    match (packet, again) {
        (
            Packet::Event { namespace, id, name, args },
            Packet::Event { namespace: namespace2, id: id2, name: name2, args: args2 },
        ) => {
            assert_eq!((namespace, id, name), (namespace2, id2, name2));
            assert_same(&args, &args2);
        }
        (
            Packet::Ack { namespace, id, args },
            Packet::Ack { namespace: namespace2, id: id2, args: args2 },
        ) => {
            assert_eq!((namespace, id), (namespace2, id2));
            assert_same(&args, &args2);
        }
        (packet, again) => panic!("{packet:?} came back as {again:?}"),
    }
}

fn assert_same(args: &RawArgs, again: &RawArgs) {
    assert_eq!((args.as_json(), args.len()), (again.as_json(), again.len()));
    // With no arguments there is nothing that attachments could belong to.
    if !args.is_empty() {
        assert_eq!(args.attachments(), again.attachments());
    }
}

/// What is said about arguments fits together, and whatever is asked of them is an answer.
fn arguments(args: &RawArgs) {
    let array = format!("[{}]", args.as_json());
    let elements: Vec<&RawValue> = serde_json::from_str(&array).expect("JSON");
    assert_eq!(elements.len(), args.len());
    for count in 0..=args.len() + 1 {
        let rest = args.skip(count);
        assert_eq!(rest.len(), args.len().saturating_sub(count));
        assert!(args.as_json().ends_with(rest.as_json()));
    }
    let _ = args.parse::<Value>();
    let _ = args.parse::<Option<u64>>();
    let _ = args.parse::<f32>();
    let _ = args.parse::<Vec<Bytes>>();
    let _ = args.parse::<BTreeMap<String, Bytes>>();
    let _ = args.parse::<(Option<String>, Option<Bytes>)>();
    let _ = args.parse::<(Value, Option<Choice>, Option<Value>)>();
    let _ = args.parse::<Sample>();
    args.parse::<()>().expect("nothing asks for nothing");
}

fn values(name: &str, id: AckId, first: &Sample, rest: &[Sample]) {
    let arguments = (first, rest, 0.5);
    let read = |args: RawArgs| {
        let (again, others, number): (Sample, Vec<Sample>, f64) = args.parse().expect("the types");
        assert_eq!((&again, &others[..], number), arguments);
    };
    match encode_event("/n", name, Some(id), &arguments) {
        Ok(encoded) => match assemble(encoded) {
            packet @ Packet::Event { .. } => match (translate(packet.clone()), packet) {
                (
                    Packet::Event { args: translated, .. },
                    Packet::Event { name: name2, id: id2, args, .. },
                ) => {
                    assert_eq!((name, Some(id)), (&*name2, id2));
                    read(args);
                    read(translated);
                }
                other => panic!("no events: {other:?}"),
            },
            other => panic!("no event: {other:?}"),
        },
        Err(error) => assert!(packet::is_reserved(name), "{error}"),
    }
    match assemble(encode_ack("/", id, &arguments).expect("JSON")) {
        Packet::Ack { id: id2, args, .. } => {
            assert_eq!(Some(id), id2);
            read(args);
        }
        other => panic!("no acknowledgement: {other:?}"),
    }
}

/// Reads what was written, as frames.
fn assemble(encoded: Encoded) -> Packet {
    let limits = AssemblerLimits { attachments: usize::MAX, bytes: usize::MAX };
    let mut assembler = Assembler::new(limits);
    let mut packet = None;
    for frame in encoded.into_frames(Framing::default()) {
        assert!(packet.is_none(), "{frame:?} is one too many");
        assert!(!matches!(frame, Frame::Close(_)));
        packet = match engine::Packet::from_frame(frame, Revision::V4) {
            Some(Ok(engine::Packet::Message(Message::Text(text)))) => assembler.text(&text),
            Some(Ok(engine::Packet::Message(Message::Binary(part)))) => assembler.binary(part),
            other => panic!("no message: {other:?}"),
        }
        .expect("a packet");
    }
    packet.expect("all of it")
}
