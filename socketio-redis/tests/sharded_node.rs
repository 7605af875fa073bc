//! What a node says and hears over sharded pub/sub, as Node servers do with the package
//! `@socket.io/redis-adapter` 8.3.0. The messages are as those write them.

mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use socketio_core::{Ack, Data, Socket, testing::TestClient};
use socketio_redis::{ShardedRedisAdapter, SubscriptionMode, redis};

use self::support::{Nodes, RedisServer, eventually};

/// A node and a client of it, and Redis as a Node server sees it that is the other node.
struct Peer {
    redis: RedisServer,
    listener: redis::Connection,
    nodes: Nodes,
    client: TestClient,
    /// The name of the node.
    uid: String,
}

/// That of the Node server.
const PEER: &str = "f12918a566f603c2";

const MAIN: &str = "socket.io#/#";

const ANSWERS: &str = "socket.io#/#f12918a566f603c2#";

impl Peer {
    /// The Node server listens to the rooms as well.
    fn start(mode: SubscriptionMode, rooms: &[&str]) -> Option<Self> {
        let redis = RedisServer::start()?;
        let mut listener = redis.connection().expect("Redis");
        listener.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let rooms = rooms.iter().map(|room| format!("{MAIN}{room}#"));
        for channel in [MAIN, ANSWERS].map(String::from).into_iter().chain(rooms) {
            let mut command = redis::cmd("SSUBSCRIBE");
            command.arg(channel).exec(&mut listener).expect("subscribed");
        }
        let adapter = ShardedRedisAdapter::builder(redis.target()).subscription_mode(mode).build();
        let nodes = Nodes::with([adapter]);
        eventually("the node listens", || {
            let (_, count): (String, usize) = redis.query(&["PUBSUB", "SHARDNUMSUB", MAIN]);
            (count == 2).then_some(())
        });
        let channels: Vec<String> =
            redis.query(&["PUBSUB", "SHARDCHANNELS", "*/#????????????????#"]);
        let own =
            channels.iter().find(|channel| **channel != ANSWERS).expect("a channel of its own");
        let uid = own[MAIN.len()..own.len() - 1].to_owned();
        nodes[0].io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        nodes[0].io().on("leave", |socket: Socket, Data(room): Data<String>| socket.leave(&room));
        let client = nodes[0].connect();
        Some(Self { redis, listener, nodes, client, uid })
    }

    /// The channels of rooms that the node listens to, without what they begin and end with.
    fn rooms(&self) -> Vec<String> {
        let channels: Vec<String> = self.redis.query(&["PUBSUB", "SHARDCHANNELS"]);
        let room =
            |channel: String| Some(channel.strip_prefix(MAIN)?.strip_suffix('#')?.to_owned());
        let rooms = channels.into_iter().filter_map(room);
        let mut rooms: Vec<_> = rooms.filter(|room| *room != self.uid && room != PEER).collect();
        rooms.sort();
        rooms
    }

    /// The next message of the node, as text with its name and the client's replaced, and its
    /// channel.
    #[track_caller]
    fn next(&mut self) -> (String, String) {
        loop {
            let message = self.listener.recv_response().expect("a message");
            let (_, channel, payload): (String, String, Vec<u8>) =
                redis::from_redis_value(message).expect("three of them");
            let payload = payload.escape_ascii().to_string().replace("\\\"", "\"");
            // A Node server hears itself, too.
            if payload.contains(&self.uid) {
                return (
                    channel,
                    payload.replace(&self.uid, "UID").replace(self.client.id(), "SID"),
                );
            }
        }
    }

    /// Checks what comes to a channel: JSON, or `MessagePack` with escapes.
    #[track_caller]
    fn expect(&mut self, channel: &str, payload: &str) {
        assert_eq!(self.next(), (channel.into(), payload.into()));
    }

    /// The Node server publishes something.
    fn publish(&self, channel: &str, payload: impl AsRef<[u8]>) {
        let mut connection = self.redis.connection().expect("Redis");
        let mut command = redis::cmd("SPUBLISH");
        let heard: usize =
            command.arg(channel).arg(payload.as_ref()).query(&mut connection).expect("sent");
        assert!(heard > 0, "nobody listens to {channel}");
    }
}

/// An event for clients, as a Node server writes it.
fn event(data: &str, rooms: &str, flags: &str) -> String {
    format!(
        r#"{{"type":3,"data":{{"packet":{{"type":2,"data":{data}}},"opts":{{"rooms":{rooms},"except":[],"flags":{flags}}}}},"uid":"UID","nsp":"/"}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_where_node_servers_look_for_them() {
    for mode in
        [SubscriptionMode::Static, SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate]
    {
        let (long, id) = ("12345678901234567890", "u-3tZFL3NMbgtiiFAAAC");
        let Some(mut peer) = Peer::start(mode, &["r1", long, id, ""]) else { return };
        let io = peer.nodes[0].io().clone();
        let r1 = format!("{MAIN}r1#");
        let of_room = if mode == SubscriptionMode::Static { MAIN } else { &r1 };
        io.emit("hi", &(1, "two", serde_json::json!({ "three": [4] }))).expect("sent");
        peer.expect(MAIN, &event(r#"["hi",1,"two",{"three":[4]}]"#, "[]", "{}"));
        io.to("r1").volatile().emit("hi", &()).expect("sent");
        peer.expect(of_room, &event(r#"["hi"]"#, r#"["r1"]"#, r#"{"volatile":true}"#));
        io.to("r1").emit("hi", &Bytes::from_static(&[9])).expect("sent");
        let packed = r"\x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x92\xa2hi\xc4\x01\t\xa4opts\x83\xa5rooms\x91\xa2r1\xa6except\x90\xa5flags\x80\xa3uid\xb0UID\xa3nsp\xa1/";
        peer.expect(of_room, packed);
        io.to(["r1", "r2"]).emit("hi", &()).expect("sent");
        peer.expect(MAIN, &event(r#"["hi"]"#, r#"["r1","r2"]"#, "{}"));
        for room in [long, id] {
            let own = format!("{MAIN}{room}#");
            let is_private = mode == SubscriptionMode::DynamicPrivate;
            io.to(room).emit("hi", &()).expect("sent");
            let rooms = format!("[\"{room}\"]");
            peer.expect(if is_private { &own } else { MAIN }, &event(r#"["hi"]"#, &rooms, "{}"));
        }
        io.to("").emit("hi", &()).expect("sent");
        let unnamed = format!("{MAIN}#");
        let of_unnamed = if mode == SubscriptionMode::Static { MAIN } else { &unnamed };
        peer.expect(of_unnamed, &event(r#"["hi"]"#, r#"[""]"#, "{}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_else_goes_to_all_nodes() {
    let Some(mut peer) = Peer::start(SubscriptionMode::DynamicPrivate, &["r1"]) else { return };
    let io = peer.nodes[0].io().clone();
    let opts = r#"{"rooms":["r1"],"except":[],"flags":{}}"#;
    let message = |kind: u8, data: &str| {
        format!(r#"{{"type":{kind},"data":{{{data}}},"uid":"UID","nsp":"/"}}"#)
    };
    io.to("r1").join(["x", "y"]);
    peer.expect(MAIN, &message(4, &format!(r#""opts":{opts},"rooms":["x","y"]"#)));
    io.to("r1").leave("x");
    peer.expect(MAIN, &message(5, &format!(r#""opts":{opts},"rooms":["x"]"#)));
    io.to("r1").disconnect(true);
    peer.expect(MAIN, &message(6, &format!(r#""opts":{opts},"close":true"#)));
    io.server_side_emit("sv", &1).expect("sent");
    peer.expect(MAIN, &message(9, r#""packet":["sv",1]"#));
    io.server_side_emit("sv", &Bytes::from_static(&[5])).expect("sent");
    peer.expect(
        MAIN,
        r"\x84\xa4type\t\xa4data\x81\xa6packet\x92\xa2sv\xc4\x01\x05\xa3uid\xb0UID\xa3nsp\xa1/",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_node_servers_arrive() {
    let Some(peer) = Peer::start(SubscriptionMode::Dynamic, &[]) else { return };
    let Peer { nodes, client, .. } = &peer;
    client.emit("join", "r1");
    nodes.until("the node listens", || peer.rooms().contains(&"r1".into()).then_some(()));
    let by_peer = |message: String| message.replace("UID", PEER);
    peer.publish(MAIN, by_peer(event(r#"["hi",1,"two",{"three":[4]}]"#, "[]", "{}")));
    let (one, two, three): (u8, String, Value) = nodes.expect(client, "hi");
    assert_eq!((one, &two[..], three.to_string()), (1, "two", r#"{"three":[4]}"#.into()));
    peer.publish(&format!("{MAIN}r1#"), by_peer(event(r#"["room"]"#, r#"["r1"]"#, "{}")));
    nodes.expect::<()>(client, "room");
    let own = format!("[\"{}\"]", client.id());
    peer.publish(MAIN, by_peer(event(r#"["private"]"#, &own, r#"{"expectSingleResponse":true}"#)));
    nodes.expect::<()>(client, "private");
    peer.publish(&format!("{MAIN}r1#"), b"\x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x92\xa2hi\xc4\x01\t\xa4opts\x83\xa5rooms\x91\xa2r1\xa6except\x90\xa5flags\x80\xa3uid\xb0f12918a566f603c2\xa3nsp\xa1/");
    assert_eq!(nodes.expect::<Bytes>(client, "hi"), Bytes::from_static(b"\t"));
    // Not for this namespace, not for the client, by the node itself, or no message at all.
    peer.publish(MAIN, by_peer(event(r#"["lost"]"#, "[]", "{}")).replace("\"/\"", "\"/other\""));
    peer.publish(MAIN, by_peer(event(r#"["lost"]"#, r#"["r2"]"#, "{}")));
    peer.publish(MAIN, event(r#"["lost"]"#, "[]", "{}").replace("UID", &peer.uid));
    peer.publish(MAIN, "{}");
    peer.publish(MAIN, b"\xc1");
    peer.publish(MAIN, "");
    peer.publish(MAIN, by_peer(event(r#"["end"]"#, "[]", "{}")));
    nodes.expect::<()>(client, "end");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_node_servers_are_answered() {
    let Some(mut peer) = Peer::start(SubscriptionMode::Dynamic, &[]) else { return };
    let ask = |peer: &Peer, kind: u8, data: &str| {
        peer.publish(
            MAIN,
            format!(r#"{{"type":{kind},"data":{{{data}}},"uid":"{PEER}","nsp":"/"}}"#),
        );
    };
    let answer = |kind: u8, data: &str| {
        format!(r#"{{"type":{kind},"data":{{"requestId":"q",{data}}},"uid":"UID","nsp":"/"}}"#)
    };
    let opts = |rooms: &str| {
        format!(r#""opts":{{"rooms":{rooms},"except":[],"flags":{{"timeout":300}}}}"#)
    };
    let question = r#""packet":{"type":2,"data":["q"]},"requestId":"q""#;
    ask(&peer, 3, &format!("{question},{}", opts("[]")));
    let event = peer.nodes.until("a question", || peer.client.next_event());
    peer.expect(ANSWERS, &answer(11, r#""clientCount":1"#));
    peer.client.acknowledge(&event, &("ans", "more"));
    // Node passes over who acknowledges.
    peer.expect(ANSWERS, &answer(12, r#""packet":"ans","socket":"SID""#));
    ask(&peer, 3, &format!("{question},{}", opts("[]")));
    let event = peer.nodes.until("a question", || peer.client.next_event());
    peer.expect(ANSWERS, &answer(11, r#""clientCount":1"#));
    peer.client.acknowledge(&event, &Bytes::from_static(&[1, 2]));
    peer.expect(
        ANSWERS,
        r"\x84\xa4type\x0c\xa4data\x83\xa9requestId\xa1q\xa6packet\xc4\x02\x01\x02\xa6socket\xb4SID\xa3uid\xb0UID\xa3nsp\xa1/",
    );
    ask(&peer, 3, &format!("{question},{}", opts(r#"["nobody"]"#)));
    peer.expect(ANSWERS, &answer(11, r#""clientCount":0"#));
    ask(&peer, 7, &format!(r#""requestId":"q",{}"#, opts(r#"["nobody"]"#)));
    peer.expect(ANSWERS, &answer(8, r#""sockets":[]"#));
    peer.nodes[0].io().on_server_event("ask", |Data(_): Data<u8>, ack: Ack| ack.send("r"));
    ask(&peer, 9, r#""requestId":"q","packet":["ask",1]"#);
    peer.expect(ANSWERS, &answer(10, r#""packet":"r""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn node_servers_answer() {
    let Some(mut peer) = Peer::start(SubscriptionMode::Dynamic, &[]) else { return };
    let io = peer.nodes[0].io().clone();
    let answers = format!("{MAIN}{}#", peer.uid);
    let answer = |peer: &Peer, question: &str, kind: u8, data: &str| {
        let id = question.split(r#""requestId":""#).nth(1).map(|rest| &rest[..16]);
        let id = id.expect("a question");
        peer.publish(
            &answers,
            format!(
                r#"{{"type":{kind},"data":{{"requestId":"{id}",{data}}},"uid":"{PEER}","nsp":"/"}}"#
            ),
        );
    };
    let found = peer.nodes.spawn(io.fetch_sockets());
    let (channel, question) = peer.next();
    assert_eq!(channel, MAIN);
    answer(
        &peer,
        &question,
        8,
        r#""sockets":[{"id":"short","handshake":{"issued":1},"rooms":["short"],"data":{}}]"#,
    );
    let found = peer.nodes.until("both", || found.take()).expect("both");
    assert_eq!(found.len(), 2);
    let counted = io.server_side_emit_with_ack::<u8>("count", &()).expect("sent");
    let counted = peer.nodes.spawn(counted.into_future());
    let (_, question) = peer.next();
    answer(&peer, &question, 10, r#""packet":7"#);
    assert_eq!(peer.nodes.until("it", || counted.take()), Ok(vec![7]));
    let replies = io.except(peer.client.id()).emit_with_ack::<String>("q", &()).expect("sent");
    let replies = peer.nodes.spawn(replies.into_future());
    let (_, question) = peer.next();
    answer(&peer, &question, 11, r#""clientCount":2"#);
    answer(&peer, &question, 12, r#""packet":"one""#);
    answer(&peer, &question, 12, r#""packet":"two""#);
    let replies = peer.nodes.until("both", || replies.take());
    assert_eq!(replies, Ok(vec!["one".into(), "two".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_listens_to_the_rooms_in_which_somebody_is() {
    let long = "12345678901234567890";
    for mode in
        [SubscriptionMode::Static, SubscriptionMode::Dynamic, SubscriptionMode::DynamicPrivate]
    {
        let Some(peer) = Peer::start(mode, &[]) else { return };
        let Peer { nodes, client, uid, .. } = &peer;
        for room in ["r1", "", "#", long, uid] {
            client.emit("join", room);
        }
        let mut expected = match mode {
            SubscriptionMode::Static => vec![],
            SubscriptionMode::Dynamic => vec!["", "#", "r1"],
            SubscriptionMode::DynamicPrivate => vec!["", "#", "r1", long, client.id()],
        };
        expected.sort_unstable();
        nodes.until("it listens", || (peer.rooms() == expected).then_some(()));
        client.emit("leave", "r1");
        expected.retain(|room| *room != "r1");
        nodes.until("it listens no more", || (peer.rooms() == expected).then_some(()));
        client.disconnect();
        nodes.until("it listens to no room", || peer.rooms().is_empty().then_some(()));
        // A room may have the name of a node, which answers are still for.
        peer.publish(&format!("{MAIN}{uid}#"), "{}");
        let io = nodes[0].io().clone();
        nodes.wait(async move { io.close().await });
        eventually("it listens to nothing", || {
            let (_, count): (String, usize) = peer.redis.query(&["PUBSUB", "SHARDNUMSUB", MAIN]);
            (count == 1).then_some(())
        });
    }
}
