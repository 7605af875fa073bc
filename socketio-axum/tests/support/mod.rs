//! What the tests share: a server on axum, and its clients, which are those of `socketio-tower`.

#![allow(dead_code, reason = "each test file uses some of it")]

#[path = "../../../socketio-tower/tests/support/client.rs"]
mod client;

use std::net::SocketAddr;

use axum::Router;
use socketio_axum::{Builder, RawArgs, Socket, SocketIo};
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

/// A server that sends every `echo` back.
pub(crate) fn echo() -> SocketIo {
    echo_with(SocketIo::builder())
}

/// As [`echo`], with options.
pub(crate) fn echo_with(options: Builder) -> SocketIo {
    let io = options.build().expect("valid options");
    io.on("echo", |socket: Socket, args: RawArgs| socket.emit("echo", &args));
    io
}

/// What a client sends to a server that echoes, and what it gets back.
pub(crate) const ECHO: &str = r#"42["echo","hé"]"#;
