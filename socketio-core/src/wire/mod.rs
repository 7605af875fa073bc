//! Bytes to packets and back: no state, no time, nothing that only a server needs.
//!
//! Two protocols stand on each other. [`engine`] and [`payload`] speak Engine.IO, [`packet`] and
//! [`Assembler`] Socket.IO. A client's [`Framing`] says what its packets look like. [`RawArgs`]
//! keeps the arguments of an event as they came and reads them only when asked; [`Encoded`] is a
//! packet serialised once for any number of receivers.

mod args;
mod assembler;
mod decode;
#[cfg(feature = "cluster")]
pub(crate) mod document;
mod encode;
mod encoded;
pub mod engine;
mod framing;
#[cfg(any(feature = "cluster", feature = "msgpack"))]
mod msgpack;
pub mod packet;
mod parser;
mod parts;
pub mod payload;

#[cfg(feature = "msgpack")]
pub use self::msgpack::MsgPack;
#[cfg(feature = "cluster")]
pub(crate) use self::msgpack::quote;
pub use self::{
    args::{FromArgs, RawArgs},
    assembler::{Assembler, AssemblerLimits},
    decode::ArgsError,
    encode::{Args, EncodeError, encode_ack, encode_connect, encode_connect_error, encode_event},
    encoded::{Encoded, Frames},
    engine::{Frame, Message},
    framing::{Framing, Revision, TextForm},
    packet::{AckId, Packet, PacketError},
    parser::{Decoder, Parser},
};
pub(crate) use self::{
    encode::{
        Draft, draft_event, encode_connect_v4, encode_disconnect, encode_error_v4, without_offset,
    },
    parser::{Codec, Reader},
};
