//! From CONNECT to the first event: who is let in, and what is run for it.

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde::Deserialize;
use serde_json::{Value, json};
use socketio_core::{
    Auth, ConnectError, Data, Frame, Handshake, Socket, SocketIo,
    testing::{TestConnection, TestServer},
};

use self::support::Gate;

fn server() -> TestServer {
    TestServer::new(SocketIo::builder())
}

fn texts(connection: &TestConnection) -> Vec<String> {
    let frames = std::iter::from_fn(|| connection.next_frame());
    frames
        .map(|frame| match frame {
            Frame::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let server = server();
    let connection = server.open();
    let error = connection.join("/nowhere", &()).expect_err("a refusal");
    assert_eq!(error.to_string(), "Invalid namespace");
    assert!(connection.join("/", &()).is_ok());
}

#[test]
fn middlewares_run_in_order_and_the_first_error_refuses() {
    let server = server();
    let runs = Arc::new(AtomicUsize::new(0));
    for (index, result) in [Ok(()), Err("second"), Ok(())].into_iter().enumerate() {
        let runs = Arc::clone(&runs);
        server.io().middleware(move || {
            assert_eq!(runs.fetch_add(1, Ordering::Relaxed), index);
            result.map_err(|message| ConnectError::new(message).data(json!({"code": 401})))
        });
    }
    let error = server.connect_to("/", &()).expect_err("a refusal");
    assert_eq!(error, ConnectError::new("second").data(json!({"code": 401})));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[test]
fn a_connect_handler_that_returns_a_result_decides() {
    let server = server();
    server.io().on_connect(async |socket: Socket, Auth(auth): Auth<Token>| {
        socket.emit("early", "what is emitted follows the answer")?;
        match auth.token.as_str() {
            "good" => Ok(()),
            _ => Err(ConnectError::new("not authorized")),
        }
    });
    let client = server.connect_to("/", &json!({"token": "good"})).expect("let in");
    client.expect::<String>("early");
    let connection = server.open();
    let error = connection.join("/", &json!({"token": "bad"})).expect_err("a refusal");
    assert_eq!(error.to_string(), "not authorized");
    assert!(texts(&connection).is_empty(), "nothing is sent to who was refused");
    // An auth payload that does not fit refuses as well.
    let error = server.connect_to("/", &json!({"token": 1})).expect_err("a refusal");
    assert!(
        error.to_string().starts_with("bad argument: auth payload")
            || error.to_string().starts_with("auth payload"),
        "{error}"
    );
}

#[test]
fn a_connect_handler_that_cannot_refuse_may_wait_for_the_client() {
    let server = server();
    server.io().on_connect(async |socket: Socket| {
        let name: String = socket.emit_with_ack("who", &()).await.expect("an answer");
        let _ = socket.emit("hello", &name);
    });
    let client = server.connect();
    let question = client.expect_event("who");
    client.acknowledge(&question, "alice");
    assert_eq!(client.expect::<String>("hello"), "alice");
}

#[test]
fn a_plain_one_too_runs_when_the_client_is_let_in() {
    let server = server();
    server.io().on_connect(|socket: Socket, io: SocketIo| {
        assert!(socket.is_connected());
        io.emit("everyone", &io.sockets_count()).expect("an event");
    });
    let client = server.connect();
    assert_eq!(client.expect::<usize>("everyone"), 1);
}

#[test]
fn what_it_cannot_have_refuses_all_the_same() {
    let server = server();
    server.io().on_connect(|Auth(_): Auth<Token>| ());
    server.connect_to("/", &json!({"token": 1})).expect_err("a refusal");
    server.connect_to("/", &json!({"token": "good"})).expect("let in");
    assert_eq!(server.io().sockets_count(), 1);
}

#[test]
fn a_middleware_that_returns_nothing_lets_nobody_in_by_itself() {
    let server = server();
    server.io().middleware(|socket: Socket| assert!(!socket.is_connected()));
    server.io().middleware(|| Err::<(), _>(ConnectError::new("not today")));
    let error = server.connect_to("/", &()).expect_err("a refusal");
    assert_eq!(error.to_string(), "not today");
}

#[test]
fn the_answer_comes_before_what_the_handler_emits() {
    let server = server();
    server.io().on_connect(|socket: Socket| drop(socket.emit("hello", &1)));
    let connection = server.open();
    connection.request_join("/", &());
    let texts = texts(&connection);
    assert!(texts[0].starts_with(r#"40{"sid":""#), "{texts:?}");
    assert_eq!(texts[1..], [r#"42["hello",1]"#]);
}

#[test]
fn events_sent_right_behind_connect_wait_for_its_handler_in_order() {
    let server = server();
    let gate = Gate::default();
    let handlers_gate = gate.clone();
    server.io().on_connect(move |socket: Socket| {
        let gate = handlers_gate.clone();
        async move {
            gate.passed().await;
            let _ = socket.emit("ready", &());
        }
    });
    server.io().on("n", |socket: Socket, Data(n): Data<u32>| socket.emit("n", &n));
    let connection = server.open();
    connection.request_join("/", &());
    for n in 0..5 {
        connection.send_text(&format!(r#"42["n",{n}]"#));
    }
    let client = connection.expect_join("/").expect("let in");
    client.expect_nothing();
    gate.open();
    client.expect::<()>("ready");
    for n in 0..5 {
        assert_eq!(client.expect::<u32>("n"), n);
    }
}

#[test]
fn events_behind_a_refused_connect_are_dropped_without_harm() {
    let server = server();
    server.io().middleware(|| Err::<(), _>(ConnectError::new("no")));
    server.io().of("/open");
    let connection = server.open();
    connection.request_join("/", &());
    connection.send_text(r#"42["a"]"#);
    assert!(connection.expect_join("/").is_err());
    connection.send_text(r#"42["a"]"#);
    assert!(connection.join("/open", &()).is_ok());
}

/// Counts how often each handler ran.
fn counted(server: &TestServer) -> Arc<[AtomicUsize; 2]> {
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let connects = Arc::clone(&counts);
    server.io().on_connect(move || {
        connects[0].fetch_add(1, Ordering::Relaxed);
    });
    let disconnects = Arc::clone(&counts);
    server.io().on_disconnect(move || {
        disconnects[1].fetch_add(1, Ordering::Relaxed);
    });
    counts
}

fn values(counts: &[AtomicUsize; 2]) -> [usize; 2] {
    [counts[0].load(Ordering::Relaxed), counts[1].load(Ordering::Relaxed)]
}

#[test]
fn ten_connects_are_one_join_and_one_end() {
    let server = server();
    let counts = counted(&server);
    let connection = server.open();
    for _ in 0..10 {
        connection.request_join("/", &());
    }
    assert!(connection.closed().is_some());
    assert_eq!(values(&counts), [1, 1]);
}

#[test]
fn who_comes_back_is_connected_and_disconnected_again() {
    let server = server();
    let counts = counted(&server);
    let connection = server.open();
    for _ in 0..3 {
        connection.join("/", &()).expect("let in").disconnect();
    }
    connection.join("/", &()).expect("let in");
    connection.close();
    assert_eq!(values(&counts), [4, 4]);
}

#[test]
fn who_leaves_during_its_connect_handler_is_disconnected_after_it() {
    for refuse in [false, true] {
        let server = server();
        let gate = Gate::default();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (handler_gate, connects) = (gate.clone(), Arc::clone(&log));
        server.io().on_connect(move || {
            let (gate, log) = (handler_gate.clone(), Arc::clone(&connects));
            async move {
                gate.passed().await;
                log.lock().expect("no panic").push("connected");
                if refuse { Err(ConnectError::new("no")) } else { Ok(()) }
            }
        });
        let disconnects = Arc::clone(&log);
        server.io().on_disconnect(move || disconnects.lock().expect("no panic").push("gone"));
        let connection = server.open();
        connection.request_join("/", &());
        connection.close();
        assert!(log.lock().expect("no panic").is_empty());
        gate.open();
        server.run();
        let expected: &[_] = if refuse { &["connected"] } else { &["connected", "gone"] };
        assert_eq!(*log.lock().expect("no panic"), expected);
        assert_eq!(server.io().clients_count(), 0);
    }
}

#[test]
fn a_panic_while_deciding_refuses() {
    let server = server();
    server.io().middleware(|| -> Result<(), ConnectError> { panic!("a bug") });
    let error = server.connect_to("/", &()).expect_err("a refusal");
    assert_eq!(error.to_string(), "internal error");
}

#[test]
fn without_a_namespace_in_time_the_connection_is_closed() {
    let server = server();
    let silent = server.open();
    let joined = server.connect();
    server.advance(std::time::Duration::from_secs(44));
    assert!(silent.closed().is_none());
    server.advance(std::time::Duration::from_secs(1));
    assert!(silent.closed().is_some());
    assert!(joined.is_connected());
}

#[test]
fn handlers_read_the_first_request() {
    let server = server();
    server.io().on("who", |handshake: Handshake| {
        Data(handshake.headers()["user-agent"].to_str().unwrap_or_default().to_owned())
    });
    let request = http::Request::builder().header("user-agent", "robot");
    let connection = server.open_with(request.body(Default::default()).expect("a request"));
    let client = connection.join("/", &()).expect("let in");
    assert_eq!(client.ask::<String>("who", &()), "robot");
}

#[test]
fn auth_is_empty_or_absent_if_the_client_sent_none() {
    let server = server();
    server.io().on("value", |Auth(auth): Auth<Value>| Data(auth));
    server.io().on("token", |Auth(auth): Auth<Option<Token>>| Data(auth.map(|auth| auth.token)));
    let without = server.connect();
    assert_eq!(without.ask::<Value>("value", &()), json!({}));
    assert_eq!(without.ask::<Option<String>>("token", &()), None);
    let with = server.connect_to("/", &json!({"token": "t"})).expect("let in");
    assert_eq!(with.ask::<Option<String>>("token", &()), Some("t".into()));
}
