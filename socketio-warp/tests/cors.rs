//! CORS with credentials, by `warp::cors()`, and the origins that websockets may come from.

#[macro_use]
mod support;

use http::{StatusCode, header};
use socketio_warp::{SocketIo, filter};
use warp::Filter;

use support::{ECHO, POLLING, Server, UPGRADE, WEBSOCKET, echo, echo_with, request};

const PAGE: (&str, &str) = ("origin", "https://page.example");
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");

async fn server(io: &SocketIo) -> Server {
    let cors = warp::cors()
        .allow_origin(PAGE.1)
        .allow_methods(["GET", "POST"])
        .allow_credentials(true)
        .build();
    let vary = warp::reply::with::header("vary", "origin");
    let home = warp::path::end().map(|| "home");
    serve!(filter(io).with(cors).with(vary).or(home))
}

#[tokio::test]
async fn a_page_may_poll_with_its_cookies() {
    let server = server(&echo()).await;
    let open = server.send(request("GET", POLLING, &[PAGE])).await;
    let uri = format!("{POLLING}&sid={}", open.sid());
    let post = server.send(request("POST", &uri, &[PAGE]).map(|_| "40".into())).await;
    assert_eq!(post.text(), "ok");
    for answer in [open, post] {
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(answer.headers[header::VARY], "origin");
    }
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let headers = [PAGE, ("access-control-request-method", "POST")];
    let answer = server(&echo()).await.send(request("OPTIONS", POLLING, &headers)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let methods = answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().expect("text");
    assert!(methods.contains("GET") && methods.contains("POST"), "{methods}");
}

/// warp even rejects it.
#[tokio::test]
async fn a_page_of_another_origin_is_not_named() {
    let open = server(&echo()).await.send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(open.status, StatusCode::FORBIDDEN);
    assert_eq!(open.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

#[tokio::test]
async fn websockets_and_other_routes_go_on() {
    let server = server(&echo()).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.text(), "home");
}

#[tokio::test]
async fn the_allowed_origins_hold_for_websockets_too() {
    let io = echo_with(SocketIo::builder().allowed_origins([PAGE.1]));
    let server = serve!(filter(&io));
    let mut websocket = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    websocket.join().await;
    let stranger: Vec<_> = UPGRADE.into_iter().chain([STRANGER]).collect();
    let refused = server.send(request("GET", WEBSOCKET, &stranger)).await;
    assert_eq!((refused.status, refused.text()), (StatusCode::BAD_REQUEST, "Forbidden"));
}
