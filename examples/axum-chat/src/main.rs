//! The chat in axum.

use anyhow::Context;
use axum::serve::ListenerExt;
use examples_common as common;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    chat::attach(&io);
    let app = common::router(chat::ASSETS).layer(socketio_axum::layer(&io));

    let address = common::address()?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("no listening at {address}"))?;
    chat::greet(listener.local_addr()?);
    let listener = listener.tap_io(|connection| {
        // Small frames go out at once, whatever the client has yet to acknowledge.
        let _ = connection.set_nodelay(true);
    });
    let shutdown = async move {
        common::stopped().await;
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(shutdown).await?)
}
