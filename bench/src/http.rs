//! Long-polling's requests and responses, as far as a benchmark needs them.

/// Answers arrive in a poll's body with this between them.
pub(crate) const SEPARATOR: u8 = 0x1e;

/// A poll, or a handshake if there is no session yet.
pub(crate) fn get(sid: Option<&str>) -> Vec<u8> {
    format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path("polling", sid)).into()
}

/// The start of every POST to a session.
pub(crate) fn post_start(sid: &str) -> Vec<u8> {
    let path = path("polling", Some(sid));
    let head = format!(
        "POST {path} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         Content-Type: text/plain;charset=UTF-8\r\n\
         Content-Length: "
    );
    head.into()
}

/// A POST that starts like this.
pub(crate) fn post(start: &[u8], body: &[u8]) -> Vec<u8> {
    let len = body.len().to_string();
    [start, len.as_bytes(), b"\r\n\r\n", body].concat()
}

/// A websocket's handshake, for a new session or as the upgrade of one.
pub(crate) fn upgrade(sid: Option<&str>) -> Vec<u8> {
    let head = format!(
        "GET {} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        path("websocket", sid)
    );
    head.into()
}

/// Takes the response to a websocket's handshake. `false` if it is not all there.
///
/// # Errors
/// Anything but a switch to the websocket that was asked for.
pub(crate) fn take_upgrade(bytes: &mut &[u8]) -> Result<bool, String> {
    let Some((head, rest)) = split_head(bytes) else {
        return Ok(false);
    };
    let accept = header(head, b"sec-websocket-accept");
    if !head.starts_with(b"HTTP/1.1 101 ") || accept != Some(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
        return Err(format!("no upgrade: {}", bytes.escape_ascii()));
    }
    *bytes = rest;
    Ok(true)
}

/// Takes the body of the response at the start of `bytes`. `None` if it is not all there.
///
/// # Errors
/// Any status but 200, or a body without a length.
pub(crate) fn take_body<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, String> {
    let Some((head, rest)) = split_head(bytes) else {
        return Ok(None);
    };
    let len =
        header(head, b"content-length").and_then(|len| str::from_utf8(len).ok()?.parse().ok());
    let Some(len) = len.filter(|_| head.starts_with(b"HTTP/1.1 200 ")) else {
        return Err(format!("a wrong response: {}", bytes.escape_ascii()));
    };
    let Some((body, rest)) = rest.split_at_checked(len) else {
        return Ok(None);
    };
    *bytes = rest;
    Ok(Some(body))
}

fn path(transport: &str, sid: Option<&str>) -> String {
    let sid = sid.map_or(String::new(), |sid| format!("&sid={sid}"));
    format!("/socket.io/?EIO=4&transport={transport}{sid}")
}

/// The head with the end of its last line, and what is behind it.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    Some((&bytes[..end + 2], &bytes[end + 4..]))
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
        Some(value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_bodies_one_after_the_other() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\nok";
        let both = response.repeat(2);
        for len in 0..response.len() {
            assert_eq!(take_body(&mut &both[..len]), Ok(None));
        }
        let mut bytes = both.as_slice();
        assert_eq!(take_body(&mut bytes), Ok(Some(b"ok".as_slice())));
        assert_eq!(bytes, response);
    }

    #[test]
    fn refuses_what_is_no_success() {
        let refused = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        assert!(take_body(&mut refused.as_slice()).is_err());
        assert!(take_upgrade(&mut refused.as_slice()).is_err());
    }

    #[test]
    fn accepts_the_key_of_its_own_upgrade_only() {
        let response = |accept| {
            format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
        };
        let accepted = response("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(take_upgrade(&mut accepted.as_bytes()), Ok(true));
        assert!(take_upgrade(&mut response("other").as_bytes()).is_err());
    }
}
