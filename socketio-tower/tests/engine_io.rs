//! A bare Engine.IO server, mounted by the same layer.

mod support;

use bytes::Bytes;
use http::StatusCode;
use socketio_tower::{EngineIo, EngineSocket, SocketIoLayer};
use tokio_tungstenite::tungstenite::Message;
use tower::{Layer, service_fn};

use support::{Server, echo, inner, serve, within};

fn engine() -> EngineIo {
    let engine = EngineIo::builder().build_engine(|mut socket: EngineSocket| async move {
        while let Some(message) = socket.recv().await {
            if socket.send(message).is_err() {
                break;
            }
        }
    });
    engine.expect("valid options")
}

async fn server(engine: &EngineIo) -> Server {
    serve(SocketIoLayer::new(engine).layer(service_fn(inner))).await
}

#[tokio::test]
async fn echoes_by_polling() {
    let server = server(&engine()).await;
    let open = server.get("/engine.io/?EIO=4&transport=polling").await;
    let uri = format!("/engine.io/?EIO=4&transport=polling&sid={}", open.sid());
    assert_eq!(server.post(&uri, "4hello\x1ebAQID").await.text(), "ok");
    assert_eq!(server.get(&uri).await.text(), "4hello\x1ebAQID");
}

#[tokio::test]
async fn echoes_by_websocket() {
    let mut websocket = server(&engine()).await.websocket("/engine.io").await;
    assert!(websocket.text().await.starts_with("0{"));
    assert_eq!(websocket.ask("4hello").await, "4hello");
    websocket.send(Bytes::from_static(&[1, 2, 3])).await;
    assert_eq!(websocket.next().await, Message::binary(vec![1, 2, 3]));
}

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

#[tokio::test]
async fn closing_ends_its_clients() {
    let engine = engine();
    let server = server(&engine).await;
    let mut websocket = server.websocket("/engine.io").await;
    assert!(websocket.text().await.starts_with("0{"));
    within("the end", engine.close()).await;
    assert_eq!(websocket.next().await, Message::Close(None));
    assert_eq!(engine.clients_count(), 0);
    let answer = server.get("/engine.io/?EIO=4&transport=polling").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
