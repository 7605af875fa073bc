//! One chat on several servers.

use std::time::Duration;

use serde_json::{Value, json};
use socketio_core::{
    ClusterMessage, SocketIo,
    testing::{Delivery, TestClient, TestCluster, TestServer},
};

fn chat(nodes: usize) -> TestCluster {
    let cluster = TestCluster::counted(nodes, SocketIo::builder);
    (0..nodes).for_each(|node| attach(&cluster[node]));
    cluster
}

fn attach(server: &TestServer) {
    chat::attach(server.io(), "a node");
}

fn join(client: &TestClient, nickname: &str) -> Value {
    client.ask("join", &json!({ "nickname": nickname, "room": "rust" }))
}

fn say(client: &TestClient, text: &str) -> Value {
    client.ask("message", text)
}

fn texts(joined: &Value) -> Vec<&str> {
    let history = joined["history"].as_array().expect("a history");
    history.iter().map(|message| message["text"].as_str().expect("a text")).collect()
}

#[test]
fn people_on_two_nodes_see_each_other() {
    let cluster = chat(2);
    let (ada, bo) = (cluster[0].connect(), cluster[1].connect());
    assert_eq!(join(&ada, "Ada")["online"], json!(["Ada"]));
    assert_eq!(join(&bo, "Bo")["online"], json!(["Ada", "Bo"]));
    let joined = json!({ "nickname": "Bo", "online": ["Ada", "Bo"] });
    assert_eq!(ada.expect::<Value>("joined"), joined);

    let posted = say(&ada, "hello");
    let message: Value = bo.expect("message");
    assert_eq!(message, posted["message"]);
    assert_eq!(message["text"], "hello");
    bo.emit("typing", &true);
    let typing = json!({ "nickname": "Bo", "typing": true });
    assert_eq!(ada.expect::<Value>("typing"), typing);

    bo.disconnect();
    let left = json!({ "nickname": "Bo", "online": ["Ada"] });
    assert_eq!(ada.expect::<Value>("left"), left);
    ada.expect_nothing();
}

#[test]
fn the_history_is_that_of_all_nodes() {
    let mut cluster = chat(2);
    let (ada, bo) = (cluster[0].connect(), cluster[1].connect());
    join(&ada, "Ada");
    join(&bo, "Bo");
    say(&ada, "one");
    cluster.advance(Duration::from_millis(1));
    say(&bo, "two");
    let cy = cluster[0].connect();
    assert_eq!(texts(&join(&cy, "Cy")).len(), 2);

    // One that begins later learns it from the others.
    attach(cluster.add(SocketIo::builder()));
    let di = cluster[2].connect();
    assert_eq!(texts(&join(&di, "Di")).len(), 2);
    assert_eq!(join(&di, "Di")["online"], json!(["Ada", "Bo", "Cy", "Di"]));
}

#[test]
fn a_node_that_is_slow_holds_nobody_up_for_long() {
    let cluster = chat(2);
    let (ada, bo) = (cluster[0].connect(), cluster[1].connect());
    join(&bo, "Bo");
    cluster.crash(1);
    let asked = ada.emit_with_ack("join", &json!({ "nickname": "Ada", "room": "rust" }));
    cluster.advance(Duration::from_secs(5));
    let joined: Value = ada.take_ack(asked).expect("an answer").parse().expect("JSON");
    assert_eq!(joined["online"], json!(["Ada"]));
}

#[test]
fn what_all_see_last_is_right_whatever_comes_late() {
    let cluster = chat(3);
    let watching = cluster[2].connect();
    join(&watching, "Watching");
    // The third node answers the first slowly.
    cluster.on_message(|from, to, message| match message {
        ClusterMessage::FetchSocketsResponse { .. } if (from, to) == (2, 0) => {
            Delivery::Late(Duration::from_millis(100))
        }
        _ => Delivery::AtOnce,
    });
    let (ada, bo) = (cluster[0].connect(), cluster[1].connect());
    ada.emit("join", &json!({ "nickname": "Ada", "room": "rust" }));
    bo.emit("join", &json!({ "nickname": "Bo", "room": "rust" }));
    cluster.advance(Duration::from_secs(1));
    let mut last = Value::Null;
    while let Some(event) = watching.next_event() {
        last = event.args.parse::<Value>().expect("JSON")["online"].clone();
    }
    assert_eq!(last, json!(["Ada", "Bo", "Watching"]));
}
