//! WebSocket frames, as far as a benchmark needs them: never split.

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A client's frame. Its masking key is zero, so its payload stands as it is.
pub(crate) fn request(opcode: u8, payload: &str) -> Vec<u8> {
    frame(opcode, MASKED, &[0; 4], payload)
}

/// A server's frame.
pub(crate) fn reply(opcode: u8, payload: &str) -> Vec<u8> {
    frame(opcode, 0, &[], payload)
}

/// Takes the payload of the text frame at the start of `bytes`. `None` if it is not all there.
///
/// # Errors
/// Another frame.
pub(crate) fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let (len, rest) = match **bytes {
        [] | [_] => return Ok(None),
        [head, ..] if head != FIN | TEXT => return Err("no text frame"),
        [_, 126] | [_, 126, _] => return Ok(None),
        [_, 126, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        [_, len @ 0..126, ref rest @ ..] => (usize::from(len), rest),
        [_, _, ..] => return Err("a masked frame, or one of 64 KiB or more"),
    };
    let Some((payload, rest)) = rest.split_at_checked(len) else {
        return Ok(None);
    };
    *bytes = rest;
    Ok(Some(payload))
}

fn frame(opcode: u8, masked: u8, key: &[u8], payload: &str) -> Vec<u8> {
    let mut frame = vec![FIN | opcode];
    match u8::try_from(payload.len()) {
        Ok(len @ 0..126) => frame.push(masked | len),
        _ => match u16::try_from(payload.len()) {
            Ok(len) => {
                frame.push(masked | 126);
                frame.extend_from_slice(&len.to_be_bytes());
            }
            Err(_) => {
                frame.push(masked | 127);
                frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        },
    }
    frame.extend_from_slice(key);
    frame.extend_from_slice(payload.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for len in [0, 1, 125, 126, 4096] {
            let payload = "x".repeat(len);
            let frame = reply(TEXT, &payload);
            let mut bytes = &frame[..frame.len() - 1];
            assert_eq!(take_text(&mut bytes), Ok(None));
            let mut bytes = &frame[..];
            assert_eq!(take_text(&mut bytes), Ok(Some(payload.as_bytes())));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn a_long_payload_has_a_long_length() {
        let payload = "x".repeat(1 << 16);
        let frame = reply(BINARY, &payload);
        assert_eq!(frame[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(&frame[10..], payload.as_bytes());
    }

    #[test]
    fn a_request_is_masked() {
        assert_eq!(request(TEXT, "3"), [0x81, 0x81, 0, 0, 0, 0, b'3']);
    }
}
