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
    /// One per slot, all of one length.
    replies: Vec<Vec<u8>>,
    /// Where the two digits stand in a reply.
    digits_at: usize,
}

impl Exchange {
    /// Frames, for the members of this room where the message goes to one.
    pub(crate) fn frames(message: Message, slots: usize, room: usize) -> Self {
        Self::new(slots, |digits| {
            let (request, reply, part) = texts(message, digits, room);
            let mut request = frame::request(TEXT, &request);
            let mut reply = frame::reply(TEXT, &reply);
            if let Some(part) = part {
                request.extend(frame::request(BINARY, &part));
                reply.extend(frame::reply(BINARY, &part));
            }
            (request, reply)
        })
    }

    /// Records of polling payloads.
    pub(crate) fn records(message: Message, slots: usize) -> Self {
        Self::new(slots, |digits| match texts(message, digits, 0) {
            (request, reply, None) => (request.into(), reply.into()),
            (_, _, Some(_)) => panic!("no attachments over polling"),
        })
    }

    fn new(slots: usize, pair: impl Fn(usize) -> (Vec<u8>, Vec<u8>)) -> Self {
        assert!((1..=90).contains(&slots), "a slot has two digits");
        let (requests, replies): (_, Vec<_>) = (10..10 + slots).map(pair).unzip();
        let digits_at = replies[0].windows(2).position(|pair| pair == b"10").expect("digits");
        Self { requests, replies, digits_at }
    }

    pub(crate) fn reply_len(&self) -> usize {
        self.replies[0].len()
    }

    /// The slot whose reply this is.
    ///
    /// # Errors
    /// It is none, to the last byte.
    pub(crate) fn slot(&self, reply: &[u8]) -> Result<usize, String> {
        let find = || {
            let digits = reply.get(self.digits_at..self.digits_at + 2)?;
            let [tens, ones] = [0, 1].map(|n| usize::from(digits[n].wrapping_sub(b'0')));
            let slot = (tens * 10 + ones).checked_sub(10)?;
            (self.replies.get(slot)? == reply).then_some(slot)
        };
        find().ok_or_else(|| {
            let [reply, example] = [reply, &self.replies[0]].map(<[u8]>::escape_ascii);
            format!("a wrong reply: {reply}\nexpected one like: {example}")
        })
    }
}

/// Asks to join a room, acknowledged by what starts with the second text.
pub(crate) fn join(room: usize) -> (String, &'static str) {
    (format!(r#"420["join","{}"]"#, room_name(room)), "430[")
}

fn room_name(room: usize) -> String {
    format!("room-{room:03}")
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
        }
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
            check(&Exchange::frames(message, 16, 10));
        }
        check(&Exchange::records(Message::Text(64), 16));
    }

    #[test]
    fn a_reply_in_the_wrong_room_is_wrong() {
        let [one, other] = [1, 2].map(|room| Exchange::frames(Message::Room(64), 1, room));
        assert!(one.slot(&other.replies[0]).is_err());
    }
}
