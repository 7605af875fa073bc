//! Nodes over Redis streams: what one of them is told to do reaches the clients of all, and clients
//! come back to any.

mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use socketio_core::{
    Ack, Builder, Data, LogOffset, Recovery, Socket, SocketIo,
    testing::{TestClient, TestEvent},
};
use socketio_redis::{
    RedisEmitter, RedisStreamsAdapter, RedisStreamsAdapterBuilder, Stats, Target,
};

use self::support::{Network, Nodes, PATIENCE, Proxy, RedisServer, eventually};

/// One that notices soon.
fn impatient(target: Target) -> RedisStreamsAdapterBuilder {
    let millis = Duration::from_millis;
    let target = target
        .connection_timeout(millis(1000))
        .keep_alive(millis(100))
        .response_timeout(millis(1000))
        .max_reconnect_delay(millis(100));
    RedisStreamsAdapter::builder(target).block_time(millis(200)).max_delay(millis(1500))
}

fn recovering() -> Builder {
    let second = Duration::from_secs(1);
    let builder = SocketIo::builder().request_timeout(second).ack_timeout(second);
    builder.recovery(Recovery::default())
}

struct Place {
    redis: RedisServer,
    nodes: Nodes,
    adapters: Vec<RedisStreamsAdapter>,
}

impl Place {
    /// So many nodes that recover clients. `None` if there is no Redis on this machine.
    fn new(count: usize) -> Option<Self> {
        let redis = RedisServer::start()?;
        let targets = (0..count).map(|_| redis.target()).collect();
        // What a busy machine makes late is not to be delivered without Redis.
        Some(Self::at(redis, targets, recovering, |builder| builder.max_delay(PATIENCE)))
    }

    fn at(
        redis: RedisServer,
        targets: Vec<Target>,
        builder: impl Fn() -> Builder,
        options: impl Fn(RedisStreamsAdapterBuilder) -> RedisStreamsAdapterBuilder,
    ) -> Self {
        let mut place = Self { redis, nodes: Nodes::default(), adapters: Vec::new() };
        for target in targets {
            place.add(builder(), options(impatient(target)).build());
        }
        place.ready();
        place
    }

    fn add(&mut self, builder: Builder, adapter: RedisStreamsAdapter) {
        let node = self.adapters.len();
        self.nodes.add_with(builder, adapter.clone());
        self.adapters.push(adapter);
        let io = self.nodes[node].io();
        io.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        io.on("whoami", |socket: Socket| {
            let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
            rooms.sort();
            Data((socket.is_recovered(), rooms, socket.data().to_value()))
        });
    }

    /// Waits until all nodes are there and what each sends comes back to it.
    fn ready(&self) {
        let count = self.adapters.len();
        self.nodes.until("all are connected", || {
            self.adapters.iter().all(|adapter| adapter.stats().is_connected).then_some(())
        });
        let probes: Vec<_> = (0..count).map(|node| self.nodes[node].connect()).collect();
        let mut round = 0;
        // The places of the last events. What has not come from the stream has that of one before.
        let mut last = vec![LogOffset::START; count];
        self.nodes.until("all are one", || {
            round += 1;
            for node in 0..count {
                self.nodes[node].io().emit("ready", &(round, node)).expect("sent");
            }
            std::thread::sleep(Duration::from_millis(50));
            let is_ready = probes.iter().zip(&mut last).all(|(probe, last)| {
                let events: Vec<_> = std::iter::from_fn(|| probe.next_event()).collect();
                let of_round =
                    |event: &&TestEvent| event.args.iter().next() == Some(&round.to_string());
                let have_places = events.iter().all(|event| {
                    let Ok((.., offset)) = event.args.parse::<(u32, usize, String)>() else {
                        return true;
                    };
                    let before = *last;
                    *last = offset.parse().expect("an offset");
                    before < *last
                });
                have_places && events.iter().filter(of_round).count() == count
            });
            (is_ready && round > 1).then_some(())
        });
        probes.iter().for_each(TestClient::disconnect);
    }

    fn io(&self, node: usize) -> &SocketIo {
        self.nodes[node].io()
    }

    fn connect<const N: usize>(&self) -> [TestClient; N] {
        std::array::from_fn(|node| self.nodes[node].connect())
    }

    /// The next event of a client.
    #[track_caller]
    fn next(&self, client: &TestClient, event: &str) -> TestEvent {
        let next = self.nodes.until(event, || client.next_event());
        assert_eq!(next.name, event, "{next:?}");
        next
    }

    /// The first arguments of a client's next events.
    #[track_caller]
    fn numbers(&self, client: &TestClient, count: usize) -> Vec<u32> {
        let number = |_| {
            let event = self.next(client, "n");
            serde_json::from_str(event.args.iter().next().expect("one")).expect("a number")
        };
        (0..count).map(number).collect()
    }

    /// A client comes back to a node.
    #[track_caller]
    fn come_back(&self, node: usize, client: &TestClient, offset: Option<&str>) -> TestClient {
        let connection = self.nodes[node].open();
        let auth = json!({ "pid": client.recovery_id(), "offset": offset });
        connection.request_join("/", &auth);
        self.nodes.until("an answer", || connection.take_join("/")).expect("let in")
    }

    fn until_connected(&self, node: usize, is_connected: bool) {
        self.nodes.until("Redis is there, or is not", || {
            (self.adapters[node].stats().is_connected == is_connected).then_some(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_reaches_the_clients_of_every_node() {
    for is_sharded in [false, true] {
        for builder in [SocketIo::builder, recovering] {
            let Some(redis) = RedisServer::start() else { return };
            let targets = vec![redis.target(), redis.target()];
            let place = Place::at(redis, targets, builder, |adapter| {
                adapter.use_sharded_pub_sub(is_sharded)
            });
            try_everything(&place);
        }
    }
}

fn try_everything(place: &Place) {
    let [a, b] = place.connect();
    let bytes = Bytes::from_static(b"\0\x01");
    [&a, &b].into_iter().for_each(|client| client.emit("join", "all"));
    b.emit("join", "muted");
    place.io(0).to("all").except("muted").emit("n", &1).expect("sent");
    place.io(1).to("muted").emit("n", &2).expect("sent");
    assert_eq!(place.numbers(&a, 1), [1]);
    assert_eq!(place.numbers(&b, 1), [2]);
    place.io(0).emit("n", &(3, &bytes)).expect("sent");
    [&a, &b].into_iter().for_each(|client| assert_eq!(place.numbers(client, 1), [3]));
    place.io(1).volatile().emit("n", &4).expect("sent");
    [&a, &b].into_iter().for_each(|client| assert_eq!(place.numbers(client, 1), [4]));

    let sockets = place.nodes.wait(place.io(0).fetch_sockets()).expect("all nodes");
    assert_eq!(sockets.len(), 2);
    let other = sockets.iter().find(|socket| socket.id() == b.id()).expect("it is there");
    other.join("red");
    place.nodes.until("it has joined", || {
        let red = place.nodes.wait(place.io(0).to("red").fetch_sockets()).expect("all nodes");
        (red.len() == 1).then_some(())
    });
    place.io(0).to("red").leave("red");
    place.nodes.until("it has left", || {
        let red = place.nodes.wait(place.io(1).to("red").fetch_sockets()).expect("all nodes");
        red.is_empty().then_some(())
    });

    let replies = place.io(0).emit_with_ack::<u32>("question", &bytes).expect("sent");
    let replies = place.nodes.spawn(replies.into_future());
    for (client, answer) in [(&a, 1), (&b, 2)] {
        let question = place.next(client, "question");
        client.acknowledge(&question, &answer);
    }
    let mut replies =
        place.nodes.until("all replies", || replies.take()).expect("all have answered");
    replies.sort_unstable();
    assert_eq!(replies, [1, 2]);

    place.io(1).on_server_event("double", |Data(n): Data<u32>, ack: Ack| ack.send(&(n * 2)));
    let answers = place.io(0).server_side_emit_with_ack::<u32>("double", &21).expect("sent");
    let answers = place.nodes.wait(answers.into_future()).expect("all nodes");
    assert_eq!(answers, [42]);

    other.disconnect(true);
    place.nodes.until("it is closed", || b.connection().closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_back_to_another_node() {
    let Some(place) = Place::new(2) else { return };
    let [a, _] = place.connect();
    a.emit("join", "news");
    place.io(0).sockets()[0].data().set("name", "ada").expect("JSON");
    place.io(1).emit("n", &1).expect("sent");
    let offset = place.next(&a, "n").offset();
    a.connection().close();
    place.io(1).emit("n", &(2, Bytes::from_static(b"x"))).expect("sent");
    place.io(1).to("news").emit("n", &3).expect("sent");
    place.io(1).to("sport").emit("n", &4).expect("sent");
    let back = place.come_back(1, &a, Some(&offset));
    assert_eq!(back.id(), a.id());
    assert_eq!(place.numbers(&back, 2), [2, 3]);
    let mut rooms = vec![a.id().to_owned(), "news".to_owned()];
    rooms.sort();
    let expected = (true, rooms, json!({ "name": "ada" }));
    assert_eq!(back.ask::<(bool, Vec<String>, serde_json::Value)>("whoami", &()), expected);
    // Once: its key is used up.
    back.connection().stop_reading(true);
    let other = place.come_back(0, &a, Some(&offset));
    assert_ne!(other.id(), a.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_back_after_its_node_has_ended() {
    let Some(mut place) = Place::new(2) else { return };
    let a = place.nodes[0].connect();
    place.io(0).emit("n", &1).expect("sent");
    let offset = place.next(&a, "n").offset();
    let io = place.io(0).clone();
    place.nodes.wait(async move { io.close().await });
    let key = format!("sio:session:{}", a.recovery_id());
    eventually("its session is kept", || {
        (place.redis.query::<usize>(&["EXISTS", &key]) == 1).then_some(())
    });
    place.io(1).emit("n", &2).expect("sent");
    eventually("it is in the stream", || {
        (place.redis.query::<usize>(&["XLEN", "socket.io"]) > 1).then_some(())
    });
    let adapter = impatient(place.redis.target()).max_delay(PATIENCE).build();
    place.add(recovering(), adapter);
    place.until_connected(2, true);
    let back = place.come_back(2, &a, Some(&offset));
    assert_eq!((back.id(), place.numbers(&back, 1)), (a.id(), vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_twice_where_the_network_was_cut() {
    for network in [Network::Closed, Network::Silent] {
        for builder in [SocketIo::builder, recovering] {
            let Some(redis) = RedisServer::start() else { return };
            let (proxy, other) = (Proxy::to(redis.port), Proxy::to(redis.port));
            let targets = vec![proxy.target(), other.target()];
            let place = Place::at(redis, targets, builder, |adapter| adapter);
            let [a, b] = place.connect();
            // In the middle of what is on its way.
            (0..500).for_each(|n| place.io(0).emit("n", &n).expect("sent"));
            proxy.set(network);
            (500..1000).for_each(|n| place.io(0).emit("n", &n).expect("sent"));
            // The own clients do not wait for ever.
            assert_eq!(place.numbers(&a, 1000), (0..1000).collect::<Vec<_>>());
            place.until_connected(0, false);
            place.io(0).emit("n", &1000).expect("sent");
            assert_eq!(place.numbers(&a, 1), [1000]);
            // The other node loses Redis for a while, too, and misses nothing.
            other.set(network);
            proxy.set(Network::Whole);
            place.until_connected(0, true);
            other.set(Network::Whole);
            assert_eq!(place.numbers(&b, 1001), (0..1001).collect::<Vec<_>>());
            place.io(1).emit("n", &1001).expect("sent");
            assert_eq!(place.numbers(&a, 1), [1001]);
            let Stats { lost, queued, .. } = place.adapters[0].stats();
            assert_eq!((lost, queued), (0, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_go_on_after_redis_was_killed_with_all_that_it_had() {
    let Some(redis) = RedisServer::start() else { return };
    let targets = vec![redis.target(), redis.target()];
    let mut place = Place::at(redis, targets, recovering, |builder| builder);
    let [a, b] = place.connect();
    place.redis.kill();
    (0..2).for_each(|node| place.until_connected(node, false));
    place.io(0).emit("n", &1).expect("sent");
    assert_eq!(place.numbers(&a, 1), [1]);
    b.expect_nothing();
    place.redis.restart();
    // What was written to nobody is written now.
    assert_eq!(place.numbers(&b, 1), [1]);
    place.io(1).emit("n", &2).expect("sent");
    assert_eq!(place.numbers(&a, 1), [2]);
    assert_eq!(place.numbers(&b, 1), [2]);
    a.expect_nothing();
    let reports = place.nodes.reports();
    assert!(reports.len() >= 2, "one of each: {reports:?}");
    assert!(reports.iter().all(|report| report.contains("no connection to Redis")), "{reports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_come_back_to_their_own_node_while_redis_stands_still() {
    let Some(redis) = RedisServer::start() else { return };
    let targets = vec![redis.target()];
    let place = Place::at(redis, targets, recovering, |builder| builder);
    let a = place.nodes[0].connect();
    place.io(0).emit("n", &1).expect("sent");
    let offset = place.next(&a, "n").offset();
    place.redis.pause();
    a.connection().close();
    place.io(0).emit("n", &2).expect("sent");
    let back = place.come_back(0, &a, Some(&offset));
    assert_eq!((back.id(), place.numbers(&back, 1)), (a.id(), vec![2]));
    place.redis.resume();
    place.ready();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_counted_and_reported() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let target = proxy.target().queue_bytes(64 * 1024);
    let place = Place::at(redis, vec![target], recovering, |adapter| adapter);
    let a = place.nodes[0].connect();
    proxy.set(Network::Closed);
    place.until_connected(0, false);
    place.nodes.reports();
    (0..1000).for_each(|n| place.io(0).emit("n", &(n, "x".repeat(100))).expect("sent"));
    assert_eq!(place.numbers(&a, 1000).len(), 1000, "the own clients have all");
    let Stats { lost, queued, .. } = place.adapters[0].stats();
    assert!(lost > 0 && queued > 0, "{lost} {queued}");
    proxy.set(Network::Whole);
    let report = place.nodes.until("it is reported", || {
        place.nodes.reports().into_iter().find(|report| report.contains("are lost"))
    });
    assert!(report.contains(&format!("{lost} messages")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_shared_out_among_streams() {
    let Some(redis) = RedisServer::start() else { return };
    let targets = vec![redis.target(), redis.target()];
    let place = Place::at(redis, targets, recovering, |adapter| adapter.stream_count(4));
    // Node counts this one to a stream that it does not read.
    let name = "/my-namespace";
    let clients = [0, 1].map(|node| {
        place.io(node).of(name);
        place.nodes[node].connect_to(name, &()).expect("let in")
    });
    place.nodes.until("the stream is read", || {
        place.io(0).of(name).emit("n", &1).expect("sent");
        std::thread::sleep(Duration::from_millis(20));
        clients[1].next_event()
    });
    place.nodes.until("an entry", || {
        (place.redis.query::<usize>(&["XLEN", "socket.io--3"]) > 0).then_some(())
    });
    assert!(place.redis.query::<usize>(&["XLEN", "socket.io-3"]) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_no_server_send_to_the_clients_of_every_node() {
    let Some(place) = Place::new(2) else { return };
    let emitter = RedisEmitter::for_streams(RedisStreamsAdapter::builder(place.redis.target()));
    let [a, b] = place.connect();
    a.emit("join", "red");
    place
        .io(1)
        .on_server_event("reload", |io: SocketIo, Data(n): Data<u32>| io.local().emit("n", &n));
    let bytes = Bytes::from_static(b"\0\x01");
    emitter.to("red").emit("n", &(1, bytes)).await.expect("sent");
    emitter.except("red").volatile().emit("n", &2).await.expect("sent");
    emitter.server_side_emit("reload", &3).await.expect("sent");
    assert_eq!(place.numbers(&a, 1), [1]);
    assert_eq!(place.numbers(&b, 2), [2, 3]);
    emitter.to("red").join("blue").await.expect("sent");
    emitter.to("blue").leave("red").await.expect("sent");
    emitter.emit("n", &4).await.expect("sent");
    assert_eq!(place.numbers(&a, 1), [4]);
    let rooms = a.ask::<(bool, Vec<String>, serde_json::Value)>("whoami", &()).1;
    assert!(rooms.contains(&"blue".into()) && !rooms.contains(&"red".into()), "{rooms:?}");
    emitter.to("blue").disconnect(true).await.expect("sent");
    place.nodes.until("it is closed", || a.connection().closed());
    assert!(b.is_connected());
    assert_eq!(emitter.stats().published, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_go_on_with_a_redis_whose_clock_is_behind() {
    let Some(mut place) = Place::new(2) else { return };
    // As if written by a clock that was far ahead, and what follows it too.
    let ahead = "99999999999999-1";
    place.redis.query::<String>(&["XADD", "socket.io", ahead, "uid", "x", "nsp", "/", "type", "2"]);
    let [a, b] = place.connect();
    place.io(0).emit("n", &1).expect("sent");
    assert_eq!(place.next(&a, "n").offset(), "99999999999999-2");
    assert_eq!(place.numbers(&b, 1), [1]);
    place.redis.kill();
    (0..2).for_each(|node| place.until_connected(node, false));
    place.redis.restart();
    (0..2).for_each(|node| place.until_connected(node, true));
    [&a, &b].into_iter().for_each(TestClient::disconnect);
    place.ready();
    let [a, b] = place.connect();
    place.io(0).emit("n", &2).expect("sent");
    let offset: LogOffset = place.next(&a, "n").offset().parse().expect("an offset");
    assert!(offset < ahead.parse().expect("an offset"), "{offset}");
    assert_eq!(place.numbers(&b, 1), [2]);
    a.connection().close();
    place.io(1).emit("n", &3).expect("sent");
    let back = place.come_back(1, &a, Some(&offset.to_string()));
    assert_eq!((back.id(), place.numbers(&back, 1)), (a.id(), vec![3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_has_no_room_for_is_lost_to_the_others_and_the_rest_is_there_once() {
    let Some(place) = Place::new(2) else { return };
    let [a, b] = place.connect();
    let limit = |bytes: &str| {
        place.redis.query::<String>(&["CONFIG", "SET", "maxmemory", bytes]);
    };
    place.nodes.reports();
    limit("1");
    place.io(0).emit("n", &0).expect("sent");
    assert_eq!(place.numbers(&a, 1), [0], "without waiting for another");
    for n in 1..=20 {
        place.io(0).emit("n", &n).expect("sent");
    }
    assert_eq!(place.numbers(&a, 20), (1..=20).collect::<Vec<_>>());
    limit("0");
    let reports = place.nodes.until("it is told", || {
        let reports = place.nodes.reports();
        (!reports.is_empty()).then_some(reports)
    });
    let refusals = reports.iter().filter(|report| report.contains("refuses")).count();
    assert_eq!(refusals, 1, "{reports:?}");
    // Now one moment there is room and the next there is not.
    let mut sent = 20;
    for round in 0..40 {
        for _ in 0..200 {
            sent += 1;
            place.io(0).emit("n", &sent).expect("sent");
        }
        limit(if round % 2 == 0 { "1" } else { "0" });
    }
    assert_eq!(place.numbers(&a, 8000), (21..=sent).collect::<Vec<_>>());
    place.io(0).emit("n", &0).expect("sent");
    let others: Vec<_> =
        std::iter::from_fn(|| Some(place.numbers(&b, 1)[0]).filter(|n| *n != 0)).collect();
    assert!(others.is_sorted_by(|n, next| n < next), "{others:?}");
    let lost = place.adapters[0].stats().lost;
    assert_eq!(others.len() as u64 + lost, 8021);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_kept_though_the_connection_is_lost_meanwhile() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let targets = vec![proxy.target(), redis.target()];
    let place = Place::at(redis, targets, recovering, |adapter| adapter);
    let [a, _] = place.connect();
    place.io(0).emit("n", &1).expect("sent");
    let offset = place.next(&a, "n").offset();
    proxy.set(Network::Silent);
    a.connection().close();
    // It is on its way now, and does not arrive.
    std::thread::sleep(Duration::from_millis(100));
    proxy.set(Network::Closed);
    place.until_connected(0, false);
    proxy.set(Network::Whole);
    let key = format!("sio:session:{}", a.recovery_id());
    eventually("its session is kept", || {
        (place.redis.query::<usize>(&["EXISTS", &key]) == 1).then_some(())
    });
    assert_eq!(place.come_back(1, &a, Some(&offset)).id(), a.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_made_on_any_thread() {
    let Some(redis) = RedisServer::start() else { return };
    let targets = vec![redis.target()];
    let place = Place::at(redis, targets, recovering, |adapter| adapter.stream_count(4));
    let io = place.io(0).clone();
    let name = std::thread::spawn(move || io.of("/my-namespace").name().to_owned());
    assert_eq!(name.join().expect("no panic"), "/my-namespace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_for_longer_than_the_stream_keeps_tells_it() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let targets = vec![proxy.target(), redis.target()];
    let place = Place::at(redis, targets, recovering, |adapter| adapter.max_len(10));
    let [_, b] = place.connect();
    proxy.set(Network::Closed);
    place.until_connected(0, false);
    let away = place.nodes[1].connect();
    away.connection().close();
    (0..1000).for_each(|n| place.io(1).emit("n", &n).expect("sent"));
    assert_eq!(place.numbers(&b, 1000).len(), 1000);
    proxy.set(Network::Whole);
    place.nodes.until("it is told", || {
        let reports = place.nodes.reports();
        reports.iter().any(|report| report.contains("may be missed")).then_some(())
    });
    let back = place.come_back(0, &away, None);
    assert_ne!(back.id(), away.id(), "there is no telling what it has missed");
    place.ready();
}
