//! The WebSocket of the adapters on tokio, over a connection in memory.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use arbitrary::Arbitrary;
use futures_util::{FutureExt, SinkExt, StreamExt};
use socketio_core::{Frame, WebSocketError};
use socketio_tokio::WebSocket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::input::List;

/// Bytes that a message may have.
const MAX_PAYLOAD: usize = 1_000_000;

/// Bytes that a websocket may hold beyond what was sent: the buffer of the thread to read into, the
/// one to write into, and what is set aside for a frame that was announced.
const BUFFERS: usize = 4 * 64 * 1024;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

/// What a client does.
#[derive(Arbitrary, Clone, Debug)]
pub enum Input {
    /// It sends anything.
    Anything(List<Part, 12>, Sizes),
    /// It keeps to the protocol. The sizes are those of what comes, and of what goes.
    Messages(List<Message, 6>, Sizes, Sizes),
}

/// The sizes of pieces, from the first on again at the end. Zero stands for having to wait.
#[derive(Arbitrary, Clone, Debug)]
pub struct Sizes(List<Size, 6>);

/// Small ones are likely: they cut heads.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Any(u16),
    Small(u8),
    Tiny(bool),
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Any(size) => size.into(),
            Self::Small(size) => (size % 16).into(),
            Self::Tiny(size) => size.into(),
        }
    }
}

/// A part of what a client sends that keeps to nothing.
#[derive(Arbitrary, Clone, Debug)]
pub enum Part {
    /// A frame of which no more than the head may ever come.
    Announced(Known, u64),
    /// Anything.
    Bytes(List<u8, 40>),
    /// A frame that is whole, with this as its first byte.
    Frame(u8, Payload),
    /// A frame that is as it should be but for its place.
    Known(Known, Payload),
}

/// The kind of a frame.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "RFC 6455 says it")]
pub enum Known {
    Binary,
    Close,
    Continuation,
    Ping,
    StartOfText,
    Text,
}

/// A message, and how it comes.
#[derive(Arbitrary, Clone, Debug)]
pub struct Message {
    payload: Payload,
    /// How long its fragments are, and what is in the ping before each.
    fragments: List<(u16, Option<List<u8, 125>>), 5>,
}

/// What is in a frame.
#[derive(Arbitrary, Clone, Debug)]
pub enum Payload {
    /// Anything.
    Bytes(List<u8, 40>),
    /// A byte over and over.
    Long(u8, u16),
    /// A text over and over, up to 255 times.
    Text(List<char, 8>, u8),
}

/// Nothing panics, memory is bounded, and how the bytes are cut makes no difference.
/// Messages come out as they were sent; so do those that go back, and every ping is answered.
pub fn check(input: &Input) {
    match input {
        Input::Anything(parts, sizes) => {
            let bytes: Vec<u8> = parts.0.iter().flat_map(Part::bytes).collect();
            let at_once = read(&bytes, &Sizes(List(Vec::new())));
            assert!(read(&bytes, sizes) == at_once, "it matters how the bytes are cut");
        }
        Input::Messages(messages, coming, going) => exchange(&messages.0, coming, going),
    }
}

/// All that the server reads.
fn read(bytes: &[u8], sizes: &Sizes) -> Vec<Result<Frame, WebSocketError>> {
    let mut items = Vec::new();
    let mut total = 0;
    let held = allocation_counter::measure(|| {
        let written = RefCell::default();
        let connection = Connection::new(bytes, &written, [sizes, sizes]);
        let mut server = WebSocket::new(connection, MAX_PAYLOAD);
        let mut end = None;
        loop {
            match server.next().now_or_never() {
                None => {}
                Some(None) => break,
                Some(Some(item)) => {
                    assert!(end.is_none(), "{item:?} follows {end:?}");
                    if !matches!(item, Ok(Frame::Text(_) | Frame::Binary(_))) {
                        end = Some(item.clone());
                    }
                    total += match &item {
                        Ok(Frame::Text(text)) => text.len(),
                        Ok(Frame::Binary(bytes)) => bytes.len(),
                        _ => 0,
                    };
                    items.push(item);
                }
            }
        }
    });
    assert!(total <= bytes.len(), "{total} bytes of {}", bytes.len());
    let bound = BUFFERS + 6 * bytes.len();
    assert!(held.bytes_max <= bound as u64, "{} bytes held, not {bound}", held.bytes_max);
    items
}

fn exchange(messages: &[Message], coming: &Sizes, going: &Sizes) {
    let bytes: Vec<u8> = messages.iter().flat_map(Message::bytes).collect();
    let written = RefCell::default();
    let connection = Connection::new(&bytes, &written, [coming, going]);
    let mut server = WebSocket::new(connection, MAX_PAYLOAD);
    let mut expected = messages.iter();
    loop {
        match server.next().now_or_never() {
            None => {}
            Some(None) => break,
            Some(Some(item)) => {
                let frame = item.expect("the client keeps to the protocol");
                let message = expected.next().expect("no more than was sent");
                // Not `assert_eq!`, as they may be long.
                assert!(frame == message.payload.frame(), "it is not {message:?}");
                server.feed(frame).now_or_never().expect("room").expect("a connection");
                while server.flush().now_or_never().is_none() {}
            }
        }
    }
    assert!(expected.next().is_none(), "no less than was sent");
    while server.flush().now_or_never().is_none() {}
    let (mut data, mut pongs) = (Vec::new(), Vec::new());
    for (first, payload) in sent(&written.borrow()) {
        match first {
            PONG_FRAME => pongs.push(payload),
            first => data.push((first, payload)),
        }
    }
    let sent = messages.iter().map(|message| message.payload.first_and_bytes());
    assert!(data.into_iter().eq(sent), "what went back is not what came");
    let pings = messages.iter().flat_map(|message| &message.fragments.0);
    assert!(
        pings.filter_map(|(_, ping)| ping.as_ref()).map(|ping| &ping.0).eq(&pongs),
        "not every ping is answered"
    );
}

const PONG_FRAME: u8 = FIN | PONG;

/// The frames that a server sent: the first byte, and the payload.
fn sent(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    while let [first, len, after @ ..] = rest {
        let (len, after) = match len {
            126 => {
                after.split_first_chunk().map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest))
            }
            127 => after.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), rest)),
            len => Some((u64::from(*len), after)),
        }
        .expect("a length");
        let (payload, after) = after.split_at(len as usize);
        frames.push((*first, payload.to_vec()));
        rest = after;
    }
    assert!(rest.is_empty(), "half a frame");
    frames
}

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend_from_slice(&KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn head(first: u8, len: u64) -> Vec<u8> {
    let mut head = vec![first];
    match len {
        0..126 => head.push(0x80 | len as u8),
        126..0x1_0000 => {
            head.push(0x80 | 126);
            head.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend_from_slice(&len.to_be_bytes());
        }
    }
    head
}

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Announced(known, len) => {
                // Mostly lengths that are let pass.
                let mut bytes = head(known.first(), len % (MAX_PAYLOAD as u64 + 1000));
                bytes.extend_from_slice(&KEY);
                bytes
            }
            Self::Bytes(bytes) => bytes.0.clone(),
            Self::Frame(first, payload) => frame(*first, &payload.bytes()),
            Self::Known(known, payload) => frame(known.first(), &payload.bytes()),
        }
    }
}

impl Known {
    fn first(self) -> u8 {
        match self {
            Self::Binary => FIN | BINARY,
            Self::Close => FIN | 8,
            Self::Continuation => FIN | CONTINUATION,
            Self::Ping => FIN | PING,
            Self::StartOfText => TEXT,
            Self::Text => FIN | TEXT,
        }
    }
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        let (first, payload) = self.payload.first_and_bytes();
        let mut opcode = first & !FIN;
        let mut rest = &payload[..];
        let mut bytes = Vec::new();
        for (len, ping) in &self.fragments.0 {
            if let Some(ping) = ping {
                bytes.extend(frame(FIN | PING, &ping.0));
            }
            let (fragment, after) = rest.split_at(rest.len().min((*len).into()));
            bytes.extend(frame(opcode, fragment));
            opcode = CONTINUATION;
            rest = after;
        }
        bytes.extend(frame(FIN | opcode, rest));
        bytes
    }
}

impl Payload {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.0.clone(),
            // A little more than the 65,535 bytes where the head changes.
            Self::Long(byte, len) => vec![*byte; usize::from(*len) + 100],
            Self::Text(text, times) => self::text(text, *times).into_bytes(),
        }
    }

    fn frame(&self) -> Frame {
        match self {
            Self::Bytes(_) | Self::Long(..) => Frame::Binary(self.bytes().into()),
            Self::Text(text, times) => Frame::Text(self::text(text, *times).into()),
        }
    }

    fn first_and_bytes(&self) -> (u8, Vec<u8>) {
        let opcode = if let Self::Text(..) = self { TEXT } else { BINARY };
        (FIN | opcode, self.bytes())
    }
}

fn text(text: &List<char, 8>, times: u8) -> String {
    text.0.iter().collect::<String>().repeat(times.into())
}

/// A connection that gives and takes pieces of these sizes.
#[derive(Debug)]
struct Connection<'a> {
    coming: &'a [u8],
    written: &'a RefCell<Vec<u8>>,
    read_sizes: Cycle<'a>,
    write_sizes: Cycle<'a>,
}

#[derive(Debug)]
struct Cycle<'a> {
    sizes: &'a [Size],
    next: usize,
}

impl Cycle<'_> {
    /// The next piece of `len` bytes is so long. None is to wait for it.
    fn next(&mut self, len: usize) -> Poll<usize> {
        let size = self.sizes.get(self.next % self.sizes.len().max(1)).map(|size| size.bytes());
        self.next += 1;
        match size {
            // Who has to wait always is never served.
            Some(0) if self.sizes.iter().any(|size| size.bytes() > 0) => Poll::Pending,
            Some(0) | None => Poll::Ready(len),
            Some(size) => Poll::Ready(len.min(size)),
        }
    }
}

impl<'a> Connection<'a> {
    fn new(coming: &'a [u8], written: &'a RefCell<Vec<u8>>, [read, write]: [&'a Sizes; 2]) -> Self {
        Self {
            coming,
            written,
            read_sizes: Cycle { sizes: &read.0.0, next: 0 },
            write_sizes: Cycle { sizes: &write.0.0, next: 0 },
        }
    }
}

impl AsyncRead for Connection<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = self.coming.len().min(buffer.remaining());
        self.read_sizes.next(len).map(|len| {
            let (piece, rest) = self.coming.split_at(len);
            self.coming = rest;
            buffer.put_slice(piece);
            Ok(())
        })
    }
}

impl AsyncWrite for Connection<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_sizes.next(bytes.len()).map(|len| {
            self.written.borrow_mut().extend_from_slice(&bytes[..len]);
            Ok(len)
        })
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total = pieces.iter().map(|piece| piece.len()).sum();
        self.write_sizes.next(total).map(|len| {
            let bytes = pieces.iter().flat_map(|piece| piece.iter());
            self.written.borrow_mut().extend(bytes.take(len));
            Ok(len)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
