//! Several servers as one: what one node is told to do reaches the clients of all.

mod support;

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Value, json};
use socketio_core::{
    Adapter, BroadcastOptions, Builder, Clock, ClusterDriver, ClusterMessage, ClusterNode, Data,
    Membership, NodeId, RawArgs, Recovery, RemoteSocket, RequestId, ServerGone, Socket, SocketIo,
    State,
    testing::{Delivery, TestClient, TestClock, TestCluster, TestServer},
};

use self::support::{Gate, Log};

fn builder() -> Builder {
    SocketIo::builder()
}

fn set_up(server: &TestServer) {
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    server.io().on("shout", |socket: Socket, Data(word): Data<String>| {
        socket.broadcast().emit("shout", &word)
    });
}

/// Three nodes that know each other, with a client on each.
fn three(cluster: &TestCluster) -> [TestClient; 3] {
    [0, 1, 2].map(|node| {
        set_up(&cluster[node]);
        cluster[node].connect()
    })
}

fn cluster() -> TestCluster {
    TestCluster::new(3, builder)
}

fn counted() -> TestCluster {
    TestCluster::counted(3, builder)
}

/// Notes what becomes of a future.
fn watch<T: std::fmt::Debug>(
    server: &TestServer,
    log: &Log,
    future: impl Future<Output = T> + 'static,
) {
    let log = log.clone();
    server.spawn(async move { log.add(format!("{:?}", future.await)) });
}

/// What becomes of a future at once.
fn now<T: 'static>(server: &TestServer, future: impl Future<Output = T> + 'static) -> T {
    later(server, Duration::ZERO, future)
}

/// What becomes of a future after a while.
fn later<T: 'static>(
    server: &TestServer,
    duration: Duration,
    future: impl Future<Output = T> + 'static,
) -> T {
    let slot = std::rc::Rc::new(std::cell::RefCell::new(None));
    let filled = std::rc::Rc::clone(&slot);
    server.spawn(async move { drop(filled.replace(Some(future.await))) });
    server.advance(duration);
    slot.take().expect("it is over")
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn heard(client: &TestClient) -> Vec<String> {
    let events = std::iter::from_fn(|| client.next_event());
    events.map(|event| format!("{} {}", event.name, event.args.as_json())).collect()
}

fn ids(sockets: &[RemoteSocket]) -> Vec<&str> {
    let mut ids: Vec<_> = sockets.iter().map(RemoteSocket::id).collect();
    ids.sort_unstable();
    ids
}

fn sorted<const N: usize>(clients: [&TestClient; N]) -> [&str; N] {
    let mut ids = clients.map(TestClient::id);
    ids.sort_unstable();
    ids
}

#[test]
fn a_broadcast_reaches_the_clients_of_every_node_once() {
    let cluster = cluster();
    let clients = three(&cluster);
    for node in 0..3 {
        cluster[node].io().emit("news", &(node, "all")).expect("sent");
        for client in &clients {
            assert_eq!(heard(client), [format!(r#"news {node},"all""#)]);
        }
    }
    clients[0].emit("shout", "hey");
    assert_eq!(heard(&clients[0]), [""; 0]);
    assert_eq!([heard(&clients[1]), heard(&clients[2])], [[r#"shout "hey""#], [r#"shout "hey""#]]);
}

#[test]
fn the_other_nodes_are_told_whom_an_event_is_not_for() {
    let cluster = cluster();
    let [a, ..] = three(&cluster);
    let told = Log::default();
    let seen = told.clone();
    cluster.on_message(move |_, to, message| {
        if let (2, ClusterMessage::Broadcast { options, .. }) = (to, message) {
            seen.add(format!("{:?} {:?}", options.rooms, options.except));
        }
        Delivery::AtOnce
    });
    // The sender may come back to another node, where it should not miss what it sent itself.
    a.emit("shout", "hey");
    assert_eq!(told.take(), [format!("[] [{:?}]", a.id())]);
    cluster[0].io().to(["x", "y"]).except("z").emit("news", &1).expect("sent");
    assert_eq!(told.take(), [r#"["x", "y"] ["z"]"#]);
}

#[test]
fn rooms_exceptions_and_bytes_hold_on_every_node() {
    let cluster = cluster();
    let [a, b, c] = three(&cluster);
    [&a, &b, &c].into_iter().for_each(|client| client.emit("join", "all"));
    c.emit("join", "muted");
    let bytes = Bytes::from_static(b"\0\x01");
    cluster[0].io().to("all").except("muted").emit("file", &bytes).expect("sent");
    assert_eq!(a.expect::<Bytes>("file"), bytes);
    assert_eq!(b.expect::<Bytes>("file"), bytes);
    c.expect_nothing();
    cluster[0].io().to(c.id()).emit("private", &1).expect("sent");
    assert_eq!([heard(&a), heard(&b)], [[""; 0]; 2]);
    assert_eq!(heard(&c), ["private 1"]);
    // To nobody is not to everybody, there as here.
    let nobody: [&str; 0] = [];
    cluster[0].io().to(nobody).emit("news", &1).expect("sent");
    cluster[0].io().to(nobody).disconnect(true);
    assert_eq!([heard(&a), heard(&b), heard(&c)], [[""; 0]; 3]);
    assert!(b.is_connected());
}

#[test]
fn what_is_local_stays_on_its_node() {
    let cluster = cluster();
    let [a, b, _c] = three(&cluster);
    let io = cluster[0].io();
    io.local().emit("news", &1).expect("sent");
    io.local().join("here");
    assert_eq!(heard(&a), ["news 1"]);
    let found = now(&cluster[0], io.to("here").fetch_sockets()).expect("all");
    assert_eq!(ids(&found), [a.id()]);
    let found = now(&cluster[0], io.local().fetch_sockets()).expect("all");
    assert_eq!(ids(&found), [a.id()]);
    io.local().disconnect(false);
    assert!(!a.is_connected() && b.is_connected());
    b.expect_nothing();
}

#[test]
fn a_volatile_broadcast_is_volatile_on_every_node() {
    let cluster = cluster();
    let [a, b, c] = three(&cluster);
    b.connection().stop_reading(true);
    cluster[1].io().local().emit("fill", &"x".repeat(10)).expect("sent");
    cluster[0].io().volatile().emit("tick", &1).expect("sent");
    b.connection().stop_reading(false);
    assert_eq!(heard(&a), ["tick 1"]);
    assert_eq!(heard(&b), [r#"fill "xxxxxxxxxx""#]);
    assert_eq!(heard(&c), ["tick 1"]);
}

#[test]
fn namespaces_are_apart_and_a_node_without_one_is_not_asked() {
    for cluster in [cluster(), counted()] {
        three(&cluster);
        cluster[0].io().of("/chat").on_connect(|| {});
        cluster[1].io().of("/chat").on_connect(|| {});
        let a = cluster[0].connect_to("/chat", &()).expect("let in");
        let b = cluster[1].connect_to("/chat", &()).expect("let in");
        let root = cluster[1].connect();
        let chat = cluster[0].io().of("/chat");
        chat.emit("news", &1).expect("sent");
        assert_eq!([heard(&a), heard(&b)], [["news 1"]; 2]);
        root.expect_nothing();
        let found = now(&cluster[0], chat.fetch_sockets()).expect("two nodes");
        assert_eq!(ids(&found), sorted([&a, &b]));
    }
}

#[test]
fn sockets_of_every_node_are_found_with_all_that_is_known_of_them() {
    for cluster in [cluster(), counted()] {
        let [a, b, c] = three(&cluster);
        cluster[2].io().sockets()[0].data().set("name", "Carol").expect("JSON");
        c.emit("join", "blue");
        let all = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("all nodes");
        assert_eq!(ids(&all), sorted([&a, &b, &c]));
        let blue = now(&cluster[1], cluster[1].io().to("blue").fetch_sockets()).expect("all");
        let [carol] = &blue[..] else { panic!("one socket: {blue:?}") };
        assert_eq!(carol.id(), c.id());
        assert_eq!(carol.data::<String>("name").as_deref(), Some("Carol"));
        assert_eq!(carol.rooms(), [c.id(), "blue"]);
        assert_eq!(carol.handshake().query["EIO"], "4");

        carol.emit("hello", &1).expect("sent");
        assert_eq!(heard(&c), ["hello 1"]);
        carol.join(["green", "red"]);
        carol.leave("blue");
        let green = now(&cluster[0], cluster[0].io().to("green").fetch_sockets()).expect("all");
        assert_eq!(green[0].rooms().len(), 3);
        assert!(!green[0].rooms().contains(&"blue".to_owned()));
        carol.disconnect(true);
        cluster[0].run();
        assert!(c.connection().closed().is_some());
        assert!(a.is_connected() && b.is_connected());
    }
}

#[test]
fn sockets_of_every_node_are_moved_and_ended_by_selection() {
    let cluster = cluster();
    let [a, b, c] = three(&cluster);
    let io = cluster[1].io();
    io.except(b.id()).join("others");
    let others = now(&cluster[2], cluster[2].io().to("others").fetch_sockets()).expect("all");
    assert_eq!(ids(&others), sorted([&a, &c]));
    cluster[0].io().to(c.id()).leave("others");
    let others = now(&cluster[2], cluster[2].io().to("others").fetch_sockets()).expect("all");
    assert_eq!(ids(&others), [a.id()]);
    cluster[2].io().to("others").disconnect(false);
    assert!(!a.is_connected() && a.connection().closed().is_none());
    assert!(b.is_connected() && c.is_connected());
    cluster[0].io().disconnect(true);
    assert!(b.connection().closed().is_some() && c.connection().closed().is_some());
}

#[test]
fn acknowledgements_of_all_nodes_are_gathered() {
    for cluster in [cluster(), counted()] {
        let clients = three(&cluster);
        let log = Log::default();
        let replies = cluster[0].io().emit_with_ack::<u32>("vote", "tea?").expect("sent");
        watch(&cluster[0], &log, replies.into_future());
        for (client, vote) in clients.iter().zip([1, 2, 3]) {
            assert_eq!(log.take(), [""; 0]);
            let question = client.expect_event("vote");
            // Of several arguments the first crosses nodes.
            client.acknowledge(&question, &(vote, "more"));
        }
        cluster[0].run();
        assert_eq!(log.take(), ["Ok([1, 2, 3])"]);
        let nobody = cluster[0].io().to("nobody").emit_with_ack::<u32>("vote", "tea?");
        assert_eq!(now(&cluster[0], nobody.expect("sent").into_future()), Ok(Vec::new()));
    }
}

#[test]
fn a_client_that_does_not_acknowledge_is_counted_wherever_it_is() {
    let cluster = cluster();
    let [a, b, c] = three(&cluster);
    let replies = cluster[0].io().timeout(secs(2)).emit_with_ack::<u32>("vote", &());
    let replies = replies.expect("sent");
    let question = b.expect_event("vote");
    b.acknowledge(&question, &2);
    let question = c.expect_event("vote");
    c.acknowledge(&question, "no number");
    let missing = later(&cluster[0], secs(2), replies.into_future()).expect_err("some");
    assert_eq!(missing.replies, [2]);
    assert_eq!(missing.elsewhere, 0);
    let mut who: Vec<_> =
        missing.missing.iter().map(|(id, _)| id.expect("told").to_string()).collect();
    who.sort_unstable();
    assert_eq!(who, sorted([&a, &c]));
    assert!(missing.nodes.is_empty());

    let replies = cluster[0].io().to(b.id()).timeout(secs(2)).emit_with_ack::<u32>("vote", &());
    let missing = later(&cluster[0], secs(2), replies.expect("sent").into_future());
    let missing = missing.expect_err("nobody");
    assert_eq!((missing.missing.len(), missing.elsewhere), (0, 1));
    assert_eq!(missing.to_string(), "1 of 1 clients did not acknowledge");
}

#[test]
fn one_client_of_another_node_is_asked() {
    let cluster = cluster();
    let [_, b, _] = three(&cluster);
    let found = now(&cluster[0], cluster[0].io().to(b.id()).fetch_sockets()).expect("all");
    let ask = |log: &Log| {
        let socket = found[0].clone().timeout(secs(1));
        watch(&cluster[0], log, async move { socket.emit_with_ack::<u32>("age", &()).await });
    };
    let log = Log::default();
    ask(&log);
    let question = b.expect_event("age");
    b.acknowledge(&question, &7);
    cluster[0].run();
    assert_eq!(log.take(), ["Ok(7)"]);
    ask(&log);
    cluster.advance(secs(1));
    assert_eq!(log.take(), ["Err(Timeout)"]);
    b.disconnect();
    ask(&log);
    assert_eq!(log.take(), ["Err(Disconnected)"]);
}

#[test]
fn one_client_of_this_node_is_no_matter_of_the_others() {
    let cluster = cluster();
    let [a, ..] = three(&cluster);
    let found = now(&cluster[0], cluster[0].io().to(a.id()).fetch_sockets()).expect("all");
    let said = Log::default();
    let seen = said.clone();
    cluster.on_message(move |_, _, message| {
        seen.add(format!("{message:?}"));
        Delivery::AtOnce
    });
    found[0].emit("hello", &1).expect("sent");
    found[0].join("blue");
    let question = found[0].emit_with_ack::<u32>("age", &());
    assert!(question.now_or_never().is_none());
    assert_eq!(heard(&a), ["hello 1", "age "]);
    assert_eq!(said.take(), [""; 0]);
}

#[test]
fn the_other_nodes_handle_events_in_their_order_and_answer() {
    for cluster in [cluster(), counted()] {
        let log = Log::default();
        for node in 0..3 {
            let seen = log.clone();
            cluster[node].io().insert_state(node);
            cluster[node].io().on_server_event("note", move |Data(text): Data<String>| {
                seen.add(format!("{node} {text}"));
            });
            cluster[node].io().on_server_event(
                "add",
                async |Data((a, b)): Data<(u32, u32)>, State(node): State<usize>| {
                    Data((a + b) * 10 + u32::try_from(node).expect("few nodes"))
                },
            );
        }
        let io = cluster[1].io();
        io.server_side_emit("note", "one").expect("sent");
        io.server_side_emit("note", "two").expect("sent");
        cluster[1].run();
        let mut seen = log.take();
        seen.sort();
        assert_eq!(seen, ["0 one", "0 two", "2 one", "2 two"]);
        let sums = io.server_side_emit_with_ack::<u32>("add", &(1, 2)).expect("sent");
        let mut sums = now(&cluster[1], sums.into_future()).expect("both");
        sums.sort_unstable();
        assert_eq!(sums, [30, 32]);
        io.server_side_emit("connection", &()).expect_err("Node has it for something else");
    }
}

#[test]
fn answers_that_do_not_fit_or_do_not_come_are_told() {
    let cluster = cluster();
    three(&cluster);
    let (log, reports) = (Log::default(), Log::default());
    let seen = reports.clone();
    cluster[1].io().on_error(move |report| seen.add(report.to_string()));
    cluster[1].io().on_server_event("count", || Err::<Data<u32>, _>("no"));
    let count = cluster[0].io().server_side_emit_with_ack::<u32>("count", &()).expect("sent");
    watch(&cluster[0], &log, async move {
        let missing = count.timeout(secs(1)).await.expect_err("none");
        (missing.answers, missing.unfit.len(), missing.nodes.ids().to_vec())
    });
    assert_eq!(reports.take(), [r#""count" in /: no"#]);
    assert_eq!(log.take(), [""; 0]);
    cluster.advance(secs(1));
    assert_eq!(log.take(), [format!("([], 1, [{:?}])", cluster.id(2))]);
}

#[test]
fn events_of_other_nodes_wait_for_their_handlers_up_to_a_bound() {
    let cluster = cluster();
    let (gate, log) = (Gate::default(), Log::default());
    let (waiting, seen) = (gate.clone(), log.clone());
    cluster[1].io().on_server_event("work", move |Data(n): Data<usize>| {
        let (gate, log) = (waiting.clone(), seen.clone());
        async move {
            gate.passed().await;
            log.add(n.to_string());
        }
    });
    // As many at work, and as many that wait.
    for n in 0..3000 {
        cluster[0].io().server_side_emit("work", &n).expect("sent");
        cluster[0].run();
    }
    gate.open();
    cluster[0].run();
    let mut done: Vec<usize> = log.take().iter().map(|n| n.parse().expect("a number")).collect();
    done.sort_unstable();
    assert_eq!(done, (0..2048).collect::<Vec<_>>());
    cluster[0].io().server_side_emit("work", &7).expect("sent");
    cluster[0].run();
    assert_eq!(log.take(), ["7"]);
}

#[test]
fn a_server_alone_asks_nobody() {
    let server = TestServer::new(builder());
    server.io().server_side_emit("note", &1).expect("nobody");
    let answers = server.io().server_side_emit_with_ack::<Value>("note", &1).expect("nobody");
    assert_eq!(now(&server, answers.timeout(secs(1)).into_future()), Ok(Vec::new()));
}

#[test]
fn a_slow_node_holds_up_only_what_asks_for_it() {
    let cluster = cluster();
    let [a, b, c] = three(&cluster);
    cluster.on_message(|from, to, _| match (from, to) {
        (_, 2) => Delivery::Late(secs(3)),
        _ => Delivery::AtOnce,
    });
    let log = Log::default();
    let io = cluster[0].io();
    io.emit("news", &1).expect("sent");
    assert_eq!([heard(&a), heard(&b)], [["news 1"]; 2]);
    c.expect_nothing();
    let fetch = io.fetch_sockets();
    watch(&cluster[0], &log, async move { fetch.await.expect("all").len() });
    let late = io.timeout(secs(2)).fetch_sockets();
    watch(&cluster[0], &log, async move {
        let missing = late.await.expect_err("one is late");
        (missing.sockets.len(), missing.nodes)
    });
    cluster.advance(secs(2));
    let missing = format!("(2, MissingNodes {{ ids: [{:?}], unnamed: 0 }})", cluster.id(2));
    assert_eq!(log.take(), [missing]);
    cluster.advance(secs(1));
    assert_eq!(log.take(), ["3"]);
    assert_eq!(heard(&c), ["news 1"]);
}

#[test]
fn a_node_that_died_is_named_and_then_forgotten() {
    let cluster = cluster();
    let [a, b, _c] = three(&cluster);
    cluster.advance(secs(20));
    let all = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("all live");
    assert_eq!(all.len(), 3);
    cluster.crash(2);
    let log = Log::default();
    // Before the time-out of the request the others notice that it is dead.
    let replies = cluster[0].io().timeout(secs(60)).emit_with_ack::<u32>("vote", &());
    let replies = replies.expect("sent");
    watch(&cluster[0], &log, async move {
        let missing = replies.await.expect_err("one is dead");
        (missing.replies, missing.nodes.ids().to_vec())
    });
    for (client, vote) in [(&a, 1), (&b, 2)] {
        let question = client.expect_event("vote");
        client.acknowledge(&question, &vote);
    }
    cluster.advance(secs(4));
    assert_eq!(log.take(), [""; 0]);
    cluster.advance(secs(6));
    assert_eq!(log.take(), [format!("([1, 2], [{:?}])", cluster.id(2))]);
    let rest = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("it is forgotten");
    assert_eq!(ids(&rest), sorted([&a, &b]));
}

#[test]
fn a_node_that_is_counted_and_silent_is_missing_without_a_name() {
    let cluster = counted();
    three(&cluster);
    cluster.on_message(|_, to, _| if to == 1 { Delivery::Lost } else { Delivery::AtOnce });
    let fetch = cluster[0].io().fetch_sockets();
    let missing = later(&cluster[0], secs(5), fetch).expect_err("one is silent");
    assert_eq!((missing.sockets.len(), missing.nodes.len()), (2, 1));
    assert_eq!(missing.to_string(), "1 other nodes did not answer");
}

#[test]
fn a_node_that_closes_or_that_drops_is_not_waited_for() {
    let cluster = cluster();
    let [a, b, _c] = three(&cluster);
    let io = cluster[2].io().clone();
    now(&cluster[2], async move { io.close().await });
    let rest = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("the rest");
    assert_eq!(ids(&rest), sorted([&a, &b]));
}

#[test]
fn a_node_that_comes_later_takes_part() {
    let mut cluster = cluster();
    let [a, b, c] = three(&cluster);
    cluster.advance(secs(30));
    set_up(cluster.add(builder()));
    let d = cluster[3].connect();
    cluster[0].io().emit("news", &1).expect("sent");
    assert_eq!(heard(&d), ["news 1"]);
    cluster[3].io().emit("news", &2).expect("sent");
    assert_eq!([heard(&a), heard(&b), heard(&c)], [["news 1", "news 2"]; 3]);
    for node in [0, 3] {
        let all = now(&cluster[node], cluster[node].io().fetch_sockets()).expect("all");
        assert_eq!(ids(&all), sorted([&a, &b, &c, &d]));
    }
}

#[test]
fn what_the_bus_gives_twice_counts_once_in_answers() {
    for cluster in [cluster(), counted()] {
        let clients = three(&cluster);
        cluster.on_message(|_, _, message| match message {
            ClusterMessage::Broadcast { .. } | ClusterMessage::ServerSideEmit { .. } => {
                Delivery::AtOnce
            }
            _ => Delivery::Twice,
        });
        let all = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("all");
        assert_eq!(ids(&all), sorted(clients.each_ref()));
        let replies = cluster[0].io().emit_with_ack::<u32>("vote", &()).expect("sent");
        for client in &clients {
            let question = client.expect_event("vote");
            client.acknowledge(&question, &1);
        }
        assert_eq!(now(&cluster[0], replies.into_future()), Ok(vec![1, 1, 1]));
        cluster[1].io().on_server_event("n", || Data(1));
        cluster[2].io().on_server_event("n", || Data(2));
        let n = cluster[0].io().server_side_emit_with_ack::<u32>("n", &()).expect("sent");
        let n = now(&cluster[0], n.into_future()).expect("both");
        assert_eq!(n.iter().sum::<u32>(), 3);
    }
}

#[test]
fn a_program_that_only_sends_is_heard_but_not_asked() {
    let cluster = cluster();
    let clients = three(&cluster);
    let emitter = NodeId::new("emitter");
    let message = ClusterMessage::Broadcast {
        options: BroadcastOptions::default(),
        name: "news".into(),
        args: RawArgs::new(&1).expect("JSON"),
        request: None,
    };
    cluster.inject("/", Some(&emitter), &message);
    cluster.inject("/nowhere", Some(&emitter), &message);
    assert_eq!(clients.each_ref().map(heard), [["news 1"]; 3]);
    let all = now(&cluster[0], cluster[0].io().fetch_sockets()).expect("all nodes");
    assert_eq!(all.len(), 3);
}

#[test]
fn nonsense_from_the_bus_harms_nobody() {
    let cluster = cluster();
    let [a, ..] = three(&cluster);
    let reserved = ClusterMessage::Broadcast {
        options: BroadcastOptions::default(),
        name: "disconnect".into(),
        args: RawArgs::default(),
        request: None,
    };
    let unasked =
        ClusterMessage::FetchSocketsResponse { request: RequestId::new("?"), sockets: Vec::new() };
    let own = cluster.id(0);
    for message in [reserved, unasked, ClusterMessage::AdapterClose] {
        cluster.inject("/", None, &message);
        cluster.inject("/", Some(&own), &message);
    }
    a.expect_nothing();
    cluster[0].io().emit("news", &1).expect("sent");
    assert_eq!(heard(&a), ["news 1"]);
}

#[test]
fn a_client_that_comes_back_to_another_node_is_new_there_and_offsets_are_each_nodes_own() {
    let cluster = TestCluster::new(2, || builder().recovery(Recovery::default()));
    let here = cluster[0].connect();
    let there = cluster[1].connect();
    for n in 0..3 {
        cluster[1].io().local().emit("news", &n).expect("sent");
        there.expect::<u32>("news");
    }
    cluster[0].io().emit("news", &3).expect("sent");
    let offset = here.expect_event("news").offset();
    there.expect::<u32>("news");
    here.connection().close();
    cluster[0].io().emit("news", &4).expect("sent");
    there.expect::<u32>("news");
    let auth = json!({ "pid": here.recovery_id(), "offset": offset });
    let stranger = cluster[1].connect_to("/", &auth).expect("let in");
    assert_ne!(stranger.id(), here.id());
    stranger.expect_nothing();
    let back = cluster[0].connect_to("/", &auth).expect("let in");
    assert_eq!(back.id(), here.id());
    assert_eq!(back.expect::<u32>("news"), 4);
    back.expect_nothing();
}

#[test]
fn what_is_for_the_rooms_of_a_client_that_may_come_back_is_kept_for_it() {
    let cluster = TestCluster::new(2, || builder().recovery(Recovery::default()));
    set_up(&cluster[0]);
    let client = cluster[0].connect();
    client.emit("join", "blue");
    cluster[1].io().to("blue").emit("news", &1).expect("sent");
    let offset = client.expect_event("news").offset();
    client.connection().close();
    cluster[1].io().to("blue").emit("news", &2).expect("sent");
    cluster[1].io().to(client.id()).emit("private", &3).expect("sent");
    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
    let back = cluster[0].connect_to("/", &auth).expect("let in");
    assert_eq!(back.expect::<u32>("news"), 2);
    assert_eq!(back.expect::<u32>("private"), 3);
    cluster[1].io().to("blue").emit("news", &4).expect("sent");
    assert_eq!(back.expect::<u32>("news"), 4);
    back.connection().close();
    let io = cluster[0].io().clone();
    now(&cluster[0], async move { io.close().await });
}

/// Keeps what a server gives it, and what the server tells it.
#[derive(Clone, Debug, Default)]
struct Idle(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    begun: Option<(ClusterNode, ClusterDriver)>,
    calls: Vec<String>,
}

impl Idle {
    fn note(&self, call: &str) {
        self.0.lock().expect("no panic").calls.push(call.to_owned());
    }

    /// What the server told it since the last time.
    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic").calls)
    }
}

impl Adapter for Idle {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TestClock::default())
    }

    fn membership(&self) -> Membership {
        Membership::Counted
    }

    fn start(&self, node: ClusterNode, driver: ClusterDriver) {
        self.0.lock().expect("no panic").begun = Some((node, driver));
    }

    fn open(&self, namespace: &str) {
        self.note(&format!("open {namespace}"));
    }

    fn close(&self, namespace: &str) {
        self.note(&format!("close {namespace}"));
    }

    fn open_room(&self, _: &str, room: &str) {
        self.note(&format!("open room {room}"));
    }

    fn close_room(&self, _: &str, room: &str) {
        self.note(&format!("close room {room}"));
    }

    fn send(&self, _: &str, _: Option<&NodeId>, _: ClusterMessage) {}

    fn stop(&self) {
        self.note("stop");
    }
}

#[test]
fn a_server_that_is_dropped_lets_its_adapter_and_its_driver_go() {
    let adapter = Idle::default();
    let io = builder().adapter(adapter.clone()).build().expect("valid options");
    drop((io.of("/"), io.of("chat"), io.of("/chat")));
    let (node, driver) = adapter.0.lock().expect("no panic").begun.take().expect("begun");
    let mut driver = pin!(driver);
    assert_eq!(driver.as_mut().now_or_never(), None);
    assert_eq!(node.receive("/", None, ClusterMessage::Heartbeat), Ok(()));
    drop(io);
    assert_eq!(node.receive("/", None, ClusterMessage::Heartbeat), Err(ServerGone));
    assert_eq!(driver.now_or_never(), Some(()));
    let mut calls = adapter.calls().split_off(2);
    calls[..2].sort();
    assert_eq!(calls, ["close /", "close /chat", "stop"]);
}

#[test]
fn a_dynamic_namespace_is_the_clusters_as_long_as_it_is_there() {
    let adapter = Idle::default();
    let options = builder().cleanup_empty_namespaces(true).adapter(adapter.clone());
    let server = TestServer::new(options);
    server.io().of_dynamic("/game", |_| {});
    let client = server.connect_to("/game", &()).expect("let in");
    client.disconnect();
    let id = client.id();
    let expected = [
        "open /",
        "open /game",
        &format!("open room {id}"),
        &format!("close room {id}"),
        "close /game",
    ];
    assert_eq!(adapter.calls(), expected);
}

#[test]
fn a_room_is_the_clusters_as_long_as_it_has_members_here() {
    let adapter = Idle::default();
    let server = TestServer::new(builder().adapter(adapter.clone()));
    set_up(&server);
    let (a, b) = (server.connect(), server.connect());
    let opened = |client: &TestClient| format!("open room {}", client.id());
    let closed = |client: &TestClient| format!("close room {}", client.id());
    assert_eq!(adapter.calls(), ["open /".to_owned(), opened(&a), opened(&b)]);
    a.emit("join", "blue");
    b.emit("join", "blue");
    b.emit("join", a.id());
    server.io().to(a.id()).except(b.id()).leave("blue");
    assert_eq!(adapter.calls(), ["open room blue"]);
    a.disconnect();
    assert_eq!(adapter.calls(), [""; 0]);
    b.disconnect();
    let mut calls = adapter.calls();
    calls.sort();
    let mut expected = ["close room blue".to_owned(), closed(&a), closed(&b)];
    expected.sort();
    assert_eq!(calls, expected);
}

#[test]
fn a_room_is_the_clusters_while_somebody_may_come_back_to_it() {
    let adapter = Idle::default();
    let recovery = Recovery { max_sockets: 1, ..Recovery::default() };
    let server = TestServer::new(builder().recovery(recovery).adapter(adapter.clone()));
    set_up(&server);
    let closed = |client: &TestClient| {
        let mut closed = [format!("close room {}", client.id()), "close room blue".to_owned()];
        closed.sort();
        closed
    };
    let calls = || {
        let mut calls = adapter.calls();
        calls.sort();
        calls
    };
    let client = server.connect();
    client.emit("join", "blue");
    adapter.calls();
    client.connection().close();
    let auth = json!({ "pid": client.recovery_id() });
    let back = server.connect_to("/", &auth).expect("let in");
    assert_eq!(back.id(), client.id());
    back.connection().close();
    assert_eq!(calls(), [""; 0]);
    // It is too late.
    server.advance(Recovery::default().max_disconnection_duration);
    assert_eq!(calls(), closed(&back));
    // It says that it does not come back.
    let leaving = server.connect();
    leaving.emit("join", "blue");
    adapter.calls();
    leaving.disconnect();
    assert_eq!(calls(), closed(&leaving));
    // There is no room for one more.
    let [kept, lost] = [server.connect(), server.connect()];
    kept.connection().close();
    lost.emit("join", "blue");
    adapter.calls();
    lost.connection().close();
    assert_eq!(calls(), closed(&lost));
}
