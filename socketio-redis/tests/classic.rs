//! Nodes over one Redis: what one of them is told to do reaches the clients of all.

mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use socketio_core::{Ack, Data, RemoteSocket, Socket, SocketIo, testing::TestClient};
use socketio_redis::{RedisAdapter, Target, redis};

use self::support::{Nodes, RedisServer};

/// So many nodes that know of each other.
fn nodes(redis: &RedisServer, count: usize) -> Nodes {
    let nodes = Nodes::with((0..count).map(|_| RedisAdapter::new(redis.target())));
    ready(redis, "socket.io-request#/#", count);
    nodes
}

/// Waits until so many nodes listen.
fn ready(redis: &RedisServer, channel: &str, count: usize) {
    support::eventually("all listen", || (redis.subscribers(channel) == count).then_some(()));
}

fn connect<const N: usize>(nodes: &Nodes) -> [TestClient; N] {
    std::array::from_fn(|node| {
        nodes[node].io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        nodes[node].connect()
    })
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
async fn a_broadcast_reaches_the_clients_of_every_node_once() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 3);
    let clients: [_; 3] = connect(&nodes);
    for node in 0..3 {
        for number in 0..100 {
            nodes[node].io().emit("news", &(number, "all")).expect("sent");
        }
        for client in &clients {
            for number in 0..100 {
                assert_eq!(nodes.expect::<(u32, String)>(client, "news"), (number, "all".into()));
            }
        }
    }
    clients.iter().for_each(TestClient::expect_nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_exceptions_and_bytes_hold_on_every_node() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 3);
    let [a, b, c] = connect(&nodes);
    [&a, &b, &c].into_iter().for_each(|client| client.emit("join", "all"));
    c.emit("join", "muted");
    b.emit("join", "odd*?[x]#room");
    let bytes = Bytes::from_static(b"\0\x01");
    nodes[0].io().to("all").except("muted").emit("file", &bytes).expect("sent");
    nodes[0].io().to(["odd*?[x]#room", "muted"]).emit("two", &()).expect("sent");
    nodes[0].io().to("odd*?[x]#room").volatile().emit("one", &()).expect("sent");
    nodes[0].io().to(c.id()).emit("private", &()).expect("sent");
    assert_eq!(nodes.expect::<Bytes>(&a, "file"), bytes);
    assert_eq!(nodes.expect::<Bytes>(&b, "file"), bytes);
    nodes.expect::<()>(&b, "two");
    nodes.expect::<()>(&b, "one");
    nodes.expect::<()>(&c, "two");
    nodes.expect::<()>(&c, "private");
    nodes[0].io().emit("end", &()).expect("sent");
    [&a, &b, &c].into_iter().for_each(|client| nodes.expect::<()>(client, "end"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_every_node_are_found_moved_and_ended() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 3);
    let [a, b, c] = connect(&nodes);
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
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_node_acknowledge() {
    for answers_each in [false, true] {
        let Some(redis) = RedisServer::start() else { return };
        let adapter = || {
            RedisAdapter::builder(redis.target())
                .key("game")
                .publish_on_specific_response_channel(answers_each)
                .build()
        };
        let nodes = Nodes::with([adapter(), adapter(), adapter()]);
        ready(&redis, "game-request#/#", 3);
        let clients: [_; 3] = connect(&nodes);
        let replies = nodes[0].io().emit_with_ack::<Bytes>("question", &1).expect("sent");
        let replies = nodes.spawn(replies.into_future());
        for (name, client) in ["a", "b", "c"].into_iter().zip(&clients) {
            let question = nodes.until("a question", || client.next_event());
            client.acknowledge(&question, &Bytes::from(name));
        }
        let mut names = nodes.until("answers", || replies.take()).expect("all");
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c"]);
        // Nobody is asked, which is no reason to wait.
        let replies = nodes[0].io().to("nobody").emit_with_ack::<()>("question", &1).expect("sent");
        assert_eq!(nodes.wait(replies.into_future()), Ok(Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_speak_to_each_other() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 3);
    for node in 0..3 {
        nodes[node].io().on_server_event("count", move |Data(by): Data<usize>, ack: Ack| {
            ack.send(&(10 * by + node))
        });
    }
    let answers = nodes[1].io().server_side_emit_with_ack::<usize>("count", &7).expect("sent");
    let mut answers = nodes.wait(answers.into_future()).expect("both others");
    answers.sort_unstable();
    assert_eq!(answers, [70, 72]);
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_apart_even_with_odd_names() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = Nodes::with((0..2).map(|_| RedisAdapter::new(redis.target())));
    let names = ["/a*", "/ab", "/a?[b]\\", "/a*#x"];
    let mut clients = Vec::new();
    for name in names {
        for node in 0..2 {
            nodes[node].io().of(name).on_connect(|| {});
        }
        ready(&redis, &format!("socket.io-request#{name}#"), 2);
        clients.push(nodes[1].connect_to(name, &()).expect("let in"));
    }
    for name in names {
        nodes[0].io().of(name).emit("news", name).expect("sent");
    }
    for (name, client) in names.into_iter().zip(&clients) {
        assert_eq!(nodes.expect::<String>(client, "news"), name);
    }
    clients.iter().for_each(TestClient::expect_nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_closed_is_not_counted() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 2);
    let all = nodes.wait(nodes[0].io().fetch_sockets()).expect("both nodes");
    assert!(all.is_empty());
    let io = nodes[1].io().clone();
    nodes.wait(async move { io.close().await });
    ready(&redis, "socket.io-request#/#", 1);
    assert!(nodes.wait(nodes[0].io().fetch_sockets()).is_ok());
    let io = nodes[0].io().clone();
    nodes.wait(async move { io.close().await });
    support::eventually("no connection is left", || {
        // That of this question is the only one.
        (redis.query::<String>(&["CLIENT", "LIST"]).lines().count() == 1).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_says_before_it_ends_is_heard() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 2);
    let client = nodes[1].connect();
    for number in 0..5000 {
        nodes[0].io().emit("news", &number).expect("sent");
    }
    let io = nodes[0].io().clone();
    nodes.wait(async move { io.close().await });
    (0..5000).for_each(|number| assert_eq!(nodes.expect::<u32>(&client, "news"), number));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_versions_ask_is_answered() {
    let Some(redis) = RedisServer::start() else { return };
    let nodes = nodes(&redis, 1);
    let [client] = connect(&nodes);
    client.emit("join", "blue");
    let mut connection = redis.connection().expect("Redis");
    let mut listener = redis.connection().expect("Redis");
    let mut answers = listener.as_pubsub();
    answers.subscribe("socket.io-response#/#").expect("subscribed");
    answers.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let mut ask = |question: serde_json::Value| -> serde_json::Value {
        let channel = "socket.io-request#/#";
        redis::cmd("PUBLISH")
            .arg(channel)
            .arg(question.to_string())
            .exec(&mut connection)
            .expect("sent");
        let answer: String = answers.get_message().expect("an answer").get_payload().expect("text");
        serde_json::from_str(&answer).expect("JSON")
    };
    let answer = ask(json!({ "requestId": "x", "type": 0, "rooms": ["blue", "red"] }));
    assert_eq!(answer, json!({ "requestId": "x", "sockets": [client.id()] }));
    let answer = ask(json!({ "requestId": "x", "type": 0, "rooms": ["red"] }));
    assert_eq!(answer, json!({ "requestId": "x", "sockets": [] }));
    let answer = ask(json!({ "uid": "old", "requestId": "y", "type": 1 }));
    let mut rooms = [client.id(), "blue"];
    rooms.sort_unstable();
    assert_eq!(answer, json!({ "requestId": "y", "rooms": rooms }));
    let answer = ask(json!({ "requestId": "z", "type": 2, "sid": client.id(), "room": "red" }));
    assert_eq!(answer, json!({ "requestId": "z" }));
    assert!(nodes[0].io().sockets()[0].rooms().iter().any(|room| room == "red"));
    let answer = ask(json!({ "requestId": "z", "type": 4, "sid": client.id() }));
    assert_eq!(answer, json!({ "requestId": "z" }));
    assert!(!client.is_connected());
}

#[tokio::test]
#[should_panic(expected = "another server's")]
async fn an_adapter_is_of_one_server() {
    let target = Target::server("redis://127.0.0.1:1/").expect("a URL");
    let adapter = RedisAdapter::new(target);
    let build = || SocketIo::builder().adapter(adapter.clone()).build();
    let _servers = [build(), build()];
}
