//! Requests to the server's path are the server's, all others the inner service's.

mod support;

use http::StatusCode;
use socketio_tower::{SocketIo, SocketIoLayer, SocketIoService};
use tower::{Layer, service_fn};

use support::{ECHO, POLLING, echo, echo_with, inner, serve};

#[tokio::test]
async fn a_layer_answers_its_path_and_what_is_below() {
    let server = serve(SocketIoLayer::new(&echo()).layer(service_fn(inner))).await;
    for path in ["/socket.io", "/socket.io/", "/socket.io/below"] {
        let answer = server.get(&format!("{path}?EIO=4&transport=polling")).await;
        assert!(answer.text().starts_with("0{"), "{path}: {}", answer.text());
    }
    let answer = server.get("/socket.io/?transport=none").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text(), r#"{"code":0,"message":"Transport unknown"}"#);
}

#[tokio::test]
async fn all_other_paths_fall_through() {
    let io = echo();
    let server = serve(SocketIoLayer::new(&io).layer(service_fn(inner))).await;
    for path in ["/", "/socket", "/socket.iofoo", "/Socket.io/", "/a/socket.io/", "//socket.io/"] {
        let answer = server.get(&format!("{path}?EIO=4&transport=polling")).await;
        assert_eq!(answer.text(), "the service within", "{path}");
    }
    assert_eq!(server.post("/form", "a=b").await.text(), "the service within");
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn the_path_is_an_option() {
    let io = echo_with(SocketIo::builder().path("/real/time/"));
    let server = serve(SocketIoLayer::new(&io).layer(service_fn(inner))).await;
    let polling = server.polling("/real/time").await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = server.websocket("/real/time").await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    for path in [POLLING, "/real", "/real/times/?EIO=4&transport=polling"] {
        assert_eq!(server.get(path).await.text(), "the service within", "{path}");
    }
}

#[tokio::test]
async fn two_servers_live_behind_each_other() {
    let first = echo();
    let second = echo_with(SocketIo::builder().path("/second"));
    let service = SocketIoLayer::new(&second).layer(service_fn(inner));
    let server = serve(SocketIoLayer::new(&first).layer(service)).await;
    for path in ["/socket.io", "/second"] {
        assert_eq!(server.polling(path).await.ask(ECHO).await, ECHO);
    }
    assert_eq!((first.clients_count(), second.clients_count()), (1, 1));
    assert_eq!(server.get("/").await.text(), "the service within");
}

#[tokio::test]
async fn a_service_of_its_own_answers_every_path() {
    let server = serve(SocketIoService::new(&echo())).await;
    let polling = server.polling("/any/path").await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.status, StatusCode::BAD_REQUEST);
}
