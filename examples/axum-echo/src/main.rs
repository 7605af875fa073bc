//! Sends everything back, in axum.

use axum::{Router, routing::get};
use examples_common as common;
use socketio_axum::{RawArgs, Socket, SocketIo};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = SocketIo::new();
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message", &args));
    // What a handler returns is the acknowledgement.
    io.on("ask", |args: RawArgs| args);

    let app = Router::new().route("/", get(async || "up")).layer(socketio_axum::layer(&io));

    let listener = common::listener()?;
    common::greet("echo", format_args!("http://{}", listener.local_addr()?), &[]);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}
