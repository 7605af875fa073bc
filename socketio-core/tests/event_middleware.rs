//! Between an event and its handlers.

mod support;

use std::{ops::ControlFlow, time::Duration};

use bytes::Bytes;
use serde_json::json;
use socketio_core::{
    Ack, AckError, ConnectError, Data, EventName, Limits, RawArgs, Socket, SocketIo, State,
    testing::TestServer,
};

use self::support::{Gate, Log};

fn server() -> (TestServer, Log) {
    let server = TestServer::new(SocketIo::builder());
    let log = Log::default();
    let errors = log.clone();
    server.io().on_error(move |report| errors.add(format!("error: {report}")));
    (server, log)
}

#[test]
fn they_run_in_order_between_the_catch_alls_and_the_handlers() {
    let (server, log) = server();
    server.io().on("event", log.note("handler"));
    server.io().event_middleware(log.note("first"));
    let second = log.clone();
    server.io().event_middleware(move || {
        let log = second.clone();
        async move { log.add("second") }
    });
    server.io().on_any(log.note("any"));
    let client = server.connect();
    let own = server.io().sockets()[0].event_middleware(log.note("own"));
    client.emit("event", &());
    assert_eq!(log.take(), ["any", "first", "second", "own", "handler"]);
    assert!(server.io().sockets()[0].off(own));
    client.emit("event", &());
    assert_eq!(log.take(), ["any", "first", "second", "handler"]);
}

#[test]
fn an_error_stops_the_event_and_answers_it() {
    let (server, log) = server();
    server.io().on("event", log.note("handler"));
    server.io().event_middleware(|EventName(name): EventName| match &*name {
        "event" => Err("not allowed"),
        _ => Ok(()),
    });
    server.io().event_middleware(log.note("next"));
    let client = server.connect();
    let answer: serde_json::Value = client.ask("event", &());
    assert_eq!(answer, json!({"error": "not allowed"}));
    assert_eq!(log.take(), [r#"error: "event" in /: not allowed"#]);
    client.emit("other", &());
    assert_eq!(log.take(), ["next"]);
}

#[test]
fn a_panic_and_a_missing_argument_stop_the_event_too() {
    let (server, log) = server();
    server.io().on("event", log.note("handler"));
    server.io().event_middleware(async |Data(n): Data<u32>| assert_ne!(n, 0, "a bug"));
    let client = server.connect();
    let answer: serde_json::Value = client.ask("event", &0);
    assert_eq!(answer, json!({"error": "internal error"}));
    let answer: serde_json::Value = client.ask("event", "x");
    assert!(answer["error"].as_str().expect("text").starts_with("bad argument"), "{answer}");
    assert_eq!(log.take().len(), 2, "both are told to the hook");
    client.ask::<()>("event", &1);
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn an_event_can_be_stopped_without_a_word() {
    let (server, log) = server();
    server.io().on("n", log.note("handler"));
    server.io().event_middleware(|Data(n): Data<u32>| match n {
        0 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let client = server.connect();
    let id = client.emit_with_ack("n", &0);
    assert_eq!(client.take_ack(id), None);
    assert_eq!(log.take(), [""; 0]);
    client.ask::<()>("n", &1);
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn a_middleware_may_answer_itself() {
    let (server, log) = server();
    server.io().on("event", log.note("handler"));
    server.io().event_middleware(async |ack: Ack| {
        ack.send("from the cache")?;
        Ok::<_, socketio_core::EmitError>(ControlFlow::Break::<_, ()>(()))
    });
    let client = server.connect();
    assert_eq!(client.ask::<String>("event", &()), "from the cache");
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn arguments_can_be_replaced_and_the_next_one_sees_it() {
    let (server, _) = server();
    server.io().insert_state(10_u32);
    server.io().on("add", |Data((a, b)): Data<(u32, u32)>| Data(a + b));
    server.io().on("bytes", |Data((name, bytes)): Data<(String, Bytes)>| Data((bytes, name)));
    server.io().event_middleware(|EventName(name): EventName, args: RawArgs| match &*name {
        "add" => args.skip(1),
        _ => args,
    });
    server.io().event_middleware(async |args: RawArgs, State(base): State<u32>| {
        Ok::<_, socketio_core::ArgsError>(match args.parse() {
            Ok(n) => Data((base, Some(n), None)),
            Err(_) => Data((0, None::<u32>, Some("bytes"))),
        })
    });
    let client = server.connect();
    assert_eq!(client.ask::<u32>("add", &("dropped", 5)), 15);
    server.io().event_middleware(|| Data(("renamed", Bytes::from_static(b"\x01\x02"))));
    let answer: (Bytes, String) = client.ask("bytes", &());
    assert_eq!(answer, (Bytes::from_static(b"\x01\x02"), "renamed".into()));
}

/// A server whose middleware lets one event pass whenever the client says so, by an acknowledgement.
fn asking(server: &TestServer) {
    server.io().event_middleware(async |socket: Socket, Data(n): Data<u32>| {
        if n % 2 == 0 {
            socket.emit_with_ack::<()>("may I?", &n).await?;
        }
        Ok::<_, AckError>(())
    });
    server.io().on("n", |socket: Socket, Data(n): Data<u32>| socket.emit("n", &n));
}

#[test]
fn events_wait_behind_one_whose_middleware_is_pending_in_order() {
    let (server, _) = server();
    asking(&server);
    let client = server.connect();
    for n in 0..6 {
        client.emit("n", &n);
    }
    for n in [0, 2, 4] {
        let question = client.expect_event("may I?");
        assert_eq!(question.args.parse::<u32>(), Ok(n));
        client.expect_nothing();
        client.acknowledge(&question, &());
        assert_eq!([client.expect::<u32>("n"), client.expect::<u32>("n")], [n, n + 1]);
    }
    client.expect_nothing();
}

#[test]
fn sockets_do_not_wait_for_each_other() {
    let (server, _) = server();
    let (gate, log) = (Gate::default(), Log::default());
    let wait = gate.clone();
    server.io().event_middleware(move || {
        let gate = wait.clone();
        async move { gate.passed().await }
    });
    server.io().on("event", log.note("waited"));
    server.io().of("/other").on("event", log.note("other"));
    let client = server.connect();
    let other = client.connection().join("/other", &()).expect("let in");
    client.emit("event", &());
    other.emit("event", &());
    assert_eq!(log.take(), ["other"]);
    gate.open();
    server.run();
    assert_eq!(log.take(), ["waited"]);
}

#[test]
fn past_the_bound_a_client_is_not_read_but_its_acknowledgements_are() {
    let limits = Limits { handlers: 3, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let (gate, log) = (Gate::default(), Log::default());
    let (wait, seen) = (gate.clone(), log.clone());
    server.io().event_middleware(move |Data(n): Data<u32>| {
        let gate = wait.clone();
        seen.add(n.to_string());
        async move { gate.passed().await }
    });
    server.io().on("n", |socket: Socket, Data(n): Data<u32>| socket.emit("n", &n));
    let client = server.connect();
    for n in 0..50 {
        client.emit("n", &n);
    }
    assert_eq!(log.take(), ["0"], "the others wait for the first");
    gate.open();
    server.run();
    for n in 0..50 {
        assert_eq!(client.expect::<u32>("n"), n);
    }
    // Those that are read behind them leave room for the acknowledgement.
    let server = TestServer::new(SocketIo::builder().limits(limits));
    asking(&server);
    let client = server.connect();
    for n in [0, 2, 4, 6, 8] {
        client.emit("n", &n);
    }
    for n in [0, 2, 4, 6, 8] {
        let question = client.expect_event("may I?");
        client.acknowledge(&question, &());
        assert_eq!(client.expect::<u32>("n"), n);
    }
}

#[test]
fn no_handler_runs_for_a_socket_that_left_meanwhile() {
    let (server, log) = server();
    let gate = Gate::default();
    let wait = gate.clone();
    server.io().event_middleware(move || {
        let gate = wait.clone();
        async move { gate.passed().await }
    });
    server.io().on("event", log.note("handler"));
    server.io().on_disconnect(log.note("gone"));
    let client = server.connect();
    client.emit("event", &());
    client.emit("event", &());
    client.disconnect();
    assert_eq!(log.take(), ["gone"], "the end does not wait for the middleware");
    gate.open();
    server.run();
    assert_eq!(log.take(), [""; 0]);
    // It comes back as another.
    let again = client.connection().join("/", &()).expect("let in");
    again.emit("event", &());
    assert_eq!(log.take(), ["handler"]);
}

#[test]
fn events_that_waited_for_the_connect_pass_the_middlewares_as_well() {
    let (server, log) = server();
    let (gate, connects) = (Gate::default(), Gate::default());
    let (wait, connect) = (gate.clone(), connects.clone());
    server.io().on_connect(move || {
        let gate = connect.clone();
        async move {
            gate.passed().await;
            Ok::<_, ConnectError>(())
        }
    });
    server.io().event_middleware(move || {
        let gate = wait.clone();
        async move { gate.passed().await }
    });
    let seen = log.clone();
    server.io().on("n", move |Data(n): Data<u32>| seen.add(n.to_string()));
    let connection = server.open();
    connection.request_join("/", &());
    connection.send_all([r#"42["n",0]"#, r#"42["n",1]"#]);
    connects.open();
    server.run();
    connection.send_text(r#"42["n",2]"#);
    assert_eq!(log.take(), [""; 0]);
    gate.open();
    server.run();
    assert_eq!(log.take(), ["0", "1", "2"]);
}

#[test]
fn a_server_that_closes_waits_for_a_middleware_that_is_pending() {
    let (server, log) = server();
    let clock = server.clock().clone();
    server.io().event_middleware(move || {
        let clock = clock.clone();
        async move {
            use socketio_core::Clock;
            clock.sleep_until(clock.now() + Duration::from_secs(5)).await;
        }
    });
    server.io().on("event", log.note("handler"));
    let client = server.connect();
    client.emit("event", &());
    let (io, closed) = (server.io().clone(), log.clone());
    server.spawn(async move {
        io.close().await;
        closed.add("closed");
    });
    assert_eq!(log.take(), [""; 0]);
    server.advance(Duration::from_secs(5));
    assert_eq!(log.take(), ["closed"]);
}
