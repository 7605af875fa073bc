//! The chat in tower on bare hyper: no framework at all.

use examples_common::{self as common, Asset, hyper::serve};
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use socketio_tower::SocketIoLayer;
use tower::{Layer, service_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = chat::builder()?.build()?;
    chat::attach(&io, "hyper-chat");
    let service = SocketIoLayer::new(&io).layer(service_fn(page));

    let listener = common::listener()?;
    chat::greet(listener.local_addr()?);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    serve(listener, service, stopped).await;
    Ok(())
}

async fn page<B>(request: Request<B>) -> Result<Response<String>, http::Error> {
    match Asset::find(chat::ASSETS, request.uri().path()) {
        Some(Asset { content_type, body, .. }) => {
            Response::builder().header(CONTENT_TYPE, content_type).body(body.to_owned())
        }
        None => Response::builder().status(StatusCode::NOT_FOUND).body(String::new()),
    }
}
