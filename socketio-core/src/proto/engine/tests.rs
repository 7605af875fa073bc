use std::time::{Duration, Instant};

use super::{
    connection::{Connection, Event, SendError, WebSocketId, WebSocketState},
    *,
};
use crate::{
    proto::DisconnectReason,
    wire::{
        Encoded, Frame, Framing, Message, Revision,
        payload::{self, Payload},
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// A session, the time, and what the client has received.
struct Peer {
    connection: Connection,
    now: Instant,
    received: Vec<String>,
}

impl Peer {
    fn new(transport: Transport, revision: Revision) -> Self {
        let settings = Settings {
            ping_interval: 25 * SECOND,
            ping_timeout: 20 * SECOND,
            upgrade_timeout: 10 * SECOND,
            body_timeout: 5 * SECOND,
            drain_timeout: 30 * SECOND,
            max_queue: 1000,
        };
        let now = crate::clock::now();
        let framing = Framing { revision, ..Framing::default() };
        let handshake = Encoded::packet("0{}");
        let connection = Connection::new(now, settings.into(), framing, transport, handshake);
        Self { connection, now, received: Vec::new() }
    }

    fn polling() -> Self {
        let mut peer = Self::new(Transport::Polling, Revision::V4);
        assert_eq!(peer.get().as_deref(), Some("0{}"));
        peer
    }

    fn websocket() -> Self {
        Self::websocket_of(Revision::V4)
    }

    fn websocket_of(revision: Revision) -> Self {
        let mut peer = Self::new(Transport::WebSocket, revision);
        assert_eq!(peer.written(WebSocketId::default()), ["0{}"]);
        peer
    }

    /// GETs, and gives the payload if there is one at once.
    fn get(&mut self) -> Option<String> {
        self.connection.handle_get().expect("no other GET");
        self.answer()
    }

    /// The payload for the GET that is parked.
    fn answer(&mut self) -> Option<String> {
        let packets = self.connection.poll_get()?;
        match payload::encode(packets.iter(), self.connection.framing()) {
            Payload::Text(text) => Some(String::from_utf8(text.into()).expect("text")),
            Payload::Binary(bytes) => panic!("{bytes:?}"),
        }
    }

    fn post(&mut self, body: &str) {
        self.connection.handle_post(self.now).expect("no other POST");
        self.connection.handle_payload(self.now, Payload::Text(body.to_owned().into()));
        self.connection.handle_post_done();
    }

    fn frame(&mut self, id: WebSocketId, text: &str) {
        self.connection.handle_frame(self.now, id, Frame::Text(text.into()));
    }

    fn written(&mut self, id: WebSocketId) -> Vec<String> {
        let packets = self.connection.poll_transmit(id).unwrap_or_default();
        self.connection.handle_flushed(id);
        let framing = self.connection.framing();
        let frames = packets.into_iter().flat_map(|packet| packet.into_frames(framing));
        frames
            .map(|frame| match frame {
                Frame::Text(text) => text.to_string(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn send(&mut self, text: &str) -> Result<(), SendError> {
        self.connection.send(Message::from(text).into())
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.connection.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(deadline);
            self.connection.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn closed(&mut self) -> Option<DisconnectReason> {
        match self.connection.poll_close() {
            Some(Event::Closed(reason)) => Some(reason),
            _ => None,
        }
    }
}

#[test]
fn pings_go_out_and_pongs_are_waited_for() {
    let mut peer = Peer::websocket();
    let id = WebSocketId::default();
    for _ in 0..3 {
        peer.pass(25 * SECOND);
        assert_eq!(peer.written(id), ["2"]);
        peer.pass(19 * SECOND);
        peer.frame(id, "3");
    }
    peer.pass(44 * SECOND);
    assert_eq!(peer.closed(), None);
    peer.pass(SECOND);
    assert_eq!(peer.closed(), Some(DisconnectReason::PingTimeout));
    assert_eq!(peer.connection.poll_timeout(), None);
}

#[test]
fn in_revision_3_the_client_pings() {
    let mut peer = Peer::websocket_of(Revision::V3);
    let id = WebSocketId::default();
    for _ in 0..3 {
        peer.pass(44 * SECOND);
        peer.frame(id, "2");
        assert_eq!(peer.written(id), ["3"]);
    }
    peer.pass(44 * SECOND);
    peer.frame(id, "4no ping");
    assert_eq!(peer.written(id), [""; 0]);
    assert_eq!(peer.closed(), None);
    peer.pass(SECOND);
    assert_eq!(peer.closed(), Some(DisconnectReason::PingTimeout));
}

#[test]
fn in_revision_3_a_pong_is_an_error() {
    let mut peer = Peer::websocket_of(Revision::V3);
    peer.frame(WebSocketId::default(), "3");
    assert_eq!(peer.closed(), Some(DisconnectReason::TransportError));
}

#[test]
fn pings_of_a_client_that_reads_nothing_do_not_pile_up() {
    let mut peer = Peer::new(Transport::Polling, Revision::V3);
    assert_eq!(peer.get().as_deref(), Some("3:0{}"));
    for _ in 0..3 {
        peer.post("1:21:2");
    }
    assert_eq!(peer.get().as_deref(), Some("1:3"));
    peer.post("1:2");
    assert_eq!(peer.get().as_deref(), Some("1:3"));
}

#[test]
fn in_revision_3_the_rest_and_the_close_packet_are_framed_too() {
    let mut peer = Peer::new(Transport::Polling, Revision::V3);
    assert_eq!(peer.get().as_deref(), Some("3:0{}"));
    peer.connection.close(peer.now);
    assert_eq!(peer.get().as_deref(), Some("1:61:1"));
}

#[test]
fn another_packet_extends_the_wait_for_a_pong_once() {
    let mut peer = Peer::websocket();
    let id = WebSocketId::default();
    peer.pass(25 * SECOND);
    peer.frame(id, "4a");
    peer.pass(20 * SECOND);
    peer.frame(id, "4b");
    peer.pass(19 * SECOND);
    assert!(!peer.connection.is_closed());
    peer.pass(SECOND);
    assert!(peer.connection.is_closed());
}

#[test]
fn a_client_that_is_not_read_is_not_blamed_for_its_silence() {
    let mut peer = Peer::websocket();
    peer.connection.set_paused(true);
    peer.pass(600 * SECOND);
    assert!(!peer.connection.is_closed());
    // But not for ever.
    peer.pass(1500 * SECOND);
    assert_eq!(peer.closed(), Some(DisconnectReason::PingTimeout));
}

#[test]
fn bad_packets_close_with_a_reason() {
    for (text, reason) in [
        ("", DisconnectReason::ParseError),
        ("abc", DisconnectReason::ParseError),
        ("2", DisconnectReason::TransportError),
        ("1", DisconnectReason::TransportClose),
    ] {
        let mut peer = Peer::websocket();
        peer.frame(WebSocketId::default(), text);
        assert_eq!(peer.closed(), Some(reason), "{text:?}");
        assert_eq!(peer.connection.websocket_state(WebSocketId::default()), WebSocketState::Closed);
    }
}

#[test]
fn a_payload_is_read_up_to_its_first_bad_packet() {
    let mut peer = Peer::polling();
    peer.post("4a\x1e4b\x1eabc\x1e4c");
    let message = |text: &str| Some(Event::Message(text.into()));
    assert_eq!(peer.connection.poll_event(), message("a"));
    assert_eq!(peer.connection.poll_event(), message("b"));
    assert_eq!(peer.connection.poll_event(), Some(Event::Closed(DisconnectReason::ParseError)));
    assert_eq!(peer.connection.poll_event(), None);
}

#[test]
fn overlapping_requests_end_the_session() {
    let mut peer = Peer::polling();
    assert_eq!(peer.get(), None);
    assert!(peer.connection.handle_get().is_err());
    assert_eq!(peer.answer().as_deref(), Some("1"));
    assert_eq!(peer.closed(), Some(DisconnectReason::TransportError));

    let mut peer = Peer::polling();
    peer.connection.handle_post(peer.now).expect("no other POST");
    assert!(peer.connection.handle_post(peer.now).is_err());
    assert_eq!(peer.closed(), Some(DisconnectReason::TransportError));
}

#[test]
fn a_body_that_takes_too_long_ends_the_session() {
    let mut peer = Peer::polling();
    peer.connection.handle_post(peer.now).expect("no other POST");
    peer.pass(5 * SECOND);
    assert_eq!(peer.closed(), Some(DisconnectReason::TransportError));
}

#[test]
fn closing_waits_for_the_queue_but_not_for_ever() {
    let mut peer = Peer::polling();
    peer.send("a").expect("open");
    peer.connection.close(peer.now);
    assert_eq!(peer.send("b"), Err(SendError::Closed));
    assert_eq!(peer.get().as_deref(), Some("4a"));
    assert_eq!(peer.get().as_deref(), Some("6\x1e1"));
    assert_eq!(peer.closed(), Some(DisconnectReason::ForcedClose));

    let mut peer = Peer::polling();
    peer.connection.close(peer.now);
    peer.pass(30 * SECOND);
    assert_eq!(peer.closed(), Some(DisconnectReason::ForcedClose));
}

#[test]
fn the_byte_budget_spares_heartbeats() {
    let mut peer = Peer::websocket();
    let id = WebSocketId::default();
    peer.send(&"x".repeat(990)).expect("it fits");
    peer.pass(25 * SECOND);
    assert!(!peer.connection.is_closed());
    assert_eq!(peer.written(id).len(), 2);
    peer.send(&"x".repeat(900)).expect("it fits");
    assert_eq!(peer.send(&"x".repeat(200)), Err(SendError::Overflow));
    assert_eq!(peer.closed(), Some(DisconnectReason::TransportError));
}

#[test]
fn what_a_blocked_websocket_holds_still_counts() {
    let mut peer = Peer::websocket();
    let id = WebSocketId::default();
    peer.send(&"x".repeat(900)).expect("it fits");
    assert!(peer.connection.poll_transmit(id).is_some());
    peer.connection.handle_blocked(WebSocketId::default());
    assert!(!peer.connection.is_ready());
    assert_eq!(peer.send(&"x".repeat(200)), Err(SendError::Overflow));
}

/// A small generator of numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Clients that do anything at any time: nothing panics, what is sent arrives once and in order
/// whatever the transport, and a session ends once.
#[test]
fn whatever_happens_messages_arrive_once_and_in_order() {
    for seed in 1..2000 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut peer = Peer::polling();
        let (mut sent, mut ends, mut parked) = (0, 0, false);
        let mut websockets = vec![WebSocketId::REFUSED];
        for _ in 0..60 {
            let id = websockets[dice.roll(websockets.len() as u64) as usize];
            match dice.roll(16) {
                0..=3 => sent += u32::from(peer.send(&sent.to_string()).is_ok()),
                4 | 5 if !parked => parked = peer.connection.handle_get().is_ok(),
                6 if !parked && peer.connection.transport() == Transport::Polling => {
                    peer.post(["3", "4hi", "6", "3\x1e4hi"][dice.roll(4) as usize]);
                }
                7 | 8 => websockets.extend(peer.connection.handle_upgrade(peer.now)),
                9 => peer.frame(id, "2probe"),
                10 | 11 => peer.frame(id, "5"),
                12 => peer.frame(id, ["3", "4hi", "6"][dice.roll(3) as usize]),
                13 => {
                    peer.now += Duration::from_millis(dice.roll(3000));
                    peer.connection.handle_timeout(peer.now);
                }
                14 if dice.roll(20) == 0 => peer.connection.close(peer.now),
                15 if dice.roll(20) == 0 => {
                    peer.connection.handle_websocket_closed(id, DisconnectReason::TransportClose);
                }
                _ => {}
            }
            if let Some(payload) = parked.then(|| peer.answer()).flatten() {
                parked = false;
                peer.received.extend(payload.split('\x1e').map(str::to_owned));
            }
            for id in websockets.clone() {
                let written = peer.written(id);
                peer.received.extend(written);
            }
            while let Some(event) = peer.connection.poll_event() {
                ends += usize::from(matches!(event, Event::Closed(_)));
            }
            assert_eq!(ends, usize::from(peer.connection.is_closed()), "seed {seed}");
            if ends > 0 {
                assert_eq!(peer.connection.poll_timeout(), None);
                assert_eq!(peer.send("late"), Err(SendError::Closed));
            }
        }
        let numbers = peer.received.iter().filter_map(|packet| packet.strip_prefix('4'));
        let expected = (0..sent).map(|number| number.to_string());
        assert!(
            numbers.zip(expected).all(|(received, sent)| received == sent),
            "seed {seed}: {:?}",
            peer.received
        );
    }
}
