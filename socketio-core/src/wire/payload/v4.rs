//! Revision 4: records joined by 0x1E, binary as `b` and base64.

use bytes::Bytes;
use bytestring::ByteString;

use crate::wire::{
    encoded::Encoded,
    engine::{EngineError, Packet},
    framing::Revision,
};

/// What stands between two records.
const SEPARATOR: u8 = 0x1e;

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Records {
    body: Result<ByteString, EngineError>,
    /// Where the next record starts.
    next: Option<usize>,
}

impl Records {
    pub(super) fn new(body: Bytes) -> Self {
        Self { body: ByteString::try_from(body).map_err(|_| EngineError), next: Some(0) }
    }
}

impl Iterator for Records {
    type Item = Result<Packet, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        let Ok(body) = &self.body else {
            return Some(Err(EngineError));
        };
        let tail = &body[start..];
        let record = match tail.find(char::from(SEPARATOR)) {
            Some(end) => {
                self.next = Some(start + end + 1);
                &tail[..end]
            }
            None => tail,
        };
        Some(Packet::decode(&body.slice_ref(record), Revision::V4))
    }
}

pub(super) fn encode<'a>(packets: impl Iterator<Item = &'a Encoded> + Clone) -> Vec<u8> {
    let mut payload = Vec::with_capacity(packets.clone().map(|packet| packet.len() + 1).sum());
    for packet in packets {
        if !packet.text().is_empty() {
            separate(&mut payload);
            payload.extend_from_slice(packet.text().as_bytes());
        }
        for base64 in packet.base64() {
            separate(&mut payload);
            payload.push(b'b');
            payload.extend_from_slice(base64.as_bytes());
        }
    }
    payload
}

fn separate(payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    fn all(body: &'static [u8]) -> Vec<Result<Packet, EngineError>> {
        Records::new(Bytes::from_static(body)).collect()
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
        let bytes = Message::from(Bytes::from_static(&[1, 2, 3, 4]));
        let packets = [Encoded::packet("4a"), Encoded::from(bytes)];
        assert_eq!(encode(packets.iter()), b"4a\x1ebAQIDBA==");
    }
}
