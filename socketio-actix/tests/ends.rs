//! How sessions and servers end.

mod support;

use std::time::Duration;

use actix_web::{App, HttpServer};
use socketio_actix::{DisconnectReason, SocketIo, service};
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use support::{Server, echo, echo_with, serve_io, within};

fn reasons(io: &SocketIo) -> mpsc::UnboundedReceiver<DisconnectReason> {
    let (left, reasons) = mpsc::unbounded_channel();
    io.on_disconnect(move |reason: DisconnectReason| left.send(reason).expect("a test that waits"));
    reasons
}

#[tokio::test]
async fn a_poll_that_is_hung_up_ends_the_session() {
    let io = echo();
    let mut reasons = reasons(&io);
    let server = serve_io(&io).await;
    let polling = server.polling("/socket.io").await;
    let poll = timeout(Duration::from_millis(200), polling.get()).await;
    assert!(poll.is_err(), "there is nothing to receive");
    let reason = within("the disconnect", reasons.recv()).await;
    assert_eq!(reason, Some(DisconnectReason::TransportError));
}

#[tokio::test]
async fn a_reader_that_stopped_has_left_at_its_ping_timeout() {
    let options = SocketIo::builder()
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(200));
    let io = echo_with(options);
    let mut reasons = reasons(&io);
    let server = serve_io(&io).await;
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    for _ in 0..8 {
        io.emit("text", &"x".repeat(1_000_000)).expect("an event");
    }
    let reason = within("the disconnect", reasons.recv()).await;
    assert_eq!(reason, Some(DisconnectReason::PingTimeout));
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn a_graceful_shutdown_ends_the_clients_and_then_the_server() {
    let io = echo();
    let (handles, mut handle) = mpsc::unbounded_channel();
    let served = io.clone();
    let server: Server = support::listen(|listener| {
        let app = move || App::new().service(service(&served));
        let server = HttpServer::new(app).workers(2).disable_signals();
        let server = server.listen(listener).expect("a listener").run();
        handles.send(server.handle()).expect("a test that waits");
        server
    });
    let handle = handle.recv().await.expect("a handle");
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    let polling = server.polling("/socket.io").await;
    let poll = tokio::spawn(async move { polling.get().await });
    within("the end of the clients", io.close()).await;
    assert!(poll.await.expect("an answer").ends_with('1'));
    assert_eq!(websocket.next().await, Message::Close(None));
    within("the end of the server", handle.stop(true)).await;
}
