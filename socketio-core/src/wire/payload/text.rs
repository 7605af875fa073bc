//! Text beyond ASCII in the payloads of revision 3, which clients write in several ways.

use std::fmt::Write;

use bytes::Bytes;
use bytestring::ByteString;

use crate::wire::engine::EngineError;

/// Reads UTF-8. A half of a surrogate pair, which JavaScript has but UTF-8 has not, is replaced:
/// some clients write it all the same.
pub(super) fn utf8(bytes: Bytes) -> Result<ByteString, EngineError> {
    ByteString::try_from(bytes.clone()).or_else(|_| {
        let mut bytes = bytes.to_vec();
        let mut at = 0;
        while let Some(character) = bytes.get_mut(at..at + 3) {
            if matches!(character, [0xed, 0xa0..=0xbf, 0x80..=0xbf]) {
                character.copy_from_slice("\u{fffd}".as_bytes());
            }
            at += 1;
        }
        ByteString::try_from(bytes).map_err(|_| EngineError)
    })
}

/// Reads text in which each byte of UTF-8 is a character. `None` if it is not of that form: what a
/// 2.x client sends hardly ever is.
pub(super) fn decode_bytes(text: &str) -> Option<ByteString> {
    let bytes: Option<Vec<u8>> = text.chars().map(|byte| u8::try_from(byte).ok()).collect();
    utf8(bytes?.into()).ok()
}

/// Writes each byte of UTF-8 as a character.
pub(super) fn encode_bytes(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// Escapes what is beyond ASCII in JSON.
pub(super) fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() * 2);
    for character in json.chars() {
        match character.is_ascii() {
            true => escaped.push(character),
            false => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(escaped, "\\u{unit:04x}").expect("a string takes everything");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        assert_eq!(utf8(b"a\xed\xa0\x80\xed\xbf\xbfb"[..].into()), Ok("a\u{fffd}\u{fffd}b".into()));
        assert_eq!(utf8(b"\xed\xa0"[..].into()), Err(EngineError));
        assert_eq!(utf8(b"\xff\xed\xa0\x80"[..].into()), Err(EngineError));
    }

    #[test]
    fn bytes_are_characters() {
        for text in ["", "a", "é€👍"] {
            assert_eq!(decode_bytes(&encode_bytes(text)), Some(text.into()));
        }
        assert_eq!(encode_bytes("é"), "Ã©");
        assert_eq!(decode_bytes("é"), None);
        assert_eq!(decode_bytes("Ã©€"), None);
    }

    #[test]
    fn escapes_are_the_same_json() {
        let json = r#"["é","👍\u0000",1]"#;
        let escaped = escape(json);
        assert_eq!(escaped, r#"["\u00e9","\ud83d\udc4d\u0000",1]"#);
        let parse = |json| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        assert_eq!(parse(&escaped), parse(json));
    }
}
