//! CORS with credentials, by actix-cors, and the origins that websockets may come from.

#[macro_use]
mod support;

use actix_cors::Cors;
use actix_web::{App, web};
use http::{StatusCode, header};
use socketio_actix::{SocketIo, middleware, service};

use support::{ECHO, POLLING, Server, UPGRADE, WEBSOCKET, echo, echo_with, request};

const PAGE: (&str, &str) = ("origin", "https://page.example");
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");

fn cors() -> Cors {
    Cors::default().allowed_origin(PAGE.1).allowed_methods(["GET", "POST"]).supports_credentials()
}

fn server(io: &SocketIo) -> Server {
    let io = io.clone();
    serve!(App::new().wrap(cors()).service(service(&io)).route("/", web::get().to(async || "home")))
}

async fn may_poll_with_cookies(server: Server) {
    let open = server.send(request("GET", POLLING, &[PAGE])).await;
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let uri = format!("{POLLING}&sid={}", open.sid());
    let post = server.send(request("POST", &uri, &[PAGE]).map(|_| "40".into())).await;
    assert_eq!(post.text(), "ok");
    assert_eq!(post.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
}

#[tokio::test]
async fn a_page_may_poll_with_its_cookies() {
    may_poll_with_cookies(server(&echo())).await;
}

#[tokio::test]
async fn also_where_the_server_is_a_middleware() {
    let io = echo();
    may_poll_with_cookies(serve!(App::new().wrap(middleware(&io)).wrap(cors()))).await;
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let headers = [PAGE, ("access-control-request-method", "POST")];
    let answer = server(&echo()).send(request("OPTIONS", POLLING, &headers)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    let methods = answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().expect("text");
    assert!(methods.contains("GET") && methods.contains("POST"), "{methods}");
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_named() {
    let open = server(&echo()).send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(open.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

#[tokio::test]
async fn websockets_and_other_routes_go_on() {
    let server = server(&echo());
    let mut websocket = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.text(), "home");
}

#[tokio::test]
async fn the_allowed_origins_hold_for_websockets_too() {
    let server = server(&echo_with(SocketIo::builder().allowed_origins([PAGE.1])));
    let mut websocket = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    websocket.join().await;
    let stranger: Vec<_> = UPGRADE.into_iter().chain([STRANGER]).collect();
    let refused = server.send(request("GET", WEBSOCKET, &stranger)).await;
    assert_eq!((refused.status, refused.text()), (StatusCode::BAD_REQUEST, "Forbidden"));
}
