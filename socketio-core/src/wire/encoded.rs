use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    engine::{Frame, MESSAGE, Message},
    framing::{Framing, Revision},
    packet::Packet,
    payload,
};

/// A message serialised once, shared by reference between all who receive it.
///
/// A Socket.IO packet and its attachments are one `Encoded`, so nothing can come between them.
/// The text starts with the Engine.IO type digit: it is the WebSocket frame and the polling record.
/// What else a session's [`Framing`] wants is made when the first such session needs it.
#[derive(Clone)]
pub struct Encoded {
    text: ByteString,
    attachments: Option<Arc<Attachments>>,
}

struct Attachments {
    parts: Vec<Bytes>,
    base64: OnceLock<Vec<ByteString>>,
    /// With the type in front, as revision 3 has it.
    typed: OnceLock<Vec<Bytes>>,
}

impl Encoded {
    pub(super) fn new(text: ByteString, parts: Vec<Bytes>) -> Self {
        let attachments = (!parts.is_empty()).then(|| {
            Arc::new(Attachments { parts, base64: OnceLock::new(), typed: OnceLock::new() })
        });
        Self { text, attachments }
    }

    /// An Engine.IO packet that is ready for the wire, such as `2` or `0{…}`.
    pub(crate) fn packet(text: impl Into<ByteString>) -> Self {
        Self::new(text.into(), Vec::new())
    }

    /// Another text with the same attachments.
    pub(super) fn with_text(&self, text: impl Into<ByteString>) -> Self {
        Self { text: text.into(), attachments: self.attachments.clone() }
    }

    /// The packet of this namespace that this is, as it is written in JSON.
    pub(super) fn into_packet(self, namespace: ByteString) -> Packet {
        let text = self.text.slice_ref(&self.text[1..]);
        let packet = Packet::decode_in(namespace, &text);
        let mut packet = packet.expect("what the server wrote is a packet");
        if let (Some(attachments), Packet::Event { args, .. } | Packet::Ack { args, .. }) =
            (self.attachments, &mut packet)
        {
            args.attach(attachments.parts.clone());
        }
        packet
    }

    /// Bytes that this takes in a queue.
    pub fn len(&self) -> usize {
        self.text.len() + self.parts().iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.attachments.is_none()
    }

    /// The WebSocket frames, in order.
    pub fn into_frames(self, framing: Framing) -> Frames {
        let binary = match (framing.is_base64, framing.revision) {
            (true, revision) => Binary::Base64(revision),
            (false, Revision::V3) => Binary::Typed,
            (false, Revision::V4) => Binary::Plain,
        };
        Frames { encoded: self, next: 0, binary }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn has_attachments(&self) -> bool {
        self.attachments.is_some()
    }

    pub(super) fn parts(&self) -> &[Bytes] {
        match &self.attachments {
            Some(attachments) => &attachments.parts,
            None => &[],
        }
    }

    /// The attachments as base64.
    pub(super) fn base64(&self) -> &[ByteString] {
        let Some(attachments) = &self.attachments else {
            return &[];
        };
        attachments.base64.get_or_init(|| {
            attachments.parts.iter().map(|part| payload::encode_base64(part)).collect()
        })
    }

    /// The attachments with their type in front.
    fn typed(&self) -> &[Bytes] {
        let Some(attachments) = &self.attachments else {
            return &[];
        };
        attachments.typed.get_or_init(|| {
            let typed = |part: &Bytes| [&[MESSAGE], &part[..]].concat().into();
            attachments.parts.iter().map(typed).collect()
        })
    }
}

/// The WebSocket frames of a message: its text, then its attachments.
#[derive(Debug)]
pub struct Frames {
    encoded: Encoded,
    /// The attachment that comes next.
    next: u32,
    binary: Binary,
}

/// How a binary message is a frame.
#[derive(Clone, Copy, Debug)]
enum Binary {
    /// Text: `b`, in revision 3 the type, and base64.
    Base64(Revision),
    Plain,
    Typed,
}

impl Frames {
    /// Whether all have been taken.
    pub fn is_empty(&self) -> bool {
        self.encoded.text.is_empty() && self.next as usize >= self.encoded.parts().len()
    }
}

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let Self { encoded, next, binary } = self;
        if !encoded.text.is_empty() {
            return Some(Frame::Text(std::mem::take(&mut encoded.text)));
        }
        let at = *next as usize;
        let frame = match binary {
            Binary::Base64(revision) => {
                let prefix = if *revision == Revision::V3 { "b4" } else { "b" };
                let base64 = encoded.base64().get(at)?;
                Frame::Text([prefix, base64].concat().into())
            }
            Binary::Plain => Frame::Binary(encoded.parts().get(at)?.clone()),
            Binary::Typed => Frame::Binary(encoded.typed().get(at)?.clone()),
        };
        *next += 1;
        Some(frame)
    }
}

impl From<Message> for Encoded {
    fn from(message: Message) -> Self {
        match message {
            Message::Binary(bytes) => Self::new(ByteString::new(), vec![bytes]),
            Message::Text(text) => Self::packet(format!("4{text}")),
        }
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("text", &self.text)
            .field("attachments", &self.parts().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(encoded: &Encoded, framing: Framing) -> Vec<Frame> {
        encoded.clone().into_frames(framing).collect()
    }

    #[test]
    fn each_framing_has_its_binary_frames() {
        let encoded = Encoded::new("451-[]".into(), vec![Bytes::from_static(&[1, 2, 3])]);
        assert_eq!(encoded.len(), 9);
        for (revision, is_base64, expected) in [
            (Revision::V4, false, Frame::Binary(Bytes::from_static(&[1, 2, 3]))),
            (Revision::V4, true, Frame::Text("bAQID".into())),
            (Revision::V3, false, Frame::Binary(Bytes::from_static(&[4, 1, 2, 3]))),
            (Revision::V3, true, Frame::Text("b4AQID".into())),
        ] {
            let framing = Framing { revision, is_base64, ..Framing::default() };
            assert_eq!(frames(&encoded, framing), [Frame::Text("451-[]".into()), expected]);
        }
    }

    #[test]
    fn messages_become_packets() {
        let text = Encoded::from(Message::from("hi"));
        assert_eq!(frames(&text, Framing::default()), [Frame::Text("4hi".into())]);
        let bytes = Bytes::from_static(b"x");
        let binary = Encoded::from(Message::from(bytes.clone()));
        assert_eq!(frames(&binary, Framing::default()), [Frame::Binary(bytes)]);
    }
}
