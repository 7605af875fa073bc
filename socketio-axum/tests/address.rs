//! The client's address, from axum's `ConnectInfo`.

mod support;

use std::net::SocketAddr;

use axum::{Router, extract::ConnectInfo};
use socketio_axum::{Data, Handshake, RouterExt, SocketIo, layer};

use support::{Server, serve};

const ASK: &str = r#"420["address"]"#;

fn io() -> SocketIo {
    let io = SocketIo::new();
    io.on("address", |handshake: Handshake| Data(handshake.address()));
    io
}

/// Asks by both transports for the address, and expects that of the first request.
async fn knows_its_clients(server: Server, path: &str) {
    let polling = server.polling(path).await;
    assert_eq!(polling.ask(ASK).await, format!(r#"430["{}"]"#, polling.from));
    let mut websocket = server.websocket(path).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ASK).await, format!(r#"430["{}"]"#, websocket.from));
}

#[tokio::test]
async fn is_known_to_a_layer() {
    knows_its_clients(serve(Router::new().layer(layer(&io()))).await, "/socket.io").await;
}

#[tokio::test]
async fn is_known_to_a_nested_route() {
    let app = Router::new().nest("/api", Router::new().socketio(&io()));
    knows_its_clients(serve(app).await, "/api/socket.io").await;
}

#[tokio::test]
async fn middleware_may_say_another() {
    let client = SocketAddr::from(([192, 0, 2, 1], 1234));
    let app = Router::new().layer(layer(&io())).layer(axum::Extension(ConnectInfo(client)));
    let polling = serve(app).await.polling("/socket.io").await;
    assert_eq!(polling.ask(ASK).await, r#"430["192.0.2.1:1234"]"#);
}
