use std::{io::Cursor, mem};

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;
use socketio_core::{Frame, WebSocketError};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

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
        while let Some((header, payload)) = self.frame()? {
            let item = match header.opcode {
                OpCode::Control(Control::Ping) => Some(Item::Ping(payload.freeze())),
                OpCode::Control(Control::Close) => Some(Item::Frame(close(&payload)?)),
                OpCode::Control(_) => None,
                OpCode::Data(data) => {
                    let kind = match data {
                        Data::Text => Some(Kind::Text),
                        Data::Binary => Some(Kind::Binary),
                        _ => None,
                    };
                    self.fragment(kind, payload, header.is_final)?.map(Item::Frame)
                }
            };
            if item.is_some() {
                return Ok(item);
            }
        }
        Ok(None)
    }

    /// Takes a whole frame off the input.
    fn frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, WebSocketError> {
        let mut cursor = Cursor::new(&self.input);
        let Some((header, len)) = FrameHeader::parse(&mut cursor).map_err(|_| PROTOCOL)? else {
            self.missing = 0;
            return Ok(None);
        };
        let start = usize::try_from(cursor.position()).expect("a position in memory");
        let mask = self.check(&header, len)?;
        // Checked against a limit that is a `usize`.
        let len = usize::try_from(len).map_err(|_| TOO_LONG)?;
        self.missing = (start + len).saturating_sub(self.input.len());
        if self.missing > 0 {
            return Ok(None);
        }
        self.input.advance(start);
        let mut payload = match self.input.len() == len {
            true => mem::take(&mut self.input),
            false => self.input.split_to(len),
        };
        unmask(&mut payload, mask);
        Ok(Some((header, payload)))
    }

    /// What is wrong about a frame shows in its header. Gives the masking key.
    fn check(&self, header: &FrameHeader, len: u64) -> Result<[u8; 4], WebSocketError> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(PROTOCOL);
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final || len > MAX_CONTROL => return Err(PROTOCOL),
            OpCode::Control(_) => {}
            OpCode::Data(data) => {
                if (data == Data::Continue) != self.fragments.is_some() {
                    return Err(PROTOCOL);
                }
                let before = self.fragments.as_ref().map_or(0, |(_, payload)| payload.len());
                let left = self.max_payload.saturating_sub(before);
                if usize::try_from(len).map_or(true, |len| len > left) {
                    return Err(TOO_LONG);
                }
            }
        }
        header.mask.ok_or(PROTOCOL)
    }

    /// Adds a fragment to its message, and gives the message if it was the last.
    fn fragment(
        &mut self,
        kind: Option<Kind>,
        payload: BytesMut,
        is_final: bool,
    ) -> Result<Option<Frame>, WebSocketError> {
        let (kind, payload) = match (self.fragments.take(), kind) {
            (None, Some(kind)) => (kind, payload),
            (Some((kind, mut whole)), None) => {
                whole.extend_from_slice(&payload);
                (kind, whole)
            }
            _ => return Err(PROTOCOL),
        };
        if !is_final {
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
