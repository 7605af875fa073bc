//! Compression by tower-http's layer over the whole router.

#[path = "../../socketio-tower/tests/stories/compression.rs"]
mod stories;
mod support;

use axum::Router;
use socketio_axum::{SocketIo, layer};
use tower_http::compression::CompressionLayer;

use support::{Server, serve};

async fn server(io: &SocketIo) -> Server {
    serve(Router::new().layer(layer(io)).layer(CompressionLayer::new())).await
}
