//! CORS by `warp::cors()`, which rejects the pages of other origins, and has to be told to say that
//! answers differ by origin.

#[path = "../../socketio-tower/tests/stories/cors.rs"]
mod stories;
#[macro_use]
mod support;

use socketio_warp::{SocketIo, filter};
use warp::Filter;

use stories::PAGE;
use support::Server;

async fn server(io: &SocketIo) -> Server {
    let cors = warp::cors()
        .allow_origin(PAGE)
        .allow_methods(["GET", "POST"])
        .allow_credentials(true)
        .build();
    let vary = warp::reply::with::header("vary", "origin");
    let home = warp::path::end().map(|| "home");
    serve!(filter(io).with(cors).with(vary).or(home))
}
