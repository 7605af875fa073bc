//! Listeners to what the server sends.

mod support;

use bytes::Bytes;
use socketio_core::{Data, EventName, RawArgs, Recovery, Socket, SocketIo, testing::TestServer};

use self::support::Log;

/// A server that notes what it sends to whom.
fn server() -> (TestServer, Log) {
    watched(TestServer::new(SocketIo::builder()))
}

fn watched(server: TestServer) -> (TestServer, Log) {
    let log = Log::default();
    let seen = log.clone();
    server.io().on_any_outgoing(
        move |socket: Socket, EventName(name): EventName, args: RawArgs| {
            seen.add(format!("{name} {} to {}", args.as_json(), socket.id()));
        },
    );
    (server, log)
}

#[test]
fn every_event_that_is_sent_is_shown_once_for_each_socket() {
    let (server, log) = server();
    let (a, b) = (server.connect(), server.connect());
    let [id_a, id_b] = [a.id(), b.id()];
    let socket = server.io().to(id_a).sockets().remove(0);
    socket.emit("one", &(1, "x")).expect("sent");
    assert_eq!(log.take(), [format!(r#"one 1,"x" to {id_a}"#)]);
    socket.volatile().send("two").expect("sent");
    assert_eq!(log.take(), [format!(r#"message "two" to {id_a}"#)]);
    drop(socket.emit_with_ack::<()>("three", &()));
    assert_eq!(log.take(), [format!("three  to {id_a}")]);
    server.io().emit("all", &()).expect("sent");
    let mut all = log.take();
    all.sort();
    let mut expected = [format!("all  to {id_a}"), format!("all  to {id_b}")];
    expected.sort();
    assert_eq!(all, expected);
    socket.broadcast().emit("others", &()).expect("sent");
    assert_eq!(log.take(), [format!("others  to {id_b}")]);
    drop(server.io().to(id_b).emit_with_ack::<()>("question", &()));
    assert_eq!(log.take(), [format!("question  to {id_b}")]);
}

#[test]
fn acknowledgements_and_what_is_not_sent_are_not_shown() {
    let (server, log) = server();
    server.io().on("echo", |Data(n): Data<u32>| Data(n));
    let client = server.connect();
    assert_eq!(client.ask::<u32>("echo", &1), 1);
    let socket = server.io().sockets().remove(0);
    client.disconnect();
    socket.emit("late", &()).expect_err("gone");
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn what_is_emitted_before_the_client_is_let_in_is_shown_when_it_is_emitted() {
    let (server, log) = server();
    server.io().on_connect(|socket: Socket| socket.emit("hello", &()));
    let client = server.connect();
    assert_eq!(log.take(), [format!("hello  to {}", client.id())]);
}

#[test]
fn attachments_are_shown_in_their_places() {
    let (server, log) = (TestServer::new(SocketIo::builder()), Log::default());
    let seen = log.clone();
    server.io().on_any_outgoing(move |Data((name, bytes)): Data<(String, Bytes)>| {
        seen.add(format!("{name} {bytes:?}"));
    });
    server.connect();
    server.io().emit("file", &("a[b", Bytes::from_static(b"xyz"))).expect("sent");
    assert_eq!(log.take(), [r#"a[b b"xyz""#]);
}

#[test]
fn the_offset_of_a_recoverable_event_is_none_of_its_arguments() {
    let (server, log) = watched(TestServer::new(SocketIo::builder().recovery(Recovery::default())));
    let client = server.connect();
    server.io().emit("all", &1).expect("sent");
    server.io().volatile().emit("all", &2).expect("sent");
    server.io().sockets()[0].emit("one", &3).expect("sent");
    let id = client.id();
    assert_eq!(
        log.take(),
        [format!("all 1 to {id}"), format!("all 2 to {id}"), format!("one 3 to {id}")]
    );
}

#[test]
fn listeners_of_one_socket_see_what_is_sent_to_it_alone() {
    let (server, log) = (TestServer::new(SocketIo::builder()), Log::default());
    let (client, _other) = (server.connect(), server.connect());
    let socket = server.io().to(client.id()).sockets().remove(0);
    let own = socket.on_any_outgoing(log.note("own"));
    server.io().emit("all", &()).expect("sent");
    assert_eq!(log.take(), ["own"]);
    assert!(socket.off(own));
    server.io().emit("all", &()).expect("sent");
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_listener_may_do_what_takes_locks_and_may_fail() {
    let (server, log) = (TestServer::new(SocketIo::builder()), Log::default());
    let errors = log.clone();
    server.io().on_error(move |report| errors.add(report.to_string()));
    server.io().on_any_outgoing(|socket: Socket, io: SocketIo, EventName(name): EventName| {
        socket.join("seen");
        if name == "first" {
            io.to("seen").emit("second", &()).expect("sent");
        }
        Err::<(), _>("no matter")
    });
    server.io().on_any_outgoing(|| -> () { panic!("a bug") });
    let client = server.connect();
    server.io().emit("first", &()).expect("sent");
    client.expect::<()>("first");
    client.expect::<()>("second");
    let expected = [
        r#""second" in /: no matter"#,
        r#""second" in /: panicked: a bug"#,
        r#""first" in /: no matter"#,
        r#""first" in /: panicked: a bug"#,
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_namespace_that_no_client_can_name_harms_nobody() {
    let server = TestServer::new(SocketIo::builder());
    let tenants = server.io().of("/a,b");
    tenants.on_any_outgoing(|| {});
    assert_eq!(tenants.emit("news", &1), Ok(()));
}
