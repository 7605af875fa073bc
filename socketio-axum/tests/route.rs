//! The server as a route, at the top of a router and in nested ones.

mod support;

use axum::{Router, http::StatusCode, routing::get};
use socketio_axum::{RouterExt, SocketIo, service};

use support::{POLLING, echo, echo_with, serve};

#[tokio::test]
async fn a_route_is_the_path_and_what_is_below() {
    let app = Router::new()
        .route("/", get(async || "home"))
        .fallback(async || (StatusCode::NOT_FOUND, "nothing here"))
        .socketio(&echo());
    let server = serve(app).await;
    server.echoes_at("/socket.io").await;
    for path in ["/socket.io", "/socket.io/", "/socket.io/below/it"] {
        server.get(&format!("{path}?EIO=4&transport=polling")).await.sid();
    }
    assert_eq!(server.get("/").await.text(), "home");
    assert_eq!(server.get("/socket.iofoo").await.text(), "nothing here");
}

#[tokio::test]
async fn a_nested_router_adds_its_prefix() {
    let api = Router::new().route("/users", get(async || "alice")).socketio(&echo());
    let server = serve(Router::new().nest("/api", api)).await;
    server.echoes_at("/api/socket.io").await;
    assert_eq!(server.get("/api/users").await.text(), "alice");
    assert_eq!(server.get(POLLING).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_prefix_may_hold_a_parameter() {
    let app = Router::new().nest("/tenants/{tenant}", Router::new().socketio(&echo()));
    let server = serve(app).await;
    server.echoes_at("/tenants/a/socket.io").await;
    server.echoes_at("/tenants/b/socket.io").await;
}

#[tokio::test]
async fn routers_with_servers_merge() {
    let other = echo_with(SocketIo::builder().path("/other"));
    let server = serve(Router::new().socketio(&echo()).merge(Router::new().socketio(&other))).await;
    server.echoes_at("/socket.io").await;
    server.echoes_at("/other").await;
}

#[tokio::test]
async fn a_service_is_nested_at_any_path() {
    let server = serve(Router::new().nest_service("/elsewhere", service(&echo()))).await;
    server.echoes_at("/elsewhere").await;
}

#[tokio::test]
async fn a_service_is_a_fallback_as_well() {
    let app = Router::new().route("/", get(async || "home")).fallback_service(service(&echo()));
    let server = serve(app).await;
    server.echoes_at("/anywhere").await;
    assert_eq!(server.get("/").await.text(), "home");
}
