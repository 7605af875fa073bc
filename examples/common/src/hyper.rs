//! Serving with no framework at all.

use std::{error::Error, net::SocketAddr, pin::pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time};
use tower::{Service, util::MapRequest};

/// Serves a tower service on bare hyper until `stopped` has resolved and every connection is done.
pub async fn serve<S, B>(listener: TcpListener, service: S, stopped: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let http = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    let mut stopped = pin!(stopped);
    loop {
        let (connection, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    // There may be too many open files; some will be closed.
                    time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stopped => break,
        };
        // Handlers take the client's address from its request.
        let service = MapRequest::new(service.clone(), with_address(address));
        let service = TowerToHyperService::new(service);
        let connection =
            http.serve_connection_with_upgrades(TokioIo::new(connection), service).into_owned();
        tokio::spawn(connections.watch(connection));
    }
    connections.shutdown().await;
}

fn with_address<B>(address: SocketAddr) -> impl Fn(Request<B>) -> Request<B> + Clone {
    move |mut request| {
        request.extensions_mut().insert(address);
        request
    }
}
