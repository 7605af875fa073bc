//! A server in tower stacks: over any body, and behind the layers that users put in front.

use std::{convert::Infallible, io::Read};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;
use socketio_tower::{Data, SocketIo, SocketIoLayer, SocketIoService};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::{
    compression::CompressionLayer, cors::CorsLayer, trace::TraceLayer,
    validate_request::ValidateRequestHeaderLayer,
};

const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

/// What a client sees of a response.
type Answer = (StatusCode, HeaderMap, Bytes);

async fn send<S, B, R>(service: &S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: Body,
    R::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.expect("no error");
    let (head, body) = response.into_parts();
    (head.status, head.headers, body.collect().await.expect("a body").to_bytes())
}

fn get(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).expect("a request")
}

fn sid(body: &[u8]) -> String {
    let handshake: Value = serde_json::from_slice(&body[1..]).expect("a handshake");
    handshake["sid"].as_str().expect("a sid").to_owned()
}

async fn inner<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new("the service within".into()))
}

fn server() -> SocketIo {
    let io = SocketIo::new();
    io.on("echo", |Data(text): Data<String>| Data(text));
    io
}

#[tokio::test]
async fn what_is_not_for_the_server_falls_through() {
    let service = SocketIoLayer::new(&server()).layer(service_fn(inner));
    assert!(send(&service, get(OPEN)).await.2.starts_with(b"0{"));
    for path in ["/", "/socket.iofoo/?EIO=4&transport=polling", "/socket", "/a/socket.io/"] {
        assert_eq!(send(&service, get(path)).await.2, "the service within", "{path}");
    }
}

#[tokio::test]
async fn the_path_is_an_option() {
    let io = SocketIo::builder().path("/a/b/").build().expect("valid options");
    let service = SocketIoLayer::new(&io).layer(service_fn(inner));
    assert!(send(&service, get("/a/b/?EIO=4&transport=polling")).await.2.starts_with(b"0{"));
    assert_eq!(send(&service, get(OPEN)).await.2, "the service within");
}

#[tokio::test]
async fn a_service_of_its_own_answers_every_path() {
    let service = SocketIoService::new(&server());
    assert!(send(&service, get("/?EIO=4&transport=polling")).await.2.starts_with(b"0{"));
    assert_eq!(send(&service, get("/")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn any_body_will_do() {
    let service = SocketIoService::new(&server());
    let uri = format!("{OPEN}&sid={}", sid(&send(&service, get(OPEN)).await.2));
    let chunks = ["40\x1e420[\"ec", "ho\",\"in ", "pieces\"]"];
    let frames =
        chunks.map(|chunk| Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(chunk))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post(&uri).body(body).expect("a request");
    assert_eq!(send(&service, request).await.2, "ok");
    let body = send(&service, get(&uri)).await.2;
    assert!(body.ends_with(b"\x1e430[\"in pieces\"]"), "{body:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_session() {
    let io = server();
    let service = SocketIoService::new(&io);
    let uri = format!("{OPEN}&sid={}", sid(&send(&service, get(OPEN)).await.2));
    let frames = [Ok(http_body::Frame::data(Bytes::from("4"))), Err("connection lost")];
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post(&uri).body(body).expect("a request");
    assert_eq!(send(&service, request).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&service, get(&uri)).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cors_in_front_adds_its_headers_and_answers_preflights() {
    let origin = "https://example.com".parse::<http::HeaderValue>().expect("an origin");
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CorsLayer::new().allow_origin(origin.clone()).allow_credentials(true))
        .layer(SocketIoLayer::new(&server()))
        .service_fn(inner);
    let mut request = get(OPEN);
    request.headers_mut().insert(header::ORIGIN, origin.clone());
    let (status, headers, _) = send(&service, request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let mut request = get(OPEN);
    *request.method_mut() = http::Method::OPTIONS;
    request.headers_mut().insert(header::ORIGIN, origin.clone());
    let (status, headers, _) = send(&service, request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
}

#[tokio::test]
async fn compression_in_front_compresses_payloads() {
    let io = server();
    let service = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .layer(SocketIoLayer::new(&io))
        .service_fn(inner);
    let uri = format!("{OPEN}&sid={}", sid(&send(&service, get(OPEN)).await.2));
    let connect = Request::post(&uri).body(Full::from("40")).expect("a request");
    send(&service, connect).await;
    send(&service, get(&uri)).await;
    io.emit("text", &"long ".repeat(1000)).expect("an event");
    let mut request = get(&uri);
    request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().expect("a value"));
    let (_, headers, body) = send(&service, request).await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert!(body.len() < 500);
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
    assert!(text.starts_with(r#"42["text","long long "#));
}

#[tokio::test]
async fn authorisation_in_front_lets_no_session_begin() {
    let io = server();
    #[allow(deprecated, reason = "the simplest of layers that refuse")]
    let service = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::bearer("secret"))
        .layer(SocketIoLayer::new(&io))
        .service_fn(inner);
    assert_eq!(send(&service, get(OPEN)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(io.clients_count(), 0);
    let mut request = get(OPEN);
    let token = "Bearer secret".parse().expect("a value");
    request.headers_mut().insert(header::AUTHORIZATION, token);
    assert_eq!(send(&service, request).await.0, StatusCode::OK);
    assert_eq!(io.clients_count(), 1);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let io = SocketIo::builder()
        .allowed_origins(["https://example.com"])
        .allow_request(|head| {
            let is_robot = head.headers.contains_key("x-robot");
            async move { if is_robot { Err("no robots".to_owned()) } else { Ok(()) } }
        })
        .build()
        .expect("valid options");
    let service = SocketIoService::new(&io);
    let with = |name: &'static str, value: &'static str| {
        let mut request = get(OPEN);
        request.headers_mut().insert(name, value.parse().expect("a value"));
        request
    };
    let (status, _, body) = send(&service, with("origin", "https://example.org")).await;
    assert_eq!(
        (status, &*body),
        (StatusCode::FORBIDDEN, &br#"{"code":4,"message":"Forbidden"}"#[..])
    );
    let (status, _, body) = send(&service, with("x-robot", "1")).await;
    assert_eq!(
        (status, &*body),
        (StatusCode::FORBIDDEN, &br#"{"code":4,"message":"no robots"}"#[..])
    );
    assert_eq!(send(&service, with("origin", "https://example.com")).await.0, StatusCode::OK);
    assert_eq!(send(&service, get(OPEN)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_stack_that_cannot_upgrade_says_so() {
    let io = server();
    let service = SocketIoService::new(&io);
    let mut request = get("/socket.io/?EIO=4&transport=websocket");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    assert_eq!(send(&service, request).await.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(io.clients_count(), 0);
}
