//! Compression in front shrinks polling payloads and leaves websockets alone. `crate::server` serves
//! with it.

use std::io::Read;

use flate2::read::GzDecoder;
use http::{StatusCode, header};

use crate::{
    server,
    support::{ECHO, WEBSOCKET, echo, echo_with, request, with_client_files},
};

const GZIP: (&str, &str) = ("accept-encoding", "gzip");

#[tokio::test]
async fn a_client_that_takes_gzip_gets_it() {
    let io = echo();
    let server = server(&io).await;
    let polling = server.polling("/socket.io").await;
    io.emit("text", &"long ".repeat(1000)).expect("an event");
    let answer = server.send(request("GET", &polling.uri, &[GZIP])).await;
    assert_eq!(answer.headers[header::CONTENT_ENCODING], "gzip");
    assert!(answer.body.len() < 500, "{}", answer.body.len());
    let mut payload = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut payload).expect("gzip");
    assert_eq!(payload, format!(r#"42["text","{}"]"#, "long ".repeat(1000)));
}

#[tokio::test]
async fn a_client_that_does_not_gets_the_payload_as_it_is() {
    let io = echo();
    let server = server(&io).await;
    let polling = server.polling("/socket.io").await;
    io.emit("text", &"long ".repeat(1000)).expect("an event");
    let answer = server.get(&polling.uri).await;
    assert_eq!(answer.headers.get(header::CONTENT_ENCODING), None);
    assert_eq!(answer.body, format!(r#"42["text","{}"]"#, "long ".repeat(1000)));
}

#[tokio::test]
async fn the_files_of_the_browser_client_shrink_too() {
    let server = server(&echo_with(with_client_files())).await;
    let answer = server.send(request("GET", "/socket.io/socket.io.js", &[GZIP])).await;
    assert_eq!(answer.headers[header::CONTENT_ENCODING], "gzip");
    assert!(answer.body.len() < 500, "{}", answer.body.len());
    let etag = answer.headers[header::ETAG].to_str().expect("text");
    let known = [GZIP, ("if-none-match", etag)];
    let again = server.send(request("GET", "/socket.io/socket.io.js", &known)).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_websocket_is_left_alone() {
    let mut websocket = server(&echo()).await.websocket_with(WEBSOCKET, &[GZIP]).await;
    assert_eq!(websocket.headers.get(header::CONTENT_ENCODING), None);
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}
