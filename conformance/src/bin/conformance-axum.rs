//! The conformance server on axum.

use std::net::SocketAddr;

use axum::Router;
use conformance::Server;
use tokio::net::TcpListener;
use tower::util::option_layer;

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let app = Router::new()
            .layer(socketio_axum::layer(server.endpoint.clone()))
            .layer(option_layer(server.cors()))
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).await.expect("axum serves for ever");
    });
}
