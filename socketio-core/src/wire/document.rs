use bytes::Bytes;

use super::{
    assembler::AssemblerLimits,
    msgpack::{self, BytesAs},
    packet::PacketError,
};

/// JSON text in which placeholders, `{"_placeholder":true,"num":k}`, stand for bytes, and these. It
/// is how all that travels as `MessagePack` is written and read here.
///
/// ```
/// use socketio_core::cluster::Document;
///
/// let json = r#"["file",{"_placeholder":true,"num":0}]"#.to_owned();
/// let document = Document { json, attachments: vec!["abc".into()] };
/// let written = document.to_msgpack();
/// assert_eq!(written, b"\x92\xa4file\xc4\x03abc");
/// assert_eq!(Document::from_msgpack(&written.into()), Ok(document));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub json: String,
    /// What the placeholders stand for. Where there is nothing, an object that looks like a
    /// placeholder is just an object.
    pub attachments: Vec<Bytes>,
}

/// Attachments of one document, at most: there is less to two bytes of `MessagePack` than to an
/// attachment.
const LIMITS: AssemblerLimits = AssemblerLimits { attachments: 1 << 16, bytes: usize::MAX };

impl Document {
    /// Writes the document as `MessagePack`. What cannot be read anywhere is `null`: lists that are
    /// more than 136 deep, numbers beyond 64-bit floats, and text that is no JSON.
    pub fn to_msgpack(&self) -> Vec<u8> {
        msgpack::write(&self.json, &self.attachments)
    }

    /// Reads `MessagePack` as Node servers write it: as `notepack.io` 2 and 3 do, and
    /// `@msgpack/msgpack` 2. A `Date` is a string as `toISOString` makes it, `undefined` is `null` in
    /// a list and left out of an object. Attachments are slices of these bytes.
    ///
    /// # Errors
    /// It is not one value, or more than 136 deep, or it has more than 65536 binary values, or
    /// beside one an object that looks like its placeholder.
    pub fn from_msgpack(bytes: &Bytes) -> Result<Self, PacketError> {
        let (json, attachments) = msgpack::read(bytes, LIMITS, BytesAs::Attachments)?;
        Ok(Self { json, attachments })
    }

    /// The document as JSON alone. Bytes are written as `JSON.stringify` does with a `Buffer`:
    /// `{"type":"Buffer","data":[1,2,3]}`.
    pub fn to_json(&self) -> String {
        match self.attachments.is_empty() {
            true => self.json.clone(),
            false => self.to_clean_json(),
        }
    }

    /// As [`to_json`](Self::to_json), where `serde_json` is to read all of it: it refuses halves of
    /// characters and numbers beyond 64-bit floats.
    pub(crate) fn to_clean_json(&self) -> String {
        let written = self.to_msgpack().into();
        let (json, _) =
            msgpack::read(&written, LIMITS, BytesAs::Json).expect("it was written here");
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Bytes {
        let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
        digits.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
    }

    fn json(hex: &str) -> Result<String, PacketError> {
        Document::from_msgpack(&bytes(hex)).map(|document| document.json)
    }

    fn document(json: &str, attachments: &[&'static [u8]]) -> Document {
        let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
        Document { json: json.to_owned(), attachments }
    }

    /// `{ a: undefined, b: null, c: [undefined], d: 1.5, e: -1, f: 70000, g: "é", h: <01 02> }`.
    #[test]
    fn reads_all_dialects() {
        let omitted = r#"{"b":null,"c":[null],"d":1.5,"e":-1,"f":70000,"g":"é","h":{"_placeholder":true,"num":0}}"#;
        let null = omitted.replace("{\"b", "{\"a\":null,\"b");
        for (hex, expected) in [
            // notepack.io 3.0
            (
                "87a162c0a16391c0a164cb3ff8000000000000a165ffa166ce00011170a167a2c3a9a168c4020102",
                omitted,
            ),
            // notepack.io 2.3
            (
                "88a161d40000a162c0a16391d40000a164cb3ff8000000000000a165ffa166ce00011170a167a2c3a9a168c4020102",
                omitted,
            ),
            // @msgpack/msgpack 2.8
            (
                "88a161c0a162c0a16391c0a164cb3ff8000000000000a165ffa166ce00011170a167a2c3a9a168c4020102",
                &null,
            ),
        ] {
            let read = Document::from_msgpack(&bytes(hex));
            assert_eq!(read, Ok(document(expected, &[&[1, 2]])), "{hex}");
        }
    }

    #[test]
    fn reads_dates_and_buffers_of_all_dialects() {
        for (hex, expected) in [
            ("d6ff5e0d5da5", "2020-01-02T03:04:05.000Z"),
            ("d7000000016f6435cc88", "2020-01-02T03:04:05.000Z"),
            ("d7ffa1a5d6005e0d5da5", "2020-01-02T03:04:05.678Z"),
            ("d7000000016f6435cf2e", "2020-01-02T03:04:05.678Z"),
            ("c70cff3b8b87c0ffffffffffffffff", "1969-12-31T23:59:59.999Z"),
            ("d700ffffffffffffffff", "1969-12-31T23:59:59.999Z"),
            ("c70cff000000000000000400000000", "2514-05-30T01:53:04.000Z"),
            ("d70000000fa000000000", "2514-05-30T01:53:04.000Z"),
        ] {
            assert_eq!(json(hex), Ok(format!("{expected:?}")), "{hex}");
        }
        // The last date of JavaScript, and beyond all.
        assert_eq!(json("c70cff00000000000007dba8218000"), Ok("null".into()));
        assert_eq!(json("c70cff000000007fffffffffffffff"), Ok("null".into()));
        assert_eq!(json("d7008000000000000000"), Ok("null".into()));
        for hex in ["c40103", "c7010003"] {
            let read = Document::from_msgpack(&bytes(hex)).expect("a document");
            assert_eq!(read.attachments, ["\x03"]);
        }
        let read = Document::from_msgpack(&bytes("c70c00000000000000000000000000"));
        assert_eq!(read.expect("a document").attachments, [&[0; 12][..]]);
    }

    #[test]
    fn reads_whole_numbers_that_come_as_floats() {
        assert_eq!(json("cb4340000000000000"), Ok("9007199254740992".into()));
        assert_eq!(json("cf0020000000000000"), Ok("9007199254740992".into()));
        assert_eq!(json("cbc340000000000000"), Ok("-9007199254740992".into()));
        assert_eq!(json("cb43e0000000000000"), Ok("9223372036854775808".into()));
        assert_eq!(json("cb7ff0000000000000"), Ok("null".into()));
        assert_eq!(json("cb3ff0000000000000"), Ok("1.0".into()));
    }

    #[test]
    fn refuses_what_is_not_one_value() {
        for hex in ["", "c0c0", "9200", "c1", "d5000000", "c70bff0000000000000000000000", "d401ff"]
        {
            assert_eq!(json(hex), Err(PacketError::Malformed), "{hex}");
        }
        assert_eq!(json("d40000"), Ok("null".into()));
        let deep = |levels: usize| json(&("91".repeat(levels) + "c0"));
        assert!(deep(136).is_ok());
        assert_eq!(deep(137), Err(PacketError::Malformed));
        let many = |count: u32| format!("dd{count:08x}{}", "c400".repeat(count as usize));
        assert!(json(&many(1 << 16)).is_ok());
        assert_eq!(json(&many((1 << 16) + 1)), Err(PacketError::TooManyAttachments));
    }

    #[test]
    fn writes_bytes_as_json_where_there_is_nothing_else() {
        let json = r#"[{"_placeholder":true,"num":1},{"_placeholder":true,"num":5}]"#;
        let plain = document(json, &[b"a", &[0, 255]]).to_json();
        assert_eq!(plain, r#"[{"type":"Buffer","data":[0,255]},{"_placeholder":true,"num":5}]"#);
        assert_eq!(document(json, &[]).to_json(), json);
    }

    #[test]
    fn what_is_no_json_is_null() {
        for json in
            ["", "[", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":", "\"", "\"\\", "nul", "[\"\\x\"]"]
        {
            assert_eq!(document(json, &[]).to_msgpack(), [0xc0], "{json}");
        }
    }
}
