//! The conformance server on axum.

use std::net::SocketAddr;

use axum::Router;
use conformance::Server;
use tokio::net::TcpListener;

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let mut app = Router::new().layer(socketio_axum::layer(server.endpoint.clone()));
        if let Some(cors) = server.cors() {
            app = app.layer(cors);
        }
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, app).await.expect("axum serves for ever");
    });
}
