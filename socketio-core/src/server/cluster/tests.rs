use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Adapter, ClusterDriver, ClusterNode,
    receive::{NodeAsker, Relay},
};
use crate::{
    clock::Clock,
    id::SocketId,
    proto::cluster::{ClusterMessage, Membership, NodeId, Question, RequestId},
    server::SocketIo,
    testing::TestClock,
    wire::RawArgs,
};

/// Notes what is sent.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Sent>>>);

/// To whom, if to one, and what.
type Sent = (Option<NodeId>, ClusterMessage);

impl Adapter for Recorder {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TestClock::default())
    }

    fn membership(&self) -> Membership {
        Membership::Counted
    }

    fn start(&self, _: ClusterNode, _: ClusterDriver) {}

    fn open(&self, _: &str) {}

    fn close(&self, _: &str) {}

    fn send(&self, _: &str, to: Option<&NodeId>, message: ClusterMessage) {
        self.0.lock().expect("no panic").push((to.cloned(), message));
    }

    fn stop(&self) {}
}

fn node() -> (SocketIo, Recorder) {
    let recorder = Recorder::default();
    let io = SocketIo::builder().adapter(recorder.clone()).build().expect("valid options");
    (io, recorder)
}

#[test]
fn a_client_that_is_quick_acknowledges_after_it_was_announced() {
    let (io, recorder) = node();
    let (request, asker) = (RequestId::new("question"), Some(NodeId::new("asker")));
    let cluster = Arc::clone(io.0.cluster().expect("a cluster"));
    let relay = Relay::new(NodeAsker {
        cluster,
        namespace: "/".into(),
        node: asker.clone(),
        request: request.clone(),
    });
    let ack = |socket, number: u32| {
        let (request, answer) = (request.clone(), RawArgs::new(&number).expect("JSON"));
        ClusterMessage::BroadcastAck { request, socket: Some(socket), answer }
    };
    let [quick, slow] = [SocketId::random(), SocketId::random()];
    relay.pass(quick, &RawArgs::new(&(1, "more")).expect("JSON"));
    relay.announce(2);
    relay.pass(slow, &RawArgs::new(&2).expect("JSON"));
    let count = ClusterMessage::BroadcastClientCount { request: request.clone(), count: 2 };
    let expected = [count, ack(quick, 1), ack(slow, 2)].map(|message| (asker.clone(), message));
    assert_eq!(*recorder.0.lock().expect("no panic"), expected);
}

#[test]
fn a_question_that_nobody_waits_for_is_forgotten() {
    let (io, recorder) = node();
    let cluster = io.0.cluster().expect("a cluster");
    let ask = |request| ClusterMessage::ServerSideEmit {
        name: "count".into(),
        args: RawArgs::default(),
        request: Some(request),
    };
    let request = cluster.ask(&io, Question::Answer, Duration::from_secs(1), ask);
    let id = request.id().clone();
    assert_eq!(*recorder.0.lock().expect("no panic"), [(None, ask(id.clone()))]);
    assert_eq!(cluster.lock().machine.poll_answer(&id), (None, false));
    drop(request);
    assert_eq!(cluster.lock().machine.poll_answer(&id), (None, true));
}

#[test]
fn what_an_adapter_has_to_say_reaches_the_error_hook() {
    let (io, _) = node();
    let reports = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&reports);
    io.on_error(move |report| seen.lock().expect("no panic").push(report.to_string()));
    let node = ClusterNode::new(NodeId::new("node"), Arc::downgrade(&io.0));
    node.report(None, "3 messages are lost");
    node.report(Some("/chat"), "no Redis");
    let expected = ["adapter: 3 messages are lost", "/chat: adapter: no Redis"];
    assert_eq!(*reports.lock().expect("no panic"), expected);
    drop(io);
    node.report(None, "nobody listens");
}
