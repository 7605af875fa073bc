//! Closing the Socket.IO server ends its clients, while the HTTP server goes on.

mod support;

use std::pin::pin;

use futures_util::FutureExt;
use http::StatusCode;
use http_body_util::BodyExt;
use socketio_tower::{SocketIo, SocketIoLayer, SocketIoService};
use tokio_tungstenite::tungstenite::Message;
use tower::{Layer, ServiceExt, service_fn};

use support::{POLLING, Server, UPGRADE, WEBSOCKET, echo, inner, request, serve, within};

async fn server(io: &SocketIo) -> Server {
    serve(SocketIoLayer::new(io).layer(service_fn(inner))).await
}

#[tokio::test]
async fn a_websocket_gets_what_is_queued_and_a_close_frame() {
    let io = echo();
    let mut websocket = server(&io).await.websocket("/socket.io").await;
    websocket.join().await;
    io.emit("last words", &()).expect("an event");
    within("the end", io.close()).await;
    assert_eq!(websocket.text().await, r#"42["last words"]"#);
    assert_eq!(websocket.next().await, Message::Close(None));
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn a_poll_that_waits_is_told() {
    let io = echo();
    let polling = server(&io).await.polling("/socket.io").await;
    // Called without a server between, so as to know when it waits.
    let poll = SocketIoService::new(&io).oneshot(request("GET", &polling.uri, &[]));
    let mut poll = pin!(poll);
    assert!(poll.as_mut().now_or_never().is_none());
    let (Ok(response), ()) = within("the end", async { tokio::join!(poll, io.close()) }).await;
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, "1");
}

#[tokio::test]
async fn a_session_between_two_polls_is_told_by_the_next() {
    let io = echo();
    let polling = server(&io).await.polling("/socket.io").await;
    let (payload, ()) = within("the end", async { tokio::join!(polling.get(), io.close()) }).await;
    assert!(payload.ends_with('1'), "{payload}");
}

#[tokio::test]
async fn new_clients_are_sent_away() {
    let io = echo();
    let server = server(&io).await;
    within("the end", io.close()).await;
    let polling = server.get(POLLING).await;
    assert_eq!(polling.status, StatusCode::SERVICE_UNAVAILABLE);
    let websocket = server.send(request("GET", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(websocket.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn other_routes_and_other_servers_go_on() {
    let io = echo();
    let other = support::echo_with(SocketIo::builder().path("/other"));
    let service = SocketIoLayer::new(&other).layer(service_fn(inner));
    let server = serve(SocketIoLayer::new(&io).layer(service)).await;
    let mut websocket = server.websocket("/other").await;
    websocket.join().await;
    within("the end", io.close()).await;
    assert_eq!(server.get("/").await.text(), "the service within");
    assert_eq!(websocket.ask(support::ECHO).await, support::ECHO);
}
