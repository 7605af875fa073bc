//! Requests that the server's own options refuse: `allowed_origins` and `allow_request`.

mod support;

use http::{StatusCode, header};
use socketio_tower::{SocketIo, SocketIoService};

use support::{Answer, ECHO, POLLING, Server, UPGRADE, WEBSOCKET, echo_with, request, serve};

const PAGE: (&str, &str) = ("origin", "https://page.example");
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");
const ROBOT: (&str, &str) = ("x-robot", "1");

async fn server() -> (SocketIo, Server) {
    let options = SocketIo::builder().allowed_origins([PAGE.1]).allow_request(|head| {
        let is_robot = head.headers.contains_key(ROBOT.0);
        async move { if is_robot { Err("no robots".to_owned()) } else { Ok(()) } }
    });
    let io = echo_with(options);
    let server = serve(SocketIoService::new(&io)).await;
    (io, server)
}

/// Asks for a websocket in the knowledge that there will be none.
async fn handshake(server: Server, header: (&str, &str)) -> Answer {
    let [a, b, c, d] = UPGRADE;
    server.send(request("GET", WEBSOCKET, &[a, b, c, d, header])).await
}

#[tokio::test]
async fn a_page_of_an_origin_that_is_not_allowed_cannot_poll() {
    let (io, server) = server().await;
    let answer = server.send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.text(), r#"{"code":4,"message":"Forbidden"}"#);
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn nor_open_a_websocket() {
    let (io, server) = server().await;
    let answer = handshake(server, STRANGER).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, "Forbidden"));
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn nor_take_over_a_session_by_websocket() {
    let (_, server) = server().await;
    let polling = server.polling("/socket.io").await;
    let (_, sid) = polling.uri.split_once("&sid=").expect("a sid");
    let [a, b, c, d] = UPGRADE;
    let uri = format!("{WEBSOCKET}&sid={sid}");
    let answer = server.send(request("GET", &uri, &[a, b, c, d, STRANGER])).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, "Forbidden"));
    let mut websocket = polling.upgrade("/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn who_is_refused_a_session_is_told_why() {
    let (io, server) = server().await;
    let answer = server.send(request("GET", POLLING, &[ROBOT])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.text(), r#"{"code":4,"message":"no robots"}"#);
    let answer = handshake(server, ROBOT).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, "no robots"));
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn all_others_come_in() {
    let (io, server) = server().await;
    let polling = server.polling_with("/socket.io", &[PAGE]).await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut page = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    let mut program = server.websocket_with(WEBSOCKET, &[]).await;
    for websocket in [&mut page, &mut program] {
        websocket.join().await;
        assert_eq!(websocket.ask(ECHO).await, ECHO);
    }
    assert_eq!(io.clients_count(), 3);
}
