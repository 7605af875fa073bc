//! What the tests share: a server on axum, and its clients, which are those of `socketio-tower`.

#![allow(dead_code, reason = "each test file uses some of it")]

#[path = "../../../socketio-tower/tests/support/client.rs"]
mod client;

use std::net::SocketAddr;

use axum::Router;
use socketio_axum::{Endpoint, layer};
use tokio::net::TcpListener;

pub(crate) use self::client::*;

/// Serves on a free port until the test ends.
pub(crate) async fn serve(app: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server(address)
}

/// Serves this in front of an empty router.
pub(crate) async fn serve_io(server: impl Into<Endpoint>) -> Server {
    serve(Router::new().layer(layer(server))).await
}
