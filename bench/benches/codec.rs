//! What it costs to read and to write a packet, in time and allocations.

use bytes::Bytes;
use bytestring::ByteString;
use divan::{AllocProfiler, Bencher, black_box};
use socketio_core::wire::{
    Assembler, AssemblerLimits, Framing, Packet, RawArgs, encode_event, engine,
    payload::{self, Payload},
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 2] = [64, 4096];
const ATTACHMENT: usize = 1024;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn decode_event(bencher: Bencher<'_, '_>, size: usize) {
    let packet = event(size);
    bencher.bench_local(|| Packet::decode(black_box(&packet)));
}

#[divan::bench(args = SIZES)]
fn decode_and_parse_event(bencher: Bencher<'_, '_>, size: usize) {
    let packet = event(size);
    bencher.bench_local(|| args(black_box(&packet)).parse::<(String, u32)>());
}

#[divan::bench(args = SIZES)]
fn encode_value(bencher: Bencher<'_, '_>, size: usize) {
    let text = text(size);
    bencher.bench_local(|| encode_event("/", "message-back", None, &(black_box(&text), 7)));
}

#[divan::bench(args = SIZES)]
fn encode_raw_args(bencher: Bencher<'_, '_>, size: usize) {
    let args = args(&event(size));
    bencher.bench_local(|| encode_event("/", "message-back", None, black_box(&args)));
}

#[divan::bench]
fn encode_polling_payload(bencher: Bencher<'_, '_>) {
    let part = Bytes::from(vec![7; ATTACHMENT]);
    bencher.bench_local(|| payload_of(black_box(&part)));
}

#[divan::bench]
fn decode_polling_payload(bencher: Bencher<'_, '_>) {
    let body = payload_of(&Bytes::from(vec![7; ATTACHMENT]));
    bencher.bench_local(|| {
        let mut assembler = Assembler::new(AssemblerLimits { attachments: 10, bytes: ATTACHMENT });
        let mut packet = None;
        for record in payload::decode(black_box(body.clone()), Framing::default()) {
            packet = match record {
                Ok(engine::Packet::Message(engine::Message::Text(text))) => assembler.text(&text),
                Ok(engine::Packet::Message(engine::Message::Binary(part))) => {
                    assembler.binary(part)
                }
                other => panic!("no message: {other:?}"),
            }
            .expect("a packet");
        }
        packet.expect("a complete packet")
    });
}

/// A client's event with two arguments, without the Engine.IO digit.
fn event(size: usize) -> ByteString {
    format!(r#"2["message","{}",7]"#, text(size)).into()
}

fn args(packet: &ByteString) -> RawArgs {
    match Packet::decode(packet) {
        Ok((Packet::Event { args, .. }, 0)) => args,
        other => panic!("no event: {other:?}"),
    }
}

fn text(size: usize) -> String {
    "x".repeat(size)
}

fn payload_of(part: &Bytes) -> Payload {
    let event = encode_event("/", "message-back", None, part).expect("an event");
    payload::encode([&event].into_iter(), Framing::default())
}
