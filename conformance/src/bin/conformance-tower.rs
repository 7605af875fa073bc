//! The conformance server on tower and bare hyper.

use std::convert::Infallible;

use bytes::Bytes;
use conformance::Server;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use socketio_tower::SocketIoLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let service = ServiceBuilder::new()
            .option_layer(server.cors())
            .layer(SocketIoLayer::new(server.endpoint.clone()))
            .service_fn(not_found);
        loop {
            // A connection that broke before it began is no reason to stop.
            let Ok((connection, address)) = listener.accept().await else {
                continue;
            };
            let service = ServiceBuilder::new()
                .map_request(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(address);
                    request
                })
                .service(service.clone());
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), TowerToHyperService::new(service))
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
}

async fn not_found(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
