//! Sends everything back, in warp.

use examples_common as common;
use socketio_warp::{RawArgs, Socket, SocketIo};
use warp::Filter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = SocketIo::new();
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message", &args));
    // What a handler returns is the acknowledgement.
    io.on("ask", |args: RawArgs| args);

    let up = warp::path::end().map(|| "up");
    let routes = socketio_warp::filter(&io).or(up);

    let listener = common::listener()?;
    common::greet("echo", format_args!("http://{}", listener.local_addr()?), &[]);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    warp::serve(routes).incoming(listener).graceful(stopped).run().await;
    Ok(())
}
