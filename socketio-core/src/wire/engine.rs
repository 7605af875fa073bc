//! Engine.IO packets: one type digit, then data.

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use super::{framing::Revision, payload};

/// The type of a message where it stands as a byte: in binary frames and records of revision 3.
pub(super) const MESSAGE: u8 = 4;

/// One Engine.IO message: what an application sends and receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Bytes: a binary WebSocket frame, or a record of a polling payload.
    Binary(Bytes),
    /// Text, without the type digit.
    Text(ByteString),
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Message::Binary(bytes)
    }
}

/// One WebSocket message as adapters hand it over, continuations already joined.
///
/// WebSocket pings and pongs are the adapter's own business and never cross the boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A binary message.
    Binary(Bytes),
    /// A close frame with its status code, if it has one.
    Close(Option<u16>),
    /// A text message.
    Text(ByteString),
}

/// One Engine.IO packet. The order is that of the protocol's type digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0`: the handshake, a JSON object.
    Open(ByteString),
    /// `1`: the session ends.
    Close,
    /// `2`: the heartbeat, which is the server's or in revision 3 the client's, or a client's
    /// `probe`.
    Ping(ByteString),
    /// `3`: the answer to a ping.
    Pong(ByteString),
    /// `4`: data for the application.
    Message(Message),
    /// `5`: the client now sends over the probed transport.
    Upgrade,
    /// `6`: frees a parked poll.
    Noop,
}

/// Text that is no Engine.IO packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no engine packet")]
pub struct EngineError;

impl Packet {
    /// Reads a packet from a text frame or a text record of a payload. `b` and base64 is binary;
    /// clients that cannot send bytes do so over WebSocket too. In revision 3 the type stands
    /// between the two.
    pub fn decode(text: &ByteString, revision: Revision) -> Result<Self, EngineError> {
        let kind = *text.as_bytes().first().ok_or(EngineError)?;
        let data = || text.slice_ref(&text[1..]);
        Ok(match kind {
            b'0' => Packet::Open(data()),
            b'1' => Packet::Close,
            b'2' => Packet::Ping(data()),
            b'3' => Packet::Pong(data()),
            b'4' => Packet::Message(Message::Text(data())),
            b'5' => Packet::Upgrade,
            b'6' => Packet::Noop,
            b'b' => {
                let base64 = match revision {
                    Revision::V3 => text[1..].strip_prefix('4').ok_or(EngineError)?,
                    Revision::V4 => &text[1..],
                };
                Packet::Message(Message::Binary(payload::decode_base64(base64)?))
            }
            _ => return Err(EngineError),
        })
    }

    /// Reads a packet from a binary frame or a binary record of a payload. In revision 3 its type
    /// stands in front; nothing but a message is binary.
    pub fn decode_binary(mut bytes: Bytes, revision: Revision) -> Result<Self, EngineError> {
        if revision == Revision::V3 {
            if bytes.first() != Some(&MESSAGE) {
                return Err(EngineError);
            }
            bytes.advance(1);
        }
        Ok(Packet::Message(Message::Binary(bytes)))
    }

    /// Reads a packet from a WebSocket frame. `None` stands for a close frame, which is no packet.
    pub fn from_frame(frame: Frame, revision: Revision) -> Option<Result<Self, EngineError>> {
        match frame {
            Frame::Binary(bytes) => Some(Packet::decode_binary(bytes, revision)),
            Frame::Close(_) => None,
            Frame::Text(text) => Some(Packet::decode(&text, revision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Packet, EngineError> {
        Packet::decode(&text.into(), Revision::V4)
    }

    fn decode_v3(frame: Frame) -> Result<Packet, EngineError> {
        Packet::from_frame(frame, Revision::V3).expect("no close frame")
    }

    #[test]
    fn reads_every_type() {
        assert_eq!(decode("0{}"), Ok(Packet::Open("{}".into())));
        assert_eq!(decode("1"), Ok(Packet::Close));
        assert_eq!(decode("2probe"), Ok(Packet::Ping("probe".into())));
        assert_eq!(decode("3"), Ok(Packet::Pong("".into())));
        assert_eq!(decode("4€"), Ok(Packet::Message("€".into())));
        assert_eq!(decode("5"), Ok(Packet::Upgrade));
        assert_eq!(decode("6"), Ok(Packet::Noop));
        let bytes = Bytes::from_static(&[1, 2, 3]);
        assert_eq!(decode("bAQID"), Ok(Packet::Message(bytes.into())));
    }

    #[test]
    fn in_revision_3_binary_has_its_type_in_front() {
        let text = |text: &str| decode_v3(Frame::Text(text.into()));
        let binary = |bytes: &[u8]| decode_v3(Frame::Binary(Bytes::copy_from_slice(bytes)));
        let message = |bytes| Ok(Packet::Message(Bytes::from_static(bytes).into()));
        assert_eq!(text("b4AQID"), message(&[1, 2, 3]));
        assert_eq!(binary(&[4, 1, 2, 3]), message(&[1, 2, 3]));
        assert_eq!(text("b4"), message(&[]));
        assert_eq!(text("4b"), Ok(Packet::Message("b".into())));
        for junk in ["b", "bAQID", "b2", "bé", "b4*"] {
            assert_eq!(text(junk), Err(EngineError), "{junk:?}");
        }
        for junk in [&[][..], &[2], b"4x", &[0xff]] {
            assert_eq!(binary(junk), Err(EngineError), "{junk:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_packet() {
        for text in ["", "7", "abc", "éaaaa", "\u{1e}"] {
            assert_eq!(decode(text), Err(EngineError), "{text:?}");
        }
    }
}
