//! CORS by tower-http's layer.

#[path = "stories/cors.rs"]
mod stories;
mod support;

use std::convert::Infallible;

use http::{HeaderValue, Method, Request, Response};
use socketio_tower::{SocketIo, SocketIoLayer};
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;

use stories::PAGE;
use support::{Server, serve};

async fn server(io: &SocketIo) -> Server {
    let cors = CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PAGE)])
        .allow_methods([Method::GET, Method::POST])
        .allow_credentials(true);
    let home = async |_: Request<_>| Ok::<_, Infallible>(Response::new("home".to_owned()));
    serve(ServiceBuilder::new().layer(cors).layer(SocketIoLayer::new(io)).service_fn(home)).await
}
