//! Nodes on a Redis Cluster whose masters come and go, and whose slots move.

mod support;

use socketio_core::{Data, Socket, SocketIo, testing::TestClient};
use socketio_redis::{RedisAdapter, ShardedRedisAdapter};

use self::support::{Nodes, REPLICA, RedisCluster, eventually};

/// Two nodes with the sharded adapter, and a client of the second that is in three rooms, of which
/// each belongs to another master.
struct Cluster {
    redis: RedisCluster,
    nodes: Nodes,
    adapters: [ShardedRedisAdapter; 2],
    client: TestClient,
    rooms: [String; 3],
}

fn channel(room: &str) -> String {
    format!("socket.io#/#{room}#")
}

impl Cluster {
    fn start() -> Option<Self> {
        let redis = RedisCluster::start()?;
        let adapters = [(); 2].map(|()| ShardedRedisAdapter::new(redis.target()));
        let nodes = Nodes::with(adapters.iter().cloned());
        nodes[1].io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        let client = nodes[1].connect();
        let rooms = [0, 1, 2].map(|master| {
            let mut names = (0..).map(|n| format!("room {n}"));
            names.find(|room| redis.owner(&channel(room)) == Some(master)).expect("one of them")
        });
        let cluster = Self { redis, nodes, adapters, client, rooms };
        cluster.rooms.iter().for_each(|room| cluster.client.emit("join", room));
        cluster.settle();
        Some(cluster)
    }

    fn io(&self) -> &SocketIo {
        self.nodes[0].io()
    }

    /// Waits until Redis has all subscriptions once.
    #[track_caller]
    fn settle(&self) {
        self.nodes.until("all is subscribed to", || {
            let count = |channel: &str| self.redis.shard_subscribers(channel);
            let rooms = self.rooms.iter().all(|room| count(&channel(room)) == 1);
            (rooms && count("socket.io#/#") == 2).then_some(())
        });
        self.nodes.until("all is connected", || {
            self.adapters.iter().all(|adapter| adapter.stats().is_connected).then_some(())
        });
    }

    /// Sends an event to a room.
    fn send(&self, room: &str, number: u32) {
        self.io().to(room).emit("news", &number).expect("sent");
    }

    /// Checks that events reach each room, and answers come.
    #[track_caller]
    fn check(&self, number: u32) {
        for room in &self.rooms {
            self.send(room, number);
            assert_eq!(self.nodes.expect::<u32>(&self.client, "news"), number, "{room}");
        }
        let found = self.nodes.wait(self.io().fetch_sockets()).expect("both nodes");
        assert_eq!(found.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_takes_its_subscriptions_along() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.check(0);
    for (number, moved) in [&channel(&cluster.rooms[0]), "socket.io#/#"].into_iter().enumerate() {
        let from = cluster.redis.owner(moved).expect("a master");
        cluster.redis.move_slot(moved, (from + 1) % 3);
        cluster.settle();
        cluster.check(1 + number as u32);
    }
    // Only what moved was without its subscriptions for a while.
    assert_eq!(cluster.nodes.reports(), [""; 0]);
    for adapter in &cluster.adapters {
        let stats = adapter.stats();
        assert_eq!((stats.lost, stats.reconnects), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_twice_or_out_of_turn_while_slots_move() {
    let Some(cluster) = Cluster::start() else { return };
    let room = &cluster.rooms[0];
    let mut numbers = 0..;
    for turn in 1..=6 {
        numbers.by_ref().take(100).for_each(|number| cluster.send(room, number));
        cluster.redis.move_slot(&channel(room), turn % 3);
        numbers.by_ref().take(100).for_each(|number| cluster.send(room, number));
    }
    cluster.settle();
    let last = numbers.next().expect("one more");
    cluster.send(room, last);
    let mut heard = Vec::new();
    while heard.last() != Some(&last) {
        heard.push(cluster.nodes.expect::<u32>(&cluster.client, "news"));
    }
    assert!(heard.is_sorted_by(|one, next| one < next), "{heard:?}");
    // What is on its way when a slot moves reaches nobody there.
    assert!(heard.len() > 600, "{} of {last}", heard.len());
    assert_eq!(cluster.adapters[0].stats().lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_master_that_is_down_waits_for_it() {
    let Some(mut cluster) = Cluster::start() else { return };
    cluster.redis.node(1).kill();
    cluster.nodes.until("it is missed", || {
        let is_connected = |adapter: &ShardedRedisAdapter| adapter.stats().is_connected;
        (!cluster.adapters.iter().any(is_connected)).then_some(())
    });
    for room in &cluster.rooms {
        cluster.send(room, 1);
    }
    // The others are still there.
    for _ in 0..2 {
        assert_eq!(cluster.nodes.expect::<u32>(&cluster.client, "news"), 1);
    }
    cluster.client.expect_nothing();
    for _ in 0..2 {
        let report = cluster.nodes.until("a report", || cluster.nodes.next_report());
        assert!(report.starts_with("adapter: no connection to Redis"), "{report}");
    }
    cluster.redis.node(1).restart();
    cluster.settle();
    assert_eq!(cluster.nodes.reports(), [""; 0], "each node tells of it once");
    assert_eq!(cluster.adapters[0].stats().lost, 0);
    // What waited may have gone out before the other node was back.
    cluster.io().to(cluster.client.id()).emit("end", &()).expect("sent");
    while cluster.nodes.until("the end", || cluster.client.next_event()).name != "end" {}
    cluster.check(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_takes_over_is_followed() {
    let Some(mut cluster) = Cluster::start() else { return };
    cluster.redis.fail_over();
    cluster.settle();
    cluster.check(1);
    // The former master is the replica now, and takes over when the other crashes.
    cluster.redis.node(REPLICA).kill();
    cluster.settle();
    cluster.check(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_adapter_counts_nodes_on_all_masters_and_keeps_the_order() {
    let Some(redis) = RedisCluster::start() else { return };
    let nodes = Nodes::with((0..4).map(|_| RedisAdapter::new(redis.target())));
    eventually("all listen", || (redis.subscribers("socket.io-request#/#") == 4).then_some(()));
    let clients: [_; 4] = std::array::from_fn(|node| nodes[node].connect());
    for (node, client) in clients.iter().enumerate() {
        nodes[node].io().sockets()[0].join("all");
        let found = nodes.wait(nodes[node].io().fetch_sockets()).expect("all nodes");
        assert_eq!(found.len(), 4);
        client.expect_nothing();
    }
    for number in 0..200 {
        let io = nodes[0].io();
        let sent = match number % 2 {
            0 => io.emit("news", &number),
            _ => io.to("all").emit("news", &number),
        };
        sent.expect("sent");
    }
    for client in &clients {
        for number in 0..200 {
            assert_eq!(nodes.expect::<u32>(client, "news"), number);
        }
    }
    assert_eq!(nodes.reports(), [""; 0]);
}
