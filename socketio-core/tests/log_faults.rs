//! Nodes that share a log, where clients, other nodes and the log itself do what they should not.

mod support;

use futures_util::FutureExt;
use serde_json::json;
use socketio_core::{
    Builder, Data, Frame, Recovery, Socket, SocketIo,
    testing::{TestClient, TestCluster, TestConnection, TestServer},
};

use self::support::Log;

fn builder() -> Builder {
    SocketIo::builder().allow_eio3(true).recovery(Recovery::default())
}

fn cluster() -> TestCluster {
    let cluster = TestCluster::logged(2, builder);
    for node in 0..2 {
        let io = cluster[node].io();
        io.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    }
    cluster
}

/// Comes back over a new connection.
fn come_back(server: &TestServer, client: &TestClient, offset: Option<&str>) -> TestClient {
    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
    server.connect_to("/", &auth).expect("let in")
}

/// The events that a client has got, each by its first argument.
fn numbers(client: &TestClient) -> Vec<u8> {
    let events = std::iter::from_fn(|| client.next_event());
    events
        .map(|event| serde_json::from_str(event.args.iter().next().expect("one")).expect("u8"))
        .collect()
}

#[track_caller]
fn expect(client: &TestConnection, texts: &[&str]) {
    let frames: Vec<_> = std::iter::from_fn(|| client.next_frame()).collect();
    let texts: Vec<_> = texts.iter().map(|text| Frame::Text((*text).into())).collect();
    assert_eq!(frames, texts);
}

#[test]
fn who_claims_to_have_what_is_yet_to_come_gets_it_all_the_same() {
    for node in [0, 1] {
        for offset in ["99-0", "18446744073709551615-18446744073709551615"] {
            let cluster = cluster();
            let client = cluster[0].connect();
            client.connection().close();
            let back = come_back(&cluster[node], &client, Some(offset));
            assert_eq!(back.id(), client.id());
            cluster[0].io().emit("n", &1).expect("sent");
            assert_eq!(numbers(&back), [1], "node {node}, {offset}");
        }
    }
}

#[test]
fn who_names_a_place_that_is_not_there_and_was_on_another_server_is_new() {
    let cluster = cluster();
    let client = cluster[0].connect();
    client.connection().close();
    cluster.change_sessions(|session| session.span = None);
    assert_ne!(come_back(&cluster[1], &client, Some("99-0")).id(), client.id());
}

#[test]
fn who_goes_while_its_session_is_fetched_can_come_again() {
    for node in [0, 1] {
        let cluster = cluster();
        let log = Log::default();
        let expired = log.clone();
        cluster[0].io().on_expire(move |_: Socket| expired.add("expired"));
        let client = cluster[0].connect();
        client.connection().close();
        cluster[0].io().emit("n", &1).expect("sent");
        cluster.hold_log_answers(node, true);
        let hasty = cluster[node].open();
        hasty.request_join("/", &json!({ "pid": client.recovery_id() }));
        hasty.close();
        cluster.hold_log_answers(node, false);
        let back = come_back(&cluster[1 - node], &client, None);
        assert_eq!((back.id(), numbers(&back)), (client.id(), vec![1]));
        cluster.advance(Recovery::default().max_disconnection_duration * 2);
        assert!(log.take().is_empty(), "it is back");
    }
}

#[test]
fn who_cannot_be_let_on_with_its_session_has_expired_where_it_was() {
    let mut cluster = cluster();
    let log = Log::default();
    let expired = log.clone();
    cluster[0].io().on_expire(move |_: Socket| expired.add("expired"));
    let client = cluster[0].connect();
    cluster[0].io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().stop_reading(true);
    cluster[0].io().emit("n", &2).expect("sent");
    client.connection().close();
    cluster.trim_log();
    cluster.add(builder());
    assert_ne!(come_back(&cluster[2], &client, Some(&offset)).id(), client.id());
    cluster.advance(Recovery::default().max_disconnection_duration * 2);
    assert_eq!(log.take(), ["expired"]);
}

#[test]
fn a_session_with_the_id_of_another_socket_is_none() {
    let cluster = cluster();
    let [client, other] = [cluster[0].connect(), cluster[1].connect()];
    client.connection().close();
    let id = other.id().to_owned();
    cluster.change_sessions(|session| session.socket.clone_from(&id));
    let back = come_back(&cluster[1], &client, None);
    assert_ne!(back.id(), other.id());
    other.disconnect();
    assert_eq!(cluster[1].io().sockets_count(), 1);
    assert_eq!(cluster[1].io().sockets().len(), 1);
}

#[test]
fn a_namespace_is_not_kept_for_who_went_while_its_session_was_fetched() {
    let builder = || builder().cleanup_empty_namespaces(true);
    let cluster = TestCluster::logged(2, builder);
    let [_, rooms] = [0, 1].map(|node| cluster[node].io().of_dynamic("/{name}", |_| {}));
    let client = cluster[0].connect_to("/room", &json!({})).expect("let in");
    client.connection().close();
    cluster.hold_log_answers(1, true);
    let hasty = cluster[1].open();
    hasty.request_join("/room", &json!({ "pid": client.recovery_id() }));
    hasty.close();
    cluster.hold_log_answers(1, false);
    assert!(rooms.namespaces().is_empty());
}

#[test]
fn a_client_of_revision_3_has_no_session_to_come_back_to() {
    let cluster = cluster();
    cluster[0].io().of("/n");
    let client = cluster[0].connect_to("/n", &json!({})).expect("let in");
    let old = cluster[0].open_query("EIO=3");
    expect(&old, &["40"]);
    old.send_text(&format!("40/n?pid={},", client.recovery_id()));
    expect(&old, &["40/n,"]);
    assert!(client.is_connected(), "nobody has taken its place");
}

#[test]
fn clients_of_revision_3_get_what_was_sent_before_they_leave_and_in_its_order() {
    let cluster = cluster();
    let client = cluster[0].open_query("EIO=3");
    expect(&client, &["40"]);
    let socket = cluster[0].io().sockets().remove(0);
    socket.join("game");
    cluster[0].io().to("game").emit("n", &1).expect("sent");
    socket.leave("game");
    cluster[0].io().emit("n", &2).expect("sent");
    socket.emit("n", &3).expect("sent");
    expect(&client, &[r#"42["n",1]"#, r#"42["n",2]"#, r#"42["n",3]"#]);
    cluster[0].io().emit("n", &4).expect("sent");
    socket.disconnect();
    expect(&client, &[r#"42["n",4]"#, "41"]);
}

#[test]
fn clients_that_cannot_come_back_get_the_last_words_of_a_server_that_closes() {
    let cluster = cluster();
    let old = cluster[0].open_query("EIO=3");
    expect(&old, &["40"]);
    let io = cluster[0].io().clone();
    let mut close = Box::pin(async move { io.close().await });
    cluster[0].io().emit("n", &1).expect("sent");
    assert!(close.as_mut().now_or_never().is_none());
    cluster[0].spawn(close);
    expect(&old, &[r#"42["n",1]"#]);
}

#[test]
fn what_the_log_has_no_room_for_is_delivered_here() {
    let cluster = cluster();
    let clients = [cluster[0].connect(), cluster[1].connect()];
    cluster[0].io().emit("n", &1).expect("sent");
    cluster.set_log_full(0, true);
    cluster[0].io().emit("n", &2).expect("sent");
    cluster[0].io().emit("n", &3).expect("sent");
    assert_eq!(numbers(&clients[0]), [1, 2, 3]);
    assert_eq!(numbers(&clients[1]), [1]);
    cluster.set_log_full(0, false);
    cluster[0].io().emit("n", &4).expect("sent");
    assert_eq!(clients.each_ref().map(numbers), [[4], [4]]);
}

#[test]
fn nodes_go_on_with_another_log_after_a_loss() {
    let cluster = cluster();
    let [stays, away, moves] = [0, 0, 1].map(|node| cluster[node].connect());
    for n in 1..=3 {
        cluster[1].io().emit("n", &n).expect("sent");
    }
    assert_eq!(numbers(&stays), [1, 2, 3]);
    assert_eq!(numbers(&moves), [1, 2, 3]);
    moves.connection().close();
    let moves = come_back(&cluster[0], &moves, Some("3-0"));
    assert_eq!(numbers(&away), [1, 2, 3]);
    away.connection().close();
    cluster.restart_log();
    cluster[1].io().emit("n", &4).expect("sent");
    assert_eq!(numbers(&moves), [4], "whatever it had of the other log");
    let last = stays.expect_event("n").offset();
    assert_eq!(last, "1-0");
    // What it missed cannot be told.
    assert_ne!(come_back(&cluster[0], &away, Some("3-0")).id(), away.id());
    stays.connection().close();
    cluster[1].io().emit("n", &5).expect("sent");
    let back = come_back(&cluster[1], &stays, Some(&last));
    assert_eq!((back.id(), numbers(&back)), (stays.id(), vec![5]));
    moves.connection().close();
    let back = come_back(&cluster[1], &moves, Some("3-0"));
    assert_eq!((back.id(), numbers(&back)), (moves.id(), vec![]));
}
