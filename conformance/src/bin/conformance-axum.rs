//! The conformance server on axum.

use std::net::SocketAddr;

use axum::{Router, serve::ListenerExt};
use conformance::Server;
use socketio_core::Endpoint;
use tokio::net::TcpListener;

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let endpoint = match &server {
            Server::Engine(engine) => Endpoint::from(engine),
            Server::Socket(io) => Endpoint::from(io),
        };
        let app = Router::new()
            .layer(socketio_axum::layer(endpoint))
            .layer(conformance::cors())
            .into_make_service_with_connect_info::<SocketAddr>();
        let listener = listener.tap_io(|connection| {
            // Without it a slow peer's acknowledgements hold small frames back.
            let _ = connection.set_nodelay(true);
        });
        axum::serve(listener, app).await.expect("axum serves for ever");
    });
}
