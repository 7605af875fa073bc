//! The layer on a router: it answers its path, and the router all others.

mod support;

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use socketio_axum::{SocketIo, layer};

use support::{ECHO, POLLING, echo, echo_with, serve};

#[tokio::test]
async fn the_routes_go_on() {
    let app = Router::new()
        .route("/", get(async || "home"))
        .route("/users/{name}", get(async |Path(name): Path<String>| name))
        .route("/socket.iofoo", get(async || "neighbour"))
        .layer(layer(&echo()));
    let server = serve(app).await;
    assert_eq!(server.polling("/socket.io").await.ask(ECHO).await, ECHO);
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.text(), "home");
    assert_eq!(server.get("/users/alice").await.text(), "alice");
    assert_eq!(server.get("/socket.iofoo").await.text(), "neighbour");
    assert_eq!(server.post("/", "a=b").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_fallback_gets_what_is_left() {
    let app = Router::new()
        .fallback(async || (StatusCode::NOT_FOUND, "nothing here"))
        .layer(layer(&echo()));
    let server = serve(app).await;
    let answer = server.get("/elsewhere").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, "nothing here"));
    assert_eq!(server.polling("/socket.io").await.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn a_router_without_routes_will_do() {
    let server = serve(Router::new().layer(layer(&echo()))).await;
    assert_eq!(server.polling("/socket.io").await.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_path_is_an_option() {
    let io = echo_with(SocketIo::builder().path("/real/time"));
    let server = serve(Router::new().layer(layer(&io))).await;
    assert_eq!(server.polling("/real/time").await.ask(ECHO).await, ECHO);
    assert_eq!(server.get(POLLING).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_route_that_would_catch_everything_does_not_catch_the_server() {
    let app = Router::new().route("/{*path}", get(async || "page")).layer(layer(&echo()));
    let server = serve(app).await;
    assert_eq!(server.get("/any/page").await.text(), "page");
    assert_eq!(server.polling("/socket.io").await.ask(ECHO).await, ECHO);
}
