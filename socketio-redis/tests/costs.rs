//! What nodes cost Redis: an event is published once, however many nodes and clients it is for, and a
//! node has one connection that publishes and one that is subscribed.

mod support;

use socketio_core::{Adapter, testing::TestClient};
use socketio_redis::{RedisAdapter, ShardedRedisAdapter};

use self::support::{Nodes, RedisServer};

const NODES: usize = 3;
const EVENTS: u64 = 50;

/// Has a node send events to two clients on each of three.
fn check<A: Adapter>(redis: &RedisServer, adapter: impl Fn() -> A, command: &str) {
    let nodes = Nodes::with((0..NODES).map(|_| adapter()));
    nodes.until("all have both connections", || {
        (connections(redis) == [NODES, NODES]).then_some(())
    });
    let two = |node| [(); 2].map(|()| nodes[node].connect());
    let clients: Vec<TestClient> = (0..NODES).flat_map(two).collect();
    let before = calls(redis, command);
    for number in 0..EVENTS {
        nodes[0].io().emit("news", &number).expect("sent");
    }
    for client in &clients {
        for number in 0..EVENTS {
            assert_eq!(nodes.expect::<u64>(client, "news"), number);
        }
    }
    assert_eq!(calls(redis, command) - before, EVENTS);
    nodes.until("nobody has more connections", || {
        (connections(redis) == [NODES, NODES]).then_some(())
    });
}

/// How often a command was called.
fn calls(redis: &RedisServer, command: &str) -> u64 {
    let statistics: String = redis.query(&["INFO", "commandstats"]);
    let line = format!("cmdstat_{command}:calls=");
    let calls = statistics.lines().find_map(|text| text.strip_prefix(&line)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

/// How many connections are subscribed to something, and how many are not, but for the one that asks.
fn connections(redis: &RedisServer) -> [usize; 2] {
    let list: String = redis.query(&["CLIENT", "LIST"]);
    let others = list.lines().filter(|line| !line.contains("cmd=client|list"));
    let is_subscribed = |line: &&str| {
        let counts = ["sub=", "psub=", "ssub="].map(|name| {
            line.split(' ').find_map(|field| field.strip_prefix(name)).expect("such a field")
        });
        counts != ["0"; 3]
    };
    let (subscribed, rest): (Vec<_>, Vec<_>) = others.partition(is_subscribed);
    [subscribed.len(), rest.len()]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_published_once_over_two_connections_of_each_node() {
    let Some(redis) = RedisServer::start() else { return };
    check(&redis, || RedisAdapter::new(redis.target()), "publish");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_published_once_with_channels_of_shards_too() {
    let Some(redis) = RedisServer::start() else { return };
    check(&redis, || ShardedRedisAdapter::new(redis.target()), "spublish");
}
