//! Sends everything back, in tower on bare hyper: no framework at all.

use std::convert::Infallible;

use examples_common::{self as common, hyper::serve};
use http::{Request, Response};
use socketio_tower::{RawArgs, Socket, SocketIo, SocketIoLayer};
use tower::{Layer, service_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = SocketIo::new();
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message", &args));
    // What a handler returns is the acknowledgement.
    io.on("ask", |args: RawArgs| args);

    let service = SocketIoLayer::new(&io).layer(service_fn(up));

    let listener = common::listener()?;
    common::greet("echo", format_args!("http://{}", listener.local_addr()?), &[]);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    serve(listener, service, stopped).await;
    Ok(())
}

async fn up<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("up".into()))
}
