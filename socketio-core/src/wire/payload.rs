//! Polling payloads of Engine.IO v4: records joined by 0x1E, binary as `b` and base64.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use bytestring::ByteString;

use super::engine::{EngineError, Packet};

/// What stands between two records.
pub const SEPARATOR: u8 = 0x1e;

/// Padded when written; padding is optional when read, as some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the packets of a POST body one after the other.
///
/// Bytes that are not UTF-8 are one bad record; nothing after a bad record is meant to be read.
pub fn decode(body: Bytes) -> impl Iterator<Item = Result<Packet, EngineError>> {
    let body = ByteString::try_from(body);
    let mut rest = Some(0);
    std::iter::from_fn(move || {
        let start = rest.take()?;
        let Ok(body) = &body else {
            return Some(Err(EngineError));
        };
        let tail = &body[start..];
        let record = match tail.find(char::from(SEPARATOR)) {
            Some(end) => {
                rest = Some(start + end + 1);
                &tail[..end]
            }
            None => tail,
        };
        Some(Packet::decode(&body.slice_ref(record)))
    })
}

pub(super) fn decode_base64(base64: &str) -> Result<Bytes, EngineError> {
    BASE64.decode(base64).map(Into::into).map_err(|_| EngineError)
}

/// Appends a record to a payload.
pub fn push(payload: &mut Vec<u8>, record: &str) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    payload.extend_from_slice(record.as_bytes());
}

/// Makes the record of a binary message.
pub fn binary_record(bytes: &[u8]) -> ByteString {
    let mut record = String::with_capacity(1 + bytes.len().div_ceil(3) * 4);
    record.push('b');
    BASE64.encode_string(bytes, &mut record);
    record.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &'static [u8]) -> Vec<Result<Packet, EngineError>> {
        decode(Bytes::from_static(body)).collect()
    }

    #[test]
    fn reads_text_and_binary_records() {
        assert_eq!(
            all(b"4hello\x1ebAQIDBA==\x1e3"),
            [
                Ok(Packet::Message("hello".into())),
                Ok(Packet::Message(Bytes::from_static(&[1, 2, 3, 4]).into())),
                Ok(Packet::Pong("".into())),
            ]
        );
    }

    #[test]
    fn an_empty_record_is_an_error() {
        assert_eq!(all(b""), [Err(EngineError)]);
        assert_eq!(all(b"3\x1e").last(), Some(&Err(EngineError)));
    }

    #[test]
    fn refuses_bad_base64_and_bad_utf8() {
        assert_eq!(all(b"b"), [Ok(Packet::Message(Bytes::new().into()))]);
        assert_eq!(all(b"b*"), [Err(EngineError)]);
        assert_eq!(all(b"4\xff"), [Err(EngineError)]);
    }

    #[test]
    fn writes_what_it_reads() {
        let mut payload = Vec::new();
        push(&mut payload, "4a");
        push(&mut payload, &binary_record(&[1, 2, 3, 4]));
        assert_eq!(payload, b"4a\x1ebAQIDBA==");
    }
}
