//! A graceful shutdown: the Socket.IO server says goodbye, so that axum has nobody to wait for.

mod support;

use std::net::SocketAddr;

use axum::Router;
use socketio_axum::layer;
use tokio::{net::TcpListener, sync::oneshot};
use tokio_tungstenite::tungstenite::Message;

use support::{Server, echo, within};

#[tokio::test]
async fn ends_the_clients_and_then_the_server() {
    let io = echo();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = Router::new().layer(layer(&io));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            let _ = stopped.await;
            io.close().await;
        });
    let serving = tokio::spawn(async { serving.await });

    let server = Server(address);
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    let polling = server.polling("/socket.io").await;
    stop.send(()).expect("a running server");
    assert!(polling.get().await.ends_with('1'));
    assert_eq!(websocket.next().await, Message::Close(None));
    within("the end", serving).await.expect("no panic").expect("no error");
}
