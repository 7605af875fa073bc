use std::time::{Duration, Instant};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings {
        codec: Codec::default(),
        connect_timeout: 45 * SECOND,
        attachments: AssemblerLimits { attachments: 10, bytes: 1000 },
        attachments_timeout: 20 * SECOND,
        max_namespaces: 3,
    }
}

/// A client and the time it began.
struct Peer {
    client: Client<&'static str, &'static str>,
    start: Instant,
}

impl Peer {
    fn new() -> Self {
        Self::of(Revision::V4)
    }

    fn of(revision: Revision) -> Self {
        let start = crate::clock::now();
        Self { client: Client::new(start, revision, settings().into()), start }
    }

    fn joined(namespaces: &[&'static str]) -> Self {
        let mut peer = Self::new();
        for namespace in namespaces {
            peer.client.join((*namespace).into(), namespace);
            peer.client.joined();
        }
        peer
    }

    fn text(&mut self, text: &str) -> Option<Event<&'static str, &'static str>> {
        self.client.handle_message(self.start, text.into())
    }

    fn await_ack(&mut self, namespace: &str, id: u64, after: Duration, waiting: &'static str) {
        let deadline = self.start + after;
        assert_eq!(self.client.await_ack(namespace, AckId(id), deadline, waiting), Ok(()));
    }

    /// Nothing is due; the client may look once whether that is so.
    fn expect_no_timeout(&mut self) {
        if let Some(deadline) = self.client.poll_timeout() {
            self.client.handle_timeout(deadline);
        }
        assert_eq!(self.client.poll_event(), None);
        assert_eq!(self.client.poll_timeout(), None);
    }
}

#[test]
fn a_second_connect_is_a_violation() {
    let mut peer = Peer::new();
    assert!(matches!(peer.text("0"), Some(Event::Connect { .. })));
    peer.client.join("/".into(), "/");
    assert_eq!(peer.text("0"), Some(Violation::SecondConnect.into()));
}

#[test]
fn packets_for_a_namespace_never_joined_are_violations() {
    for text in [r#"2["a"]"#, "31[]", r#"2/n,["a"]"#, "1"] {
        assert_eq!(Peer::new().text(text), Some(Violation::UnknownNamespace.into()), "{text}");
    }
    assert_eq!(Peer::new().text(r#"4{"message":"no"}"#), Some(Violation::ServerPacket.into()));
}

#[test]
fn late_packets_for_a_namespace_that_the_server_ended_are_ignored() {
    let mut peer = Peer::joined(&["/", "/n"]);
    peer.await_ack("/n", 1, SECOND, "question");
    assert!(peer.client.leave("/n"));
    assert!(!peer.client.leave("/n"));
    assert_eq!(peer.client.poll_event(), Some(Event::Left { socket: "/n" }));
    for text in [r#"2/n,["a"]"#, "3/n,1[]", "1/n"] {
        assert_eq!(peer.text(text), None, "{text}");
    }
    assert!(matches!(peer.text("0/n"), Some(Event::Connect { .. })));
    peer.expect_no_timeout();
}

#[test]
fn the_connect_timeout_ends_with_the_first_namespace() {
    let mut peer = Peer::new();
    assert_eq!(peer.client.poll_timeout(), Some(peer.start + 45 * SECOND));
    peer.client.handle_timeout(peer.start + 45 * SECOND);
    assert_eq!(peer.client.poll_event(), Some(Event::ConnectTimeout));
    assert_eq!(Peer::joined(&["/"]).client.poll_timeout(), None);
}

#[test]
fn namespaces_are_limited() {
    let mut peer = Peer::joined(&["/1", "/2", "/3"]);
    assert_eq!(peer.text("0/4"), Some(Violation::TooManyNamespaces.into()));
}

#[test]
fn acknowledgements_find_who_waits_for_them() {
    let mut peer = Peer::joined(&["/", "/n"]);
    peer.await_ack("/", 7, SECOND, "root");
    peer.await_ack("/n", 7, SECOND, "n");
    assert!(matches!(peer.text("3/n,7[1]"), Some(Event::Ack { waiting: "n", .. })));
    assert_eq!(peer.text("3/n,7[1]"), None);
    assert_eq!(peer.text("3[1]"), None);
    assert!(matches!(peer.text("37[1]"), Some(Event::Ack { waiting: "root", .. })));
    peer.expect_no_timeout();
}

#[test]
fn acknowledgements_are_forgotten_at_their_deadline() {
    let mut peer = Peer::joined(&["/", "/n"]);
    peer.await_ack("/n", 1, 3 * SECOND, "slow");
    peer.await_ack("/", 2, SECOND, "fast");
    assert_eq!(peer.client.poll_timeout(), Some(peer.start + SECOND));
    peer.client.handle_timeout(peer.start + SECOND);
    assert_eq!(peer.client.poll_event(), Some(Event::AckTimeout { waiting: "fast" }));
    assert_eq!(peer.client.poll_event(), None);
    assert_eq!(peer.client.poll_timeout(), Some(peer.start + 3 * SECOND));
    assert_eq!(peer.text("32[]"), None);
}

#[test]
fn attachments_have_a_deadline() {
    let mut peer = Peer::joined(&["/"]);
    let text = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(peer.text(text), None);
    assert_eq!(peer.client.poll_timeout(), Some(peer.start + 20 * SECOND));
    let part = bytes::Bytes::from_static(b"x");
    assert_eq!(peer.client.handle_message(peer.start + SECOND, part.into()), None);
    peer.client.handle_timeout(peer.start + 20 * SECOND);
    assert_eq!(peer.client.poll_event(), Some(Violation::LateAttachments.into()));
}

#[test]
fn a_client_of_revision_3_asks_for_the_root_by_coming() {
    let mut peer = Peer::of(Revision::V3);
    let connect = |namespace: &'static str, auth: Option<&'static str>| Event::Connect {
        namespace: namespace.into(),
        auth: auth.map(Into::into),
    };
    assert_eq!(peer.client.poll_event(), Some(connect("/", None)));
    assert_eq!(peer.client.poll_event(), None);
    peer.client.join("/".into(), "root");
    assert_eq!(peer.text("0"), Some(Violation::SecondConnect.into()));
    assert_eq!(peer.text("0/n?a=1,"), Some(connect("/n", Some(r#"{"a":"1"}"#))));
    assert_eq!(peer.text("0/n?a=1"), Some(connect("/n", Some(r#"{"a":"1"}"#))));
}
