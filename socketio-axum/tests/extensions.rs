//! Handlers read what middleware left with the request, and see what it changed.

#[path = "../../socketio-tower/tests/stories/extensions.rs"]
mod stories;
mod support;

use axum::{
    Router,
    extract::{OriginalUri, Request, State},
    http::HeaderValue,
    middleware::{self, Next},
    response::Response,
};
use socketio_axum::{ConnectError, Data, Extension, Handshake, RouterExt, SocketIo, layer};

use stories::{ALICE, User, WHO, io};
use support::{Server, serve};

/// Takes the user's name from a header, as real middleware would from a cookie or a token.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let name = request.headers().get(ALICE.0).and_then(|name| name.to_str().ok());
    if let Some(name) = name.map(str::to_owned) {
        request.extensions_mut().insert(User(name));
    }
    next.run(request).await
}

async fn server(io: &SocketIo) -> Server {
    serve(Router::new().layer(layer(io)).layer(middleware::from_fn(sign_in))).await
}

#[tokio::test]
async fn also_where_the_server_is_a_route() {
    let api = Router::new().socketio(&io()).route_layer(middleware::from_fn(sign_in));
    let server = serve(Router::new().nest("/api", api)).await;
    let alice = server.polling_with("/api/socket.io", &[ALICE]).await;
    assert_eq!(alice.ask(WHO).await, r#"430["alice"]"#);
}

#[tokio::test]
async fn what_axum_itself_leaves_is_there_too() {
    let io = SocketIo::new();
    io.on("uri", |Extension(OriginalUri(uri)): Extension<OriginalUri>| Data(uri.path().to_owned()));
    let app = Router::new().nest("/api", Router::new().socketio(&io));
    let polling = serve(app).await.polling("/api/socket.io").await;
    assert_eq!(polling.ask(r#"420["uri"]"#).await, r#"430["/api/socket.io/"]"#);
}

#[tokio::test]
async fn an_extension_layer_is_middleware_too() {
    let app = Router::new().layer(layer(&io())).layer(axum::Extension(User("shared".into())));
    let polling = serve(app).await.polling("/socket.io").await;
    assert_eq!(polling.ask(WHO).await, r#"430["shared"]"#);
}

#[tokio::test]
async fn who_is_not_signed_in_can_be_refused_a_namespace() {
    let io = io();
    io.of("/members").middleware(async |user: Option<Extension<User>>| match user {
        Some(_) => Ok(()),
        None => Err(ConnectError::new("sign in first")),
    });
    let server = server(&io).await;
    let alice = server.polling_with("/socket.io", &[ALICE]).await;
    assert!(alice.ask("40/members,").await.starts_with("40/members,{"));
    let nobody = server.polling("/socket.io").await;
    let refused = r#"44/members,{"message":"sign in first"}"#;
    assert_eq!(nobody.ask("40/members,").await, refused);
}

#[tokio::test]
async fn the_handshake_is_the_request_as_middleware_left_it() {
    async fn stamp(
        State(stamp): State<&'static str>,
        mut request: Request,
        next: Next,
    ) -> Response {
        request.headers_mut().insert("x-stamp", HeaderValue::from_static(stamp));
        next.run(request).await
    }
    let io = SocketIo::new();
    io.on("stamp", |handshake: Handshake| {
        let stamp = handshake.headers().get("x-stamp");
        Data(stamp.and_then(|stamp| stamp.to_str().ok()).map(str::to_owned))
    });
    let app = Router::new().layer(layer(&io)).layer(middleware::from_fn_with_state("seen", stamp));
    let polling = serve(app).await.polling("/socket.io").await;
    assert_eq!(polling.ask(r#"420["stamp"]"#).await, r#"430["seen"]"#);
}
