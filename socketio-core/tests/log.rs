//! Nodes that share a log: clients whose connection broke come back to any of them.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use socketio_core::{
    Builder, Data, LogOffset, Recovery, Socket, SocketIo,
    testing::{Delivery, TestClient, TestCluster, TestServer},
};

use self::support::Log;

const AWAY: Duration = Duration::from_secs(120);

fn builder() -> Builder {
    SocketIo::builder().recovery(Recovery::default())
}

fn cluster(nodes: usize) -> TestCluster {
    let cluster = TestCluster::logged(nodes, builder);
    (0..nodes).for_each(|index| set_up(&cluster[index]));
    cluster
}

fn set_up(server: &TestServer) {
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    server.io().on("whoami", |socket: Socket| {
        let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
        rooms.sort();
        Data((socket.is_recovered(), rooms, socket.data().to_value()))
    });
}

/// Comes back over a new connection.
fn come_back(server: &TestServer, client: &TestClient, offset: Option<&str>) -> TestClient {
    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
    server.connect_to("/", &auth).expect("let in")
}

fn whoami(client: &TestClient) -> (bool, Vec<String>, Value) {
    client.ask("whoami", &())
}

/// The events that a client has got, each by its first argument.
fn numbers(client: &TestClient) -> Vec<u8> {
    let events = std::iter::from_fn(|| client.next_event());
    events
        .map(|event| serde_json::from_str(event.args.iter().next().expect("one")).expect("u8"))
        .collect()
}

#[test]
fn a_client_comes_back_to_another_node() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    client.emit("join", "news");
    let socket = cluster[0].io().sockets().remove(0);
    socket.data().set("name", "ada").expect("JSON");
    cluster[1].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().close();

    cluster[1].io().emit("n", &2).expect("sent");
    cluster[0].io().to("news").emit("n", &3).expect("sent");
    cluster[0].io().to("sport").emit("n", &4).expect("sent");
    cluster[1].io().except("news").emit("n", &5).expect("sent");
    socket.emit("n", &6).expect("kept");
    cluster[1].io().volatile().emit("n", &7).expect("sent");

    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_eq!(back.id(), client.id());
    assert_eq!(numbers(&back), [2, 3, 6]);
    let mut rooms = vec![back.id().to_owned(), "news".to_owned()];
    rooms.sort();
    assert_eq!(whoami(&back), (true, rooms, json!({ "name": "ada" })));
    cluster[0].io().to("news").emit("n", &8).expect("sent");
    assert_eq!(numbers(&back), [8]);
}

#[test]
fn a_client_comes_back_to_its_own_node() {
    let cluster = cluster(2);
    let log = Log::default();
    let expired = log.clone();
    cluster[0].io().on_expire(move |_: Socket| expired.add("expired"));
    let client = cluster[0].connect();
    client.connection().close();
    cluster[1].io().emit("n", &1).expect("sent");
    let back = come_back(&cluster[0], &client, None);
    assert_eq!(back.id(), client.id());
    assert_eq!(numbers(&back), [1]);
    cluster.advance(AWAY * 2);
    assert!(log.take().is_empty());
}

#[test]
fn a_client_comes_back_to_a_node_that_came_later() {
    let mut cluster = cluster(1);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().close();
    cluster[0].io().emit("n", &2).expect("sent");
    set_up(cluster.add(builder()));
    cluster[0].io().emit("n", &3).expect("sent");
    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![2, 3]));
    assert!(whoami(&back).0);
}

#[test]
fn all_nodes_have_the_events_in_one_order_whoever_sends_them() {
    let cluster = cluster(2);
    let clients = [cluster[0].connect(), cluster[1].connect()];
    // What is under way to node 0 arrives late, and yet in the order of the log.
    cluster.on_message(|_, to, _| match to {
        0 => Delivery::Late(Duration::from_millis(50)),
        _ => Delivery::AtOnce,
    });
    cluster[1].io().emit("n", &1).expect("sent");
    cluster[0].io().emit("n", &2).expect("sent");
    cluster[1].io().emit("n", &3).expect("sent");
    cluster.advance(Duration::from_millis(100));
    for client in &clients {
        let offsets: Vec<LogOffset> = std::iter::from_fn(|| client.next_event())
            .map(|event| event.offset().parse().expect("an offset"))
            .collect();
        assert_eq!(offsets.len(), 3);
        assert!(offsets.is_sorted(), "{offsets:?}");
    }
}

#[test]
fn a_session_is_taken_once() {
    let cluster = cluster(3);
    let client = cluster[0].connect();
    client.connection().close();
    let first = come_back(&cluster[1], &client, None);
    let second = come_back(&cluster[2], &client, None);
    assert_eq!(first.id(), client.id());
    assert_ne!(second.id(), client.id());
    assert!(!whoami(&second).0);
}

#[test]
fn a_client_goes_from_node_to_node() {
    let cluster = cluster(2);
    let mut client = cluster[0].connect();
    let id = client.id().to_owned();
    for n in 0..4 {
        let node = &cluster[usize::from(n % 2 == 0)];
        client.connection().close();
        cluster[0].io().emit("n", &n).expect("sent");
        client = come_back(node, &client, None);
        assert_eq!(client.id(), id);
        // Without an offset it gets all since it first came.
        assert_eq!(numbers(&client), (0..=n).collect::<Vec<_>>());
    }
}

#[test]
fn who_missed_nothing_comes_back_however_much_the_log_has_forgotten() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    cluster.trim_log();
    cluster[1].io().of("/other").emit("n", &2).expect("sent");
    client.connection().close();
    cluster[1].io().emit("n", &3).expect("sent");
    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![3]));
}

#[test]
fn who_missed_what_the_log_has_forgotten_is_new() {
    let mut cluster = cluster(1);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().stop_reading(true);
    cluster[0].io().emit("n", &2).expect("sent");
    client.connection().close();
    cluster.trim_log();
    set_up(cluster.add(builder()));
    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_ne!(back.id(), client.id());
}

#[test]
fn what_is_sent_while_a_client_is_on_its_way_in_is_there_when_it_is_in() {
    let cluster = cluster(2);
    let gate = support::Gate::default();
    let held = gate.clone();
    cluster[1].io().on_connect(move |_: Socket| {
        let gate = held.clone();
        async move {
            gate.passed().await;
            Ok::<_, socketio_core::ConnectError>(())
        }
    });
    let client = cluster[0].connect();
    client.connection().close();
    cluster[0].io().emit("n", &1).expect("sent");
    let connection = cluster[1].open();
    connection.request_join("/", &json!({ "pid": client.recovery_id() }));
    cluster[1].run();
    cluster[0].io().emit("n", &2).expect("sent");
    cluster[1].io().emit("n", &3).expect("sent");
    gate.open();
    cluster[1].run();
    let back = connection.expect_join("/").expect("let in");
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![1, 2, 3]));
}

#[test]
fn who_does_not_come_back_to_any_node_has_expired() {
    let cluster = cluster(2);
    let log = Log::default();
    for index in 0..2 {
        let expired = log.clone();
        cluster[index].io().on_expire(move |_: Socket| expired.add(format!("at {index}")));
    }
    let [stays, moves] = [cluster[0].connect(), cluster[0].connect()];
    stays.connection().close();
    moves.connection().close();
    let moved = come_back(&cluster[1], &moves, None);
    cluster.advance(AWAY - Duration::from_secs(10));
    // This one is gone again when its first node has waited long enough.
    moved.connection().close();
    cluster.advance(Duration::from_secs(20));
    assert_eq!(log.take(), ["at 0"]);
    let again = come_back(&cluster[0], &moves, None);
    assert_eq!(again.id(), moves.id());
}

#[test]
fn who_is_sent_away_while_it_is_away_does_not_come_back() {
    let cluster = cluster(2);
    let log = Log::default();
    let expired = log.clone();
    cluster[0].io().on_expire(move |_: Socket| expired.add("expired"));
    let client = cluster[0].connect();
    let socket = cluster[0].io().sockets().remove(0);
    client.connection().close();
    socket.disconnect();
    cluster[0].run();
    assert_eq!(log.take(), ["expired"]);
    assert_ne!(come_back(&cluster[1], &client, None).id(), client.id());
}

#[test]
fn clients_of_a_server_that_closes_come_back_to_another() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    let io = cluster[0].io().clone();
    cluster[0].spawn(async move { io.close().await });
    cluster[0].run();
    assert!(!client.is_connected());
    cluster[1].io().emit("n", &1).expect("sent");
    let back = come_back(&cluster[1], &client, None);
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![1]));
}

#[test]
fn what_is_sent_before_a_socket_leaves_reaches_it() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    client.emit("join", "game");
    let socket = cluster[0].io().sockets().remove(0);
    cluster[0].io().to("game").emit("n", &1).expect("sent");
    socket.leave("game");
    cluster[0].io().to("game").emit("n", &2).expect("sent");
    assert_eq!(numbers(&client), [1]);
    socket.emit("n", &3).expect("sent");
    cluster[0].io().in_room("game").emit("n", &4).expect("sent");
    socket.disconnect();
    assert_eq!(numbers(&client), [3]);
    assert!(!client.is_connected());
}

#[test]
fn who_comes_after_what_was_for_one_node_does_not_get_it_when_it_is_back() {
    for is_cut_off in [false, true] {
        let cluster = cluster(1);
        let before = cluster[0].connect();
        cluster[0].io().emit("n", &1).expect("sent");
        assert_eq!(numbers(&before), [1]);
        cluster[0].io().local().emit("n", &2).expect("sent");
        let client = cluster[0].connect();
        client.connection().close();
        cluster[0].io().emit("n", &3).expect("sent");
        cluster.set_log_reachable(0, !is_cut_off);
        let back = come_back(&cluster[0], &client, None);
        assert_eq!((back.id(), numbers(&back)), (client.id(), vec![3]));
        assert_eq!(numbers(&before), [2, 3]);
    }
}

#[test]
fn what_a_socket_gets_wherever_it_is_does_not_hurry_when_it_leaves_a_room() {
    let cluster = cluster(1);
    let client = cluster[0].connect();
    client.emit("join", "game");
    let socket = cluster[0].io().sockets().remove(0);
    cluster[0].io().emit("n", &1).expect("sent");
    cluster[0].io().to("game").emit("n", &2).expect("sent");
    cluster[0].io().emit("n", &3).expect("sent");
    socket.leave("other");
    socket.leave("game");
    let offsets: Vec<_> = (1..=3).map(|_| client.expect_event("n").offset()).collect();
    assert_eq!(offsets, ["0-0", "0-0", "3-0"]);
    client.expect_nothing();
}

#[test]
fn who_missed_more_than_is_kept_for_one_is_new() {
    let recovery = Recovery { max_bytes: 2000, ..Recovery::default() };
    let mut cluster = TestCluster::logged(1, || SocketIo::builder().recovery(recovery));
    let clients = [cluster[0].connect(), cluster[0].connect()];
    clients.iter().for_each(|client| client.connection().close());
    let text = "x".repeat(300);
    (0..5).for_each(|_| cluster[0].io().emit("n", &text).expect("sent"));
    cluster.add(SocketIo::builder().recovery(recovery));
    assert_eq!(come_back(&cluster[1], &clients[0], None).id(), clients[0].id());
    (0..5).for_each(|_| cluster[0].io().emit("n", &text).expect("sent"));
    cluster.add(SocketIo::builder().recovery(recovery));
    assert_ne!(come_back(&cluster[2], &clients[1], None).id(), clients[1].id());
}

#[test]
fn a_node_that_is_cut_off_from_the_log_delivers_at_once() {
    let cluster = cluster(2);
    let clients = [cluster[0].connect(), cluster[1].connect()];
    cluster.set_log_reachable(0, false);
    cluster[0].io().emit("n", &1).expect("sent");
    cluster[1].io().emit("n", &2).expect("sent");
    assert_eq!(numbers(&clients[0]), [1, 2]);
    assert_eq!(numbers(&clients[1]), [2]);
    cluster.set_log_reachable(0, true);
    cluster[0].io().emit("n", &3).expect("sent");
    assert_eq!(numbers(&clients[0]), [3]);
    assert_eq!(numbers(&clients[1]), [1, 3]);
}

#[test]
fn what_is_on_its_way_when_the_log_goes_is_delivered() {
    let cluster = cluster(1);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    cluster[0].io().emit("n", &2).expect("sent");
    cluster.set_log_reachable(0, false);
    assert_eq!(numbers(&client), [1, 2]);
    cluster.set_log_reachable(0, true);
    client.expect_nothing();
}

#[test]
fn clients_come_back_to_their_own_node_while_it_is_cut_off() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    cluster.set_log_reachable(0, false);
    client.connection().close();
    cluster[0].io().emit("n", &2).expect("sent");
    let back = come_back(&cluster[0], &client, Some(&offset));
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![2]));
    assert!(whoami(&back).0);
}

#[test]
fn nothing_of_an_outage_is_missing_afterwards() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    cluster.set_log_reachable(0, false);
    client.connection().stop_reading(true);
    cluster[0].io().emit("n", &2).expect("sent");
    cluster[0].io().emit("n", &3).expect("sent");
    cluster.set_log_reachable(0, true);
    client.connection().close();
    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![2, 3]));
}

#[test]
fn a_session_without_the_words_of_this_server_is_taken_too() {
    let cluster = cluster(2);
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().close();
    cluster[0].io().emit("n", &2).expect("sent");
    // As a Node server keeps it.
    cluster.change_sessions(|session| session.span = None);
    let back = come_back(&cluster[1], &client, Some(&offset));
    assert_eq!((back.id(), numbers(&back)), (client.id(), vec![2]));
    back.connection().close();
    cluster.change_sessions(|session| session.span = None);
    // There is no telling what who has no offset has missed.
    assert_ne!(come_back(&cluster[0], &client, None).id(), client.id());
}

#[test]
fn questions_do_not_go_by_the_log() {
    let cluster = cluster(2);
    let clients = [cluster[0].connect(), cluster[1].connect()];
    let replies = cluster[0].io().emit_with_ack::<u8>("question", &1).expect("sent");
    let log = Log::default();
    let answers = log.clone();
    cluster[0].spawn(async move { answers.add(format!("{:?}", replies.await)) });
    for (client, answer) in clients.iter().zip([1, 2]) {
        let question = client.expect_event("question");
        assert_eq!(question.args.len(), 1);
        client.acknowledge(&question, &answer);
    }
    assert_eq!(log.take(), ["Ok([1, 2])"]);
}
