//! Compression by `middleware::Compress`.

#[path = "../../socketio-tower/tests/stories/compression.rs"]
mod stories;
#[macro_use]
mod support;

use actix_web::{App, middleware::Compress};
use socketio_actix::{SocketIo, service};

use support::Server;

async fn server(io: &SocketIo) -> Server {
    let io = io.clone();
    serve!(App::new().wrap(Compress::default()).service(service(&io)))
}
