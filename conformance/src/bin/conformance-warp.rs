//! The conformance server on warp.

use conformance::{HEADER, HOSTS, METHODS, Server};
use tokio::net::TcpListener;
use warp::{Filter, filters::cors::Builder};

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let filter = socketio_warp::filter(server.endpoint.clone());
        // warp's CORS does not say by itself that answers differ by origin.
        let vary = warp::reply::with::header("vary", "origin");
        match server.has_cors {
            true => warp::serve(filter.with(cors()).with(vary)).incoming(listener).run().await,
            false => warp::serve(filter).incoming(listener).run().await,
        }
    });
}

/// warp's CORS knows no patterns, so the origins are listed, with each of their ports.
fn cors() -> Builder {
    let origins: Vec<String> = HOSTS
        .iter()
        .flat_map(|host| (0..=u16::MAX).map(move |port| format!("{host}:{port}")))
        .collect();
    warp::cors()
        .allow_origins(origins.iter().map(String::as_str))
        .allow_credentials(true)
        .allow_methods(METHODS)
        .allow_header(HEADER)
}
