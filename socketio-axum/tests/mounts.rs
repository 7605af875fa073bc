//! Where a server can be mounted in axum, and that all mounts are one server.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use serde_json::Value;
use socketio_axum::{Data, Extension, Handshake, RouterExt, Socket, SocketIo, layer, service};
use tower::ServiceExt;

/// Sends a request to a router, as a server would.
async fn send(app: &Router, method: &str, uri: &str, body: &'static str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(uri).body(Body::from(body));
    let response = app.clone().oneshot(request.expect("a request")).await.expect("no error");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

/// Opens a polling session below `path` and joins `/`. Gives its URI.
async fn connect(app: &Router, path: &str) -> String {
    let uri = format!("{path}/?EIO=4&transport=polling");
    let (status, body) = send(app, "GET", &uri, "").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let handshake: Value = serde_json::from_str(&body[1..]).expect("a handshake");
    let uri = format!("{uri}&sid={}", handshake["sid"].as_str().expect("a sid"));
    assert_eq!(send(app, "POST", &uri, "40").await.1, "ok");
    assert!(send(app, "GET", &uri, "").await.1.starts_with("40{"));
    uri
}

/// Asks over an open session.
async fn ask(app: &Router, uri: &str, event: &'static str) -> String {
    assert_eq!(send(app, "POST", uri, event).await.1, "ok");
    send(app, "GET", uri, "").await.1
}

fn server() -> SocketIo {
    let io = SocketIo::new();
    io.on("echo", |Data(n): Data<u32>| Data(n));
    io
}

const ECHO: &str = r#"420["echo",7]"#;

#[tokio::test]
async fn a_layer_answers_its_path_and_leaves_the_rest_to_the_router() {
    let app = Router::new()
        .route("/", get(async || "home"))
        .route("/socket.iofoo", get(async || "neighbour"))
        .fallback(async || (StatusCode::NOT_FOUND, "nothing here"))
        .layer(layer(&server()));
    let uri = connect(&app, "/socket.io").await;
    assert_eq!(ask(&app, &uri, ECHO).await, "430[7]");
    assert_eq!(send(&app, "GET", "/", "").await.1, "home");
    assert_eq!(send(&app, "GET", "/socket.iofoo", "").await.1, "neighbour");
    let (status, body) = send(&app, "GET", "/other", "").await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "nothing here"));
}

#[tokio::test]
async fn a_route_answers_at_any_path_also_in_a_nested_router() {
    let io = server();
    let app = Router::new()
        .nest("/api", Router::new().socketio(&io))
        .nest_service("/elsewhere", service(&io));
    for path in ["/api/socket.io", "/elsewhere"] {
        let uri = connect(&app, path).await;
        assert_eq!(ask(&app, &uri, ECHO).await, "430[7]", "{path}");
    }
    assert_eq!(send(&app, "GET", "/socket.io/?EIO=4", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn all_mounts_share_the_sessions() {
    let io = server();
    let app = Router::new()
        .route("/a", get(async || "a").layer(layer(&io)))
        .nest("/one", Router::new().socketio(&io))
        .nest("/two", Router::new().socketio(&io))
        .layer(layer(&io));
    let uri = connect(&app, "/one/socket.io").await;
    let (_, query) = uri.split_once('?').expect("a query");
    let two = format!("/two/socket.io/?{query}");
    let top = format!("/socket.io/?{query}");
    assert_eq!(send(&app, "POST", &two, ECHO).await.1, "ok");
    assert_eq!(send(&app, "GET", &top, "").await.1, "430[7]");
    assert_eq!(io.clients_count(), 1);
}

#[derive(Clone)]
struct User(String);

async fn sign_in(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(User("alice".into()));
    next.run(request).await
}

#[tokio::test]
async fn handlers_read_what_middleware_left_with_the_request() {
    let io = server();
    io.on("who", |Extension(user): Extension<User>, handshake: Handshake| {
        Data((user.0, handshake.address()))
    });
    let address = SocketAddr::from(([192, 0, 2, 1], 1234));
    let app = Router::new()
        .layer(layer(&io))
        .layer(middleware::from_fn(sign_in))
        .layer(axum::Extension(ConnectInfo(address)));
    let uri = connect(&app, "/socket.io").await;
    let answer = ask(&app, &uri, r#"420["who"]"#).await;
    assert_eq!(answer, r#"430["alice","192.0.2.1:1234"]"#);
}

#[tokio::test]
async fn an_http_handler_emits() {
    let io = server();
    io.on_connect(|socket: Socket| socket.join("news"));
    async fn announce(State(io): State<SocketIo>) -> &'static str {
        io.to("news").emit("announcement", "lunch").expect("an event");
        "told"
    }
    let app =
        Router::new().route("/announce", get(announce)).with_state(io.clone()).layer(layer(&io));
    let uri = connect(&app, "/socket.io").await;
    assert_eq!(send(&app, "GET", "/announce", "").await.1, "told");
    assert_eq!(send(&app, "GET", &uri, "").await.1, r#"42["announcement","lunch"]"#);
}

#[tokio::test]
async fn middleware_in_front_decides_first() {
    let io = server();
    async fn refuse(_: Request, _: Next) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }
    let app = Router::new().layer(layer(&io)).layer(middleware::from_fn(refuse));
    let (status, _) = send(&app, "GET", "/socket.io/?EIO=4&transport=polling", "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(io.clients_count(), 0);
}
