//! Who gets a broadcast, and for how long a socket is a member.

use socketio_core::{
    AckError, ConnectError, Data, DisconnectReason, Socket, SocketId, SocketIo, State,
    testing::{TestClient, TestServer},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

fn server() -> TestServer {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    server.io().on("leave", |socket: Socket, Data(room): Data<String>| socket.leave(room));
    server
}

fn member(server: &TestServer, rooms: &[&str]) -> TestClient {
    let client = server.connect();
    for room in rooms {
        client.emit("join", room);
    }
    client
}

fn heard(client: &TestClient) -> usize {
    std::iter::from_fn(|| client.next_event()).count()
}

#[test]
fn a_member_of_several_rooms_gets_a_broadcast_once() {
    let server = server();
    let both = member(&server, &["a", "b"]);
    let one = member(&server, &["b"]);
    let none = member(&server, &[]);
    server.io().to(["a", "b"]).emit("news", &1).expect("an event");
    assert_eq!([heard(&both), heard(&one), heard(&none)], [1, 1, 0]);
}

#[test]
fn no_rooms_are_nobody_and_not_everybody() {
    let server = server();
    let client = member(&server, &["a"]);
    let none: [&str; 0] = [];
    server.io().to(none).emit("news", &1).expect("an event");
    server.io().to(none).disconnect(true);
    assert_eq!(heard(&client), 0);
    server.io().to(none).to("a").emit("news", &1).expect("an event");
    server.io().except(none).emit("news", &1).expect("an event");
    assert_eq!(heard(&client), 2);
}

#[test]
fn except_leaves_out_and_broadcast_leaves_out_the_sender() {
    let server = server();
    server.io().on("tell", |socket: Socket| socket.to("a").except("muted").emit("news", &1));
    server.io().on("shout", |socket: Socket| socket.broadcast().emit("news", &1));
    let sender = member(&server, &["a"]);
    let listener = member(&server, &["a"]);
    let muted = member(&server, &["a", "muted"]);
    let stranger = member(&server, &[]);
    sender.emit("tell", &());
    assert_eq!([&sender, &listener, &muted, &stranger].map(heard), [0, 1, 0, 0]);
    sender.emit("shout", &());
    assert_eq!([&sender, &listener, &muted, &stranger].map(heard), [0, 1, 1, 1]);
}

#[test]
fn every_socket_is_in_a_room_of_its_own() {
    let server = server();
    let (alice, bob) = (server.connect(), server.connect());
    server.io().to(alice.id()).emit("private", &1).expect("an event");
    assert_eq!([heard(&alice), heard(&bob)], [1, 0]);
    // Others may join it; its owner still gets everything once.
    bob.emit("join", alice.id());
    server.io().to([alice.id(), bob.id()]).emit("private", &1).expect("an event");
    assert_eq!([heard(&alice), heard(&bob)], [1, 1]);
    bob.emit("leave", alice.id());
    server.io().to(alice.id()).emit("private", &1).expect("an event");
    assert_eq!([heard(&alice), heard(&bob)], [1, 0]);
}

#[test]
fn who_left_a_room_hears_no_more() {
    let server = server();
    let client = member(&server, &["a"]);
    client.emit("leave", "a");
    server.io().to("a").emit("news", &1).expect("an event");
    client.expect_nothing();
}

#[test]
fn a_selection_can_be_moved_and_disconnected() {
    let server = server();
    let (inside, outside) = (member(&server, &["a"]), member(&server, &[]));
    server.io().to("a").join(["b", "c"]);
    server.io().to("c").emit("news", &1).expect("an event");
    assert_eq!([heard(&inside), heard(&outside)], [1, 0]);
    server.io().to("b").leave("c");
    server.io().to("c").emit("news", &1).expect("an event");
    assert_eq!(heard(&inside), 0);
    server.io().to("a").disconnect(false);
    assert!(!inside.is_connected());
    assert!(outside.is_connected());
    assert_eq!(server.io().sockets_count(), 1);
}

#[test]
fn a_refusal_undoes_the_rooms_joined_before() {
    let server = TestServer::new(SocketIo::builder());
    server.io().middleware(|socket: Socket| {
        socket.join("admins");
        Err::<(), _>(ConnectError::new("no"))
    });
    let connection = server.open();
    assert!(connection.join("/", &()).is_err());
    assert!(server.io().to("admins").sockets().is_empty());
    server.io().to("admins").emit("secret", &1).expect("an event");
    assert!(connection.next_frame().is_none());
}

#[test]
fn broadcasts_pass_over_who_is_not_let_in_yet() {
    let server = TestServer::new(SocketIo::builder());
    server.io().middleware(async |socket: Socket| {
        socket.join("lobby");
        std::future::pending::<()>().await;
        Ok::<_, ConnectError>(())
    });
    let connection = server.open();
    connection.request_join("/", &());
    server.io().to("lobby").emit("news", &1).expect("an event");
    assert!(connection.next_frame().is_none());
    assert_eq!(server.io().sockets_count(), 0);
}

fn bug() {
    panic!("a bug in the application");
}

type Seen = Arc<Mutex<Vec<Vec<String>>>>;

#[test]
fn a_disconnect_handler_reads_the_rooms_and_membership_ends_whatever_it_does() {
    let server = server();
    let seen = Seen::default();
    server.io().insert_state(Arc::clone(&seen));
    server.io().on_disconnect(|socket: Socket, State(seen): State<Seen>| {
        let rooms = socket.rooms().iter().map(ToString::to_string).collect();
        seen.lock().expect("no panic").push(rooms);
        bug();
    });
    let client = member(&server, &["a"]);
    let id = client.id().to_owned();
    client.connection().close();
    assert_eq!(*seen.lock().expect("no panic"), [[id, "a".to_owned()]]);
    assert!(server.io().to("a").sockets().is_empty());
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn membership_ends_even_if_the_disconnect_handler_cannot_be_called() {
    let server = server();
    server.io().on_disconnect(|State(()): State<()>, _: DisconnectReason| bug());
    let client = member(&server, &["a"]);
    client.disconnect();
    assert!(server.io().to("a").sockets().is_empty());
    assert_eq!(server.io().sockets_count(), 0);
}

#[test]
fn who_stays_when_a_crowd_leaves_is_still_reached() {
    let server = server();
    let room = |n: usize| ["zero", "one", "two"][n % 3];
    let crowd: Vec<_> = (0..300).map(|n| member(&server, &["all", room(n)])).collect();
    // Every tenth stays; who left is between them everywhere.
    let (stay, leave): (Vec<_>, Vec<_>) =
        crowd.iter().enumerate().partition(|(n, _)| n.is_multiple_of(10));
    leave.iter().for_each(|(_, client)| client.disconnect());
    assert_eq!(server.io().sockets_count(), stay.len());

    server.io().emit("news", &1).expect("an event");
    server.io().to("all").emit("news", &1).expect("an event");
    for n in 0..3 {
        server.io().to(room(n)).emit("news", &n).expect("an event");
    }
    stay.iter().for_each(|(_, client)| assert_eq!(heard(client), 3));

    let (_, gone) = stay[0];
    gone.emit("leave", &room(0));
    server.io().to("zero").emit("news", &1).expect("an event");
    assert_eq!(heard(gone), 0);
    assert_eq!(stay.iter().map(|(_, client)| heard(client)).sum::<usize>(), stay.len() / 3 - 1);
}

#[test]
fn how_to_send_to_a_socket_is_also_how_to_send_to_those_around_it() {
    let server = server();
    let (sender, other) = (member(&server, &["a"]), member(&server, &["a"]));
    let muted = member(&server, &["a", "muted"]);
    let socket = server.io().sockets().remove(0);
    let ways = [
        socket.volatile().broadcast(),
        socket.volatile().to("a"),
        socket.timeout(Duration::ZERO).in_room("a"),
        socket.volatile().local(),
    ];
    for way in ways {
        way.emit("news", &1).expect("sent");
        assert_eq!([heard(&sender), heard(&other), heard(&muted)], [0, 1, 1]);
    }
    socket.volatile().except("muted").emit("news", &1).expect("sent");
    assert_eq!([heard(&sender), heard(&other), heard(&muted)], [0, 1, 0]);
    // Nothing is kept for who does not read.
    other.connection().stop_reading(true);
    server.io().emit("first", &"x".repeat(100)).expect("sent");
    socket.volatile().to("a").emit("dropped", &()).expect("sent");
    other.connection().stop_reading(false);
    assert_eq!(heard(&other), 1);
    // The timeout goes with it.
    let question =
        socket.timeout(Duration::from_secs(3)).to("a").emit_with_ack::<()>("question", &());
    let (answers, seen) = (Arc::new(Mutex::new(None)), question.expect("sent"));
    let kept = Arc::clone(&answers);
    server.spawn(async move { *kept.lock().expect("no panic") = Some(seen.await) });
    server.advance(Duration::from_secs(3));
    let answers = answers.lock().expect("no panic").take().expect("the time is over");
    let missing = answers.expect_err("nobody answered").missing;
    assert_eq!(missing.len(), 2);
    assert!(missing.iter().all(|(_, error)| *error == AckError::Timeout));
}

#[test]
fn a_socket_is_found_by_its_id_while_it_is_connected() {
    let server = server();
    let client = server.connect();
    let id = SocketId::parse(client.id()).expect("an id");
    assert_eq!(server.io().socket(&id).map(|socket| *socket.id()), Some(id));
    assert_eq!(server.io().of("/other").socket(&id), None);
    client.disconnect();
    assert_eq!(server.io().socket(&id), None);
}
