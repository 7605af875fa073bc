//! Polling payloads: the body of a POST, or of the answer to a GET.

mod jsonp;
mod text;
mod v3;
mod v4;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use bytestring::ByteString;

use super::{
    encoded::Encoded,
    engine::{EngineError, Packet},
    framing::{Framing, Revision, TextForm},
};

/// Padded when written; padding is optional when read, as some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an HTTP body holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `application/octet-stream`, which only revision 3 has.
    Binary(Bytes),
    /// Text, whatever type it calls itself.
    Text(Bytes),
}

/// Reads the packets of a POST one after the other.
///
/// Bytes that are not UTF-8 where there should be text are one bad packet; nothing after a bad
/// packet is meant to be read.
pub fn decode(payload: Payload, framing: Framing) -> Packets {
    let body = match payload {
        Payload::Text(body) if framing.jsonp.is_some() => jsonp::decode(&body),
        Payload::Text(body) => Ok(body),
        Payload::Binary(body) => return Packets(Records::BinaryV3(v3::BinaryRecords::new(body))),
    };
    Packets(match (body, framing.revision) {
        (Ok(body), Revision::V3) => Records::TextV3(v3::TextRecords::new(body, framing)),
        (Ok(body), Revision::V4) => Records::V4(v4::Records::new(body)),
        (Err(EngineError), _) => Records::Bad,
    })
}

/// The packets of a POST, as [`decode`] reads them.
#[derive(Debug)]
pub struct Packets(Records);

#[derive(Debug)]
enum Records {
    /// There is nothing to read, which is one bad packet.
    Bad,
    BinaryV3(v3::BinaryRecords),
    Over,
    TextV3(v3::TextRecords),
    V4(v4::Records),
}

impl Packets {
    /// What the packets so far told of the client's text, if it was not known.
    pub fn text_form(&self) -> TextForm {
        match &self.0 {
            Records::TextV3(records) => records.form(),
            _ => TextForm::Unknown,
        }
    }
}

impl Iterator for Packets {
    type Item = Result<Packet, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let packet = match &mut self.0 {
            Records::Bad => Some(Err(EngineError)),
            Records::BinaryV3(records) => records.next(),
            Records::Over => None,
            Records::TextV3(records) => records.next(),
            Records::V4(records) => records.next(),
        };
        if let Some(Err(_)) = packet {
            self.0 = Records::Over;
        }
        packet
    }
}

/// Writes packets as the answer to a GET.
pub fn encode<'a, I>(packets: I, framing: Framing) -> Payload
where
    I: Iterator<Item = &'a Encoded> + Clone,
{
    let payload = match framing.revision {
        Revision::V3 => v3::encode(packets, framing),
        Revision::V4 => Payload::Text(v4::encode(packets).into()),
    };
    match (framing.jsonp, payload) {
        (Some(index), Payload::Text(text)) => Payload::Text(jsonp::encode(index, &text)),
        (_, payload) => payload,
    }
}

pub(super) fn decode_base64(base64: &str) -> Result<Bytes, EngineError> {
    BASE64.decode(base64).map(Into::into).map_err(|_| EngineError)
}

pub(super) fn encode_base64(bytes: &[u8]) -> ByteString {
    BASE64.encode(bytes).into()
}
