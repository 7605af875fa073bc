//! CORS is the business of a layer in front, for polling as for any other response.

mod support;

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use socketio_tower::SocketIoLayer;
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;

use support::{ECHO, POLLING, Server, echo, inner, request, serve};

const PAGE: &str = "https://page.example";

async fn server() -> Server {
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static(PAGE))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION])
        .max_age(Duration::from_secs(60));
    let service =
        ServiceBuilder::new().layer(cors).layer(SocketIoLayer::new(&echo())).service_fn(inner);
    serve(service).await
}

#[tokio::test]
async fn a_page_of_another_origin_may_poll() {
    let server = server().await;
    let open = server.send(request("GET", POLLING, &[("origin", PAGE)])).await;
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let uri = format!("{POLLING}&sid={}", open.sid());
    let post = request("POST", &uri, &[("origin", PAGE)]).map(|_| "40".into());
    let post = server.send(post).await;
    assert_eq!(post.text(), "ok");
    assert_eq!(post.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
}

#[tokio::test]
async fn a_refusal_can_be_read_by_the_page_as_well() {
    let server = server().await;
    let uri = format!("{POLLING}&sid=unknown");
    let answer = server.send(request("GET", &uri, &[("origin", PAGE)])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
}

#[tokio::test]
async fn a_preflight_is_answered_in_front() {
    let server = server().await;
    let headers = [
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = server.send(request("OPTIONS", POLLING, &headers)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS], "authorization");
    assert_eq!(answer.headers[header::ACCESS_CONTROL_MAX_AGE], "60");
}

#[tokio::test]
async fn a_websocket_opens_all_the_same() {
    let server = server().await;
    let mut websocket = server.websocket_with(support::WEBSOCKET, &[("origin", PAGE)]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}
