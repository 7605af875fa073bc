//! The chat in axum.

use examples_common as common;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = chat::builder()?.build()?;
    chat::attach(&io, "axum-chat");
    let app = common::router(chat::ASSETS).layer(socketio_axum::layer(&io));

    let listener = common::listener()?;
    chat::greet(listener.local_addr()?);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}
