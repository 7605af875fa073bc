//! What is wrong with a websocket handshake is said before the 101.

mod support;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use socketio_tower::{SocketIoLayer, SocketIoService};
use tower::{Layer, ServiceExt, service_fn};

use support::{ECHO, Server, UPGRADE, WEBSOCKET, echo, inner, request, serve};

async fn server() -> Server {
    serve(SocketIoLayer::new(&echo()).layer(service_fn(inner))).await
}

/// A good handshake but for one header.
fn with(name: &str, value: Option<&'static str>) -> Request<Full<Bytes>> {
    let mut request = request("GET", WEBSOCKET, &UPGRADE);
    let name = HeaderName::try_from(name).expect("a name");
    request.headers_mut().remove(&name);
    if let Some(value) = value {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn a_good_one_gets_the_accept_key_of_the_rfc() {
    let answer = server().await.send(request("GET", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(answer.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(answer.headers[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(answer.headers[header::UPGRADE], "websocket");
    assert_eq!(answer.headers[header::CONNECTION], "Upgrade");
}

#[tokio::test]
async fn another_version_is_answered_with_the_one_that_is_spoken() {
    let server = server().await;
    for version in [Some("8"), Some("14"), Some("x"), None] {
        let answer = server.send(with("sec-websocket-version", version)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{version:?}");
        assert_eq!(answer.headers[header::SEC_WEBSOCKET_VERSION], "13", "{version:?}");
    }
}

#[tokio::test]
async fn a_key_is_16_bytes_in_base64() {
    let server = server().await;
    for key in [Some("c2hvcnQ="), Some("no base64 at all"), None] {
        let answer = server.send(with("sec-websocket-key", key)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key:?}");
        assert_eq!(answer.text(), "Missing or invalid Sec-WebSocket-Key header");
    }
}

#[tokio::test]
async fn without_an_upgrade_there_is_no_websocket() {
    let server = server().await;
    for upgrade in [Some("h2c"), None] {
        let answer = server.send(with("upgrade", upgrade)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{upgrade:?}");
        assert_eq!(answer.text(), r#"{"code":3,"message":"Bad request"}"#);
    }
}

#[tokio::test]
async fn a_session_survives_a_handshake_that_failed() {
    let server = server().await;
    let polling = server.polling("/socket.io").await;
    let (_, sid) = polling.uri.split_once("&sid=").expect("a sid");
    let mut request = with("sec-websocket-version", Some("8"));
    *request.uri_mut() = format!("{WEBSOCKET}&sid={sid}").parse().expect("a URI");
    assert_eq!(server.send(request).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn only_a_get_opens_a_websocket() {
    let server = server().await;
    let answer = server.send(request("POST", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text(), "Bad handshake method");
    let polling = server.polling("/socket.io").await;
    let (_, sid) = polling.uri.split_once("&sid=").expect("a sid");
    let uri = format!("{WEBSOCKET}&sid={sid}");
    let answer = server.send(request("POST", &uri, &UPGRADE)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(polling.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn a_server_that_cannot_upgrade_says_so() {
    let io = echo();
    // Without hyper under it, a request has nothing to take the connection over by.
    let service = SocketIoService::new(&io);
    let Ok(response) = service.oneshot(request("GET", WEBSOCKET, &UPGRADE)).await;
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    assert_eq!(io.clients_count(), 0);
}
