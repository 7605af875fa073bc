//! Packets as `MessagePack`, as `socket.io-msgpack-parser` writes them.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    assembler::AssemblerLimits,
    encoded::Encoded,
    engine::Message,
    packet::{Packet, PacketError},
    parser::{Decoder, Parser},
};

/// Packets as `MessagePack`: smaller where there are many numbers or bytes. Clients need
/// `socket.io-msgpack-parser`, or the bundle `socket.io.msgpack.min.js`.
///
/// Handlers see what they see of other clients: bytes, those in an `ArrayBuffer` too, are bytes, a
/// `Date` is a string as `toISOString` makes it, `undefined` is `null` in a list and left out of an
/// object, a number that JSON cannot write is `null`. [`Limits`](crate::Limits) for attachments are
/// those for binary values.
///
/// ```
/// use socketio_core::{MsgPack, SocketIo};
///
/// let io = SocketIo::builder().parser(MsgPack).build()?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgPack;

impl Parser for MsgPack {
    fn encode(&self, packet: Packet) -> Encoded {
        Message::Binary(encode::packet(&packet).into()).into()
    }

    fn decoder(&self, limits: AssemblerLimits) -> Box<dyn Decoder> {
        Box::new(MsgPackDecoder { limits })
    }
}

#[derive(Debug)]
struct MsgPackDecoder {
    limits: AssemblerLimits,
}

impl Decoder for MsgPackDecoder {
    fn decode(&mut self, message: Message) -> Result<Option<Packet>, PacketError> {
        match message {
            Message::Binary(bytes) => decode::packet(&bytes, self.limits).map(Some),
            Message::Text(_) => Err(PacketError::Malformed),
        }
    }
}

/// How deep arrays and objects may stand in each other, as for JSON.
const MAX_DEPTH: usize = 128;

/// The extension for what `MessagePack` has no type for: `undefined` in one byte, a `Date` in eight,
/// and an `ArrayBuffer` with its length in front.
const EXTENSION: u64 = 0;
