//! The chat in axum.

use anyhow::Context;
use axum::{
    Router,
    http::{StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = chat::builder()?.build()?;
    chat::attach(&io);
    let app = Router::new()
        .route("/", get(page))
        .route("/{file}", get(page))
        .layer(socketio_axum::layer(&io));

    let address = chat::address()?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("no listening at {address}"))?;
    chat::greet(listener.local_addr()?);
    let listener = listener.tap_io(|connection| {
        // Small frames go out at once, whatever the client has yet to acknowledge.
        let _ = connection.set_nodelay(true);
    });
    let shutdown = async move {
        stopped().await;
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(shutdown).await?)
}

async fn page(uri: Uri) -> Response {
    match chat::asset(uri.path()) {
        Some((content_type, body)) => ([(CONTENT_TYPE, content_type)], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Waits for Ctrl-C or, where there is one, SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        let terminate = signal::unix::SignalKind::terminate();
        let mut terminate = signal::unix::signal(terminate).expect("SIGTERM can be listened for");
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = signal::ctrl_c().await;
}
