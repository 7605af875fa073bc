//! Bytes to packets and back: no state, no time, nothing that only a server needs.
//!
//! Two protocols stand on each other. [`engine`] and [`payload`] speak Engine.IO v4, [`packet`]
//! and [`Assembler`] Socket.IO v5. [`RawArgs`] keeps the arguments of an event as they came and
//! reads them only when asked; [`Encoded`] is a packet serialised once for any number of receivers.

mod args;
mod assembler;
mod decode;
mod encode;
mod encoded;
pub mod engine;
pub mod packet;
mod parts;
pub mod payload;

pub(crate) use self::encode::{Draft, draft_event, encode_disconnect};
pub use self::{
    args::{FromArgs, RawArgs},
    assembler::{Assembler, AssemblerLimits},
    decode::ArgsError,
    encode::{Args, EncodeError, encode_ack, encode_connect, encode_connect_error, encode_event},
    encoded::{Encoded, Frames},
    engine::{Frame, Message},
    packet::{AckId, Packet, PacketError},
};
