//! JSON with attachments as `MessagePack`, and back: in the dialects of `notepack.io` 2 and 3 and of
//! `@msgpack/msgpack`.

mod decode;
mod encode;
#[cfg(feature = "msgpack")]
mod packet;
#[cfg(test)]
mod tests;

#[cfg(feature = "cluster")]
use std::mem;

#[cfg(feature = "cluster")]
use bytes::Bytes;

#[cfg(feature = "msgpack")]
pub use self::packet::MsgPack;
#[cfg(feature = "cluster")]
use self::{decode::Reader, encode::Writer};
use super::encode::needs_escape;
#[cfg(feature = "cluster")]
use super::{assembler::AssemblerLimits, packet::PacketError};

/// How deep arrays and objects may stand in each other: as deep as `serde_json` reads, and a few for
/// what messages are wrapped in.
const MAX_DEPTH: usize = 128 + 8;

/// The extension for what `notepack.io` 2 has no type for: `undefined` in one byte, a `Date` in
/// eight, and an `ArrayBuffer` with its length in front.
const EXTENSION: u64 = 0;

/// The extension of `MessagePack` for dates, −1, in four, eight or twelve bytes.
const DATE: u64 = 0xff;

/// What becomes of bytes when they are read.
#[derive(Clone, Copy)]
pub(super) enum BytesAs {
    /// Placeholders stand for them.
    Attachments,
    /// They are written out, as `JSON.stringify` does with a `Buffer`.
    #[cfg(feature = "cluster")]
    Json,
}

/// Writes text as a JSON string.
pub(crate) fn quote(json: &mut String, text: &str) {
    match text.bytes().any(needs_escape) {
        true => json.push_str(&serde_json::Value::from(text).to_string()),
        false => json.extend(["\"", text, "\""]),
    }
}

/// Writes a JSON value.
#[cfg(feature = "cluster")]
pub(super) fn write(json: &str, parts: &[Bytes]) -> Vec<u8> {
    let mut writer = Writer::new(parts);
    writer.out.reserve(json.len());
    writer.json(json, 0);
    writer.out
}

/// Reads one value and nothing else. One that is `undefined` is `null`.
#[cfg(feature = "cluster")]
pub(super) fn read(
    bytes: &Bytes,
    limits: AssemblerLimits,
    bytes_as: BytesAs,
) -> Result<(String, Vec<Bytes>), PacketError> {
    let mut reader = Reader::new(bytes, limits, bytes_as);
    let json = match reader.value(0)? {
        true => mem::take(&mut reader.json),
        false => "null".into(),
    };
    Ok((json, reader.finish()?))
}
