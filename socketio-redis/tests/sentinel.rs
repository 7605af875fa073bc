//! Nodes find the master that Sentinel names, and its successor.

mod support;

use std::{collections::HashMap, time::Duration};

use socketio_core::testing::TestClient;
use socketio_redis::{RedisAdapter, Target, redis::sentinel::SentinelNodeConnectionInfo};

use self::support::{Nodes, RedisServer, eventually};

/// Waits until a client gets what another node sends, without that anybody helps.
fn until_heard(nodes: &Nodes, client: &TestClient, number: u32) {
    nodes.until("an event of the other node", || {
        nodes[0].io().emit("number", &number).expect("sent");
        std::thread::sleep(Duration::from_millis(20));
        std::iter::from_fn(|| client.next_event())
            .any(|event| event.args.parse() == Ok(number))
            .then_some(())
    });
}

/// Waits until Sentinel knows a replica that could take over.
fn until_replicated(sentinel: &RedisServer) {
    eventually("a replica", || {
        let replicas: Vec<HashMap<String, String>> =
            sentinel.query(&["SENTINEL", "REPLICAS", "mymaster"]);
        let is_up = |replica: &HashMap<String, String>| {
            replica["flags"] == "slave" && replica["master-link-status"] == "ok"
        };
        replicas.iter().any(is_up).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_follow_the_master() {
    let Some(mut first) = RedisServer::start() else { return };
    let master = first.port.to_string();
    let second =
        RedisServer::start_with(&["--replicaof", "127.0.0.1", &master]).expect("as before");
    let sentinel = RedisServer::start_sentinel(&format!(
        "sentinel monitor mymaster 127.0.0.1 {master} 1
        sentinel down-after-milliseconds mymaster 500
        sentinel failover-timeout mymaster 1000"
    ));
    let sentinel = sentinel.expect("as before");
    until_replicated(&sentinel);
    let millis = Duration::from_millis;
    let adapters = [0, 1].map(|_| {
        // One of the sentinels is never there.
        let sentinels = ["redis://127.0.0.1:1/", &sentinel.url()];
        let info = SentinelNodeConnectionInfo::default();
        let target = Target::sentinel(sentinels, "mymaster", info).expect("URLs");
        RedisAdapter::new(target.keep_alive(millis(100)).response_timeout(millis(300)))
    });
    let nodes = Nodes::with(adapters.clone());
    let client = nodes[1].connect();
    until_heard(&nodes, &client, 1);
    assert_eq!(first.subscribers("socket.io-request#/#"), 2);
    assert_eq!(nodes.reports(), [""; 0]);
    first.kill();
    until_heard(&nodes, &client, 2);
    assert_eq!(second.subscribers("socket.io-request#/#"), 2);
    // The former master comes back, and the nodes stay where they are.
    first.restart();
    until_heard(&nodes, &client, 3);
    assert!(nodes.wait(nodes[0].io().fetch_sockets()).is_ok());
    assert!(adapters.iter().all(|adapter| adapter.stats().is_connected));
}
