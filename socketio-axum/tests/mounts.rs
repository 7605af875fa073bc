//! However often a server is mounted, it is one server: its mounts share the sessions.

mod support;

use axum::{
    Router,
    routing::{get, get_service},
};
use socketio_axum::{RouterExt, layer, service};

use support::{ECHO, echo, serve};

#[tokio::test]
async fn a_session_goes_from_mount_to_mount() {
    let io = echo();
    let app = Router::new()
        .nest("/one", Router::new().socketio(&io))
        .nest_service("/two", service(&io))
        .nest("/three", Router::new().socketio(&io))
        .layer(layer(&io));
    let server = serve(app).await;
    let polling = server.polling("/socket.io").await;
    polling.at("/one/socket.io").post(ECHO).await;
    assert_eq!(polling.at("/two").get().await, ECHO);
    let mut websocket = polling.upgrade("/three/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(io.clients_count(), 1);
}

#[tokio::test]
async fn an_event_reaches_the_clients_of_all_mounts() {
    let io = echo();
    let app = Router::new().nest("/api", Router::new().socketio(&io)).layer(layer(&io));
    let server = serve(app).await;
    let mut here = server.websocket("/socket.io").await;
    here.join().await;
    let mut there = server.websocket("/api/socket.io").await;
    there.join().await;
    io.emit("news", "all").expect("an event");
    assert_eq!(here.text().await, r#"42["news","all"]"#);
    assert_eq!(there.text().await, r#"42["news","all"]"#);
}

#[tokio::test]
async fn two_http_servers_share_one() {
    let io = echo();
    let first = serve(Router::new().layer(layer(&io))).await;
    let second = serve(Router::new().socketio(&io)).await;
    let polling = first.polling("/socket.io").await;
    let (_, query) = polling.uri.split_once('?').expect("a query");
    assert_eq!(second.post(&format!("/socket.io/?{query}"), ECHO).await.text(), "ok");
    assert_eq!(polling.get().await, ECHO);
}

#[tokio::test]
async fn each_method_may_have_a_mount_of_its_own() {
    let io = echo();
    let app = Router::new().route(
        "/socket.io/",
        get_service(service(&io)).post_service(service(&io)).options(async || "options"),
    );
    let server = serve(app).await;
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn a_layer_may_be_on_single_routes() {
    let io = echo();
    let app = Router::new()
        .route("/socket.io/", get(async || "never reached").layer(layer(&io)))
        .route("/other", get(async || "other").layer(layer(&io)));
    let server = serve(app).await;
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/other").await.text(), "other");
    assert_eq!(io.clients_count(), 1);
}
