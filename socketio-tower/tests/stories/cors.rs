//! CORS with credentials for one page, as the framework's own middleware does it, and the origins
//! that websockets may come from. `crate::server` serves with that, and `home` at `/`.

use http::{StatusCode, header};
use socketio_core::SocketIo;

use crate::{
    server,
    support::{ECHO, POLLING, UPGRADE, WEBSOCKET, echo, echo_with, request, with_client_files},
};

/// The origin that is let in.
pub(crate) const PAGE: &str = "https://page.example";

const FROM_PAGE: (&str, &str) = ("origin", PAGE);
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");

#[tokio::test]
async fn a_page_may_poll_with_its_cookies() {
    let server = server(&echo()).await;
    let open = server.send(request("GET", POLLING, &[FROM_PAGE])).await;
    let uri = format!("{POLLING}&sid={}", open.sid());
    let post = server.send(request("POST", &uri, &[FROM_PAGE]).map(|_| "40".into())).await;
    assert_eq!(post.text(), "ok");
    let unknown = format!("{POLLING}&sid=unknown");
    let refusal = server.send(request("GET", &unknown, &[FROM_PAGE])).await;
    assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
    for answer in [open, post, refusal] {
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        let vary = answer.headers[header::VARY].to_str().expect("text").to_lowercase();
        assert!(vary.contains("origin"), "{vary}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let headers = [FROM_PAGE, ("access-control-request-method", "POST")];
    let answer = server(&echo()).await.send(request("OPTIONS", POLLING, &headers)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let methods = answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().expect("text");
    assert!(methods.contains("GET") && methods.contains("POST"), "{methods}");
}

#[tokio::test]
async fn a_page_may_read_the_files_of_the_browser_client() {
    let server = server(&echo_with(with_client_files())).await;
    let file = server.send(request("GET", "/socket.io/socket.io.js", &[FROM_PAGE])).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_named() {
    let open = server(&echo()).await.send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(open.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

#[tokio::test]
async fn websockets_and_other_routes_go_on() {
    let server = server(&echo()).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[FROM_PAGE]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.text(), "home");
}

/// CORS does not concern websockets: a page of any origin may open one, unless the server minds.
#[tokio::test]
async fn the_allowed_origins_hold_for_websockets_too() {
    let server = crate::support::serve_io;
    let server = server(&echo_with(SocketIo::builder().allowed_origins([PAGE]))).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[FROM_PAGE]).await;
    websocket.join().await;
    let stranger: Vec<_> = UPGRADE.into_iter().chain([STRANGER]).collect();
    let refused = server.send(request("GET", WEBSOCKET, &stranger)).await;
    assert_eq!((refused.status, refused.text()), (StatusCode::BAD_REQUEST, "Forbidden"));
    let polling = server.send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(polling.status, StatusCode::FORBIDDEN);
}
