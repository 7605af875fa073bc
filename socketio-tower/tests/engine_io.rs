//! A bare Engine.IO server, as in every framework, and beside a Socket.IO server.

#[path = "stories/engine_io.rs"]
mod stories;
mod support;

use socketio_tower::SocketIoLayer;
use tower::{Layer, service_fn};

use stories::engine;
use support::{echo, inner, serve};

#[tokio::test]
async fn lives_beside_a_socket_io_server() {
    let service = SocketIoLayer::new(&engine()).layer(service_fn(inner));
    let server = serve(SocketIoLayer::new(&echo()).layer(service)).await;
    let mut websocket = server.websocket("/engine.io").await;
    assert!(websocket.text().await.starts_with("0{"));
    assert_eq!(websocket.ask("40").await, "40");
    server.websocket("/socket.io").await.join().await;
    assert_eq!(server.get("/").await.text(), "the service within");
}
