//! What one node is told to do reaches the clients of all.

mod support;

use std::{future::IntoFuture, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use socketio_core::{Data, SocketIo};
use socketio_nats::async_nats::Client;

use self::support::{NatsServer, Node, TestClient, until};

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items
}

#[tokio::test]
async fn events_reach_whom_they_are_for_on_every_node() {
    let Some(nats) = NatsServer::start().await else { return };
    let nodes: [Node; 3] = Node::cluster(&nats).await;
    let mut clients = [nodes[0].client().await, nodes[1].client().await, nodes[2].client().await];
    for (index, node) in nodes.iter().enumerate() {
        node.io.emit("news", &(index, "all")).expect("sent");
        for client in &mut clients {
            assert_eq!(client.expect::<(usize, String)>("news").await, (index, "all".into()));
        }
    }
    let [mut a, mut b, mut c] = clients;
    nodes[0].io.to([b.id(), c.id()]).join(["blue", "green"]);
    nodes[0].io.to(c.id()).leave("green");
    nodes[0].io.to(["blue", "green"]).emit("once", &1).expect("sent");
    nodes[0].io.to("blue").except("green").emit("blue only", &2).expect("sent");
    nodes[0].io.emit("end", &()).expect("sent");
    assert_eq!(a.next().await.0, "end");
    assert_eq!(b.expect::<u32>("once").await, 1);
    assert_eq!(b.next().await.0, "end");
    assert_eq!(c.expect::<u32>("once").await, 1);
    assert_eq!(c.expect::<u32>("blue only").await, 2);
    assert_eq!(c.next().await.0, "end");
    assert!(nodes.iter().all(|node| node.errors.all().is_empty()));
}

#[tokio::test]
async fn bytes_arrive_as_bytes() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, other]: [Node; 2] = Node::cluster(&nats).await;
    let mut client = other.client().await;
    let bytes = Bytes::from_static(&[0, 1, 255]);
    one.io.emit("file", &("name", &bytes, json!({ "_placeholder": 1 }))).expect("sent");
    let (name, file, more): (String, Bytes, Value) = client.expect("file").await;
    assert_eq!((name.as_str(), file, more), ("name", bytes, json!({ "_placeholder": 1 })));
    // They are some in an answer, too.
    other.io.on_server_event("hash", |Data(bytes): Data<Bytes>| Data(bytes.slice(1..)));
    let hash = one.io.server_side_emit_with_ack::<Bytes>("hash", &Bytes::from("abc"));
    assert_eq!(hash.expect("sent").await.expect("answers"), ["bc"]);
}

#[tokio::test]
async fn acknowledgements_of_all_nodes_are_gathered() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two, _three]: [Node; 3] = Node::cluster(&nats).await;
    let (mut a, mut b, mut c) = (one.client().await, two.client().await, two.client().await);
    let replies = one.io.emit_with_ack::<u32>("vote", "tea?").expect("sent");
    let (replies, ..) = tokio::join!(
        replies.into_future(),
        a.acknowledge("vote", &1),
        b.acknowledge("vote", &2),
        c.acknowledge("vote", &3),
    );
    assert_eq!(sorted(replies.expect("all have answered")), [1, 2, 3]);

    let replies = one.io.timeout(Duration::from_millis(300)).emit_with_ack::<u32>("vote", &());
    let replies = replies.expect("sent");
    let (replies, ..) =
        tokio::join!(replies.into_future(), a.acknowledge("vote", &1), b.acknowledge("vote", &2));
    let missing = replies.expect_err("one has not answered");
    assert_eq!(sorted(missing.replies), [1, 2]);
    assert_eq!((missing.elsewhere, missing.nodes.len()), (1, 0));
}

#[tokio::test]
async fn sockets_of_every_node_are_found_moved_and_ended() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let (a, mut b) = (one.client().await, two.client().await);
    two.io.sockets()[0].data().set("name", "Bob").expect("JSON");
    let all = one.io.fetch_sockets().await.expect("all nodes");
    assert_eq!(sorted(all.iter().map(|it| it.id().to_owned())), sorted([a.id(), b.id()]));
    b.emit("join", "blue");
    until(async || one.io.to("blue").fetch_sockets().await.expect("all nodes").len() == 1).await;
    let blue = one.io.to("blue").fetch_sockets().await.expect("all nodes");
    assert_eq!(blue[0].data::<String>("name").as_deref(), Some("Bob"));
    assert_eq!(blue[0].rooms(), [b.id(), "blue"]);
    assert_eq!(blue[0].handshake().query["EIO"], "4");
    let age = blue[0].emit_with_ack::<u32>("age", &());
    let (age, ()) = tokio::join!(age, b.acknowledge("age", &42));
    assert_eq!(age.expect("an answer"), 42);
    blue[0].disconnect(true);
    b.closed().await;
    assert_eq!(one.io.fetch_sockets().await.expect("all nodes").len(), 1);
}

#[tokio::test]
async fn nodes_tell_and_ask_each_other() {
    let Some(nats) = NatsServer::start().await else { return };
    let nodes: [Node; 3] = Node::cluster(&nats).await;
    let mut client = nodes[2].client().await;
    for (index, node) in nodes.iter().enumerate() {
        let io = node.io.clone();
        node.io.on_server_event("note", move |Data(text): Data<String>| {
            io.local().emit("note", &text)
        });
        node.io.on_server_event("add", move |Data(n): Data<usize>| Data(index + n));
    }
    nodes[0].io.server_side_emit("note", "hello").expect("sent");
    assert_eq!(client.expect::<String>("note").await, "hello");
    let sums = nodes[0].io.server_side_emit_with_ack::<usize>("add", &10).expect("sent");
    assert_eq!(sorted(sums.await.expect("all answer")), [11, 12]);
}

#[tokio::test]
async fn namespaces_are_apart_whatever_their_names() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let long = "/long".repeat(1000);
    for name in ["/a.b", "/a b", "/*", "/>", "/a.>", "/é\"\\", &long, &format!("{long}!")] {
        for node in [&one, &two] {
            node.io.of(name).on_server_event("present", || Data(true));
        }
        let namespace = one.io.of(name);
        until(async || {
            let present = namespace.server_side_emit_with_ack::<bool>("present", &());
            present.expect("sent").await.is_ok_and(|answers| answers.len() == 1)
        })
        .await;
        let mut client = TestClient::connect(&two.io, name).await;
        one.io.of("/a").emit("elsewhere", &1).expect("sent");
        namespace.emit("here", &name).expect("sent");
        assert_eq!(client.expect::<String>("here").await, name);
    }
    assert!(one.errors.all().is_empty() && two.errors.all().is_empty());
}

#[tokio::test]
async fn clusters_with_other_prefixes_are_apart() {
    let Some(nats) = NatsServer::start().await else { return };
    let node = |client: Client, prefix: &str| {
        Node::with(client, |adapter| adapter.prefix(prefix), SocketIo::builder())
    };
    let red = [node(nats.connect().await, "red"), node(nats.connect().await, "red")];
    // Clients of a process may be shared.
    let shared = nats.connect().await;
    let blue = [node(shared.clone(), "blue.1"), node(shared, "blue.1")];
    Node::meet(&red).await;
    Node::meet(&blue).await;
}

#[tokio::test]
async fn a_node_that_leaves_is_not_waited_for() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two, three]: [Node; 3] = Node::cluster(&nats).await;
    two.io.close().await;
    // The last handle.
    let Node { io, adapter, .. } = three;
    drop(io);
    until(async || one.others().await == 0).await;
    assert_eq!(two.adapter.stats().queued + adapter.stats().queued, 0);
    assert!(one.io.fetch_sockets().await.expect("no other nodes").is_empty());
}

#[tokio::test]
async fn what_a_node_says_before_it_ends_is_heard() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let mut client = two.client().await;
    for number in 0..5000 {
        one.io.emit("news", &number).expect("sent");
    }
    one.io.close().await;
    for number in 0..5000 {
        assert_eq!(client.expect::<u32>("news").await, number);
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_reported_and_harms_no_other() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let (mut here, mut there) = (one.client().await, two.client().await);
    let large = "x".repeat(70_000);
    one.io.emit("large", &large).expect("sent");
    one.io.emit("small", &1).expect("sent");
    assert_eq!(there.expect::<u32>("small").await, 1);
    assert_eq!(here.expect::<String>("large").await, large);
    let [error] = &one.errors.all()[..] else { panic!("one error: {:?}", one.errors.all()) };
    assert!(error.starts_with("/: a message of 70"), "{error}");
    assert!(error.ends_with("bytes is lost, as NATS takes no more than 65536"), "{error}");
    assert_eq!(one.adapter.stats().lost, 1);
}

#[tokio::test]
async fn what_is_no_message_is_reported_and_passed_over() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let mut client = one.client().await;
    let other = nats.connect().await;
    for junk in ["", "junk", "{\"type\":3}", "\u{1}"] {
        other.publish("socket.io./", junk.into()).await.expect("sent");
    }
    // A question of a node that is gone: NATS says so to who answers.
    let question = json!({
        "type": 7,
        "uid": "gone",
        "nsp": "/",
        "data": { "opts": {}, "requestId": "x" },
    });
    other.publish("socket.io./", question.to_string().into()).await.expect("sent");
    // One of another namespace, and one of a program that only sends.
    let message = |namespace| {
        json!({
            "type": 3,
            "uid": "emitter",
            "nsp": namespace,
            "data": { "packet": { "type": 2, "data": ["news", namespace] }, "opts": {} },
        })
    };
    for namespace in ["/a", "/"] {
        let message = message(namespace).to_string();
        other.publish("socket.io./", message.into()).await.expect("sent");
    }
    assert_eq!(client.expect::<String>("news").await, "/");
    two.io.emit("news", "two").expect("sent");
    assert_eq!(client.expect::<String>("news").await, "two");
    assert_eq!(one.errors.all().len(), 4);
    assert_eq!(one.errors.count("/: no message of a node: "), 4);
}
