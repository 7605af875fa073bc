//! Polling by `<script>` and `<form>`, for pages in browsers without CORS: a payload of either
//! revision as a JavaScript string, and as the field `d` of a form.

use std::fmt::Write;

use bytes::Bytes;

use crate::wire::engine::EngineError;

/// Reads the payload out of a form.
pub(super) fn decode(form: &[u8]) -> Result<Bytes, EngineError> {
    let mut fields = form_urlencoded::parse(form);
    let (_, payload) = fields.find(|(name, _)| name == "d").ok_or(EngineError)?;
    Ok(unescape(&payload).into())
}

/// Undoes what clients do to line feeds, which browsers change in forms: one is sent as `\n`, and
/// what looked like that already as `\\n`.
fn unescape(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let (plain, escape) = [("\\n", "\\\\n"), ("\n", "\\n")]
            .into_iter()
            .find(|(_, escape)| rest.starts_with(escape))
            .unwrap_or(("\\", "\\"));
        unescaped.push_str(plain);
        rest = &rest[escape.len()..];
    }
    unescaped.push_str(rest);
    unescaped
}

/// Writes a text payload as a call of the client's function.
pub(super) fn encode(index: u16, payload: &[u8]) -> Bytes {
    let payload = String::from_utf8_lossy(payload);
    let mut script = String::with_capacity(payload.len() + payload.len() / 4 + 16);
    let json = serde_json::Value::from(payload.as_ref());
    write!(script, "___eio[{index}]({json});").expect("a string takes everything");
    // JSON may have them in strings, old JavaScript may not.
    script.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_javascript() {
        let script = encode(7, "1:4\u{2028}\"\\\n€\u{2029}".as_bytes());
        assert_eq!(script, r#"___eio[7]("1:4\u2028\"\\\n€\u2029");"#);
    }

    #[test]
    fn payloads_come_in_forms() {
        assert_eq!(decode(b"d=1%3A2"), Ok("1:2".into()));
        assert_eq!(decode(b"x=1&d=%E2%82%AC+a&d=no"), Ok("€ a".into()));
        assert_eq!(decode(b"1:2"), Err(EngineError));
        assert_eq!(decode(b""), Err(EngineError));
    }

    #[test]
    fn line_feeds_are_escaped_once_more() {
        for (sent, meant) in [
            (r"a\nb", "a\nb"),
            (r"a\\nb", r"a\nb"),
            (r"a\\\nb", r"a\\nb"),
            (r"a\tb\\", r"a\tb\\"),
            ("\\", "\\"),
            ("é\\né", "é\né"),
        ] {
            assert_eq!(unescape(sent), meant, "{sent}");
        }
    }
}
