//! What the tests share: a server on warp, and its clients, which are those of `socketio-tower`.

#![allow(dead_code, unused_macros, reason = "each test file uses some of it")]

#[path = "../../../socketio-tower/tests/support/client.rs"]
mod client;

use socketio_warp::{Endpoint, filter};

pub(crate) use self::client::*;

/// Serves a filter on a free port until the test ends.
macro_rules! serve {
    ($filter:expr) => {{
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(warp::serve($filter).incoming(listener).run());
        crate::support::Server(address)
    }};
}

/// Serves this and nothing else.
pub(crate) async fn serve_io(server: impl Into<Endpoint>) -> Server {
    serve!(filter(server))
}
