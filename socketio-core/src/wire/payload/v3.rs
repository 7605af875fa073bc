//! Revision 3: records behind their length. A payload is text, in which binary is `b4` and base64,
//! or binary as a whole.

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use super::{
    Payload,
    text::{decode_bytes, encode_bytes, escape, utf8},
};
use crate::wire::{
    encoded::Encoded,
    engine::{EngineError, MESSAGE, Packet},
    framing::{Framing, Revision, TextForm},
};

/// What stands between the length of a binary payload's record and the record.
const DELIMITER: u8 = 0xff;

/// The kinds of record in a binary payload.
const TEXT: u8 = 0;
const BINARY: u8 = 1;

/// What is left of a text payload: `<length>:<packet>` and so on, the length in UTF-16 units.
#[derive(Debug)]
pub(super) struct TextRecords {
    body: Result<ByteString, EngineError>,
    /// Where the next record starts.
    next: usize,
    form: TextForm,
}

impl TextRecords {
    pub(super) fn new(body: Bytes, framing: Framing) -> Self {
        let body = if body.is_empty() { Err(EngineError) } else { utf8(body) };
        // A 1.x client that can send bytes always does.
        let form = if framing.polls_bytes() { TextForm::Units } else { framing.text };
        Self { body, next: 0, form }
    }

    pub(super) fn form(&self) -> TextForm {
        self.form
    }

    /// Reads a record in the client's form, which the first one beyond ASCII tells.
    fn read(&mut self, record: ByteString) -> ByteString {
        if self.form == TextForm::Units || record.is_ascii() {
            return record;
        }
        match decode_bytes(&record) {
            Some(text) => {
                self.form = TextForm::Bytes;
                text
            }
            None => {
                self.form = TextForm::Units;
                record
            }
        }
    }

    /// The next record, which may be empty.
    fn record(&mut self) -> Result<Option<ByteString>, EngineError> {
        let body = self.body.as_ref().map_err(|error| *error)?;
        let tail = &body[self.next..];
        if tail.is_empty() {
            return Ok(None);
        }
        let (digits, rest) = tail.split_once(':').ok_or(EngineError)?;
        let units = digits
            .bytes()
            .try_fold(None, |length, digit| append(length, digit.wrapping_sub(b'0')).map(Some))?;
        let record = split_units(rest, units.ok_or(EngineError)?).ok_or(EngineError)?;
        self.next += digits.len() + 1 + record.len();
        Ok(Some(body.slice_ref(record)))
    }
}

impl Iterator for TextRecords {
    type Item = Result<Packet, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.record() {
                Ok(Some(record)) if record.is_empty() => {}
                Ok(Some(record)) => {
                    let record = self.read(record);
                    return Some(Packet::decode(&record, Revision::V3));
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What is left of a binary payload: for each record its kind, the digits of its length in bytes,
/// 0xFF, and the record.
#[derive(Debug)]
pub(super) struct BinaryRecords {
    rest: Bytes,
}

impl BinaryRecords {
    pub(super) fn new(body: Bytes) -> Self {
        Self { rest: body }
    }

    fn record(&mut self) -> Result<Packet, EngineError> {
        let kind = self.rest.get_u8();
        let mut length = None;
        loop {
            match self.rest.try_get_u8().map_err(|_| EngineError)? {
                DELIMITER => break,
                digit => length = Some(append(length, digit)?),
            }
        }
        let length = length.filter(|length| *length <= self.rest.len()).ok_or(EngineError)?;
        let record = self.rest.split_to(length);
        match kind {
            TEXT => Packet::decode(&utf8(record)?, Revision::V3),
            BINARY => Packet::decode_binary(record, Revision::V3),
            _ => Err(EngineError),
        }
    }
}

impl Iterator for BinaryRecords {
    type Item = Result<Packet, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| self.record())
    }
}

/// A length with one more digit.
fn append(length: Option<usize>, digit: u8) -> Result<usize, EngineError> {
    let length = length.unwrap_or_default().checked_mul(10).filter(|_| digit <= 9);
    length.and_then(|length| length.checked_add(digit.into())).ok_or(EngineError)
}

/// The beginning of a text that has so many UTF-16 units. `None` if it is shorter, or would end
/// within a character.
fn split_units(text: &str, units: usize) -> Option<&str> {
    let start = text.as_bytes().get(..units)?;
    if start.is_ascii() {
        return Some(&text[..units]);
    }
    let mut missing = units;
    for (end, character) in text.char_indices() {
        if missing == 0 {
            return Some(&text[..end]);
        }
        missing = missing.checked_sub(character.len_utf16())?;
    }
    (missing == 0).then_some(text)
}

pub(super) fn encode<'a, I>(packets: I, framing: Framing) -> Payload
where
    I: Iterator<Item = &'a Encoded> + Clone,
{
    let needs_bytes = |packet: &Encoded| {
        // A 1.x client that takes bytes reads such text in no other form.
        let is_plain = framing.text == TextForm::Units || packet.text().is_ascii();
        packet.has_attachments() || !is_plain
    };
    match framing.polls_bytes() && packets.clone().any(needs_bytes) {
        true => Payload::Binary(encode_binary(packets).into()),
        false => Payload::Text(encode_text(packets, framing).into()),
    }
}

fn encode_text<'a>(packets: impl Iterator<Item = &'a Encoded>, framing: Framing) -> String {
    let mut payload = String::new();
    let mut push = |prefix: &str, record: &str, units: usize| {
        payload.push_str(&(prefix.len() + units).to_string());
        payload.push(':');
        payload.push_str(prefix);
        payload.push_str(record);
    };
    for packet in packets {
        match (packet.text(), framing.text) {
            ("", _) => {}
            (text, _) if text.is_ascii() => push("", text, text.len()),
            (text, TextForm::Bytes) => push("", &encode_bytes(text), text.len()),
            (text, TextForm::Unknown) if framing.is_json => {
                let text = escape(text);
                push("", &text, text.len());
            }
            (text, _) => push("", text, text.encode_utf16().count()),
        }
        packet.base64().iter().for_each(|base64| push("b4", base64, base64.len()));
    }
    payload
}

fn encode_binary<'a>(packets: impl Iterator<Item = &'a Encoded>) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut push = |kind: u8, prefix: &[u8], record: &[u8]| {
        payload.push(kind);
        let length = (prefix.len() + record.len()).to_string();
        payload.extend(length.bytes().map(|digit| digit - b'0'));
        payload.push(DELIMITER);
        payload.extend_from_slice(prefix);
        payload.extend_from_slice(record);
    };
    for packet in packets {
        if !packet.text().is_empty() {
            push(TEXT, &[], packet.text().as_bytes());
        }
        packet.parts().iter().for_each(|part| push(BINARY, &[MESSAGE], part));
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    fn read_text(body: impl Into<Bytes>) -> Vec<Result<Packet, EngineError>> {
        TextRecords::new(body.into(), v3()).take(9).collect()
    }

    fn read_binary(body: &[u8]) -> Vec<Result<Packet, EngineError>> {
        BinaryRecords::new(Bytes::copy_from_slice(body)).take(9).collect()
    }

    fn text(text: &str) -> Result<Packet, EngineError> {
        Ok(Packet::Message(text.into()))
    }

    fn binary(bytes: &'static [u8]) -> Result<Packet, EngineError> {
        Ok(Packet::Message(Bytes::from_static(bytes).into()))
    }

    #[test]
    fn lengths_of_text_count_utf_16_units() {
        assert_eq!(
            read_text("2:4é4:4👍a1:46:b4AQID0:1:1"),
            [text("é"), text("👍a"), text(""), binary(&[1, 2, 3]), Ok(Packet::Close)]
        );
        let unpaired = b"2:4\xed\xa0\x801:2";
        assert_eq!(read_text(&unpaired[..]), [text("\u{fffd}"), Ok(Packet::Ping("".into()))]);
    }

    #[test]
    fn text_that_is_no_payload_is_an_error() {
        for body in [
            "",
            ":",
            "1",
            "4",
            "1:b",
            "2:bb",
            "99:4x",
            "-1:4",
            "+1:4",
            "x:4",
            "2:4",
            "2:👍",
            "99999999999999999999:4",
            "1:7",
            "1:é",
        ] {
            assert_eq!(read_text(body).first(), Some(&Err(EngineError)), "{body:?}");
        }
        assert_eq!(read_text("1:2é").last(), Some(&Err(EngineError)));
    }

    #[test]
    fn lengths_of_binary_count_bytes() {
        let body =
            b"\x00\x04\xff4\xe2\x82\xac\x01\x04\xff\x04\x01\x02\x03\x00\x01\x00\xff4123456789";
        assert_eq!(read_binary(body), [text("€"), binary(&[1, 2, 3]), text("123456789")]);
        assert_eq!(read_binary(b"\x00\x04\xff4\xed\xbf\xbf"), [text("\u{fffd}")]);
        assert_eq!(read_binary(b""), []);
    }

    #[test]
    fn bytes_that_are_no_payload_are_an_error() {
        for body in [
            &[0][..],
            &[1],
            &[0, 255],
            &[1, 255],
            &[1, 1, 255],
            &[1, 1, 255, 2],
            &[2, 1, 255, 52],
            &[0, 1, 255, 0xc3],
            &[0, 0, 255],
            &[0, 10, 255, 52],
            &[0, 9, 9, 9, 255, 52],
            &[0; 40],
            &[9; 40],
        ] {
            assert_eq!(read_binary(body).first(), Some(&Err(EngineError)), "{body:?}");
        }
    }

    fn packets() -> [Encoded; 2] {
        let bytes = Message::from(Bytes::from_static(&[1, 2, 3]));
        [Encoded::packet("4€"), Encoded::from(bytes)]
    }

    fn v3() -> Framing {
        Framing { revision: Revision::V3, ..Framing::default() }
    }

    #[test]
    fn bytes_make_a_payload_binary_where_the_client_takes_them() {
        let expected = b"\x00\x04\xff4\xe2\x82\xac\x01\x04\xff\x04\x01\x02\x03";
        assert_eq!(encode(packets().iter(), v3()), Payload::Binary(expected[..].into()));
        let base64 = Framing { is_base64: true, ..v3() };
        assert_eq!(encode(packets().iter(), base64), Payload::Text("2:4€6:b4AQID".into()));
        let jsonp = Framing { jsonp: Some(0), ..v3() };
        assert_eq!(encode(packets().iter(), jsonp), Payload::Text("2:4€6:b4AQID".into()));
    }

    #[test]
    fn text_beyond_ascii_is_text_for_those_that_send_such_themselves() {
        let [euro, _] = &packets();
        let units = Framing { text: TextForm::Units, ..v3() };
        assert_eq!(encode([euro].into_iter(), units), Payload::Text("2:4€".into()));
        let expected = b"\x00\x04\xff4\xe2\x82\xac";
        assert_eq!(encode([euro].into_iter(), v3()), Payload::Binary(expected[..].into()));
        let ascii = [Encoded::packet("40"), Encoded::packet("42[]")];
        assert_eq!(encode(ascii.iter(), v3()), Payload::Text("2:404:42[]".into()));
    }

    #[test]
    fn without_bytes_the_first_text_beyond_ascii_tells_the_form() {
        let base64 = Framing { is_base64: true, is_json: true, ..v3() };
        let mut records = TextRecords::new("1:24:4\u{e2}\u{82}\u{ac}2:4\u{e9}".into(), base64);
        assert_eq!(records.next(), Some(Ok(Packet::Ping("".into()))));
        assert_eq!(records.form(), TextForm::Unknown);
        assert_eq!(records.next(), Some(text("€")));
        assert_eq!(records.form(), TextForm::Bytes);

        for body in ["2:4€", "2:4é", "4:4Ã©Ā"] {
            let mut records = TextRecords::new(body.into(), base64);
            assert_eq!(records.next(), Some(text(body.split_once(":4").expect("a message").1)));
            assert_eq!(records.form(), TextForm::Units);
        }
        let units = Framing { text: TextForm::Units, ..base64 };
        assert!(TextRecords::new("3:4Ã©".into(), units).eq([text("Ã©")]));
    }

    #[test]
    fn without_bytes_text_goes_in_the_form_of_the_client() {
        let [euro, _] = &packets();
        for (form, is_json, expected) in [
            (TextForm::Bytes, true, "4:4\u{e2}\u{82}\u{ac}"),
            (TextForm::Units, true, "2:4€"),
            (TextForm::Unknown, true, "7:4\\u20ac"),
            (TextForm::Unknown, false, "2:4€"),
        ] {
            let framing = Framing { is_base64: true, text: form, is_json, ..v3() };
            assert_eq!(encode([euro].into_iter(), framing), Payload::Text(expected.into()));
        }
    }
}
