//! How a websocket is read, written and let go.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use socketio_core::{Clock, Endpoint, Frame, Limits, SocketIo, testing::TestServer};

use self::support::{WebSocket, upgrade};

/// Serves a websocket that has joined `/`.
fn connect(server: &TestServer) -> WebSocket {
    let websocket = WebSocket::default();
    server.spawn(upgrade(&Endpoint::from(server.io()), None).serve(websocket.clone()));
    websocket.send_text("40");
    server.run();
    assert_eq!(websocket.taken(), 2, "the handshake and the answer to the connect");
    websocket
}

#[test]
fn the_bytes_that_count_are_those_that_wait() {
    let limits = Limits { outgoing_bytes: 1000, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let websocket = connect(&server);
    let socket = server.io().sockets().remove(0);
    websocket.stall();
    // The client is three frames behind all the time, so there is never a moment to flush.
    for n in 0..40 {
        socket.emit("n", &"x".repeat(100)).expect("room in the queue");
        if n >= 3 {
            websocket.take(1);
        }
        server.run();
    }
    assert_eq!(websocket.taken(), 2 + 37);
    assert!(socket.is_connected());
}

#[test]
fn a_delivery_looks_at_nothing_else_and_misses_nothing() {
    let server = TestServer::new(SocketIo::builder());
    let (go, gone) = oneshot::channel();
    let gone = Mutex::new(Some(gone));
    server.io().on("wait", move || {
        let gone = gone.lock().expect("no panic").take().expect("one call");
        async { gone.await.expect("a message") }
    });
    server.io().on("ask", || ());
    let websocket = connect(&server);
    let socket = server.io().sockets().remove(0);
    websocket.send_text(r#"421["wait"]"#);
    server.run();

    let reads = websocket.reads();
    for taken in 3..13 {
        socket.emit("n", &()).expect("an event");
        server.run();
        assert_eq!(websocket.taken(), taken);
    }
    assert_eq!(websocket.reads(), reads, "nobody looked for a frame");

    // Beside a delivery, each of these wakes the task as well: a frame, a handler, a timer.
    let expect_two = |taken: usize| {
        socket.emit("n", &()).expect("an event");
        server.run();
        assert_eq!(websocket.taken(), taken + 2);
    };
    websocket.send_text(r#"422["ask"]"#);
    expect_two(12);
    go.send(()).expect("the handler waits");
    expect_two(14);
    socket.emit("n", &()).expect("an event");
    server.advance(Duration::from_secs(25));
    assert_eq!(websocket.taken(), 18, "an event and a ping");
}

#[test]
fn a_websocket_that_begins_while_the_server_closes_does_not_hold_it_up() {
    let server = TestServer::new(SocketIo::builder());
    let clock = server.clock().clone();
    server.io().on_disconnect(move || {
        let clock = clock.clone();
        async move { clock.sleep_until(clock.now() + Duration::from_secs(1)).await }
    });
    let _client = server.connect();
    let late = upgrade(&Endpoint::from(server.io()), None);
    let closed = Arc::new(AtomicBool::new(false));
    let (io, done) = (server.io().clone(), Arc::clone(&closed));
    server.spawn(async move {
        io.close().await;
        done.store(true, Ordering::Relaxed);
    });
    assert!(!closed.load(Ordering::Relaxed), "a handler is still at work");
    let websocket = WebSocket::default();
    server.spawn(late.serve(websocket.clone()));
    websocket.send_text("40");
    server.advance(Duration::from_secs(10));
    assert!(closed.load(Ordering::Relaxed));
    assert!(websocket.is_let_go());
}

#[test]
fn a_closed_websocket_is_let_go_while_a_handler_works_on() {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("work", async || std::future::pending::<()>().await);
    let websocket = connect(&server);
    websocket.send_text(r#"42["work"]"#);
    websocket.send(Frame::Close(None));
    server.advance(Duration::from_secs(10));
    assert_eq!(server.io().sockets_count(), 0);
    assert!(websocket.is_let_go());
}

#[test]
fn a_disconnect_in_the_midst_of_writing_is_not_missed() {
    let server = TestServer::new(SocketIo::builder());
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    server.io().on_disconnect(move || seen.store(true, Ordering::Relaxed));
    let websocket = connect(&server);
    let socket = server.io().sockets().remove(0);
    // As another thread would: after the turn of the handlers, before the writer is stuck.
    let other = socket.clone();
    websocket.on_next_frame(move || other.disconnect());
    websocket.stall();
    websocket.take(1);
    socket.emit("n", &()).expect("an event");
    server.run();
    assert!(socket.disconnect_reason().is_some());
    assert!(ended.load(Ordering::Relaxed), "no ping is needed for the handler to run");
}

#[test]
fn an_answer_in_the_midst_of_closing_is_not_missed() {
    let server = TestServer::new(SocketIo::builder());
    let websocket = connect(&server);
    // As another thread would see it: after the server has looked for frames, while it writes.
    let client = websocket.clone();
    websocket.on_next_frame(move || client.send(Frame::Close(None)));
    websocket.send_text("4abc");
    server.run();
    assert!(websocket.is_let_go(), "the client's close frame ends it");
}
