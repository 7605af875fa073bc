//! What a download says of itself: that it is a file to save, whatever is in it.

use std::fmt::Write;

/// The headers of a file of this name. Browsers neither show nor run it: who uploads a page must
/// not speak for this server.
pub(crate) fn headers(name: &str) -> [(&'static str, String); 5] {
    [
        ("Content-Type", "application/octet-stream".to_owned()),
        ("Content-Disposition", disposition(name)),
        ("Content-Security-Policy", "default-src 'none'; sandbox".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        // Another run of the server has other files under the same ids.
        ("Cache-Control", "no-store".to_owned()),
    ]
}

/// The name twice: in full for those who know RFC 6266, and what is left of it in plain ASCII.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " .-_()".contains(c) { c } else { '_' })
        .collect();
    let mut disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                disposition.push(byte.into());
            }
            _ => write!(disposition, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    disposition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_in_full_and_in_ascii() {
        assert_eq!(
            disposition("Résumé 1.pdf"),
            "attachment; filename=\"R_sum_ 1.pdf\"; filename*=UTF-8''R%C3%A9sum%C3%A9%201.pdf",
        );
    }

    #[test]
    fn a_name_cannot_get_out_of_its_quotes() {
        let header = disposition("a\"; x=\\\r\nSet-Cookie: b=\u{7f}");
        assert_eq!(
            header,
            "attachment; filename=\"a__ x____Set-Cookie_ b__\"; \
             filename*=UTF-8''a%22%3B%20x%3D%5C%0D%0ASet-Cookie%3A%20b%3D%7F",
        );
    }
}
