//! A compression layer in front shrinks polling payloads and leaves websockets alone.

mod support;

use std::io::Read;

use flate2::read::GzDecoder;
use http::header;
use socketio_tower::{SocketIo, SocketIoLayer};
use tower::ServiceBuilder;
use tower_http::{compression::CompressionLayer, decompression::RequestDecompressionLayer};

use support::{ECHO, Server, WEBSOCKET, echo, inner, request, serve};

const GZIP: (&str, &str) = ("accept-encoding", "gzip");

async fn server(io: &SocketIo) -> Server {
    let service = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .layer(SocketIoLayer::new(io))
        .service_fn(inner);
    serve(service).await
}

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
async fn a_websocket_is_left_alone() {
    let server = server(&echo()).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[GZIP]).await;
    assert_eq!(websocket.headers.get(header::CONTENT_ENCODING), None);
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn a_compressed_body_is_read_behind_a_layer_that_decompresses() {
    let service = ServiceBuilder::new()
        .layer(RequestDecompressionLayer::new())
        .layer(SocketIoLayer::new(&echo()))
        .service_fn(inner);
    let server = serve(service).await;
    let polling = server.polling("/socket.io").await;
    let mut body = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(ECHO.as_bytes(), flate2::Compression::fast());
    encoder.read_to_end(&mut body).expect("gzip");
    let post = request("POST", &polling.uri, &[("content-encoding", "gzip")]);
    let answer = server.send(post.map(|_| body.into())).await;
    assert_eq!(answer.text(), "ok");
    assert_eq!(polling.get().await, ECHO);
}
