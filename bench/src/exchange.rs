use crate::{
    frame::{self, BINARY, TEXT},
    scenario::Message,
};

/// What a client sends and what must come back, as bytes on the wire.
///
/// Each of the messages that a connection has under way is a slot. The slots' bytes differ in two
/// digits, so that a reply tells which of them it answers.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// One per slot, ready to be sent.
    pub(crate) requests: Vec<Vec<u8>>,
    /// One per slot.
    replies: Vec<Vec<u8>>,
    shapes: Vec<Shape>,
}

/// What the replies to one kind of message have in common.
#[derive(Debug)]
struct Shape {
    /// The first two bytes, of which a frame's second is its length.
    start: [u8; 2],
    len: usize,
    /// Where the two digits stand.
    digits_at: usize,
}

impl Exchange {
    /// Frames of messages with so many slots each, which are counted through. What goes to the
    /// members of a room goes to this one's.
    pub(crate) fn frames(messages: &[(Message, usize)], room: usize) -> Self {
        Self::new(messages, |message, digits| frames(message, digits, room))
    }

    /// Records of polling payloads.
    pub(crate) fn records(message: Message, slots: usize) -> Self {
        Self::new(&[(message, slots)], |message, digits| match texts(message, digits, 0) {
            (request, reply, None) => (request.into(), reply.into()),
            (_, _, Some(_)) => panic!("no attachments over polling"),
        })
    }

    fn new(
        messages: &[(Message, usize)],
        pair: impl Fn(Message, usize) -> (Vec<u8>, Vec<u8>),
    ) -> Self {
        let (mut requests, mut replies, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        for &(message, slots) in messages {
            let first = replies.len();
            for slot in first..first + slots {
                let (request, reply) = pair(message, 10 + slot);
                requests.push(request);
                replies.push(reply);
            }
            shapes.push(Shape::of(&replies[first], 10 + first));
        }
        assert!(replies.len() <= 90, "a slot has two digits");
        Self { requests, replies, shapes }
    }

    /// Takes the reply at the start of `bytes`, and gives its slot. `None` if it is not all there.
    ///
    /// # Errors
    /// It is none, to the last byte.
    pub(crate) fn take(&self, bytes: &mut &[u8]) -> Result<Option<usize>, String> {
        let Some((reply, rest)) = bytes.split_at_checked(self.shape(bytes).len) else {
            return Ok(None);
        };
        *bytes = rest;
        self.slot(reply).map(Some)
    }

    /// The slot whose reply this is.
    ///
    /// # Errors
    /// It is none, to the last byte.
    pub(crate) fn slot(&self, reply: &[u8]) -> Result<usize, String> {
        let find = || {
            let digits_at = self.shape(reply).digits_at;
            let digits = reply.get(digits_at..digits_at + 2)?;
            let [tens, ones] = [0, 1].map(|n| usize::from(digits[n].wrapping_sub(b'0')));
            let slot = (tens * 10 + ones).checked_sub(10)?;
            (self.replies.get(slot)? == reply).then_some(slot)
        };
        find().ok_or_else(|| {
            let [reply, example] = [reply, &self.replies[0]].map(<[u8]>::escape_ascii);
            format!("a wrong reply: {reply}\nexpected one like: {example}")
        })
    }

    /// The shape of what starts like this; any one if it starts like none.
    fn shape(&self, reply: &[u8]) -> &Shape {
        let mut shapes = self.shapes.iter();
        shapes.find(|shape| reply.starts_with(&shape.start)).unwrap_or(&self.shapes[0])
    }
}

impl Shape {
    fn of(reply: &[u8], digits: usize) -> Self {
        let digits = digits.to_string();
        let digits_at = reply.windows(2).position(|pair| pair == digits.as_bytes());
        Self {
            start: [reply[0], reply[1]],
            len: reply.len(),
            digits_at: digits_at.expect("digits"),
        }
    }
}

/// Asks to join a room, acknowledged by what starts with the second text.
pub(crate) fn join(room: usize) -> (String, &'static str) {
    (format!(r#"420["join","{}"]"#, room_name(room)), "430[")
}

fn room_name(room: usize) -> String {
    format!("room-{room:03}")
}

/// A request and its reply as frames.
fn frames(message: Message, digits: usize, room: usize) -> (Vec<u8>, Vec<u8>) {
    let (request, reply, part) = texts(message, digits, room);
    let mut request = frame::request(TEXT, &request);
    let mut reply = frame::reply(TEXT, &reply);
    if let Some(part) = part {
        request.extend(frame::request(BINARY, &part));
        reply.extend(frame::reply(BINARY, &part));
    }
    (request, reply)
}

/// A request, its reply, and the attachment that both have.
fn texts(message: Message, digits: usize, room: usize) -> (String, String, Option<String>) {
    let text = |bytes| format!("{digits}{}", "x".repeat(bytes - 2));
    match message {
        Message::Ack(bytes) => {
            let text = "x".repeat(bytes);
            let request = format!(r#"42{digits}["message-with-ack","{text}"]"#);
            (request, format!(r#"43{digits}["{text}"]"#), None)
        }
        Message::Binary(bytes) => {
            const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;
            let request = format!(r#"451-["message",{PLACEHOLDER}]"#);
            (request, format!(r#"451-["message-back",{PLACEHOLDER}]"#), Some(text(bytes)))
        }
        Message::Broadcast(bytes) => {
            let event = format!(r#"42["broadcast","{}"]"#, text(bytes));
            (event.clone(), event, None)
        }
        Message::Room(bytes) => {
            // The name is in the text too, so that a reply in the wrong room is a wrong reply.
            let room = room_name(room);
            let text = format!("{digits}{room}{}", "x".repeat(bytes - 2 - room.len()));
            let request = format!(r#"42["room-emit","{room}","{text}"]"#);
            (request, format!(r#"42["room-emit","{text}"]"#), None)
        }
        Message::Text(bytes) => {
            let text = text(bytes);
            let request = format!(r#"42["message","{text}"]"#);
            (request, format!(r#"42["message-back","{text}"]"#), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(exchange: &Exchange) {
        for (slot, reply) in exchange.replies.iter().enumerate() {
            assert_eq!(exchange.slot(reply), Ok(slot));
            let mut wrong = reply.clone();
            *wrong.last_mut().expect("a byte") ^= 1;
            assert!(exchange.slot(&wrong).is_err());
            assert!(exchange.slot(&reply[..5]).is_err());
            assert!(exchange.take(&mut wrong.as_slice()).is_err());
        }
        // They come in one read, and part of the next.
        let mut bytes: &[u8] = &exchange.replies.concat();
        for slot in 0..exchange.replies.len() {
            assert_eq!(exchange.take(&mut &bytes[..2]), Ok(None));
            assert_eq!(exchange.take(&mut bytes), Ok(Some(slot)));
        }
        assert_eq!(exchange.take(&mut bytes), Ok(None));
    }

    #[test]
    fn a_reply_tells_its_slot() {
        for message in [
            Message::Ack(64),
            Message::Binary(1024),
            Message::Binary(1 << 16),
            Message::Broadcast(64),
            Message::Room(64),
            Message::Text(64),
            Message::Text(4096),
        ] {
            check(&Exchange::frames(&[(message, 16)], 10));
        }
        check(&Exchange::frames(&[(Message::Text(64), 80), (Message::Broadcast(64), 10)], 0));
        check(&Exchange::records(Message::Text(64), 16));
    }

    #[test]
    fn a_reply_in_the_wrong_room_is_wrong() {
        let [one, other] = [1, 2].map(|room| Exchange::frames(&[(Message::Room(64), 1)], room));
        assert!(one.slot(&other.replies[0]).is_err());
    }
}
