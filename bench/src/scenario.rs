use crate::frame::{self, BINARY, TEXT};

/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    pub(crate) load: Load,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// One connection at a time emits, and all receive.
    Broadcast(Message),
    /// Every connection keeps this many events under way.
    Echo(Message, usize),
    /// Nothing is sent.
    Idle,
}

/// An event, with the bytes of its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message {
    /// `message-with-ack`, acknowledged with the same text.
    Ack(usize),
    /// `message` with an attachment, and the same back.
    Binary(usize),
    /// `broadcast` with text, sent to all.
    Broadcast(usize),
    /// `message` with text, and the same back.
    Text(usize),
}

pub(crate) const ALL: [Scenario; 7] = [
    new("echo-1", 64, Load::Echo(Message::Text(64), 1)),
    new("echo-16", 64, Load::Echo(Message::Text(64), 16)),
    new("echo-4k", 64, Load::Echo(Message::Text(4096), 4)),
    new("ack-16", 64, Load::Echo(Message::Ack(64), 16)),
    new("binary-1k", 64, Load::Echo(Message::Binary(1024), 1)),
    new("broadcast", 1000, Load::Broadcast(Message::Broadcast(64))),
    new("idle", 10_000, Load::Idle),
];

const fn new(name: &'static str, connections: usize, load: Load) -> Scenario {
    Scenario { name, connections, load }
}

pub(crate) fn by_name(name: &str) -> Result<Scenario, String> {
    let found = ALL.into_iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| format!("one of {}", ALL.map(|scenario| scenario.name).join(", ")))
}

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
    pub(crate) fn new(message: Message, slots: usize) -> Self {
        assert!((1..=90).contains(&slots), "a slot has two digits");
        let slots = 10..10 + slots;
        let (requests, replies): (_, Vec<_>) = slots.map(|digits| pair(message, digits)).unzip();
        let reply = &replies[0];
        let digits_at = reply.windows(2).position(|pair| pair == b"10").expect("digits");
        Self { requests, replies, digits_at }
    }

    pub(crate) fn reply_len(&self) -> usize {
        self.replies[0].len()
    }

    /// The slot whose reply this is, if it is one to the last byte.
    pub(crate) fn slot(&self, reply: &[u8]) -> Option<usize> {
        let [tens, ones] = [0, 1].map(|n| reply[self.digits_at + n].wrapping_sub(b'0'));
        let slot = (usize::from(tens) * 10 + usize::from(ones)).checked_sub(10)?;
        (self.replies.get(slot)? == reply).then_some(slot)
    }

    /// The reply that stands for all in a message about a wrong one.
    pub(crate) fn example(&self) -> &[u8] {
        &self.replies[0]
    }
}

fn pair(message: Message, digits: usize) -> (Vec<u8>, Vec<u8>) {
    let text = |bytes| format!("{digits}{}", "x".repeat(bytes - 2));
    let (request, reply) = match message {
        Message::Ack(bytes) => {
            let text = "x".repeat(bytes);
            let request = format!(r#"42{digits}["message-with-ack","{text}"]"#);
            (request, format!(r#"43{digits}["{text}"]"#))
        }
        Message::Binary(bytes) => {
            const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;
            let part = text(bytes);
            let request = format!(r#"451-["message",{PLACEHOLDER}]"#);
            let reply = format!(r#"451-["message-back",{PLACEHOLDER}]"#);
            return (
                [frame::request(TEXT, &request), frame::request(BINARY, &part)].concat(),
                [frame::reply(TEXT, &reply), frame::reply(BINARY, &part)].concat(),
            );
        }
        Message::Broadcast(bytes) => {
            let event = format!(r#"42["broadcast","{}"]"#, text(bytes));
            (event.clone(), event)
        }
        Message::Text(bytes) => {
            let text = text(bytes);
            let request = format!(r#"42["message","{text}"]"#);
            (request, format!(r#"42["message-back","{text}"]"#))
        }
    };
    (frame::request(TEXT, &request), frame::reply(TEXT, &reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_tells_its_slot() {
        for message in [
            Message::Ack(64),
            Message::Binary(1024),
            Message::Broadcast(64),
            Message::Text(64),
            Message::Text(4096),
        ] {
            let exchange = Exchange::new(message, 16);
            for (slot, reply) in exchange.replies.iter().enumerate() {
                assert_eq!(exchange.slot(reply), Some(slot), "{message:?}");
                let mut wrong = reply.clone();
                *wrong.last_mut().expect("a byte") ^= 1;
                assert_eq!(exchange.slot(&wrong), None, "{message:?}");
            }
        }
    }
}
