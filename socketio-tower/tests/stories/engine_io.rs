//! A bare Engine.IO server, mounted alike in every framework.

use bytes::Bytes;
use http::StatusCode;
use socketio_core::{EngineIo, EngineSocket};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{serve_io, within};

/// An engine that sends every message back.
pub(crate) fn engine() -> EngineIo {
    let engine = EngineIo::builder().build_engine(|mut socket: EngineSocket| async move {
        while let Some(message) = socket.recv().await {
            if socket.send(message).is_err() {
                break;
            }
        }
    });
    engine.expect("valid options")
}

#[tokio::test]
async fn echoes_by_polling() {
    let server = serve_io(&engine()).await;
    let open = server.get("/engine.io/?EIO=4&transport=polling").await;
    let uri = format!("/engine.io/?EIO=4&transport=polling&sid={}", open.sid());
    assert_eq!(server.post(&uri, "4hello\x1ebAQID").await.text(), "ok");
    assert_eq!(server.get(&uri).await.text(), "4hello\x1ebAQID");
}

#[tokio::test]
async fn echoes_by_websocket() {
    let mut websocket = serve_io(&engine()).await.websocket("/engine.io").await;
    assert!(websocket.text().await.starts_with("0{"));
    assert_eq!(websocket.ask("4hello").await, "4hello");
    websocket.send(Bytes::from_static(&[1, 2, 3])).await;
    assert_eq!(websocket.next().await, Message::binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn closing_ends_its_clients() {
    let engine = engine();
    let server = serve_io(&engine).await;
    let mut websocket = server.websocket("/engine.io").await;
    assert!(websocket.text().await.starts_with("0{"));
    within("the end", engine.close()).await;
    assert_eq!(websocket.next().await, Message::Close(None));
    assert_eq!(engine.clients_count(), 0);
    let answer = server.get("/engine.io/?EIO=4&transport=polling").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
