//! Compression by tower-http's layers.

#[path = "stories/compression.rs"]
mod stories;
mod support;

use std::io::Read;

use socketio_tower::{SocketIo, SocketIoLayer};
use tower::ServiceBuilder;
use tower_http::{compression::CompressionLayer, decompression::RequestDecompressionLayer};

use support::{ECHO, Server, echo, inner, request, serve};

async fn server(io: &SocketIo) -> Server {
    let service = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .layer(SocketIoLayer::new(io))
        .service_fn(inner);
    serve(service).await
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
