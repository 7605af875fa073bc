//! The codecs of the core.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use socketio_core::{
    Frame, Message, RawArgs,
    wire::{
        AckId, Assembler, AssemblerLimits, Encoded, Packet, encode_ack, encode_event, engine,
        payload,
    },
};

use crate::input::{Junk, List};

const LIMITS: AssemblerLimits = AssemblerLimits { attachments: 4, bytes: 100 };

/// What is read or written.
#[derive(Arbitrary, Clone, Debug)]
pub enum Input {
    /// The body of a POST.
    Payload(List<u8, 60>),
    /// The same, made of what is likely to mean something.
    Records(List<Junk, 4>),
    /// A message, and the attachments that may belong to it.
    Text(Junk, List<List<u8, 10>, 4>),
    /// Rust values as arguments of an event with this name, and of an acknowledgement.
    Values(Junk, u64, Box<Sample>, List<Sample, 3>),
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
        Input::Payload(body) => records(body.0.clone().into()),
        Input::Records(records) => {
            let records: Vec<_> = records.0.iter().map(|record| &*record.0).collect();
            self::records(records.join("\u{1e}").into());
        }
        Input::Text(text, parts) => message(&text.0, &parts.0),
        Input::Values(name, id, first, rest) => values(&name.0, AckId(*id), first, &rest.0),
    }
}

fn records(body: Bytes) {
    let packets: Vec<_> = payload::decode(body).collect();
    assert!(!packets.is_empty(), "no body is no record, which is an error");
    let messages: Vec<Message> = packets
        .into_iter()
        .filter_map(|packet| match packet {
            Ok(engine::Packet::Message(message)) => Some(message),
            _ => None,
        })
        .collect();
    let mut body = Vec::new();
    for message in messages.clone() {
        Encoded::from(message).write_records(&mut body);
    }
    if !messages.is_empty() {
        let again = payload::decode(body.into());
        assert!(again.eq(messages.into_iter().map(|message| Ok(engine::Packet::Message(message)))));
    }
}

fn message(text: &str, parts: &[List<u8, 10>]) {
    let _ = engine::Packet::decode(&text.into());
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
            Packet::Event { name: name2, id: id2, args, .. } => {
                assert_eq!((name, Some(id)), (&*name2, id2));
                read(args);
            }
            other => panic!("no event: {other:?}"),
        },
        Err(error) => assert!(socketio_core::wire::packet::is_reserved(name), "{error}"),
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
    for frame in encoded.into_frames() {
        assert!(packet.is_none(), "{frame:?} is one too many");
        assert!(!matches!(frame, Frame::Close(_)));
        packet = match engine::Packet::from_frame(frame) {
            Some(Ok(engine::Packet::Message(Message::Text(text)))) => assembler.text(&text),
            Some(Ok(engine::Packet::Message(Message::Binary(part)))) => assembler.binary(part),
            other => panic!("no message: {other:?}"),
        }
        .expect("a packet");
    }
    packet.expect("all of it")
}
