//! The server as a whole: its errors, its limits, its namespaces, its end.

mod support;

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::abortable};
use socketio_core::{
    AckError, Clock, Data, DisconnectReason, Endpoint, EventName, Extension, ExtractError, Failure,
    Limits, NamespaceRequest, Socket, SocketIo, State, Violation, testing::TestServer,
};

use self::support::{WebSocket, upgrade};

fn server() -> TestServer {
    TestServer::new(SocketIo::builder())
}

#[test]
fn every_error_reaches_the_hook() {
    let server = server();
    let errors = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&errors);
    server.io().on_error(move |report| {
        seen.lock().expect("no panic").push((report.to_string(), report.failure.is_clients()));
    });
    server.io().on("number", |Data(_): Data<u32>| {});
    server.io().on("state", |State(_): State<String>| {});
    server.io().on("error", async || Err::<(), _>("did not work"));
    server.io().on("gone", || Err::<(), _>(AckError::Disconnected));
    server.io().on("panic", async || -> Data<u8> { panic!("a bug") });
    server.io().on_disconnect(|| Err::<(), _>("at the end"));
    let client = server.connect();
    client.emit("number", "x");
    for event in ["state", "error", "gone", "panic"] {
        client.emit(event, &());
    }
    client.connection().send_text("4abc");
    let expected = [
        (r#""number" in /: bad argument: invalid type: string "x", expected u32"#, true),
        (r#""state" in /: bad argument: no state of type alloc::string::String"#, false),
        (r#""error" in /: did not work"#, false),
        (r#""gone" in /: disconnected before the acknowledgement"#, true),
        (r#""panic" in /: panicked: a bug"#, false),
        ("protocol violation: unknown packet type", true),
        (r#""disconnect" in /: at the end"#, false),
    ];
    let errors = errors.lock().expect("no panic");
    let errors: Vec<_> = errors.iter().map(|(text, clients)| (text.as_str(), *clients)).collect();
    assert_eq!(errors, expected);
}

#[test]
fn a_panic_ends_neither_the_session_nor_other_handlers() {
    let server = server();
    server.io().on("panic", async || -> Data<u8> { panic!("a bug") });
    server.io().on("panic", |socket: Socket| socket.emit("second", &()));
    let client = server.connect();
    client.emit("panic", &());
    client.expect::<()>("second");
    assert!(client.is_connected());
}

#[test]
fn what_cannot_be_had_may_be_optional() {
    let server = server();
    server.io().on("maybe", |state: Option<State<u8>>, number: Result<Data<u8>, ExtractError>| {
        Data((state.is_some(), number.is_ok()))
    });
    let client = server.connect();
    assert_eq!(client.ask::<(bool, bool)>("maybe", "x"), (false, false));
    server.io().insert_state(7_u8);
    assert_eq!(client.ask::<(bool, bool)>("maybe", &1), (true, true));
}

#[test]
fn sixteen_arguments_are_taken() {
    let server = server();
    type N = EventName;
    server.io().on(
        "many",
        |socket: Socket,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         _: N,
         name: N| { socket.emit(&name.0, &()) },
    );
    let client = server.connect();
    client.emit("many", &());
    client.expect::<()>("many");
}

#[test]
fn values_are_kept_with_a_socket() {
    let server = server();
    server.io().on("set", |socket: Socket, Data(name): Data<String>| {
        socket.extensions().insert(name.clone());
        socket.data().set("name", &name)
    });
    server.io().on("get", |socket: Socket, Extension(name): Extension<String>| {
        Data((name, socket.data().get::<String>("name"), socket.data().to_value()))
    });
    let client = server.connect();
    client.emit("set", "alice");
    let (typed, json, all) = client.ask::<(String, Option<String>, serde_json::Value)>("get", &());
    assert_eq!((typed.as_str(), json.as_deref()), ("alice", Some("alice")));
    assert_eq!(all, serde_json::json!({"name": "alice"}));
    let socket = server.io().sockets().remove(0);
    socket.data().remove("name");
    assert_eq!(socket.data().get::<String>("name"), None);
    assert_eq!(socket.extensions().remove::<String>(), Some("alice".into()));
}

#[test]
fn the_three_identities_have_nothing_in_common() {
    let server = server();
    let (_, body) = server.get("/socket.io/?EIO=4&transport=polling").take();
    let handshake: serde_json::Value = serde_json::from_str(&body[1..]).expect("JSON");
    let sid = handshake["sid"].as_str().expect("a sid").to_owned();
    let uri = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    server.post(&uri, "40").take();
    let socket = server.io().sockets().remove(0);
    assert_ne!(socket.id().as_str(), sid);
    assert_eq!(sid.len(), 20);
    let shown = format!("{socket:?} {:?} {:?} {server:?}", socket.handshake(), server.io());
    assert!(!shown.contains(&sid), "the session's id is a secret: {shown}");
    // A socket's id opens no session.
    let uri = format!("/socket.io/?EIO=4&transport=polling&sid={}", socket.id());
    assert_eq!(server.post(&uri, "41").take().0, 400);
}

#[test]
fn a_panic_anywhere_in_the_application_is_survived() {
    let server = server();
    server.io().on_error(|report| panic!("a bug in the hook: {report}"));
    server.io().on("error", || Err::<(), _>("an error"));
    server.io().of_dynamic(|_: NamespaceRequest| -> bool { panic!("a bug") }, |_| {});
    server.io().of_dynamic("/bad-set-up", |_| panic!("a bug"));
    let client = server.connect();
    client.emit("error", &());
    for name in ["/bad-name", "/bad-set-up"] {
        assert!(client.connection().join(name, &()).is_err());
    }
    assert!(client.is_connected());
}

#[test]
fn namespaces_of_one_client_are_limited() {
    let limits = Limits { namespaces: 3, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    server.io().of_dynamic("/{name}", |_| {});
    let violations = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&violations);
    server.io().on_error(move |report| {
        if let Failure::Violation(violation) = report.failure {
            seen.lock().expect("no panic").push(violation);
        }
    });
    let connection = server.open();
    for n in 0..3 {
        connection.join(&format!("/{n}"), &()).expect("let in");
    }
    connection.request_join("/3", &());
    assert!(connection.closed().is_some());
    assert_eq!(*violations.lock().expect("no panic"), [Violation::TooManyNamespaces]);
}

#[test]
fn closing_runs_every_disconnect_handler_and_refuses_new_clients() {
    let server = server();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let (seen, clock) = (Arc::clone(&reasons), server.clock().clone());
    server.io().on_disconnect(move |reason: DisconnectReason| {
        let (seen, clock) = (Arc::clone(&seen), clock.clone());
        async move {
            clock.sleep_until(clock.now() + Duration::from_secs(5)).await;
            seen.lock().expect("no panic").push(reason);
        }
    });
    let clients = [server.connect(), server.connect()];
    let (_, polling) = server.get("/socket.io/?EIO=4&transport=polling").take();
    let polling: serde_json::Value = serde_json::from_str(&polling[1..]).expect("JSON");
    let sid = polling["sid"].as_str().expect("a sid");
    let get = server.get(&format!("/socket.io/?EIO=4&transport=polling&sid={sid}"));
    server.io().emit("last words", &()).expect("an event");
    let closed = Arc::new(AtomicUsize::new(0));
    let (io, done) = (server.io().clone(), Arc::clone(&closed));
    server.spawn(async move {
        io.close().await;
        done.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(get.take(), (200, "1".to_owned()));
    for client in &clients {
        client.expect::<()>("last words");
        assert_eq!(client.connection().closed(), Some(None), "no code and no reason");
    }
    let (status, _) = server.get("/socket.io/?EIO=4&transport=polling").take();
    assert_eq!(status, 503);
    assert_eq!(closed.load(Ordering::Relaxed), 0, "the handlers are not through yet");
    server.advance(Duration::from_secs(5));
    assert_eq!(closed.load(Ordering::Relaxed), 1);
    assert_eq!(*reasons.lock().expect("no panic"), [DisconnectReason::ServerShuttingDown; 2]);
}

#[test]
fn namespaces_that_the_server_ended_do_not_count() {
    let limits = Limits { namespaces: 3, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    server.io().of_dynamic("/{name}", |_| {});
    let connection = server.open();
    for n in 0..10 {
        let name = format!("/{n}");
        connection.join(&name, &()).expect("let in");
        server.io().of(&name).sockets()[0].disconnect();
    }
    assert!(connection.closed().is_none());
}

#[test]
fn a_session_whose_task_is_dropped_keeps_no_socket() {
    let server = server();
    let witness = Arc::new(());
    let kept = Arc::clone(&witness);
    server.io().on_connect(move |socket: Socket| {
        socket.extensions().insert(Arc::clone(&kept));
        drop(socket);
        pending::<()>()
    });
    server.io().on("early", || {});
    let websocket = WebSocket::default();
    let session = upgrade(&Endpoint::from(server.io()), None).serve(websocket.clone());
    let (session, task) = abortable(session);
    server.spawn(session.map(drop));
    websocket.send_text("40");
    // This waits for the connect handler, which never returns.
    websocket.send_text(r#"42["early"]"#);
    server.run();
    assert_eq!(Arc::strong_count(&witness), 3, "the test, the handler and the socket have it");
    task.abort();
    server.run();
    assert_eq!(server.io().clients_count(), 0);
    assert_eq!(server.io().sockets_count(), 0);
    assert_eq!(Arc::strong_count(&witness), 2, "the socket is gone");
}

#[test]
fn closing_can_take_its_time_for_clients_not_to_come_back_all_at_once() {
    let server = server();
    server.io().on("echo", |Data(n): Data<u32>| Data(n));
    let clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    let io = server.io().clone();
    server.spawn(async move { io.close_over(Duration::from_secs(8)).await });
    for left in [3, 2, 1, 0] {
        let connected: Vec<_> = clients.iter().filter(|client| client.is_connected()).collect();
        assert_eq!(connected.len(), left);
        assert_eq!(server.io().sockets_count(), left);
        assert!(connected.iter().all(|client| client.ask::<u32>("echo", &7) == 7));
        server.advance(Duration::from_secs(2));
    }
}
