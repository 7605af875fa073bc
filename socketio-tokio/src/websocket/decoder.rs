use std::mem;

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;
use socketio_core::{Frame, WebSocketError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::opcode;

/// Bytes that the payload of a control frame may have.
const MAX_CONTROL: u64 = 125;

/// What a client sends, from bytes to messages: the server's side of RFC 6455, section 5.
///
/// Between messages it holds no memory.
#[derive(Debug)]
pub(super) struct Decoder {
    max_payload: usize,
    /// What has come and is not decoded yet.
    input: BytesMut,
    /// Bytes that the frame at the start of the input still lacks, as far as is known.
    missing: usize,
    /// The message whose fragments are coming.
    fragments: Option<(Kind, BytesMut)>,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A message, or the close frame.
    Frame(Frame),
    /// To be answered with a pong of the same payload.
    Ping(Bytes),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Binary,
    Text,
}

impl Decoder {
    pub(super) fn new(max_payload: usize) -> Self {
        Self { max_payload, input: BytesMut::new(), missing: 0, fragments: None }
    }

    /// Where to put what comes.
    pub(super) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Bytes to read before there can be another item, as far as is known.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// The next item, if all of it is here.
    ///
    /// # Errors
    /// The client broke the rules. Nothing that comes after makes sense.
    pub(super) fn decode(&mut self) -> Result<Option<Item>, WebSocketError> {
        while let Some((head, payload)) = self.frame()? {
            let item = match head.opcode {
                opcode::CLOSE => Some(Item::Frame(close(&payload)?)),
                opcode::PING => Some(Item::Ping(payload.freeze())),
                opcode::PONG => None,
                _ => self.fragment(&head, payload)?.map(Item::Frame),
            };
            if item.is_some() {
                return Ok(item);
            }
        }
        Ok(None)
    }

    /// Takes a whole frame off the input.
    fn frame(&mut self) -> Result<Option<(Head, BytesMut)>, WebSocketError> {
        let Some(head) = Head::read(&self.input) else {
            self.missing = 0;
            return Ok(None);
        };
        let key = self.check(&head)?;
        // It is within a limit that is a `usize`.
        let len = usize::try_from(head.payload).map_err(|_| TOO_LONG)?;
        self.missing = (head.len + len).saturating_sub(self.input.len());
        if self.missing > 0 {
            return Ok(None);
        }
        self.input.advance(head.len);
        let mut payload = match self.input.len() == len {
            true => mem::take(&mut self.input),
            false => self.input.split_to(len),
        };
        unmask(&mut payload, key);
        Ok(Some((head, payload)))
    }

    /// What is wrong about a frame shows in its head. Gives the masking key.
    fn check(&self, head: &Head) -> Result<[u8; 4], WebSocketError> {
        let in_message = self.fragments.is_some();
        let is_in_order = match head.opcode {
            opcode::CONTINUATION => in_message,
            opcode::TEXT | opcode::BINARY => !in_message,
            opcode::CLOSE | opcode::PING | opcode::PONG => {
                head.is_final && head.payload <= MAX_CONTROL
            }
            _ => false,
        };
        if head.is_reserved || !is_in_order {
            return Err(PROTOCOL);
        }
        let before = self.fragments.as_ref().map_or(0, |(_, payload)| payload.len());
        let left = self.max_payload.saturating_sub(before);
        let is_data = head.opcode < opcode::CLOSE;
        if is_data && usize::try_from(head.payload).map_or(true, |len| len > left) {
            return Err(TOO_LONG);
        }
        head.key.ok_or(PROTOCOL)
    }

    /// Adds a fragment to its message, and gives the message if it was the last.
    fn fragment(
        &mut self,
        head: &Head,
        payload: BytesMut,
    ) -> Result<Option<Frame>, WebSocketError> {
        let (kind, payload) = match self.fragments.take() {
            Some((kind, mut whole)) => {
                whole.extend_from_slice(&payload);
                (kind, whole)
            }
            None if head.opcode == opcode::TEXT => (Kind::Text, payload),
            None => (Kind::Binary, payload),
        };
        if !head.is_final {
            self.fragments = Some((kind, payload));
            return Ok(None);
        }
        let payload = payload.freeze();
        Ok(Some(match kind {
            Kind::Binary => Frame::Binary(payload),
            Kind::Text => Frame::Text(ByteString::try_from(payload).map_err(|_| NOT_UTF8)?),
        }))
    }
}

const PROTOCOL: WebSocketError = WebSocketError::Rejected { code: 1002 };
const NOT_UTF8: WebSocketError = WebSocketError::Rejected { code: 1007 };
const TOO_LONG: WebSocketError = WebSocketError::Rejected { code: 1009 };

/// The head of a frame.
struct Head {
    opcode: u8,
    is_final: bool,
    /// A bit is set that no extension gave a meaning.
    is_reserved: bool,
    key: Option<[u8; 4]>,
    /// Bytes of the payload.
    payload: u64,
    /// Bytes of the head itself.
    len: usize,
}

impl Head {
    /// Reads the head at the start of these bytes, if all of it is there.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], mut rest) = bytes.split_first_chunk()?;
        let payload = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(take(&mut rest)?)),
            127 => u64::from_be_bytes(take(&mut rest)?),
            len => len.into(),
        };
        let key = if second & 0x80 == 0 { None } else { Some(take(&mut rest)?) };
        Some(Self {
            opcode: first & 0x0f,
            is_final: first & 0x80 != 0,
            is_reserved: first & 0x70 != 0,
            key,
            payload,
            len: bytes.len() - rest.len(),
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// RFC 6455, section 5.5.1.
fn close(payload: &[u8]) -> Result<Frame, WebSocketError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(Frame::Close(None)) } else { Err(PROTOCOL) };
    };
    let code = u16::from_be_bytes(*code);
    if !CloseCode::from(code).is_allowed() {
        return Err(PROTOCOL);
    }
    str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
    Ok(Frame::Close(Some(code)))
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}
