//! How sockets end, and why.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use socketio_core::{
    Data, DisconnectReason, Frame, Socket, SocketIo, WebSocketError,
    testing::{TestClient, TestServer},
};

type Reasons = Arc<Mutex<Vec<(String, DisconnectReason)>>>;

/// A server that keeps why its sockets ended, by namespace.
fn server() -> (TestServer, Reasons) {
    let server = TestServer::new(SocketIo::builder());
    let reasons = Reasons::default();
    for name in ["/", "/n"] {
        let namespace = server.io().of(name);
        let kept = Arc::clone(&reasons);
        namespace.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
            let namespace = socket.namespace().name().to_owned();
            kept.lock().expect("no panic").push((namespace, reason));
        });
        namespace.on("bye", |socket: Socket| socket.disconnect());
        namespace.on("bye-all", |socket: Socket| socket.disconnect_all());
        namespace.on("close", |socket: Socket| socket.close_connection());
        namespace.on("echo", |Data(n): Data<u32>| Data(n));
    }
    (server, reasons)
}

fn ends(reasons: &Reasons) -> Vec<(String, DisconnectReason)> {
    let mut ends = std::mem::take(&mut *reasons.lock().expect("no panic"));
    ends.sort_by(|(a, _), (b, _)| a.cmp(b));
    ends
}

fn both(server: &TestServer) -> (TestClient, TestClient) {
    let root = server.connect();
    let other = root.connection().join("/n", &()).expect("let in");
    (root, other)
}

#[test]
fn every_end_has_its_reason() {
    use DisconnectReason::*;
    type End = fn(&TestServer, &TestClient);
    let cases: [(DisconnectReason, End); 9] = [
        (ClientNamespaceDisconnect, |_, client| client.disconnect()),
        (ServerNamespaceDisconnect, |_, client| client.emit("bye", &())),
        (ServerNamespaceDisconnect, |_, client| client.emit("bye-all", &())),
        (TransportClose, |_, client| client.connection().close()),
        (TransportClose, |_, client| client.connection().send_text("1")),
        (ParseError, |_, client| client.connection().send_text("abc")),
        (ForcedClose, |_, client| client.connection().send_text("4abc")),
        (TransportError, |_, client| {
            client.connection().break_rules(WebSocketError::Rejected { code: 1009 });
        }),
        (PingTimeout, |server, client| {
            client.connection().answer_pings(false);
            server.advance(Duration::from_secs(45));
        }),
    ];
    for (reason, end) in cases {
        let (server, reasons) = server();
        let client = server.connect();
        end(&server, &client);
        assert_eq!(ends(&reasons), [("/".to_owned(), reason)]);
        assert_eq!(server.io().sockets_count(), 0);
    }
}

#[test]
fn reasons_have_the_words_of_node() {
    let words = [
        (DisconnectReason::ForcedServerClose, "forced server close"),
        (DisconnectReason::ServerShuttingDown, "server shutting down"),
        (DisconnectReason::TransportClose, "transport close"),
    ];
    for (reason, word) in words {
        assert_eq!(reason.to_string(), word);
    }
}

#[test]
fn leaving_one_namespace_leaves_the_others() {
    let (server, reasons) = server();
    let (root, other) = both(&server);
    other.disconnect();
    assert_eq!(ends(&reasons), [("/n".to_owned(), DisconnectReason::ClientNamespaceDisconnect)]);
    assert_eq!(root.ask::<u32>("echo", &1), 1);
}

#[test]
fn late_packets_for_a_namespace_that_was_just_left_are_ignored() {
    let (server, reasons) = server();
    let (root, other) = both(&server);
    other.emit("bye", &());
    other.emit("echo", &1);
    other.emit_with_ack("echo", &1);
    other.disconnect();
    assert_eq!(ends(&reasons), [("/n".to_owned(), DisconnectReason::ServerNamespaceDisconnect)]);
    assert!(!other.is_connected());
    assert_eq!(root.ask::<u32>("echo", &1), 1);
    assert!(root.connection().join("/n", &()).is_ok());
}

#[test]
fn disconnecting_all_ends_every_namespace_and_the_connection() {
    let (server, reasons) = server();
    let (root, other) = both(&server);
    root.emit("bye-all", &());
    let reason = DisconnectReason::ServerNamespaceDisconnect;
    assert_eq!(ends(&reasons), [("/".to_owned(), reason), ("/n".to_owned(), reason)]);
    assert!(!other.is_connected());
    assert_eq!(root.connection().closed(), Some(None));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn a_close_code_tells_the_client_what_it_did_wrong() {
    let (server, _) = server();
    let client = server.connect();
    client.connection().break_rules(WebSocketError::Rejected { code: 1009 });
    assert_eq!(client.connection().closed(), Some(Some(1009)));
}

#[test]
fn what_was_emitted_before_the_end_still_goes_out() {
    let (server, _) = server();
    server.io().on("last", |socket: Socket| {
        socket.emit("goodbye", &1)?;
        socket.disconnect_all();
        socket.emit("too late", &2).or(Ok::<_, socketio_core::EmitError>(()))
    });
    let client = server.connect();
    client.emit("last", &());
    assert_eq!(client.expect::<u32>("goodbye"), 1);
    client.expect_nothing();
}

#[test]
fn a_disconnect_does_not_cancel_a_handler() {
    let (server, _) = server();
    let done = Arc::new(Mutex::new(false));
    let (kept, clock) = (Arc::clone(&done), server.clock().clone());
    server.io().on("work", move || {
        let (kept, clock) = (Arc::clone(&kept), clock.clone());
        async move {
            use socketio_core::Clock;
            clock.sleep_until(clock.now() + Duration::from_secs(5)).await;
            *kept.lock().expect("no panic") = true;
        }
    });
    let client = server.connect();
    client.emit("work", &());
    client.connection().send(Frame::Close(None));
    assert_eq!(server.io().sockets_count(), 0);
    server.advance(Duration::from_secs(5));
    assert!(*done.lock().expect("no panic"));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn a_handler_that_disconnects_its_socket_and_goes_on_is_no_reason_to_wait() {
    let (server, reasons) = server();
    let (go, gone) = futures_channel::oneshot::channel::<()>();
    let gone = Mutex::new(Some(gone));
    server.io().on("kick", move |socket: Socket| {
        let gone = gone.lock().expect("no panic").take();
        async move {
            if let Some(gone) = gone {
                let _ = gone.await;
            }
            socket.disconnect();
            std::future::pending::<()>().await;
        }
    });
    server.io().on("wait", async || std::future::pending::<()>().await);
    let client = server.connect();
    client.emit("wait", &());
    client.emit("kick", &());
    go.send(()).expect("the handler waits");
    server.run();
    assert_eq!(ends(&reasons), [("/".to_owned(), DisconnectReason::ServerNamespaceDisconnect)]);
}

#[test]
fn a_connection_that_the_server_closes_says_no_word_to_its_namespaces() {
    let (server, reasons) = server();
    let (root, other) = both(&server);
    root.emit("close", &());
    assert!(root.connection().closed().is_some());
    let is_told = |frame: Frame| matches!(&frame, Frame::Text(text) if text.starts_with("41"));
    assert!(!std::iter::from_fn(|| other.connection().next_frame()).any(is_told));
    let forced = DisconnectReason::ForcedClose;
    assert_eq!(ends(&reasons), [("/".to_owned(), forced), ("/n".to_owned(), forced)]);
}
