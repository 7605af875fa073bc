//! What the tests share: a server on actix-web, and its clients, which are those of
//! `socketio-tower`.

#![allow(dead_code, unused_macros, reason = "each test file uses some of it")]

#[path = "../../../socketio-tower/tests/support/client.rs"]
mod client;

use std::net::TcpListener;

use actix_web::dev;
use socketio_actix::{Endpoint, service};

pub(crate) use self::client::*;

/// Serves an app on a free port, by two workers, until the process ends.
macro_rules! serve {
    ($app:expr) => {
        support::listen(|listener| {
            let server = actix_web::HttpServer::new(move || $app).workers(2);
            let server = server.h1_allow_half_closed(false).disable_signals();
            server.listen(listener).expect("a listener").run()
        })
    };
}

pub(crate) fn listen(serve: impl FnOnce(TcpListener) -> dev::Server) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener));
    Server(address)
}

/// Serves this and nothing else.
pub(crate) async fn serve_io(server: impl Into<Endpoint>) -> Server {
    use crate::support;

    let endpoint = server.into();
    serve!(actix_web::App::new().service(service(endpoint.clone())))
}
