//! The chat in warp.

use examples_common::{self as common, Asset};
use warp::{Filter, Rejection, Reply, http::header::CONTENT_TYPE, path::FullPath, reject, reply};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    chat::attach(&io);
    let routes = socketio_warp::filter(&io).or(pages());

    let listener = common::listener()?;
    chat::greet(listener.local_addr()?);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    warp::serve(routes).incoming(listener).graceful(stopped).run().await;
    Ok(())
}

fn pages() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Copy {
    warp::get().and(warp::path::full()).and_then(async |path: FullPath| {
        let asset = Asset::find(chat::ASSETS, path.as_str()).ok_or_else(reject::not_found)?;
        Ok::<_, Rejection>(reply::with_header(asset.body, CONTENT_TYPE, asset.content_type))
    })
}
