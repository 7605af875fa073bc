//! What becomes of a cluster when Redis, the network or a node fails, and after that.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use socketio_core::{Ack, SocketIo, testing::TestClient};
use socketio_redis::{RedisAdapter, Stats, Target};

use self::support::{Network, Nodes, Proxy, RedisServer, eventually};

/// One that notices soon.
fn impatient(target: Target) -> Target {
    let millis = Duration::from_millis;
    target
        .connection_timeout(millis(500))
        .keep_alive(millis(100))
        .response_timeout(millis(300))
        .max_reconnect_delay(millis(100))
}

/// How long nodes wait for each other here.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A node for each of these, all of which have Redis.
fn nodes<const N: usize>(
    redis: &RedisServer,
    targets: [Target; N],
) -> (Nodes, [RedisAdapter; N], [TestClient; N]) {
    let adapters = targets.map(|target| RedisAdapter::new(impatient(target)));
    let mut nodes = Nodes::default();
    for adapter in &adapters {
        let builder =
            SocketIo::builder().request_timeout(REQUEST_TIMEOUT).ack_timeout(REQUEST_TIMEOUT);
        nodes.add_with(builder, adapter.clone());
    }
    let channel = "socket.io-request#/#";
    eventually("all listen", || {
        let are_connected = adapters.iter().all(|adapter| adapter.stats().is_connected);
        (are_connected && redis.subscribers(channel) == N).then_some(())
    });
    let clients = std::array::from_fn(|node| nodes[node].connect());
    (nodes, adapters, clients)
}

/// Waits until clients of all nodes get what each node sends, without anybody's help.
fn until_healed<const N: usize>(nodes: &Nodes, clients: &[TestClient; N]) {
    let mut round = 0;
    nodes.until("all are one again", || {
        round += 1;
        (0..N).for_each(|node| nodes[node].io().emit("healed", &(node, round)).expect("sent"));
        std::thread::sleep(Duration::from_millis(50));
        clients
            .iter()
            .all(|client| {
                let mut heard = [false; N];
                while let Some(event) = client.next_event() {
                    if let Ok((node, number)) = event.args.parse::<(usize, u32)>()
                        && event.name == "healed"
                        && number == round
                    {
                        heard[node] = true;
                    }
                }
                heard == [true; N]
            })
            .then_some(())
    });
}

/// The numbers that a client got in events of a name, up to the one that is the last.
fn numbers(nodes: &Nodes, client: &TestClient, last: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    nodes.until("the last number", || {
        while let Some(event) = client.next_event() {
            if event.name == "number" {
                numbers.push(event.args.parse().expect("a number"));
            }
        }
        (numbers.last() == Some(&last)).then_some(())
    });
    numbers
}

fn until_connected(adapters: &[RedisAdapter], are_connected: bool) {
    eventually("all notice", || {
        let is_so = |adapter: &RedisAdapter| adapter.stats().is_connected == are_connected;
        adapters.iter().all(is_so).then_some(())
    });
}

/// One node has reported that it has no Redis.
fn assert_outage(nodes: &Nodes) {
    let report = nodes.until("a report", || nodes.next_report());
    assert!(report.contains("no connection to Redis"), "{report}");
}

/// What a node sends reaches its own clients at once.
fn assert_local(nodes: &Nodes, node: usize, client: &TestClient) {
    nodes[node].io().emit("here", &node).expect("sent");
    assert_eq!(client.expect::<usize>("here"), node);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_one_again_after_redis_was_killed() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (nodes, adapters, clients) = nodes(&redis, [redis.target(), redis.target()]);
    redis.kill();
    until_connected(&adapters, false);
    assert_local(&nodes, 0, &clients[0]);
    clients[1].expect_nothing();
    let found = nodes.wait(nodes[0].io().fetch_sockets()).expect_err("a node is missing");
    assert_eq!((found.sockets.len(), found.nodes.len()), (1, 1));
    (0..2).for_each(|_| assert_outage(&nodes));
    redis.restart();
    until_connected(&adapters, true);
    until_healed(&nodes, &clients);
    assert!(nodes.wait(nodes[0].io().fetch_sockets()).is_ok());
    for adapter in &adapters {
        let Stats { lost, reconnects, received, .. } = adapter.stats();
        assert_eq!((lost, reconnects), (0, 1));
        assert!(received > 0);
    }
    assert_eq!(nodes.reports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_without_a_network_arrives_in_order_once_it_is_back() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let (nodes, adapters, clients) = nodes(&redis, [proxy.target(), redis.target()]);
    proxy.set(Network::Closed);
    until_connected(&adapters[..1], false);
    for number in 0..2000 {
        nodes[0].io().emit("number", &number).expect("sent");
    }
    nodes[1].io().emit("missed", &()).expect("sent");
    assert_eq!(numbers(&nodes, &clients[0], 1999).len(), 2000, "the own clients have all");
    assert_eq!(adapters[0].stats().queued, 2000);
    proxy.set(Network::Whole);
    assert_eq!(numbers(&nodes, &clients[1], 1999), (0..2000).collect::<Vec<_>>());
    assert_eq!(adapters[0].stats().lost, 0);
    until_healed(&nodes, &clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_falls_silent_is_noticed() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let (nodes, adapters, clients) = nodes(&redis, [proxy.target(), redis.target()]);
    proxy.set(Network::Silent);
    until_connected(&adapters[..1], false);
    assert_local(&nodes, 0, &clients[0]);
    assert_local(&nodes, 1, &clients[1]);
    assert_outage(&nodes);
    proxy.set(Network::Whole);
    until_healed(&nodes, &clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_end_while_redis_stands_still() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, adapters, clients) = nodes(&redis, [redis.target(), redis.target()]);
    nodes[1].io().on_server_event("hello", |ack: Ack| ack.send(&1));
    // So that the number of nodes is known.
    assert!(nodes.wait(nodes[0].io().fetch_sockets()).is_ok());
    redis.pause();
    let sockets = nodes.spawn(nodes[0].io().fetch_sockets());
    let asked = nodes[0].io().emit_with_ack::<u32>("question", &()).expect("sent");
    let replies = nodes.spawn(asked.into_future());
    let asked = nodes[0].io().server_side_emit_with_ack::<u32>("hello", &()).expect("sent");
    let answers = nodes.spawn(asked.into_future());
    let question = clients[0].expect_event("question");
    clients[0].acknowledge(&question, &7);
    let found = nodes.until("an end", || sockets.take()).expect_err("a node is missing");
    assert_eq!((found.sockets.len(), found.nodes.len()), (1, 1));
    let replies = nodes.until("an end", || replies.take()).expect_err("a node is missing");
    assert_eq!((replies.replies, replies.nodes.len()), (vec![7], 1));
    let answers = nodes.until("an end", || answers.take()).expect_err("a node is missing");
    assert_eq!((answers.answers, answers.nodes.len()), (Vec::new(), 1));
    until_connected(&adapters, false);
    assert_local(&nodes, 0, &clients[0]);
    redis.resume();
    until_healed(&nodes, &clients);
    assert!(nodes.wait(nodes[0].io().fetch_sockets()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_twice_though_redis_stood_still() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, adapters, clients) = nodes(&redis, [redis.target(), redis.target()]);
    redis.pause();
    for number in 0..100 {
        nodes[0].io().emit("number", &number).expect("sent");
    }
    until_connected(&adapters, false);
    nodes[0].io().emit("number", &100).expect("sent");
    redis.resume();
    // Those that were on their way may arrive or not; where the other node is not back in time, the
    // rest does not.
    until_connected(&adapters, true);
    nodes.until("the last number", || {
        nodes[0].io().emit("number", &1000).expect("sent");
        std::thread::sleep(Duration::from_millis(50));
        let mut last = None;
        while let Some(event) = clients[1].next_event() {
            let number: u32 = event.args.parse().expect("a number");
            assert!(last < Some(number) || number == 1000, "{number} after {last:?}");
            last = Some(number);
        }
        (last == Some(1000)).then_some(())
    });
    let Stats { lost, .. } = adapters[0].stats();
    assert!(lost <= 100, "{lost}");
    until_healed(&nodes, &clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_leaves_a_part_of_the_answers() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let (nodes, _, _clients) = nodes(&redis, [redis.target(), redis.target(), proxy.target()]);
    let unanswered = Arc::<Mutex<Vec<Ack>>>::default();
    let kept = Arc::clone(&unanswered);
    nodes[1].io().on_server_event("count", |ack: Ack| ack.send(&1));
    nodes[2].io().on_server_event("count", move |ack: Ack| {
        kept.lock().expect("no panic").push(ack);
    });
    let ask = || nodes[0].io().server_side_emit_with_ack::<u32>("count", &()).expect("sent");
    let answers = nodes.spawn(ask().into_future());
    let _unanswered = nodes.until("it is asked", || unanswered.lock().expect("no panic").pop());
    proxy.set(Network::Closed);
    let missing = nodes.until("an end", || answers.take()).expect_err("a node is missing");
    assert_eq!((missing.answers, missing.nodes.len()), (vec![1], 1));
    eventually("it is gone", || (redis.subscribers("socket.io-request#/#") == 2).then_some(()));
    assert_eq!(nodes.wait(ask().into_future()), Ok(vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_slow_is_not_waited_for_longer_than_agreed() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, _, _clients) = nodes(&redis, [redis.target(), redis.target()]);
    let acks = Arc::<Mutex<Vec<Ack>>>::default();
    let kept = acks.clone();
    nodes[1].io().on_server_event("slow", move |ack: Ack| {
        kept.lock().expect("no panic").push(ack);
    });
    let asked = nodes[0].io().server_side_emit_with_ack::<u32>("slow", &()).expect("sent");
    let missing = nodes.wait(asked.into_future()).expect_err("a node is slow");
    assert_eq!((missing.answers, missing.nodes.len()), (Vec::new(), 1));
    let late = acks.lock().expect("no panic").pop().expect("it was asked");
    late.send(&1).expect("sent");
    let asked = nodes[0].io().server_side_emit_with_ack::<u32>("slow", &()).expect("sent");
    let answers = nodes.spawn(asked.into_future());
    let ack = nodes.until("it is asked", || acks.lock().expect("no panic").pop());
    ack.send(&2).expect("sent");
    assert_eq!(nodes.until("an answer", || answers.take()), Ok(vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_the_bound_is_lost_counted_and_reported_once() {
    let Some(redis) = RedisServer::start() else { return };
    let proxy = Proxy::to(redis.port);
    let small = proxy.target().queue_bytes(50_000);
    let (nodes, adapters, clients) = nodes(&redis, [small, redis.target()]);
    proxy.set(Network::Closed);
    until_connected(&adapters[..1], false);
    let total: u32 = 1000;
    for number in 0..total {
        nodes[0].io().emit("number", &number).expect("sent");
    }
    let Stats { queued, lost, .. } = adapters[0].stats();
    assert!(0 < queued && queued < 500, "{queued}");
    assert_eq!(lost, u64::from(total) - queued as u64);
    assert_outage(&nodes);
    proxy.set(Network::Whole);
    let last = queued as u32 - 1;
    assert_eq!(numbers(&nodes, &clients[1], last), (0..=last).collect::<Vec<_>>());
    let report = nodes.until("a report", || nodes.next_report());
    assert!(report.contains(&format!("{lost} messages to other nodes are lost")), "{report}");
    until_healed(&nodes, &clients);
    assert_eq!(adapters[0].stats().lost, lost);
    assert_eq!(nodes.reports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_that_is_lost_is_enough_to_begin_anew() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, adapters, clients) = nodes(&redis, [redis.target(), redis.target()]);
    for kind in ["pubsub", "normal"] {
        let before = adapters.each_ref().map(|adapter| adapter.stats().reconnects);
        let killed: usize = redis.query(&["CLIENT", "KILL", "TYPE", kind]);
        assert!(killed >= 2, "{kind}");
        for (adapter, before) in adapters.iter().zip(before) {
            eventually("a new connection", || {
                let Stats { reconnects, is_connected, .. } = adapter.stats();
                (reconnects == before + 1 && is_connected).then_some(())
            });
        }
        until_healed(&nodes, &clients);
        assert_eq!(redis.subscribers("socket.io-request#/#"), 2, "each once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_keeps_its_connection() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, adapters, clients) = nodes(&redis, [redis.target(), redis.target()]);
    // Two seconds of work wait then, several times what Redis may take to answer.
    nodes[1].io().on_any_outgoing(|| std::thread::sleep(Duration::from_millis(10)));
    for number in 0..200 {
        nodes[0].io().emit("number", &number).expect("sent");
    }
    assert_eq!(numbers(&nodes, &clients[1], 199), (0..200).collect::<Vec<_>>());
    assert!(adapters.iter().all(|adapter| adapter.stats().reconnects == 0));
    assert_eq!(nodes.reports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_wait_for_a_redis_that_comes_later() {
    let Some(mut redis) = RedisServer::start() else { return };
    redis.kill();
    let adapters = [0, 1].map(|_| RedisAdapter::new(impatient(redis.target())));
    let nodes = Nodes::with(adapters.clone());
    let clients = [0, 1].map(|node| nodes[node].connect());
    assert_local(&nodes, 0, &clients[0]);
    (0..2).for_each(|_| assert_outage(&nodes));
    let sockets = nodes.spawn(nodes[0].io().fetch_sockets());
    redis.restart();
    until_connected(&adapters, true);
    until_healed(&nodes, &clients);
    // Asked before there was Redis, it was counted when there was; whether the other node was in
    // time to hear it is another matter.
    let found = nodes.until("an end", || sockets.take());
    let found = found.unwrap_or_else(|missing| missing.sockets);
    assert!(found.iter().any(|socket| socket.id() == clients[0].id()));
    assert_eq!(nodes.wait(nodes[0].io().fetch_sockets()).expect("both").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_refuses_is_reported_once() {
    let Some(redis) = RedisServer::start() else { return };
    let rules = ["ACL", "SETUSER", "mute", "on", ">secret", "~*", "&*", "+@all", "-publish"];
    redis.query::<()>(&rules);
    let mute = Target::server(format!("redis://mute:secret@127.0.0.1:{}/", redis.port));
    let (nodes, adapters, clients) = nodes(&redis, [mute.expect("a URL"), redis.target()]);
    for number in 0..10 {
        nodes[0].io().emit("number", &number).expect("sent");
    }
    eventually("all are refused", || (adapters[0].stats().lost == 10).then_some(()));
    let reports = nodes.reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("Redis refuses"), "{reports:?}");
    assert_eq!(numbers(&nodes, &clients[0], 9).len(), 10);
    nodes[1].io().emit("heard", &()).expect("sent");
    nodes.expect::<()>(&clients[0], "heard");
    clients[1].expect_event("heard");
    clients[1].expect_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_from_redis_harms_nobody() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, _, clients) = nodes(&redis, [redis.target(), redis.target()]);
    let long = "x".repeat(100_000);
    let deep = "[".repeat(10_000);
    for channel in
        ["socket.io#/#", "socket.io#/#\u{ff}#", "socket.io-request#/#", "socket.io-response#/#"]
    {
        for payload in
            ["", "{", "{}", "[]", "\u{0}", "\u{93}\u{93}\u{93}", r#"{"type":7}"#, &long, &deep]
        {
            let heard: usize = redis.query(&["PUBLISH", channel, payload]);
            assert_eq!(heard, 2, "{channel}");
        }
    }
    let mut connection = redis.connection().expect("Redis");
    socketio_redis::redis::cmd("PUBLISH")
        .arg(&b"socket.io#/#\xff#"[..])
        .arg(&b"\xff\xfe"[..])
        .exec(&mut connection)
        .expect("sent");
    until_healed(&nodes, &clients);
    assert_eq!(nodes.reports(), [""; 0]);
}
