//! Layers added after the server's run before it, those added before it only for routes.

mod support;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use socketio_axum::layer;

use support::{ECHO, POLLING, UPGRADE, WEBSOCKET, echo, request, serve};

/// The paths that a middleware has seen.
type Log = Arc<Mutex<Vec<String>>>;

async fn log(State(log): State<Log>, request: Request, next: Next) -> Response {
    log.lock().expect("no panic").push(request.uri().path().to_owned());
    next.run(request).await
}

#[tokio::test]
async fn what_comes_after_sees_the_servers_requests() {
    let (inner, outer) = (Log::default(), Log::default());
    let app = Router::new()
        .route("/", get(async || "home"))
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), log))
        .layer(layer(&echo()))
        .layer(middleware::from_fn_with_state(Arc::clone(&outer), log));
    let server = serve(app).await;
    server.get(POLLING).await.sid();
    server.get("/").await;
    assert_eq!(*inner.lock().expect("no panic"), ["/"]);
    assert_eq!(*outer.lock().expect("no panic"), ["/socket.io/", "/"]);
}

#[tokio::test]
async fn what_comes_after_decides_first() {
    async fn refuse(_: Request, _: Next) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }
    let io = echo();
    let server = serve(Router::new().layer(layer(&io)).layer(middleware::from_fn(refuse))).await;
    assert_eq!(server.get(POLLING).await.status, StatusCode::UNAUTHORIZED);
    let handshake = server.send(request("GET", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(handshake.status, StatusCode::UNAUTHORIZED);
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn a_route_that_comes_after_is_a_route_like_the_others() {
    let app = Router::new()
        .route("/before", get(async || "before"))
        .layer(layer(&echo()))
        .route("/after", get(async || "after"));
    let server = serve(app).await;
    assert_eq!(server.get("/before").await.text(), "before");
    assert_eq!(server.get("/after").await.text(), "after");
    assert_eq!(server.polling("/socket.io").await.ask(ECHO).await, ECHO);
}
