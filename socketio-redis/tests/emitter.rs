//! A program that is no server sends to the clients of all nodes.

mod support;

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use socketio_core::{Data, Socket, testing::TestClient};
use socketio_redis::{EmitterError, RedisAdapter, RedisEmitter};

use self::support::{Nodes, RedisServer};

/// Two nodes that know each other, and who sends to them.
fn nodes(redis: &RedisServer) -> (Nodes, RedisEmitter) {
    let nodes = Nodes::with([0, 1].map(|_| RedisAdapter::new(redis.target())));
    for node in 0..2 {
        nodes[node].io().of("/chat").on_connect(|| {});
        nodes[node].io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    }
    for namespace in ["/", "/chat"] {
        let channel = format!("socket.io-request#{namespace}#");
        support::eventually("both listen", || (redis.subscribers(&channel) == 2).then_some(()));
    }
    (nodes, RedisEmitter::new(redis.target()))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_the_clients_that_are_selected() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, emitter) = nodes(&redis);
    let clients = [nodes[0].connect(), nodes[1].connect()];
    let [a, b] = &clients;
    a.emit("join", "r1");
    b.emit("join", "r2");
    let other = nodes[1].connect_to("/chat", &()).expect("let in");
    let bytes = Bytes::from_static(b"\x01\x02");
    emitter.to(["r1", "r2"]).emit("both", &("x", bytes.clone())).await.expect("sent");
    emitter.in_room("r1").volatile().compress(false).emit("a", &()).await.expect("sent");
    emitter.except("r1").emit("b", &()).await.expect("sent");
    emitter.to([""; 0]).emit("nobody", &()).await.expect("sent");
    emitter.of("chat").emit("chat", &1).await.expect("sent");
    emitter.emit("end", &()).await.expect("sent");
    for client in &clients {
        assert_eq!(nodes.expect::<(String, Bytes)>(client, "both"), ("x".into(), bytes.clone()));
    }
    nodes.expect::<()>(a, "a");
    nodes.expect::<()>(b, "b");
    clients.iter().for_each(|client| nodes.expect::<()>(client, "end"));
    assert_eq!(nodes.expect::<u32>(&other, "chat"), 1);
    clients.iter().for_each(TestClient::expect_nothing);
    assert_eq!(emitter.stats().published, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_every_node_are_moved_and_ended_and_servers_spoken_to() {
    let Some(redis) = RedisServer::start() else { return };
    let (nodes, emitter) = nodes(&redis);
    let clients = [nodes[0].connect(), nodes[1].connect()];
    for node in 0..2 {
        let io = nodes[node].io().clone();
        nodes[node].io().on_server_event("count", move |Data(by): Data<u32>| {
            io.local().emit("counted", &by).expect("sent");
        });
    }
    emitter.server_side_emit("count", &7).await.expect("sent");
    clients.iter().for_each(|client| assert_eq!(nodes.expect::<u32>(client, "counted"), 7));
    emitter.join(["x", "y"]).await.expect("sent");
    emitter.to("x").leave("y").await.expect("sent");
    emitter.to("y").emit("wrong", &()).await.expect("sent");
    emitter.to("x").emit("right", &()).await.expect("sent");
    clients.iter().for_each(|client| nodes.expect::<()>(client, "right"));
    emitter.except(clients[1].id()).disconnect(false).await.expect("sent");
    nodes.until("one is out", || (!clients[0].is_connected()).then_some(()));
    emitter.disconnect(true).await.expect("sent");
    nodes.until("both are out", || clients[1].connection().closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_the_emitter_for_node_sends() {
    let Some(redis) = RedisServer::start() else { return };
    let emitter = RedisEmitter::with_key(redis.target(), "game");
    let mut connection = redis.connection().expect("Redis");
    let mut listener = connection.as_pubsub();
    listener.psubscribe("game*").expect("subscribed");
    listener.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let mut heard = || {
        let message = listener.get_message().expect("a message");
        (message.get_channel_name().to_owned(), message.get_payload_bytes().to_owned())
    };
    emitter.emit("em", &1).await.expect("sent");
    let expected = b"\x93\xa7emitter\
        \x83\xa4type\x02\xa4data\x92\xa2em\x01\xa3nsp\xa1/\
        \x83\xa5rooms\x90\xa5flags\x80\xa6except\x90";
    assert_eq!(heard(), ("game#/#".to_owned(), expected.to_vec()));
    emitter.of("/n").to("r").emit("em", &()).await.expect("sent");
    assert_eq!(heard().0, "game#/n#r#");
    emitter.to("r").join("x").await.expect("sent");
    let (channel, payload) = heard();
    assert_eq!(channel, "game-request#/#");
    let expected = json!({
        "type": 2, "opts": { "rooms": ["r"], "except": [], "flags": {} }, "rooms": ["x"]
    });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&payload).expect("JSON"), expected);
    emitter.server_side_emit("ping", &1).await.expect("sent");
    let expected = json!({ "uid": "emitter", "type": 6, "data": ["ping", 1] });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&heard().1).expect("JSON"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_is_an_error() {
    let Some(mut redis) = RedisServer::start() else { return };
    let short = Duration::from_millis(200);
    let target = redis.target().connection_timeout(short).response_timeout(short);
    let emitter = RedisEmitter::new(target);
    emitter.emit("up", &()).await.expect("sent");
    let reserved = emitter.emit("connect", &()).await;
    assert!(matches!(reserved, Err(EmitterError::Encode(_))), "{reserved:?}");
    redis.kill();
    let down = emitter.emit("down", &()).await;
    assert!(matches!(down, Err(EmitterError::Timeout | EmitterError::Link(_))), "{down:?}");
    redis.restart();
    let mut connection = redis.connection().expect("Redis");
    let mut listener = connection.as_pubsub();
    listener.psubscribe("*").expect("subscribed");
    while emitter.emit("again", &()).await.is_err() {}
    let message = listener.get_message().expect("a message");
    let payload = String::from_utf8_lossy(message.get_payload_bytes()).into_owned();
    assert!(payload.contains("again"), "what failed is not sent later: {payload}");
}
