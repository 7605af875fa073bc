//! Clients whose connection broke, and who come back.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use socketio_core::{
    Auth, Builder, ConnectError, Data, DisconnectReason, Frame, Limits, Recovery, Socket, SocketIo,
    State,
    testing::{TestClient, TestConnection, TestServer},
};

use self::support::{Gate, Log};

const AWAY: Duration = Duration::from_secs(120);

fn server() -> TestServer {
    with(Recovery::default())
}

fn with(recovery: Recovery) -> TestServer {
    build(SocketIo::builder().recovery(recovery))
}

/// A server on which clients can join rooms.
fn build(builder: Builder) -> TestServer {
    let server = TestServer::new(builder);
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    server.io().on("whoami", |socket: Socket| {
        let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
        rooms.sort();
        Data((socket.is_recovered(), rooms))
    });
    server
}

/// Comes back over a new connection.
fn come_back(server: &TestServer, client: &TestClient, offset: Option<&str>) -> TestClient {
    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
    server.connect_to("/", &auth).expect("let in")
}

/// What comes over a connection, as text.
fn texts(connection: &TestConnection) -> Vec<String> {
    let frames = std::iter::from_fn(|| connection.next_frame());
    frames
        .map(|frame| match frame {
            Frame::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_client_gets_its_socket_back_and_what_it_missed() {
    let server = server();
    let client = server.connect();
    client.emit("join", "news");
    server.io().emit("hello", &1).expect("sent");
    let offset = client.expect_event("hello").offset();
    let socket = server.io().sockets().remove(0);
    socket.data().set("name", "ada").expect("JSON");
    client.connection().close();
    assert_eq!((server.io().sockets_count(), server.io().clients_count()), (0, 0));

    server.io().emit("to all", &(1, "x")).expect("sent");
    server.io().to("news").emit("to a room", &2).expect("sent");
    server.io().to("sport").emit("to another", &3).expect("sent");
    server.io().except("news").emit("to the others", &4).expect("sent");
    socket.emit("to it alone", &5).expect("kept");
    server.io().volatile().emit("volatile", &6).expect("sent");

    let connection = server.open();
    let auth = json!({ "pid": client.recovery_id(), "offset": offset });
    connection.request_join("/", &auth);
    let answer = format!(r#"40{{"sid":"{}","pid":"{}"}}"#, client.id(), client.recovery_id());
    assert_eq!(
        texts(&connection),
        [
            r#"42["to all",1,"x","2"]"#,
            r#"42["to a room",2,"3"]"#,
            r#"42["to it alone",5,"6"]"#,
            &answer,
        ]
    );
    let back = &server.io().sockets()[0];
    assert!(back.is_recovered());
    assert_eq!(back.data().get::<String>("name").as_deref(), Some("ada"));
    assert!(back.rooms().contains(&"news".into()));
    socket.emit("by the old handle", &7).expect("sent");
    assert_eq!(texts(&connection), [r#"42["by the old handle",7,"7"]"#]);
}

#[test]
fn a_client_that_had_no_event_yet_comes_back_too() {
    let server = server();
    server.io().emit("before", &1).expect("sent");
    let client = server.connect();
    client.connection().close();
    server.io().emit("missed", &2).expect("sent");
    let back = come_back(&server, &client, None);
    assert_eq!(back.id(), client.id());
    assert_eq!(back.expect::<u8>("missed"), 2);
    back.expect_nothing();
}

#[test]
fn it_comes_back_again_and_again() {
    let server = server();
    let mut client = server.connect();
    let id = client.id().to_owned();
    for n in 0..3 {
        client.connection().close();
        server.io().emit("tick", &n).expect("sent");
        client = come_back(&server, &client, None);
        assert_eq!(client.id(), id);
        // Without an offset it gets all since it first came.
        let ticks: Vec<u8> = (0..=n).map(|_| client.expect("tick")).collect();
        assert_eq!(ticks, (0..=n).collect::<Vec<_>>());
    }
    server.advance(AWAY);
    assert!(client.is_connected());
    assert_eq!(server.io().sockets_count(), 1);
}

#[test]
fn what_was_lost_on_the_way_is_sent_again() {
    let server = server();
    let client = server.connect();
    server.io().emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    client.connection().stop_reading(true);
    server.io().emit("n", &2).expect("sent");
    client.connection().close();
    let back = come_back(&server, &client, Some(&offset));
    assert_eq!(back.expect::<u8>("n"), 2);
    back.expect_nothing();
}

#[test]
fn volatile_events_carry_an_offset_but_are_not_kept() {
    let server = server();
    let client = server.connect();
    server.io().emit("n", &1).expect("sent");
    server.io().volatile().emit("v", "text").expect("sent");
    server.io().sockets()[0].volatile().emit("v", "text").expect("sent");
    let offset = client.expect_event("n").offset();
    assert_eq!(client.expect_event("v").offset(), offset);
    assert_eq!(client.expect_event("v").offset(), offset);
}

#[test]
fn an_event_with_attachments_has_its_offset_behind_them() {
    let server = server();
    let client = server.connect();
    let bytes = bytes::Bytes::from_static(b"x");
    server.io().emit("b", &bytes).expect("sent");
    assert_eq!(client.expect::<(bytes::Bytes, String)>("b"), (bytes.clone(), "1".into()));
    client.connection().close();
    let back = come_back(&server, &client, None);
    assert_eq!(back.expect::<bytes::Bytes>("b"), bytes);
}

#[test]
fn questions_are_neither_numbered_nor_kept() {
    let server = server();
    let client = server.connect();
    let _replies = server.io().emit_with_ack::<u8>("question", "how").expect("sent");
    assert_eq!(client.expect_event("question").args.len(), 1);
    client.connection().close();
    let back = come_back(&server, &client, None);
    back.expect_nothing();
}

#[test]
fn a_socket_comes_back_once() {
    let server = server();
    let client = server.connect();
    client.connection().close();
    let first = come_back(&server, &client, None);
    assert_eq!(first.id(), client.id());
    // Whoever comes second has the key, so it is the same client: its former connection ends.
    let second = come_back(&server, &client, None);
    assert_eq!(second.id(), client.id());
    assert!(!first.is_connected());
    assert_eq!(server.io().sockets_count(), 1);
}

#[test]
fn a_client_that_is_back_before_its_end_was_noticed_ends_its_former_connection() {
    let server = server();
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&reasons);
    server.io().on_disconnect(move |reason: DisconnectReason| {
        kept.lock().expect("no panic").push(reason);
    });
    let client = server.connect();
    client.emit("join", "news");
    client.connection().stop_reading(true);
    server.io().to("news").emit("n", &1).expect("sent");
    let back = come_back(&server, &client, None);
    assert_eq!(back.id(), client.id());
    assert_eq!(back.expect::<u8>("n"), 1);
    assert_eq!(*reasons.lock().expect("no panic"), [DisconnectReason::TransportClose]);
    assert_eq!(server.io().sockets_count(), 1);
    assert_eq!(back.ask::<(bool, Vec<String>)>("whoami", &()).1.len(), 2);
}

#[test]
fn unknown_words_make_a_new_socket() {
    let server = server();
    let client = server.connect();
    client.connection().close();
    let pid = client.recovery_id();
    for auth in [
        json!({ "pid": "foo", "offset": "bar" }),
        json!({ "pid": "12345678901234567890", "offset": "1" }),
        json!({ "pid": pid, "offset": 0 }),
        json!({ "pid": [pid] }),
        json!({ "pid": client.id() }),
    ] {
        let other = server.connect_to("/", &auth).expect("let in");
        assert_ne!(other.id(), client.id(), "{auth}");
        assert!(!other.ask::<(bool, Vec<String>)>("whoami", &()).0);
    }
    assert_eq!(come_back(&server, &client, Some("0")).id(), client.id());
}

#[test]
fn who_left_or_was_sent_away_does_not_come_back() {
    let server = server();
    server.io().on("bye", |socket: Socket| socket.disconnect());
    let ends: [fn(&TestClient); 3] = [
        TestClient::disconnect,
        |client| client.emit("bye", &()),
        |client| client.connection().send_text("abc"),
    ];
    for end in ends {
        let client = server.connect();
        end(&client);
        assert_ne!(come_back(&server, &client, None).id(), client.id());
    }
}

#[test]
fn too_late_is_as_new() {
    let server = server();
    let expired = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&expired);
    server.io().on_expire(move |socket: Socket| {
        kept.lock().expect("no panic").push((socket.id().to_string(), socket.rooms().len()));
    });
    let (early, late) = (server.connect(), server.connect());
    late.emit("join", "news");
    early.connection().close();
    late.connection().close();
    server.advance(AWAY - Duration::from_millis(1));
    assert_eq!(come_back(&server, &early, None).id(), early.id());
    assert!(expired.lock().expect("no panic").is_empty());
    server.advance(Duration::from_millis(1));
    assert_eq!(*expired.lock().expect("no panic"), [(late.id().to_owned(), 2)]);
    assert_ne!(come_back(&server, &late, None).id(), late.id());
    server.advance(AWAY);
    assert_eq!(expired.lock().expect("no panic").len(), 1);
}

#[test]
fn who_is_sent_away_while_it_is_away_does_not_come_back() {
    let server = server();
    let expired = Arc::new(Mutex::new(0));
    let kept = Arc::clone(&expired);
    server.io().on_expire(move || *kept.lock().expect("no panic") += 1);
    let sends_away: [fn(&Socket); 2] = [Socket::disconnect, Socket::disconnect_all];
    for (count, send_away) in sends_away.into_iter().enumerate() {
        let client = server.connect();
        let socket = server.io().sockets().remove(0);
        client.connection().close();
        send_away(&socket);
        server.run();
        assert_eq!(*expired.lock().expect("no panic"), count + 1);
        let back = come_back(&server, &client, None);
        assert_ne!(back.id(), client.id());
        // What the former socket does is no business of the new one.
        send_away(&socket);
        assert!(back.is_connected());
        back.disconnect();
    }
}

#[test]
fn who_missed_nothing_comes_back_however_old_its_last_event_is() {
    let server = server();
    let client = server.connect();
    server.io().to(client.id()).emit("n", &1).expect("sent");
    let offset = client.expect_event("n").offset();
    for _ in 0..10 {
        server.advance(AWAY);
        server.io().to("nobody").emit("n", &2).expect("sent");
    }
    client.connection().close();
    server.advance(AWAY - Duration::from_secs(1));
    server.io().emit("n", &3).expect("sent");
    let back = come_back(&server, &client, Some(&offset));
    assert_eq!(back.id(), client.id());
    assert_eq!(back.expect::<u8>("n"), 3);
    back.expect_nothing();
}

#[test]
fn middlewares_are_left_out_or_not() {
    for skip_middlewares in [true, false] {
        let server = with(Recovery { skip_middlewares, ..Recovery::default() });
        let calls = Arc::new(Mutex::new(0));
        let kept = Arc::clone(&calls);
        server.io().middleware(move || *kept.lock().expect("no panic") += 1);
        let client = server.connect();
        client.connection().close();
        come_back(&server, &client, None);
        let expected = if skip_middlewares { 1 } else { 2 };
        assert_eq!(*calls.lock().expect("no panic"), expected);
    }
}

#[test]
fn a_client_that_is_refused_gets_nothing_that_it_missed() {
    let server = with(Recovery { skip_middlewares: false, ..Recovery::default() });
    server.io().middleware(|Auth(auth): Auth<serde_json::Value>| match auth["banned"].as_bool() {
        Some(true) => Err(ConnectError::new("banned")),
        _ => Ok(()),
    });
    let client = server.connect();
    client.emit("join", "secrets");
    client.connection().close();
    server.io().to("secrets").emit("secret", &1).expect("sent");
    let connection = server.open();
    connection.request_join("/", &json!({ "pid": client.recovery_id(), "banned": true }));
    assert_eq!(texts(&connection), [r#"44{"message":"banned"}"#]);
    server.io().to("secrets").emit("secret", &2).expect("sent");
    assert!(texts(&connection).is_empty());
    assert_ne!(come_back(&server, &client, None).id(), client.id());
}

#[test]
fn who_breaks_off_again_before_it_is_let_in_may_come_back_still() {
    let server = with(Recovery { skip_middlewares: false, ..Recovery::default() });
    server.io().middleware(async |Auth(auth): Auth<serde_json::Value>| {
        if auth["waits"].as_bool() == Some(true) {
            std::future::pending::<()>().await;
        }
    });
    let client = server.connect();
    client.connection().close();
    server.io().emit("n", &1).expect("sent");
    let connection = server.open();
    connection.request_join("/", &json!({ "pid": client.recovery_id(), "waits": true }));
    connection.close();
    let back = come_back(&server, &client, None);
    assert_eq!(back.id(), client.id());
    assert_eq!(back.expect::<u8>("n"), 1);
}

#[test]
fn what_is_emitted_before_a_client_is_let_in_is_kept_as_well() {
    let server = server();
    server.io().on_connect(|socket: Socket| -> Result<(), ConnectError> {
        if !socket.is_recovered() {
            socket.emit("welcome", &1)?;
        }
        Ok(())
    });
    let client = server.connect();
    client.connection().close();
    let back = come_back(&server, &client, None);
    assert_eq!(back.expect::<u8>("welcome"), 1);
    back.expect_nothing();
}

#[test]
fn events_are_kept_within_bounds_and_a_gap_is_no_recovery() {
    let server = with(Recovery { max_bytes: 1000, ..Recovery::default() });
    let (first, second) = (server.connect(), server.connect());
    first.connection().close();
    second.connection().close();
    server.io().emit("small", &1).expect("sent");
    assert_eq!(come_back(&server, &first, None).id(), first.id());
    server.io().emit("large", &"x".repeat(990)).expect("sent");
    assert_ne!(come_back(&server, &second, None).id(), second.id());
}

#[test]
fn sockets_are_kept_within_bounds() {
    let server = with(Recovery { max_sockets: 1, ..Recovery::default() });
    let (first, second) = (server.connect(), server.connect());
    first.connection().close();
    second.connection().close();
    assert_ne!(come_back(&server, &second, None).id(), second.id());
    assert_eq!(come_back(&server, &first, None).id(), first.id());
}

#[test]
fn a_slow_client_that_was_closed_comes_back_for_what_it_missed() {
    let limits = Limits { outgoing_bytes: 1000, ..Limits::default() };
    let server = build(SocketIo::builder().recovery(Recovery::default()).limits(limits));
    let client = server.connect();
    client.connection().stop_reading(true);
    server.run();
    for n in 0..4 {
        server.io().emit("n", &(n, "x".repeat(400))).expect("sent");
    }
    server.run();
    assert_eq!(server.io().sockets_count(), 0);
    let back = come_back(&server, &client, None);
    assert_eq!(back.id(), client.id());
    assert_eq!((0..4).map(|_| back.expect::<u8>("n")).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_server_that_closes_does_not_wait_for_anyone() {
    let server = server();
    let expired = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&expired);
    server.io().on_expire(move |socket: Socket, reason: DisconnectReason| {
        kept.lock().expect("no panic").push((socket.id().to_string(), reason));
    });
    let (gone, present) = (server.connect(), server.connect());
    gone.connection().close();
    let closed = Arc::new(Mutex::new(false));
    let (io, kept) = (server.io().clone(), Arc::clone(&closed));
    server.spawn(async move {
        io.close().await;
        *kept.lock().expect("no panic") = true;
    });
    server.advance(Duration::from_secs(3));
    assert!(*closed.lock().expect("no panic"));
    assert!(!present.is_connected());
    let expired = expired.lock().expect("no panic");
    assert_eq!(*expired, [(gone.id().to_owned(), DisconnectReason::TransportClose)]);
}

#[test]
fn a_namespace_stays_while_someone_may_come_back_to_it() {
    let server =
        build(SocketIo::builder().recovery(Recovery::default()).cleanup_empty_namespaces(true));
    let made = Arc::new(Mutex::new(0));
    let kept = Arc::clone(&made);
    server.io().of_dynamic("/tenant", move |_| {
        *kept.lock().expect("no panic") += 1;
    });
    let client = server.connect_to("/tenant", &()).expect("let in");
    client.connection().close();
    let auth = json!({ "pid": client.recovery_id() });
    let back = server.connect_to("/tenant", &auth).expect("let in");
    assert_eq!(back.id(), client.id());
    back.connection().close();
    server.advance(AWAY);
    server.connect_to("/tenant", &()).expect("let in");
    assert_eq!(*made.lock().expect("no panic"), 2);
}

#[test]
fn without_it_nothing_has_an_offset() {
    let server = build(SocketIo::builder());
    let client = server.connect();
    server.io().emit("n", &1).expect("sent");
    assert_eq!(client.expect_event("n").args.len(), 1);
    client.connection().close();
    assert_ne!(server.connect().id(), client.id());
    assert!(server.io().sockets()[0].emit("n", &1).is_ok());
}

#[test]
fn who_came_back_before_and_missed_nothing_comes_back_however_long_ago_that_was() {
    let server = server();
    let (with_event, without) = (server.connect(), server.connect());
    server.io().to(with_event.id()).emit("n", &1).expect("sent");
    let offset = with_event.expect_event("n").offset();
    for (client, offset) in [(with_event, Some(&*offset)), (without, None)] {
        let mut client = client;
        let id = client.id().to_owned();
        for _ in 0..3 {
            for _ in 0..5 {
                server.advance(AWAY);
                server.io().to("nobody").emit("n", &2).expect("sent");
            }
            client.connection().close();
            server.io().to("nobody").emit("n", &3).expect("sent");
            client = come_back(&server, &client, offset);
            assert_eq!(client.id(), id);
            client.expect_nothing();
        }
    }
}

#[test]
fn a_member_gets_nothing_of_a_room_from_before_it_joined() {
    let server = server();
    let client = server.connect();
    server.io().to("admins").emit("secret", &1).expect("sent");
    server.io().emit("n", &2).expect("sent");
    client.emit("join", "admins");
    server.io().to("admins").emit("secret", &3).expect("sent");
    client.connection().close();
    let back = come_back(&server, &client, Some("0"));
    assert_eq!(back.expect::<u8>("n"), 2);
    assert_eq!(back.expect::<u8>("secret"), 3);
    back.expect_nothing();
    back.connection().close();
    let back = come_back(&server, &client, Some("0"));
    assert_eq!(back.expect::<u8>("n"), 2);
    assert_eq!(back.expect::<u8>("secret"), 3);
    back.expect_nothing();
}

#[test]
fn a_room_that_is_joined_at_the_return_has_no_past() {
    let server = with(Recovery { skip_middlewares: false, ..Recovery::default() });
    server.io().middleware(|socket: Socket| {
        if socket.is_recovered() {
            socket.join("admins");
        }
    });
    let client = server.connect();
    client.connection().close();
    server.io().to("admins").emit("secret", &1).expect("sent");
    let back = come_back(&server, &client, None);
    back.expect_nothing();
    server.io().to("admins").emit("secret", &2).expect("sent");
    assert_eq!(back.expect::<u8>("secret"), 2);
}

#[test]
fn an_offset_of_another_server_counts_for_nothing() {
    let server = server();
    for foreign in ["99", "Q86yJHH.2", "", "-1"] {
        let client = server.connect();
        client.connection().stop_reading(true);
        server.io().to(client.id()).emit("n", &1).expect("sent");
        client.connection().close();
        server.io().to(client.id()).emit("n", &2).expect("sent");
        let back = come_back(&server, &client, Some(foreign));
        assert_eq!(back.id(), client.id(), "{foreign}");
        assert_eq!((back.expect::<u8>("n"), back.expect::<u8>("n")), (1, 2));
    }
    // Also when as many events were sent here since.
    let client = server.connect();
    client.connection().close();
    for n in 0..200 {
        server.io().to(client.id()).emit("n", &n).expect("sent");
    }
    let back = come_back(&server, &client, Some("99"));
    for n in 0..200 {
        assert_eq!(back.expect::<u8>("n"), n);
    }
}

#[test]
fn what_the_old_handle_emits_while_its_client_is_on_its_way_in_is_kept() {
    let gate = Gate::default();
    let server = with(Recovery { skip_middlewares: false, ..Recovery::default() });
    server.io().insert_state(gate.clone());
    server.io().middleware(async |socket: Socket, State(gate): State<Gate>| {
        if socket.is_recovered() {
            gate.passed().await;
        }
    });
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    client.connection().close();
    let connection = server.open();
    connection.request_join("/", &json!({ "pid": client.recovery_id() }));
    socket.emit("n", &1).expect("kept");
    assert!(texts(&connection).is_empty());
    gate.open();
    assert_eq!(texts(&connection)[0], r#"42["n",1,"1"]"#);
}

#[test]
fn what_overflows_a_slow_client_is_kept_and_so_no_error() {
    let limits = Limits { outgoing_bytes: 1000, ..Limits::default() };
    let server = build(SocketIo::builder().recovery(Recovery::default()).limits(limits));
    let client = server.connect();
    client.connection().stop_reading(true);
    let socket = server.io().sockets().remove(0);
    for n in 0..4 {
        assert_eq!(socket.emit("n", &(n, "x".repeat(400))), Ok(()));
    }
    server.run();
    assert_eq!(socket.emit("n", &4), Ok(()));
    let back = come_back(&server, &client, None);
    assert_eq!((0..5).map(|_| back.expect::<u8>("n")).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn data_that_is_set_after_the_end_is_there_at_the_return() {
    let server = server();
    server.io().on_disconnect(|socket: Socket| socket.data().set("left", &true));
    let client = server.connect();
    client.connection().close();
    come_back(&server, &client, None);
    let back = server.io().sockets().remove(0);
    assert_eq!(back.data().get::<bool>("left"), Some(true));
}

#[test]
fn small_events_count_with_what_it_takes_to_keep_them() {
    let server = with(Recovery { max_bytes: 10_000, ..Recovery::default() });
    let client = server.connect();
    client.connection().close();
    let rooms: Vec<_> = (0..200).map(|n| n.to_string().repeat(20)).collect();
    server.io().to(rooms).emit("n", &1).expect("sent");
    assert_ne!(come_back(&server, &client, None).id(), client.id());
    let client = server.connect();
    client.connection().close();
    for _ in 0..200 {
        server.io().emit("n", &1).expect("sent");
    }
    assert_ne!(come_back(&server, &client, None).id(), client.id());
}

#[test]
fn who_was_refused_at_its_return_has_expired() {
    let server = with(Recovery { skip_middlewares: false, ..Recovery::default() });
    let log = Log::default();
    let (left, expired) = (log.clone(), log.clone());
    server.io().on_disconnect(move |socket: Socket| left.add(format!("{} left", socket.id())));
    server.io().on_expire(move |socket: Socket| expired.add(format!("{} expired", socket.id())));
    server.io().middleware(|socket: Socket| match socket.is_recovered() {
        true => Err(ConnectError::new("no")),
        false => Ok(()),
    });
    let client = server.connect();
    client.connection().close();
    let refused = server.connect_to("/", &json!({ "pid": client.recovery_id() }));
    assert!(refused.is_err());
    let id = client.id();
    assert_eq!(log.take(), [format!("{id} left"), format!("{id} expired")]);
}
