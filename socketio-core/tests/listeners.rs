//! Handlers beyond one for each event: catch-alls, handlers of one socket, handlers for once.

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{FutureExt, future::abortable};
use socketio_core::{
    Ack, AckError, Auth, ConnectError, Data, DisconnectReason, Endpoint, EventName, RawArgs,
    Socket, SocketIo, testing::TestServer,
};

use self::support::{Gate, Log, WebSocket, upgrade};

fn server() -> (TestServer, Log) {
    (TestServer::new(SocketIo::builder()), Log::default())
}

fn socket_of(server: &TestServer) -> Socket {
    server.io().sockets().remove(0)
}

#[test]
fn a_catch_all_sees_every_event_before_its_handlers() {
    let (server, log) = server();
    server.io().on("known", log.note("handler"));
    let seen = log.clone();
    server.io().on_any(move |EventName(name): EventName, args: RawArgs| {
        seen.add(format!("{name} {}", args.as_json()));
    });
    server.io().on_any(log.note("second"));
    let client = server.connect();
    client.emit("known", &(1, "a"));
    assert_eq!(log.take(), [r#"known 1,"a""#, "second", "handler"]);
    client.emit("unknown", &());
    assert_eq!(log.take(), ["unknown ", "second"]);
}

#[test]
fn a_catch_all_alone_acknowledges_nothing_unless_it_says_so() {
    let (server, log) = server();
    let any = server.io().on_any(log.note("any"));
    let client = server.connect();
    let id = client.emit_with_ack("unknown", &());
    assert_eq!(client.take_ack(id), None);
    assert!(server.io().off(any));
    let by_value = server.io().on_any(|Data(n): Data<u32>| Data(n + 1));
    assert_eq!(client.ask::<u32>("unknown", &1), 2);
    assert!(server.io().off(by_value));
    server.io().on_any(async |ack: Ack| ack.send("by hand"));
    assert_eq!(client.ask::<String>("unknown", &()), "by hand");
    assert_eq!(log.take(), ["any"]);
}

#[test]
fn handlers_of_one_socket_run_after_those_of_the_namespace() {
    let (server, log) = server();
    server.io().on("event", log.note("namespace"));
    server.io().on_any(log.note("any"));
    let of_socket = log.clone();
    server.io().on_connect(move |socket: Socket| {
        socket.on_any(of_socket.note("own any"));
        socket.on("event", of_socket.note("own"));
    });
    let client = server.connect();
    client.emit("event", &());
    assert_eq!(log.take(), ["any", "own any", "namespace", "own"]);
    let other = server.connect();
    socket_of(&server).disconnect();
    other.emit("event", &());
    assert_eq!(log.take(), ["any", "own any", "namespace", "own"], "each socket has its own");
}

#[test]
fn an_event_that_only_the_socket_hears_is_acknowledged() {
    let (server, _) = server();
    let client = server.connect();
    socket_of(&server).on("sum", |Data((a, b)): Data<(u32, u32)>| Data(a + b));
    assert_eq!(client.ask::<u32>("sum", &(1, 2)), 3);
}

#[test]
fn a_handler_is_taken_off_by_its_id_and_with_all_of_its_event() {
    let (server, log) = server();
    let client = server.connect();
    let socket = socket_of(&server);
    let first = socket.on("event", log.note("first"));
    socket.on("event", log.note("second"));
    let of_namespace = server.io().on("event", log.note("namespace"));
    assert!(!socket.off(of_namespace), "that is the namespace's");
    assert!(socket.off(first));
    assert!(!socket.off(first));
    client.emit("event", &());
    assert_eq!(log.take(), ["namespace", "second"]);
    socket.off_all("event");
    server.io().off_all("event");
    client.emit("event", &());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_handler_for_once_runs_for_the_first_event_alone() {
    let (server, log) = server();
    server.io().once("event", log.note("namespace"));
    let client = server.connect();
    let own = socket_of(&server).once("event", log.note("own"));
    client.emit("event", &());
    client.emit("event", &());
    assert_eq!(log.take(), ["namespace", "own"]);
    assert!(!socket_of(&server).off(own), "it is off already");
    let early = socket_of(&server).once("event", log.note("too late"));
    assert!(socket_of(&server).off(early));
    client.emit("event", &());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn a_handler_may_take_itself_off_and_put_others_on() {
    let (server, log) = server();
    let client = server.connect();
    let seen = log.clone();
    let first = Arc::new(Mutex::new(None));
    let id = Arc::clone(&first);
    let listener = socket_of(&server).on("event", move |socket: Socket| {
        seen.add("first");
        let id = id.lock().expect("no panic").take().expect("an id");
        assert!(socket.off(id));
        socket.on("event", seen.note("second"));
    });
    *first.lock().expect("no panic") = Some(listener);
    client.emit("event", &());
    assert_eq!(log.take(), ["first"], "one that is added while an event runs waits for the next");
    client.emit("event", &());
    assert_eq!(log.take(), ["second"]);
}

#[test]
fn several_disconnect_handlers_run_in_order_those_of_the_socket_last() {
    let (server, log) = server();
    server.io().on_disconnect(log.note("first"));
    server.io().on_disconnect(log.note("second"));
    let client = server.connect();
    let seen = log.clone();
    socket_of(&server).on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        seen.add(format!("own {reason} {}", socket.rooms().len()));
    });
    let off = socket_of(&server).on_disconnect(log.note("taken off"));
    socket_of(&server).off(off);
    socket_of(&server).join("room");
    client.disconnect();
    assert_eq!(log.take(), ["first", "second", "own client namespace disconnect 2"]);
}

#[test]
fn a_disconnect_handler_of_a_socket_that_left_while_it_connected_runs() {
    let (server, log) = server();
    let (gate, seen) = (Gate::default(), log.clone());
    let handler_gate = gate.clone();
    server.io().on_connect(move |socket: Socket| {
        let (gate, log) = (handler_gate.clone(), seen.clone());
        async move {
            gate.passed().await;
            socket.on_disconnect(log.note("gone"));
            Ok::<_, ConnectError>(())
        }
    });
    let connection = server.open();
    connection.request_join("/", &());
    connection.close();
    assert_eq!(log.take(), [""; 0]);
    gate.open();
    server.run();
    assert_eq!(log.take(), ["gone"]);
}

/// Tells that it was dropped.
struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives a socket handlers of all kinds that hold it and a witness.
fn entangle(socket: &Socket, dropped: &Arc<AtomicUsize>) {
    let witness = Arc::new(Witness(Arc::clone(dropped)));
    let hold = || {
        let held = (socket.clone(), Arc::clone(&witness));
        move || assert!(held.0.is_connected())
    };
    socket.on("event", hold());
    socket.once("event", hold());
    socket.on_any(hold());
    let held = (socket.clone(), Arc::clone(&witness));
    socket.on_disconnect(move || assert!(!held.0.is_connected()));
}

#[test]
fn handlers_that_hold_their_own_socket_go_with_it() {
    for end in ["client", "server", "connection", "refused", "refused late"] {
        let (server, _) = server();
        let dropped = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&dropped);
        server.io().on_connect(move |socket: Socket| {
            entangle(&socket, &seen);
            match end {
                "refused" => Err(ConnectError::new("no")),
                _ => Ok(()),
            }
        });
        server.io().on_connect(move |_: Option<Auth<()>>| match end {
            "refused late" => Err(ConnectError::new("no")),
            _ => Ok(()),
        });
        let connection = server.open();
        let joined = connection.join("/", &());
        match (end, joined) {
            ("client", Ok(client)) => client.disconnect(),
            ("server", Ok(_)) => socket_of(&server).disconnect(),
            ("connection", Ok(_)) => connection.close(),
            (_, joined) => assert!(joined.is_err()),
        }
        server.run();
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "{end}");
    }
}

#[test]
fn handlers_that_hold_their_own_socket_go_with_a_task_that_is_dropped() {
    for leaves in [false, true] {
        let (server, _) = server();
        let dropped = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&dropped);
        server.io().on_connect(move |socket: Socket| {
            entangle(&socket, &seen);
            std::future::pending::<()>()
        });
        let websocket = WebSocket::default();
        let session = upgrade(&Endpoint::from(server.io()), None).serve(websocket.clone());
        let (session, task) = abortable(session);
        server.spawn(session.map(drop));
        websocket.send_text("40");
        if leaves {
            websocket.send_text("41");
        }
        server.run();
        task.abort();
        server.run();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn registering_with_a_socket_that_has_ended_keeps_nothing() {
    let (server, _) = server();
    let client = server.connect();
    let socket = socket_of(&server);
    client.disconnect();
    let dropped = Arc::new(AtomicUsize::new(0));
    entangle(&socket, &dropped);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn connect_handlers_that_decide_run_before_the_others_and_must_all_agree() {
    let (server, log) = server();
    server.io().on_connect(log.note("greets"));
    let seen = log.clone();
    server.io().on_connect(move |socket: Socket| {
        seen.add(format!("decides {}", socket.is_connected()));
        Ok::<_, ConnectError>(())
    });
    let seen = log.clone();
    server.io().on_connect(move |Auth(is_member): Auth<serde_json::Value>| {
        seen.add("decides too");
        is_member.get("member").map(drop).ok_or(ConnectError::new("members only"))
    });
    server.io().on_connect(log.note("greets too"));
    server.io().on_disconnect(log.note("gone"));
    let error = server.connect_to("/", &()).expect_err("a refusal");
    assert_eq!(error.to_string(), "members only");
    assert_eq!(log.take(), ["decides false", "decides too"]);
    let client = server.connect_to("/", &serde_json::json!({"member": true})).expect("let in");
    assert_eq!(log.take(), ["decides false", "decides too", "greets", "greets too"]);
    client.disconnect();
    assert_eq!(log.take(), ["gone"]);
}

#[test]
fn a_connect_handler_that_fails_does_not_keep_the_next_from_running() {
    let (server, log) = server();
    let errors = log.clone();
    server.io().on_error(move |report| errors.add(report.to_string()));
    server.io().on_connect(async || -> () { panic!("a bug") });
    server.io().on_connect(log.note("greets"));
    let client = server.connect();
    assert!(client.is_connected());
    assert_eq!(log.take(), [r#""connect" in /: panicked: a bug"#, "greets"]);
}

#[test]
fn what_a_later_connect_handler_cannot_have_ends_the_socket() {
    let (server, log) = server();
    let errors = log.clone();
    server.io().on_error(move |report| errors.add(report.to_string()));
    server.io().on_connect(log.note("greets"));
    server.io().on_connect(|_: Auth<u32>| {});
    server.io().on_disconnect(log.note("gone"));
    server.connect();
    assert_eq!(server.io().sockets_count(), 0);
    let log = log.take();
    assert_eq!([&*log[0], &*log[2]], ["greets", "gone"]);
    assert!(log[1].contains("auth payload"), "{log:?}");
}

#[test]
fn acknowledgements_reach_a_handler_of_one_socket_that_waits_for_them() {
    let (server, _) = server();
    let client = server.connect();
    socket_of(&server).on("ask", async |socket: Socket| {
        Ok::<_, AckError>(Data(socket.emit_with_ack::<u32>("question", &()).await? + 1))
    });
    let id = client.emit_with_ack("ask", &());
    let question = client.expect_event("question");
    client.acknowledge(&question, &41);
    let answer = client.take_ack(id).expect("an acknowledgement");
    assert_eq!(answer.parse::<u32>(), Ok(42));
}
