//! Clients that send anything: nothing panics, and nobody else is harmed.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::Value;
use socketio_core::{
    Data, Frame, RawArgs, Socket, SocketIo,
    testing::TestServer,
    wire::{Assembler, AssemblerLimits, Packet, engine, payload},
};

/// A small generator of numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// What protocols are made of.
const PIECES: [&str; 40] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "-",
    ",",
    "/",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\\",
    ":",
    "b",
    "\u{1e}",
    "é",
    "\u{0}",
    "\\u00e9",
    "\"a\"",
    "null",
    "1e999",
    "51-",
    "450-",
    "/n,",
    "/dyn-1,",
    "{\"_placeholder\":true,\"num\":0}",
    "\"_placeholder\":true",
    "\"num\":-1",
    "99999999999999999999",
    "[\"message\",",
    "probe",
    "AQID",
    "=",
    "[\"connect\"]",
    "{\"a\":",
];

fn junk(dice: &mut Dice) -> ByteString {
    let pieces = (0..dice.roll(8)).map(|_| PIECES[dice.roll(PIECES.len())]);
    pieces.collect::<String>().into()
}

#[test]
fn decoders_take_anything() {
    let mut dice = Dice(42);
    let mut understood = 0;
    for _ in 0..200_000 {
        let text = junk(&mut dice);
        let _ = engine::Packet::decode(&text);
        let limits = AssemblerLimits { attachments: 10, bytes: 100 };
        let mut assembler = Assembler::new(limits);
        if let Ok(None) = assembler.text(&text) {
            let _ = assembler.binary(Bytes::from_static(b"x"));
        }
        if let Ok((Packet::Event { args, .. } | Packet::Ack { args, .. }, _)) =
            Packet::decode(&text)
        {
            understood += 1;
            let _ = args.parse::<Value>();
            let _ = args.parse::<(Option<String>, Option<Bytes>)>();
            assert!(args.skip(1).len() <= args.len());
        }
        for packet in payload::decode(text.into_bytes()) {
            let _ = packet;
        }
    }
    assert!(understood > 500, "the junk is too far from the protocol: {understood}");
}

#[test]
fn payloads_take_any_bytes() {
    let mut dice = Dice(7);
    for _ in 0..50_000 {
        let body: Vec<u8> = (0..dice.roll(20)).map(|_| dice.roll(256) as u8).collect();
        assert!(payload::decode(body.into()).count() > 0);
    }
}

#[test]
fn a_server_takes_anything() {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("message", |socket: Socket, args: RawArgs| socket.emit("back", &args));
    server.io().on("number", |Data(n): Data<u32>| Data(n));
    server.io().of_dynamic(|name| name.starts_with("/dyn-"), |_| {});
    server.io().on_error(|_| {});
    let witness = server.connect();
    let mut dice = Dice(2026);
    for _ in 0..3000 {
        let connection = server.open();
        if dice.roll(3) > 0 {
            connection.request_join("/", &());
        }
        for _ in 0..dice.roll(6) {
            let mut text = junk(&mut dice).to_string();
            if dice.roll(2) == 0 {
                text.insert(0, '4');
            }
            match dice.roll(5) {
                0 => connection.send(Frame::Binary(Bytes::from(text))),
                _ => connection.send_text(&text),
            }
        }
        connection.close();
    }
    assert_eq!(witness.ask::<u32>("number", &7), 7);
    assert_eq!(server.io().clients_count(), 1);
    assert_eq!(server.io().sockets_count(), 1);
}
