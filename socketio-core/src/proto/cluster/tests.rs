//! One node among others that a test speaks for.

use std::{
    iter,
    time::{Duration, Instant},
};

use bytestring::ByteString;

use super::{
    Answer, Cluster, ClusterMessage, Membership, MissingNodes, NodeId, Question, RequestId,
    machine::MAX_PEERS,
};
use crate::{clock, id::SocketId, wire::RawArgs};

const ROOT: ByteString = ByteString::from_static("/");

struct Story {
    cluster: Cluster,
    now: Instant,
}

impl Story {
    fn begin(membership: Membership) -> Self {
        let now = clock::now();
        let mut cluster = Cluster::new(NodeId::new("me"), membership);
        assert!(cluster.open(now, &ROOT));
        Self { cluster, now }
    }

    /// With heartbeats, and with these nodes.
    fn among(nodes: &[&str]) -> Self {
        let mut story = Self::begin(heartbeats());
        assert_eq!(story.said(), [ClusterMessage::InitialHeartbeat]);
        nodes.iter().for_each(|node| story.hears(node, ClusterMessage::Heartbeat));
        story
    }

    /// Lets seconds pass.
    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.cluster.handle_timeout(self.now);
    }

    fn hears(&mut self, from: &str, message: ClusterMessage) {
        let from = (!from.is_empty()).then(|| NodeId::new(from));
        let rest = self.cluster.handle_message(self.now, "/", from.as_ref(), message);
        assert_eq!(rest, None);
    }

    fn said(&mut self) -> Vec<ClusterMessage> {
        iter::from_fn(|| self.cluster.poll_transmit().map(|(_, message)| message)).collect()
    }

    /// Asks for the next 3 s.
    fn asks(&mut self, question: Question) {
        let deadline = self.now + Duration::from_secs(3);
        self.cluster.ask(request(), &ROOT, question, deadline);
    }

    /// The answers that came, and whether no more will.
    fn answers(&mut self) -> (Vec<Answer>, bool) {
        let mut answers = Vec::new();
        loop {
            match self.cluster.poll_answer(&request()) {
                (Some(answer), _) => answers.push(answer),
                (None, is_over) => return (answers, is_over),
            }
        }
    }

    fn missing(&self) -> (MissingNodes, usize) {
        self.cluster.missing(&request())
    }
}

fn heartbeats() -> Membership {
    let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(10));
    Membership::Heartbeats { interval, timeout }
}

fn request() -> RequestId {
    RequestId::new("0123456789abcdef")
}

fn named<const N: usize>(nodes: [&str; N]) -> MissingNodes {
    MissingNodes { ids: nodes.map(NodeId::new).into(), unnamed: 0 }
}

fn args(number: u32) -> RawArgs {
    RawArgs::new(&number).expect("JSON")
}

fn response(number: u32) -> ClusterMessage {
    ClusterMessage::ServerSideEmitResponse { request: request(), answer: args(number) }
}

fn count(count: usize) -> ClusterMessage {
    ClusterMessage::BroadcastClientCount { request: request(), count }
}

fn ack(socket: Option<SocketId>, number: u32) -> ClusterMessage {
    ClusterMessage::BroadcastAck { request: request(), socket, answer: args(number) }
}

fn acked(number: u32) -> Answer {
    Answer::Ack { socket: None, args: args(number) }
}

#[test]
fn a_node_says_that_it_is_there_when_it_comes_when_asked_and_from_time_to_time() {
    let mut story = Story::among(&[]);
    assert_eq!(story.cluster.poll_timeout(), Some(story.now + Duration::from_secs(5)));
    story.pass(4);
    story.hears("a", ClusterMessage::InitialHeartbeat);
    assert_eq!(story.said(), [ClusterMessage::Heartbeat]);
    story.pass(4);
    assert_eq!(story.said(), []);
    story.pass(1);
    assert_eq!(story.said(), [ClusterMessage::Heartbeat]);
    assert!(story.cluster.close(story.now, &ROOT));
    assert_eq!(story.said(), [ClusterMessage::AdapterClose]);
    assert_eq!(story.cluster.poll_timeout(), None);
}

#[test]
fn a_transport_that_counts_needs_no_heartbeats() {
    let mut story = Story::begin(Membership::Counted);
    assert!(story.cluster.close(story.now, &ROOT));
    assert_eq!(story.said(), []);
}

#[test]
fn whoever_is_known_is_expected_to_answer() {
    let mut story = Story::among(&["a", "b"]);
    story.asks(Question::Answer);
    story.hears("a", response(1));
    story.hears("a", response(1));
    assert_eq!(story.answers(), (vec![Answer::Args(args(1))], false));
    assert_eq!(story.missing(), (named(["b"]), 0));
    story.hears("b", response(2));
    assert_eq!(story.answers(), (vec![Answer::Args(args(2))], true));
    assert_eq!(story.missing(), (named([]), 0));
    story.hears("c", response(3));
    assert_eq!(story.answers(), (vec![], true));
}

#[test]
fn with_nobody_there_it_is_over_at_once() {
    let mut story = Story::among(&[]);
    story.asks(Question::Sockets);
    assert_eq!(story.answers(), (vec![], true));
}

#[test]
fn who_is_late_is_missing() {
    let mut story = Story::among(&["a", "b"]);
    story.asks(Question::Answer);
    story.hears("b", response(2));
    story.pass(3);
    story.hears("a", response(1));
    assert_eq!(story.cluster.take_advanced(), [request(), request()]);
    assert_eq!(story.answers(), (vec![Answer::Args(args(2))], true));
    assert_eq!(story.missing(), (named(["a"]), 0));
}

#[test]
fn who_leaves_is_not_waited_for_and_who_dies_is_missing() {
    let mut story = Story::among(&["a", "b"]);
    story.cluster.ask(request(), &ROOT, Question::Answer, story.now + Duration::from_secs(60));
    story.pass(9);
    story.hears("a", ClusterMessage::AdapterClose);
    assert_eq!(story.answers(), (vec![], false));
    assert_eq!(story.missing(), (named(["b"]), 0));
    story.pass(1);
    assert_eq!(story.answers(), (vec![], true));
    assert_eq!(story.missing(), (named(["b"]), 0));
    story.cluster.forget(&request());
    story.asks(Question::Answer);
    assert_eq!(story.answers(), (vec![], true));
}

#[test]
fn anything_that_a_node_says_shows_that_it_lives() {
    let mut story = Story::among(&["a", "emitter"]);
    story.pass(9);
    story.hears("a", response(1));
    story.pass(9);
    story.asks(Question::Answer);
    assert_eq!(story.missing(), (named(["a"]), 0));
}

#[test]
fn acknowledgements_are_as_many_as_were_announced() {
    let mut story = Story::among(&["a", "b"]);
    story.asks(Question::Acks);
    story.hears("a", count(2));
    story.hears("a", count(5));
    story.hears("b", count(0));
    assert_eq!(story.answers(), (vec![], false));
    assert_eq!(story.missing(), (named([]), 2));
    story.hears("a", ack(None, 1));
    story.hears("b", ack(None, 2));
    assert_eq!(story.answers(), (vec![acked(1)], false));
    story.hears("a", ack(None, 3));
    story.hears("a", ack(None, 4));
    assert_eq!(story.answers(), (vec![acked(3)], true));
}

#[test]
fn an_acknowledgement_may_overtake_its_announcement() {
    let mut story = Story::among(&["a", "b"]);
    story.asks(Question::Acks);
    story.hears("a", ack(None, 1));
    story.hears("b", count(1));
    assert_eq!(story.answers(), (vec![], false));
    story.hears("a", count(2));
    assert_eq!(story.answers(), (vec![acked(1)], false));
    story.hears("a", ack(None, 2));
    story.hears("b", ack(None, 3));
    assert_eq!(story.answers(), (vec![acked(2), acked(3)], true));

    let mut story = Story::begin(Membership::Counted);
    story.asks(Question::Acks);
    story.cluster.expect(&request(), 1);
    story.hears("", ack(None, 1));
    assert_eq!(story.answers(), (vec![], false));
    story.hears("", count(1));
    assert_eq!(story.answers(), (vec![acked(1)], true));
}

#[test]
fn acknowledgements_that_nobody_announces_do_not_pile_up() {
    let mut story = Story::among(&["a"]);
    story.asks(Question::Acks);
    for n in 0..3000 {
        story.hears("a", ack(None, n));
    }
    story.hears("a", count(3000));
    assert_eq!(story.answers().0.len(), 1024);
    assert_eq!(story.missing(), (named([]), 3000 - 1024));
}

#[test]
fn a_client_acknowledges_once_where_it_is_told_who_it_is() {
    let mut story = Story::among(&["a"]);
    let client = SocketId::random();
    story.asks(Question::Acks);
    story.hears("a", count(2));
    story.hears("a", ack(Some(client), 1));
    story.hears("a", ack(Some(client), 1));
    let (answers, is_over) = story.answers();
    assert_eq!((answers.len(), is_over), (1, false));
    story.hears("a", ClusterMessage::AdapterClose);
    assert_eq!(story.answers(), (vec![], true));
    assert_eq!(story.missing(), (named([]), 1));
}

#[test]
fn a_number_of_nodes_is_waited_for_once_it_is_known() {
    let mut story = Story::begin(Membership::Counted);
    story.asks(Question::Answer);
    story.hears("a", response(1));
    assert_eq!(story.answers(), (vec![Answer::Args(args(1))], false));
    assert_eq!(story.missing().0.len(), 1);
    story.cluster.expect(&request(), 3);
    assert_eq!(story.missing().0, MissingNodes { ids: vec![], unnamed: 2 });
    // Some transports do not tell who answers.
    story.hears("", response(2));
    story.hears("", response(3));
    assert!(story.answers().1);
    assert!(story.missing().0.is_empty());
}

#[test]
fn nameless_nodes_announce_their_clients_together() {
    let mut story = Story::begin(Membership::Counted);
    story.asks(Question::Acks);
    story.cluster.expect(&request(), 2);
    story.hears("", count(1));
    story.hears("", ack(None, 1));
    story.hears("", ack(None, 2));
    assert_eq!(story.answers(), (vec![acked(1)], false));
    story.hears("", count(usize::MAX));
    story.hears("", ack(None, 3));
    assert_eq!(story.answers(), (vec![acked(2), acked(3)], false));
    assert_eq!(story.missing(), (named([]), usize::MAX - 2));
}

#[test]
fn what_is_no_answer_to_the_question_is_passed_over() {
    let mut story = Story::among(&["a"]);
    story.cluster.open(story.now, &ByteString::from_static("/other"));
    story.asks(Question::Answer);
    story.hears("a", count(1));
    story.hears("a", ack(None, 1));
    story.hears("a", ClusterMessage::FetchSocketsResponse { request: request(), sockets: vec![] });
    let a = NodeId::new("a");
    story.cluster.handle_message(story.now, "/other", Some(&a), response(1));
    story.cluster.handle_message(story.now, "/unknown", Some(&a), response(1));
    story.hears("me", response(1));
    assert_eq!(story.answers(), (vec![], false));
}

#[test]
fn names_that_someone_makes_up_do_not_pile_up() {
    let mut story = Story::among(&[]);
    for n in 0..2 * MAX_PEERS {
        story.hears(&n.to_string(), ClusterMessage::Heartbeat);
    }
    story.asks(Question::Answer);
    assert_eq!(story.missing().0.len(), MAX_PEERS);
    let mut story = Story::begin(Membership::Counted);
    story.asks(Question::Answer);
    for _ in 0..2 * MAX_PEERS {
        story.hears("", response(1));
    }
    assert_eq!(story.answers().0.len(), MAX_PEERS);
}

#[test]
fn a_namespace_that_is_closed_waits_for_nobody() {
    let mut story = Story::among(&["a"]);
    story.asks(Question::Answer);
    assert!(story.cluster.close(story.now, &ROOT));
    assert_eq!(story.answers(), (vec![], true));
    assert!(!story.cluster.close(story.now, &ROOT));
}
