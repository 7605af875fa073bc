//! The chat in warp.

use examples_common as common;
use warp::Filter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = chat::builder()?.build()?;
    chat::attach(&io, "warp-chat");
    let routes = socketio_warp::filter(&io).or(common::routes(chat::ASSETS));

    let listener = common::listener()?;
    chat::greet(listener.local_addr()?);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    warp::serve(routes).incoming(listener).graceful(stopped).run().await;
    Ok(())
}
