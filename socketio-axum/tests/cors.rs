//! CORS by tower-http's layer over the whole router.

#[path = "../../socketio-tower/tests/stories/cors.rs"]
mod stories;
mod support;

use axum::{
    Router,
    http::{HeaderValue, Method, header},
    routing::get,
};
use socketio_axum::{RouterExt, SocketIo, layer};
use tower_http::cors::CorsLayer;

use stories::PAGE;
use support::{POLLING, Server, echo, request, serve};

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PAGE)])
        .allow_methods([Method::GET, Method::POST])
        .allow_credentials(true)
}

async fn server(io: &SocketIo) -> Server {
    serve(Router::new().route("/", get(async || "home")).layer(layer(io)).layer(cors())).await
}

#[tokio::test]
async fn a_route_is_subject_to_it_as_well() {
    let server = serve(Router::new().socketio(&echo()).layer(cors())).await;
    let open = server.send(request("GET", POLLING, &[("origin", PAGE)])).await;
    open.sid();
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
}
