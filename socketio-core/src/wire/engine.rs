//! Engine.IO v4 packets: one type digit, then data.

use bytes::Bytes;
use bytestring::ByteString;

use super::payload;

/// One Engine.IO message: what an application sends and receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Bytes, a binary WebSocket frame or a `b` record of a polling payload.
    Binary(Bytes),
    /// Text, without the type digit.
    Text(ByteString),
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.into())
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
    /// `2`: the server's heartbeat, or a client's `probe`.
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
    /// Reads a packet from a text frame or a record of a payload. `b` and base64 is binary; clients
    /// that cannot send bytes do so over WebSocket too.
    pub fn decode(text: &ByteString) -> Result<Self, EngineError> {
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
            b'b' => Packet::Message(Message::Binary(payload::decode_base64(&text[1..])?)),
            _ => return Err(EngineError),
        })
    }

    /// Reads a packet from a WebSocket frame. `None` stands for a close frame, which is no packet.
    pub fn from_frame(frame: Frame) -> Option<Result<Self, EngineError>> {
        match frame {
            Frame::Binary(bytes) => Some(Ok(Packet::Message(Message::Binary(bytes)))),
            Frame::Close(_) => None,
            Frame::Text(text) => Some(Packet::decode(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Packet, EngineError> {
        Packet::decode(&text.into())
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
    fn refuses_what_is_no_packet() {
        for text in ["", "7", "abc", "éaaaa", "\u{1e}"] {
            assert_eq!(decode(text), Err(EngineError), "{text:?}");
        }
    }
}
