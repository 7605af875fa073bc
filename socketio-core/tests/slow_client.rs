//! Clients that do not read, and clients that are not read.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use socketio_core::{
    Clock, Data, DisconnectReason, EmitError, Limits, Socket, SocketIo, testing::TestServer,
};

fn server(outgoing_bytes: usize) -> TestServer {
    let limits = Limits { outgoing_bytes, ..Limits::default() };
    TestServer::new(SocketIo::builder().limits(limits))
}

#[test]
fn a_reader_that_stopped_is_closed_at_the_limit_and_the_rest_is_unharmed() {
    let server = server(1000);
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    server.io().on_disconnect(move |reason: DisconnectReason| {
        assert_eq!(reason, DisconnectReason::TransportError);
        seen.store(true, Ordering::Relaxed);
    });
    let (slow, quick) = (server.connect(), server.connect());
    slow.connection().stop_reading(true);
    for n in 0..20 {
        server.io().emit("n", &(n, "x".repeat(100))).expect("an event");
        assert_eq!(quick.expect::<(u32, String)>("n").0, n);
    }
    assert!(ended.load(Ordering::Relaxed));
    assert_eq!(server.io().sockets_count(), 1);
    server.advance(Duration::from_secs(60));
    assert_eq!(server.io().clients_count(), 1);
}

#[test]
fn an_emit_past_the_limit_says_so() {
    let server = server(1000);
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    client.connection().stop_reading(true);
    let results: Vec<_> = (0..20).map(|_| socket.emit("n", &"x".repeat(100))).collect();
    assert!(results.contains(&Err(EmitError::Overflow)));
    server.run();
    assert_eq!(results[0], Ok(()));
    assert_eq!(socket.emit("n", &1), Err(EmitError::Closed));
}

#[test]
fn one_large_packet_may_pass_the_limit() {
    let server = server(1000);
    let client = server.connect();
    server.io().emit("large", &"x".repeat(5000)).expect("an event");
    assert_eq!(client.expect::<String>("large").len(), 5000);
}

#[test]
fn a_stuck_writer_does_not_hold_up_the_end() {
    let server = server(1_000_000);
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    server.io().on_disconnect(move || seen.store(true, Ordering::Relaxed));
    let client = server.connect();
    client.connection().stop_reading(true);
    server.io().emit("n", &1).expect("an event");
    server.run();
    server.advance(Duration::from_secs(45));
    assert!(ended.load(Ordering::Relaxed));
    // The websocket itself is given up a little later.
    server.advance(Duration::from_secs(2));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn ready_waits_for_the_queue_to_shrink() {
    let server = server(4000);
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    client.connection().stop_reading(true);
    for _ in 0..15 {
        socket.emit("n", &"x".repeat(100)).expect("an event");
    }
    let is_ready = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_ready);
    server.spawn(async move {
        socket.ready().await;
        seen.store(true, Ordering::Relaxed);
    });
    assert!(!is_ready.load(Ordering::Relaxed));
    client.connection().stop_reading(false);
    assert!(is_ready.load(Ordering::Relaxed));
}

#[test]
fn volatile_events_are_sent_at_once_or_never() {
    let server = server(1_000_000);
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    // A burst to a client that takes it arrives whole, also behind an ordinary event.
    socket.emit("n", &0).expect("an event");
    for n in 1..5 {
        socket.volatile().emit("n", &n).expect("an event");
    }
    for n in 0..5 {
        assert_eq!(client.expect::<u32>("n"), n);
    }
    client.connection().stop_reading(true);
    socket.emit("kept", &()).expect("an event");
    server.run();
    socket.volatile().emit("stale", &()).expect("dropping is no error");
    client.connection().stop_reading(false);
    client.expect::<()>("kept");
    client.expect_nothing();
}

#[test]
fn past_the_bound_of_handlers_the_client_is_not_read() {
    let limits = Limits { handlers: 4, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, peak, clock) = (Arc::clone(&running), Arc::clone(&most), server.clock().clone());
    server.io().on("work", move || {
        let (running, most, clock) = (Arc::clone(&counted), Arc::clone(&peak), clock.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            clock.sleep_until(clock.now() + Duration::from_secs(60)).await;
            running.fetch_sub(1, Ordering::Relaxed);
        }
    });
    server.io().on("count", |socket: Socket| socket.emit("counted", &()));
    let client = server.connect();
    for _ in 0..10 {
        client.emit("work", &());
    }
    client.emit("count", &());
    assert_eq!(running.load(Ordering::Relaxed), 4);
    // Pongs are not read either, which is not the client's fault.
    server.advance(Duration::from_secs(179));
    assert_eq!(server.io().clients_count(), 1);
    server.advance(Duration::from_secs(1));
    client.expect::<()>("counted");
    assert_eq!(most.load(Ordering::Relaxed), 4);
}

#[test]
fn leaving_a_namespace_needs_no_room_in_a_full_queue() {
    let server = server(300);
    server.io().of("/other");
    let connection = server.open();
    connection.join("/", &()).expect("let in");
    connection.join("/other", &()).expect("let in");
    connection.stop_reading(true);
    server.io().emit("n", &"x".repeat(285)).expect("an event");
    server.run();
    server.io().of("/other").sockets()[0].disconnect();
    server.run();
    assert_eq!(server.io().sockets_count(), 1, "the other namespace is unharmed");
}

#[test]
fn acknowledgements_reach_the_handlers_that_wait_for_them() {
    let limits = Limits { handlers: 4, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&answered);
    server.io().on("ask", move |socket: Socket| {
        let answered = Arc::clone(&counted);
        async move {
            if socket.emit_with_ack::<()>("sure", &()).await.is_ok() {
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let client = server.connect();
    client.connection().send_all([r#"42["ask"]"#; 6]);
    let answers: Vec<_> = (0..6).map(|id| format!("43{id}[]")).collect();
    for answer in &answers {
        client.connection().send_text(answer);
    }
    assert_eq!(answered.load(Ordering::Relaxed), 6);
}

#[test]
fn an_acknowledgement_reaches_a_task_that_handlers_wait_for() {
    let limits = Limits { handlers: 1, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let (answer, answered) = oneshot::channel();
    let answered = Mutex::new(Some(answered));
    server.io().on("work", move || {
        let answered = answered.lock().expect("no panic").take().expect("one call");
        async { answered.await.map(Data) }
    });
    let client = server.connect();
    let work = client.emit_with_ack("work", &());
    // Nobody reads the client now, until something asks it.
    let socket = server.io().sockets().remove(0);
    server.spawn(async move {
        let asked = socket.timeout(Duration::from_secs(60)).emit_with_ack::<u32>("ask", &());
        let _ = answer.send(asked.await.expect("an answer"));
    });
    server.run();
    client.acknowledge(&client.expect_event("ask"), &7);
    assert_eq!(client.take_ack(work).expect("an answer").as_json(), "7");
}
