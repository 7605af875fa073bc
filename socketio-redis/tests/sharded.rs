//! Nodes over sharded pub/sub, in each mode, on one Redis and on a Redis Cluster.

mod support;

use bytes::Bytes;
use socketio_core::{Ack, Data, RemoteSocket, Socket, testing::TestClient};
use socketio_redis::{ShardedRedisAdapter, SubscriptionMode, Target};

use self::support::{Nodes, RedisCluster, RedisServer};

const MODES: [SubscriptionMode; 3] =
    [SubscriptionMode::Static, SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate];

/// Nodes of one mode.
struct Place<'a> {
    nodes: Nodes,
    adapters: Vec<ShardedRedisAdapter>,
    mode: SubscriptionMode,
    prefix: String,
    /// How many listen to a channel.
    subscribers: &'a dyn Fn(&str) -> usize,
}

impl<'a> Place<'a> {
    fn new(
        target: &Target,
        mode: SubscriptionMode,
        count: usize,
        subscribers: &'a dyn Fn(&str) -> usize,
    ) -> Self {
        let prefix = format!("{mode:?}");
        let adapter = |_| {
            ShardedRedisAdapter::builder(target.clone())
                .channel_prefix(&prefix)
                .subscription_mode(mode)
                .build()
        };
        let adapters: Vec<_> = (0..count).map(adapter).collect();
        let nodes = Nodes::with(adapters.iter().cloned());
        let place = Self { nodes, adapters, mode, prefix, subscribers };
        place.listen(&place.channel(""), count);
        place
    }

    /// Waits until so many listen to a channel.
    #[track_caller]
    fn listen(&self, channel: &str, count: usize) {
        self.nodes.until(channel, || ((self.subscribers)(channel) == count).then_some(()));
    }

    /// The channel of a room of `/`, or without a room that of all.
    fn channel(&self, room: &str) -> String {
        match room {
            "" => format!("{}#/#", self.prefix),
            room => format!("{}#/#{room}#", self.prefix),
        }
    }

    /// A client on each node.
    fn connect<const N: usize>(&self) -> [TestClient; N] {
        std::array::from_fn(|node| {
            let io = self.nodes[node].io();
            io.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
            io.on("leave", |socket: Socket, Data(room): Data<String>| socket.leave(&room));
            let client = self.nodes[node].connect();
            if self.mode == SubscriptionMode::DynamicPrivate {
                self.listen(&self.channel(client.id()), 1);
            }
            client
        })
    }

    /// Has clients of different nodes join a room, and waits until Redis knows.
    #[track_caller]
    fn join(&self, room: &str, clients: &[&TestClient]) {
        clients.iter().for_each(|client| client.emit("join", room));
        let has_channel = match self.mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::Dynamic => room.len() != 20,
            SubscriptionMode::DynamicPrivate => true,
        };
        self.listen(&self.channel(room), if has_channel { clients.len() } else { 0 });
    }

    /// How many messages a node has received.
    fn received(&self, node: usize) -> u64 {
        self.adapters[node].stats().received
    }
}

/// Tries nodes in each mode, on one Redis and on a Redis Cluster.
fn everywhere(count: usize, test: impl Fn(Place<'_>)) {
    let Some(server) = RedisServer::start() else { return };
    let subscribers = |channel: &str| -> usize {
        server.query::<(String, usize)>(&["PUBSUB", "SHARDNUMSUB", channel]).1
    };
    for mode in MODES {
        test(Place::new(&server.target(), mode, count, &subscribers));
    }
    let Some(cluster) = RedisCluster::start() else { return };
    let subscribers = |channel: &str| cluster.shard_subscribers(channel);
    for mode in MODES {
        test(Place::new(&cluster.target(), mode, count, &subscribers));
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_the_clients_of_every_node_that_they_are_for() {
    everywhere(3, |place| {
        let nodes = &place.nodes;
        let clients: [_; 3] = place.connect();
        let [a, b, c] = &clients;
        for node in 0..3 {
            for number in 0..50 {
                nodes[node].io().emit("news", &(number, "all")).expect("sent");
            }
            for client in &clients {
                for number in 0..50 {
                    let expected = (number, "all".to_owned());
                    assert_eq!(nodes.expect::<(u32, String)>(client, "news"), expected);
                }
            }
        }
        place.join("blue", &[a, b, c]);
        place.join("12345678901234567890", &[c]);
        place.join("odd*?[x]#{room}", &[b]);
        let bytes = Bytes::from_static(b"\0\x01");
        let (from, id) = (nodes[0].io(), c.id());
        from.to("blue").except("12345678901234567890").emit("file", &bytes).expect("sent");
        assert_eq!(nodes.expect::<Bytes>(a, "file"), bytes);
        assert_eq!(nodes.expect::<Bytes>(b, "file"), bytes);
        from.to(["odd*?[x]#{room}", id]).emit("two", &()).expect("sent");
        nodes.expect::<()>(b, "two");
        nodes.expect::<()>(c, "two");
        from.to("odd*?[x]#{room}").volatile().emit("one", &()).expect("sent");
        nodes.expect::<()>(b, "one");
        from.to("12345678901234567890").emit("long", &()).expect("sent");
        nodes.expect::<()>(c, "long");
        from.to(id).emit("private", &()).expect("sent");
        nodes.expect::<()>(c, "private");
        clients.iter().for_each(TestClient::expect_nothing);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_every_node_are_found_moved_and_ended() {
    everywhere(3, |place| {
        let nodes = &place.nodes;
        let [a, b, c] = place.connect();
        nodes[2].io().sockets()[0].data().set("name", "Carol").expect("JSON");
        let all = nodes.wait(nodes[0].io().fetch_sockets()).expect("all nodes");
        assert_eq!(ids(&all), sorted([&a, &b, &c]));
        let carol = all.iter().find(|socket| socket.id() == c.id()).expect("Carol");
        assert_eq!(carol.data::<String>("name").as_deref(), Some("Carol"));
        carol.join(["blue", "red"]);
        nodes[1].io().except([c.id(), a.id()]).join("blue");
        let blue = nodes.until("both have joined", || {
            let blue = nodes.wait(nodes[0].io().to("blue").fetch_sockets()).expect("all nodes");
            (blue.len() == 2).then_some(blue)
        });
        assert_eq!(ids(&blue), sorted([&b, &c]));
        nodes[0].io().to("red").leave("blue");
        nodes.until("Carol has left", || {
            let blue = nodes.wait(nodes[1].io().to("blue").fetch_sockets()).expect("all nodes");
            (ids(&blue) == [b.id()]).then_some(())
        });
        nodes[0].io().to("blue").disconnect(false);
        nodes.until("Bob is out", || (!b.is_connected()).then_some(()));
        assert!(b.connection().closed().is_none());
        nodes[0].io().disconnect(true);
        nodes.until("all are out", || c.connection().closed());
        assert!(a.connection().closed().is_some());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_and_servers_answer() {
    everywhere(3, |place| {
        let nodes = &place.nodes;
        let clients: [_; 3] = place.connect();
        place.join("blue", &clients.each_ref()[1..]);
        let ask = |room: Option<&str>, names: &[&str]| {
            let io = nodes[0].io();
            let replies = match room {
                None => io.emit_with_ack::<Bytes>("question", &1),
                Some(room) => io.to(room).emit_with_ack::<Bytes>("question", &1),
            };
            let replies = nodes.spawn(replies.expect("sent").into_future());
            for (name, client) in names.iter().zip(&clients[3 - names.len()..]) {
                let question = nodes.until("a question", || client.next_event());
                client.acknowledge(&question, &Bytes::from((*name).to_owned()));
            }
            let mut answers = nodes.until("answers", || replies.take()).expect("all");
            answers.sort_unstable();
            assert_eq!(answers, names);
        };
        ask(None, &["a", "b", "c"]);
        ask(Some("blue"), &["b", "c"]);
        ask(Some("nobody"), &[]);
        for node in 0..3 {
            nodes[node].io().on_server_event("count", move |Data(by): Data<usize>, ack: Ack| {
                ack.send(&(10 * by + node))
            });
        }
        let answers = nodes[1].io().server_side_emit_with_ack::<usize>("count", &7).expect("sent");
        let mut answers = nodes.wait(answers.into_future()).expect("both others");
        answers.sort_unstable();
        assert_eq!(answers, [70, 72]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_room_goes_to_nodes_with_somebody_in_it() {
    everywhere(2, |place| {
        let nodes = &place.nodes;
        let [a, b] = place.connect();
        place.join("blue", &[&b]);
        nodes[0].io().to("blue").emit("news", &1).expect("sent");
        assert_eq!(nodes.expect::<u32>(&b, "news"), 1);
        b.emit("leave", "blue");
        nodes.until("Bob has left", || {
            nodes[1].io().sockets()[0].rooms().len().eq(&1).then_some(())
        });
        place.listen(&place.channel("blue"), 0);
        let before = place.received(1);
        nodes[0].io().to("blue").emit("news", &2).expect("sent");
        nodes[0].io().emit("end", &()).expect("sent");
        nodes.expect::<()>(&b, "end");
        let hears_all = place.mode == SubscriptionMode::Static;
        assert_eq!(place.received(1) - before, 1 + u64::from(hears_all));
        nodes.expect::<()>(&a, "end");
        [&a, &b].into_iter().for_each(TestClient::expect_nothing);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_join_misses_nothing_that_follows() {
    everywhere(2, |place| {
        let nodes = &place.nodes;
        let [a, b] = place.connect();
        for round in 0..20 {
            let room = format!("room {round}");
            nodes[0].io().to([a.id(), b.id()]).join(room.as_str());
            nodes[0].io().to(room.as_str()).emit("welcome", &round).expect("sent");
            assert_eq!(nodes.expect::<u32>(&a, "welcome"), round);
            assert_eq!(nodes.expect::<u32>(&b, "welcome"), round);
        }
    });
}
