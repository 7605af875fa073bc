//! What the Autobahn suite asks of a server, on a connection in memory.

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use socketio_core::{Frame, WebSocketError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{opcode::*, *};

const MAX_PAYLOAD: usize = 100_000;

const FIN: u8 = 0x80;

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let key = [0x37, 0xfa, 0x21, 0x3d];
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A server's frame.
fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame(first, payload);
    let head = frame.len() - payload.len() - 4;
    frame[1] &= 0x7f;
    frame.truncate(head);
    frame.extend_from_slice(payload);
    frame
}

fn connect(buffer: usize) -> (DuplexStream, WebSocket<DuplexStream>) {
    let (client, server) = duplex(buffer);
    (client, WebSocket::new(server, MAX_PAYLOAD))
}

/// All that a server reads when the client sends these bytes and no more, in pieces of this size.
fn read(bytes: &[u8], piece: usize) -> Vec<Result<Frame, WebSocketError>> {
    let (mut client, mut server) = connect(1 << 20);
    let mut read = Vec::new();
    for piece in bytes.chunks(piece) {
        client.write_all(piece).now_or_never().expect("room").expect("a connection");
        while let Some(Some(item)) = server.next().now_or_never() {
            let is_error = item.is_err();
            read.push(item);
            if is_error {
                return read;
            }
        }
    }
    read
}

fn rejected(bytes: &[u8]) -> Option<u16> {
    match read(bytes, 3).pop()? {
        Err(WebSocketError::Rejected { code }) => Some(code),
        _ => None,
    }
}

#[test]
fn messages_of_every_length_in_pieces_of_every_size() {
    for len in [0, 1, 7, 8, 9, 125, 126, 127, 2047, 2048, 65_535, 65_536, 100_000] {
        let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
        let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let all = [frame(FIN | TEXT, text.as_bytes()), frame(FIN | BINARY, &bytes)].concat();
        let expected = [Ok(Frame::Text(text.into())), Ok(Frame::Binary(bytes.into()))];
        for piece in [1, 2, 3, 4096, 20_000, all.len()] {
            if len < 1000 || piece > 3 {
                assert_eq!(read(&all, piece), expected, "{len} in pieces of {piece}");
            }
        }
    }
}

#[test]
fn fragments_are_joined_and_control_frames_come_in_between() {
    let (mut client, mut server) = connect(1 << 16);
    // The fragments end within a character.
    let all = [
        frame(TEXT, "é".as_bytes().split_at(1).0),
        frame(FIN | PING, b"one"),
        frame(CONTINUATION, b""),
        frame(FIN | PONG, b"unasked"),
        frame(CONTINUATION, "é".as_bytes().split_at(1).1),
        frame(FIN | PING, &[7; 125]),
        frame(FIN | CONTINUATION, b"!"),
        frame(FIN | BINARY, b"next"),
    ];
    client.write_all(&all.concat()).now_or_never().expect("room").expect("a connection");
    let mut next = || server.next().now_or_never().flatten().expect("an item");
    assert_eq!(next(), Ok(Frame::Text("é!".into())));
    assert_eq!(next(), Ok(Frame::Binary(Bytes::from_static(b"next"))));
    assert!(server.next().now_or_never().is_none());
    let pongs = [sent(FIN | PONG, b"one"), sent(FIN | PONG, &[7; 125])].concat();
    assert_eq!(received(&mut client), pongs);
}

fn received(client: &mut DuplexStream) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while let Some(Ok(count @ 1..)) = client.read(&mut buffer).now_or_never() {
        received.extend_from_slice(&buffer[..count]);
    }
    received
}

#[test]
fn what_breaks_the_rules_has_its_code() {
    let long = [0; 126];
    for (what, code, frames) in [
        ("reserved bit 1", 1002, vec![frame(FIN | TEXT | 0x40, b"")]),
        ("reserved bit 2", 1002, vec![frame(FIN | BINARY | 0x20, b"x")]),
        ("reserved bit 3", 1002, vec![frame(FIN | PING | 0x10, b"x")]),
        ("reserved data opcode", 1002, vec![frame(FIN | 3, b"")]),
        ("reserved control opcode", 1002, vec![frame(FIN | 11, b"")]),
        ("no mask", 1002, vec![sent(FIN | TEXT, b"hello")]),
        ("long ping", 1002, vec![frame(FIN | PING, &long)]),
        ("long close", 1002, vec![frame(FIN | CLOSE, &long)]),
        ("ping in fragments", 1002, vec![frame(PING, b"")]),
        ("close in fragments", 1002, vec![frame(CLOSE, b"")]),
        ("end of nothing", 1002, vec![frame(FIN | CONTINUATION, b"x")]),
        ("go on with nothing", 1002, vec![frame(CONTINUATION, b"x")]),
        ("text in a message", 1002, vec![frame(TEXT, b"x"), frame(FIN | TEXT, b"x")]),
        ("begin in a message", 1002, vec![frame(BINARY, b"x"), frame(BINARY, b"x")]),
        ("half a close code", 1002, vec![frame(FIN | CLOSE, &[3])]),
        ("no UTF-8", 1007, vec![frame(FIN | TEXT, b"\xc3")]),
        ("surrogate", 1007, vec![frame(FIN | TEXT, b"\xed\xa0\x80")]),
        ("no UTF-8 in all", 1007, vec![frame(TEXT, b"\xc3"), frame(FIN | CONTINUATION, b"x")]),
        ("no UTF-8 in a reason", 1007, vec![frame(FIN | CLOSE, b"\x03\xe8\xff")]),
        ("too long", 1009, vec![frame(FIN | BINARY, &vec![0; MAX_PAYLOAD + 1])]),
        (
            "too long in all",
            1009,
            vec![frame(BINARY, &vec![0; MAX_PAYLOAD]), frame(FIN | CONTINUATION, b"x")],
        ),
        ("longer than anything", 1009, vec![[&[FIN | BINARY, 0xff][..], &[0xff; 12]].concat()]),
    ] {
        assert_eq!(rejected(&frames.concat()), Some(code), "{what}");
    }
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        let close = frame(FIN | CLOSE, &code.to_be_bytes());
        assert_eq!(rejected(&close), Some(1002), "{code}");
    }
}

#[test]
fn what_is_too_long_is_rejected_before_it_has_come() {
    let head = frame(FIN | BINARY, &vec![0; MAX_PAYLOAD + 1]);
    assert_eq!(rejected(&head[..14]), Some(1009));
}

#[test]
fn what_comes_after_a_violation_is_read_to_the_end() {
    let (mut client, mut server) = connect(1 << 16);
    let bytes = [sent(FIN | TEXT, b"x"), frame(FIN | TEXT, b"ignored")].concat();
    client.write_all(&bytes).now_or_never().expect("room").expect("a connection");
    let error = WebSocketError::Rejected { code: 1002 };
    assert_eq!(server.next().now_or_never(), Some(Some(Err(error))));
    assert_eq!(server.next().now_or_never(), None);
    drop(client);
    assert_eq!(server.next().now_or_never(), Some(None));
}

#[test]
fn a_close_is_answered_with_its_code_and_ends_the_stream() {
    for (payload, code) in
        [(&b""[..], None), (b"\x03\xe8", Some(1000)), (b"\x0f\xa0bye", Some(4000))]
    {
        let (mut client, mut server) = connect(1 << 16);
        let close = [frame(FIN | CLOSE, payload), frame(FIN | TEXT, b"late")].concat();
        client.write_all(&close).now_or_never().expect("room").expect("a connection");
        assert_eq!(server.next().now_or_never(), Some(Some(Ok(Frame::Close(code)))));
        // Nothing follows the close frame, not even another.
        server.send(Frame::Text("late".into())).now_or_never().expect("room").expect("open");
        server.send(Frame::Close(None)).now_or_never().expect("room").expect("open");
        assert_eq!(server.next().now_or_never(), Some(None));
        assert_eq!(received(&mut client), sent(FIN | CLOSE, &payload[..payload.len().min(2)]));
    }
}

#[test]
fn a_close_of_the_servers_waits_for_the_clients() {
    let (mut client, mut server) = connect(1 << 16);
    server.send(Frame::Close(Some(1001))).now_or_never().expect("room").expect("open");
    assert_eq!(received(&mut client), sent(FIN | CLOSE, &1001_u16.to_be_bytes()));
    let rest = [frame(FIN | TEXT, b"meanwhile"), frame(FIN | CLOSE, b"\x03\xe9")].concat();
    client.write_all(&rest).now_or_never().expect("room").expect("a connection");
    let mut next = || server.next().now_or_never().expect("an item");
    assert_eq!(next(), Some(Ok(Frame::Text("meanwhile".into()))));
    assert_eq!(next(), Some(Ok(Frame::Close(Some(1001)))));
    assert_eq!(next(), None);
    assert!(received(&mut client).is_empty());
}

#[test]
fn pings_that_nobody_reads_the_answers_of_do_not_pile_up() {
    let (mut client, mut server) = connect(1 << 12);
    let ping = frame(FIN | PING, &[1; 125]);
    let mut answered = 0;
    for _ in 0..10_000 {
        client.write_all(&ping).now_or_never().expect("room").expect("a connection");
        assert!(server.next().now_or_never().is_none());
        answered = server.encoder.len();
    }
    assert!(answered < HIGH_WATER + 200, "{answered} bytes wait");
    // The last of them is answered for sure.
    client.write_all(&frame(FIN | PING, b"last")).now_or_never().expect("room").expect("open");
    let mut all = Vec::new();
    loop {
        assert!(server.next().now_or_never().is_none());
        let received = received(&mut client);
        if received.is_empty() {
            break;
        }
        all.extend_from_slice(&received);
    }
    assert!(all.ends_with(&sent(FIN | PONG, b"last")));
}

#[test]
fn frames_of_every_length_are_written_whole_whatever_the_connection_takes() {
    let lengths = [0, 1, 125, 126, 2047, 2048, 2049, 70_000, 3, 5000, 5000, 0];
    for buffer in [1, 7, 1000, 1 << 20] {
        let (mut client, mut server) = connect(buffer);
        let mut expected = Vec::new();
        let mut all = Vec::new();
        for (n, len) in lengths.into_iter().enumerate() {
            let payload = vec![n as u8; len];
            expected.extend(sent(FIN | BINARY, &payload));
            while server.send_all_ready().is_none() {
                all.extend(received(&mut client));
            }
            server.start_send_unpin(Frame::Binary(payload.into())).expect("open");
        }
        while server.flush().now_or_never().is_none() {
            all.extend(received(&mut client));
        }
        all.extend(received(&mut client));
        assert!(all == expected, "through a buffer of {buffer}");
        assert_eq!(server.encoder.len(), 0);
    }
}

#[test]
fn a_websocket_at_rest_holds_no_buffers() {
    let (mut client, mut server) = connect(1 << 20);
    for len in [10, 5000, 90_000] {
        let message = frame(FIN | BINARY, &vec![0; len]);
        client.write_all(&message).now_or_never().expect("room").expect("a connection");
        let echo = server.next().now_or_never().flatten().expect("an item").expect("a frame");
        server.send(echo).now_or_never().expect("room").expect("open");
        received(&mut client);
        assert!(server.next().now_or_never().is_none());
        assert_eq!(server.decoder.input().capacity(), 0);
        assert_eq!(server.encoder.capacity(), 0);
    }
}

impl WebSocket<DuplexStream> {
    fn send_all_ready(&mut self) -> Option<()> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx))
            .now_or_never()
            .map(|ready| ready.expect("open"))
    }
}
