//! What the tests share: a server on hyper, and its clients.

#![allow(dead_code, reason = "each test file uses some of it")]

mod client;

use std::{convert::Infallible, error::Error, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use socketio_tower::{Endpoint, SocketIoLayer};
use tokio::net::TcpListener;
use tower::{Layer, Service, service_fn};

pub(crate) use self::client::*;

/// Serves on a free port until the test ends.
pub(crate) async fn serve<S, B>(service: S) -> Server
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_each(move |_| service.clone()).await
}

/// Serves each connection by what `make` makes of the client's address.
pub(crate) async fn serve_each<M, S, B>(mut make: M) -> Server
where
    M: FnMut(SocketAddr) -> S + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((connection, peer)) = listener.accept().await {
            let service = TowerToHyperService::new(make(peer));
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    Server(address)
}

/// The service that a layer is put in front of.
pub(crate) async fn inner<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new("the service within".into()))
}

/// Serves this in front of [`inner`].
pub(crate) async fn serve_io(server: impl Into<Endpoint>) -> Server {
    serve(SocketIoLayer::new(server).layer(service_fn(inner))).await
}
