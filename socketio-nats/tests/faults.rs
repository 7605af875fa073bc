//! NATS goes away, stands still and comes back; nodes go without a word.

mod support;

use std::{future::IntoFuture, time::Duration};

use socketio_core::SocketIo;
use socketio_nats::{NatsAdapter, NatsAdapterBuilder, async_nats::ConnectOptions};
use tokio::time::timeout;

use self::support::{Gate, NatsServer, Node, until};

const SECOND: Duration = Duration::from_secs(1);

fn is_connected(adapter: &NatsAdapter) -> bool {
    adapter.stats().is_connected
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_is_a_pause() {
    let Some(mut nats) = NatsServer::start().await else { return };
    let gate = Gate::default();
    let client = nats.connect_through(&gate).await;
    let nodes = [Node::with(client, |it| it, SocketIo::builder()), Node::start(&nats).await];
    Node::meet(&nodes).await;
    let [one, two] = &nodes;
    let (mut here, mut there) = (one.client().await, two.client().await);
    gate.close();
    nats.kill();
    until(async || !is_connected(&one.adapter) && !is_connected(&two.adapter)).await;

    // Clients of this node notice nothing.
    for n in 0..3 {
        one.io.emit("news", &n).expect("sent");
        assert_eq!(here.expect::<u32>("news").await, n);
    }
    // Who asks the others gets an end in time.
    let sockets = timeout(3 * SECOND, one.io.timeout(SECOND).fetch_sockets()).await;
    let missing = sockets.expect("an end").expect_err("no connection");
    assert_eq!((missing.sockets.len(), missing.nodes.len()), (1, 1));
    until(async || one.errors.count("no connection to NATS") == 1).await;
    assert!(one.adapter.stats().queued >= 4);

    nats.restart().await;
    // Who listens is first, so that nothing is missed.
    until(async || is_connected(&two.adapter)).await;
    gate.open();
    // What waited arrives, in its order; so does what comes after it, both ways.
    for n in 0..3 {
        assert_eq!(there.expect::<u32>("news").await, n);
    }
    two.io.emit("news", "back").expect("sent");
    assert_eq!(there.expect::<String>("news").await, "back");
    assert_eq!(here.expect::<String>("news").await, "back");
    Node::meet(&nodes).await;
    assert_eq!(one.errors.all(), ["no connection to NATS"]);
    for node in &nodes {
        let stats = node.adapter.stats();
        assert_eq!((stats.reconnects, stats.lost, stats.queued), (1, 0, 0));
    }
}

#[tokio::test]
async fn what_is_more_than_may_wait_is_counted_and_reported_once() {
    let Some(mut nats) = NatsServer::start().await else { return };
    let gate = Gate::default();
    let client = nats.connect_through(&gate).await;
    let one = Node::with(client, |adapter| adapter.queue_bytes(10_000), SocketIo::builder());
    let nodes = [one, Node::start(&nats).await];
    Node::meet(&nodes).await;
    let [one, two] = &nodes;
    let mut there = two.client().await;
    gate.close();
    nats.kill();
    until(async || !is_connected(&one.adapter)).await;
    for n in 0..100 {
        one.io.emit("news", &(n, "x".repeat(1000))).expect("sent");
    }
    let lost = one.adapter.stats().lost;
    assert!((90..=95).contains(&lost), "{lost} of 100");

    nats.restart().await;
    until(async || is_connected(&two.adapter)).await;
    gate.open();
    let (first, _): (u32, String) = there.expect("news").await;
    assert_eq!(first, 0);
    until(async || one.errors.count("messages to other nodes are lost") == 1).await;
    // Heartbeats were among them, if it took long.
    let lost = one.adapter.stats().lost;
    assert_eq!(one.errors.count(&format!("{lost} messages to other nodes are lost")), 1);
    assert_eq!(one.errors.all().len(), 2);
}

#[tokio::test]
async fn a_server_that_stands_still_holds_up_nobody() {
    let Some(nats) = NatsServer::start().await else { return };
    let [one, two]: [Node; 2] = Node::cluster(&nats).await;
    let (mut here, mut there) = (one.client().await, two.client().await);
    nats.pause();
    one.io.emit("news", &1).expect("sent");
    assert_eq!(here.expect::<u32>("news").await, 1);
    let answers = one.io.server_side_emit_with_ack::<bool>("present", &()).expect("sent");
    let answers = timeout(3 * SECOND, answers.timeout(SECOND).into_future()).await;
    let missing = answers.expect("an end").expect_err("nobody answers");
    assert_eq!(missing.nodes.len(), 1);
    nats.resume();
    assert_eq!(there.expect::<u32>("news").await, 1);
    Node::meet(&[one, two]).await;
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_an_outage() {
    let Some(nats) = NatsServer::start().await else { return };
    let one = Node::with(
        nats.connect().await,
        |adapter| adapter.queue_bytes(1_000_000),
        SocketIo::builder(),
    );
    let mut here = one.client().await;
    nats.pause();
    // More than the buffers of the connection take.
    for _ in 0..500 {
        one.io.emit("news", &"x".repeat(60_000)).expect("sent");
        here.expect::<String>("news").await;
    }
    let lost = one.adapter.stats().lost;
    assert!(lost > 0);
    until(async || one.errors.all() == ["no connection to NATS"]).await;
    nats.resume();
    until(async || one.adapter.stats().queued == 0).await;
    until(async || one.errors.count("messages to other nodes are lost") == 1).await;
    let stats = one.adapter.stats();
    assert!(stats.published > 0);
    // What is its own does not come back to a node.
    assert_eq!((stats.reconnects, stats.received), (0, 0));
}

#[tokio::test]
async fn what_was_on_its_way_when_the_connection_broke_counts_as_lost() {
    let Some(mut nats) = NatsServer::start().await else { return };
    let one = Node::with(
        nats.connect().await,
        |adapter| adapter.queue_bytes(100_000_000),
        SocketIo::builder(),
    );
    let mut here = one.client().await;
    nats.pause();
    for _ in 0..500 {
        one.io.emit("news", &"x".repeat(60_000)).expect("sent");
        here.expect::<String>("news").await;
    }
    assert!(one.adapter.stats().queued > 0);
    assert_eq!(one.adapter.stats().lost, 0);
    nats.kill();
    nats.restart().await;
    until(async || one.errors.count("messages to other nodes are lost") == 1).await;
    let stats = one.adapter.stats();
    assert!((1..100).contains(&stats.lost), "{stats:?}");
    assert!(stats.published + stats.lost >= 500, "{stats:?}");
    assert_eq!((stats.reconnects, stats.queued), (1, 0));
}

#[tokio::test]
async fn a_node_that_dies_is_waited_for_no_longer_than_its_heartbeats() {
    let Some(nats) = NatsServer::start().await else { return };
    let quick = |client| {
        let options = |adapter: NatsAdapterBuilder| {
            adapter.heartbeat_interval(SECOND / 2).heartbeat_timeout(3 * SECOND)
        };
        Node::with(client, options, SocketIo::builder())
    };
    let survivor = quick(nats.connect().await);
    let client = nats.connect().await;
    let doomed = quick(client.clone());
    let nodes = [survivor, doomed];
    Node::meet(&nodes).await;
    let [survivor, doomed] = &nodes;
    let mut other = doomed.client().await;
    let question = survivor.io.timeout(60 * SECOND).emit_with_ack::<u32>("vote", &());
    let question = tokio::spawn(question.expect("sent").into_future());
    // It has been asked, and answers no more: all at once its node is gone without a word.
    assert_eq!(other.next().await.0, "vote");
    client.drain().await.expect("it ends");
    let replies = timeout(15 * SECOND, question).await.expect("an end").expect("no panic");
    let missing = replies.expect_err("nobody answered");
    assert_eq!((missing.elsewhere, missing.nodes.len()), (1, 0));
    assert!(survivor.io.fetch_sockets().await.expect("nobody is missed").is_empty());
    // What is left of it knows.
    until(async || doomed.errors.count("the NATS client is closed") == 1).await;
    doomed.io.emit("news", &1).expect("its clients are still there");
    assert_eq!(other.expect::<u32>("news").await, 1);
}

#[tokio::test]
async fn a_server_may_begin_before_nats() {
    let Some(mut nats) = NatsServer::start().await else { return };
    nats.kill();
    let connect = || {
        let options = ConnectOptions::new().retry_on_initial_connect();
        options.reconnect_delay_callback(|_| SECOND / 50).connect(nats.address())
    };
    let clients = [connect().await, connect().await];
    let nodes = clients.map(|client| {
        Node::with(client.expect("it is tried"), |adapter| adapter, SocketIo::builder())
    });
    let mut here = nodes[0].client().await;
    nodes[0].io.emit("news", &1).expect("sent");
    assert_eq!(here.expect::<u32>("news").await, 1);
    nats.restart().await;
    Node::meet(&nodes).await;
    nodes[1].io.emit("news", &2).expect("sent");
    assert_eq!(here.expect::<u32>("news").await, 2);
    assert_eq!(nodes[0].adapter.stats().reconnects, 0);
}
