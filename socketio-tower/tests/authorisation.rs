//! A layer in front that refuses requests lets no session begin.

mod support;

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use socketio_tower::{Data, Extension, ResponseBody, SocketIo, SocketIoLayer};
use tower::ServiceBuilder;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use support::{POLLING, Server, UPGRADE, WEBSOCKET, inner, request, serve};

const TOKEN: (&str, &str) = ("authorization", "Bearer alice");

/// Who the layer in front found the client to be.
#[derive(Clone)]
struct User(String);

fn io() -> SocketIo {
    let io = SocketIo::new();
    io.on("who", |Extension(User(name)): Extension<User>| Data(name));
    io
}

async fn server(io: &SocketIo) -> Server {
    let service = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::custom(authorise))
        .layer(SocketIoLayer::new(io))
        .service_fn(inner);
    serve(service).await
}

type Refusal = Response<ResponseBody<Full<bytes::Bytes>>>;

#[expect(clippy::result_large_err, reason = "the layer wants it so")]
fn authorise(request: &mut Request<Incoming>) -> Result<(), Refusal> {
    let token = request.headers().get("authorization").and_then(|token| token.to_str().ok());
    match token.and_then(|token| token.strip_prefix("Bearer ")) {
        Some(name) => {
            let user = User(name.to_owned());
            request.extensions_mut().insert(user);
            Ok(())
        }
        None => {
            let mut refusal = Response::new(ResponseBody::default());
            *refusal.status_mut() = StatusCode::UNAUTHORIZED;
            Err(refusal)
        }
    }
}

#[tokio::test]
async fn who_has_no_token_gets_no_session() {
    let io = io();
    let server = server(&io).await;
    assert_eq!(server.get(POLLING).await.status, StatusCode::UNAUTHORIZED);
    let answer = server.send(request("GET", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn a_session_is_of_no_use_without_the_token() {
    let server = server(&io()).await;
    let open = server.send(request("GET", POLLING, &[TOKEN])).await;
    let uri = format!("{POLLING}&sid={}", open.sid());
    assert_eq!(server.post(&uri, "40").await.status, StatusCode::UNAUTHORIZED);
    let post = request("POST", &uri, &[TOKEN]).map(|_| "40".into());
    assert_eq!(server.send(post).await.text(), "ok");
}

#[tokio::test]
async fn who_has_one_is_known_to_the_handlers() {
    let io = io();
    let server = server(&io).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[TOKEN]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(r#"420["who"]"#).await, r#"430["alice"]"#);
    assert_eq!(io.clients_count(), 1);
}
