use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    engine::{Frame, Message},
    payload,
};

/// A message serialised once, shared by reference between all who receive it.
///
/// A Socket.IO packet and its attachments are one `Encoded`, so nothing can come between them.
/// The text starts with the Engine.IO type digit: it is the WebSocket frame and the polling record.
#[derive(Clone)]
pub struct Encoded {
    text: ByteString,
    attachments: Option<Arc<Attachments>>,
}

struct Attachments {
    parts: Vec<Bytes>,
    /// Made by the first polling session that needs them.
    records: OnceLock<Vec<ByteString>>,
}

impl Encoded {
    pub(super) fn new(text: ByteString, parts: Vec<Bytes>) -> Self {
        let attachments =
            (!parts.is_empty()).then(|| Arc::new(Attachments { parts, records: OnceLock::new() }));
        Self { text, attachments }
    }

    /// An Engine.IO packet that is ready for the wire, such as `2` or `0{…}`.
    pub(crate) fn packet(text: impl Into<ByteString>) -> Self {
        Self::new(text.into(), Vec::new())
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
    pub fn into_frames(self) -> Frames {
        Frames { encoded: self, next: 0 }
    }

    /// Appends the records of a polling payload.
    pub fn write_records(&self, payload: &mut Vec<u8>) {
        if !self.text.is_empty() {
            payload::push(payload, &self.text);
        }
        if let Some(attachments) = &self.attachments {
            let records = attachments.records.get_or_init(|| {
                let parts = attachments.parts.iter();
                parts.map(|part| payload::binary_record(part)).collect()
            });
            for record in records {
                payload::push(payload, record);
            }
        }
    }

    fn parts(&self) -> &[Bytes] {
        match &self.attachments {
            Some(attachments) => &attachments.parts,
            None => &[],
        }
    }
}

/// The WebSocket frames of a message: its text, then its attachments.
#[derive(Debug)]
pub struct Frames {
    encoded: Encoded,
    /// The attachment that comes next.
    next: usize,
}

impl Frames {
    /// Whether all have been taken.
    pub fn is_empty(&self) -> bool {
        self.encoded.text.is_empty() && self.next == self.encoded.parts().len()
    }
}

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if !self.encoded.text.is_empty() {
            return Some(Frame::Text(std::mem::take(&mut self.encoded.text)));
        }
        let part = self.encoded.parts().get(self.next)?.clone();
        self.next += 1;
        Some(Frame::Binary(part))
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

    #[test]
    fn frames_and_records_say_the_same() {
        let encoded = Encoded::new("451-[]".into(), vec![Bytes::from_static(&[1, 2, 3])]);
        assert_eq!(encoded.len(), 9);
        let mut payload = Vec::new();
        encoded.write_records(&mut payload);
        assert_eq!(payload, b"451-[]\x1ebAQID");
        assert!(
            encoded
                .into_frames()
                .eq([Frame::Text("451-[]".into()), Frame::Binary(Bytes::from_static(&[1, 2, 3])),])
        );
    }

    #[test]
    fn messages_become_packets() {
        let frames: Vec<_> = Encoded::from(Message::from("hi")).into_frames().collect();
        assert_eq!(frames, [Frame::Text("4hi".into())]);
        let bytes = Bytes::from_static(b"x");
        let frames: Vec<_> = Encoded::from(Message::from(bytes.clone())).into_frames().collect();
        assert_eq!(frames, [Frame::Binary(bytes)]);
    }
}
