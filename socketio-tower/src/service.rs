use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use http::{Extensions, Request, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::{BodyDataStream, Full};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socketio_core::{Accept, Endpoint, PeerAddr, Upgrade};
use socketio_tokio::{TokioClock, WebSocket};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::ResponseBody;

/// Mounts a server in front of a service, which gets all requests that are not for the server.
#[derive(Clone, Debug)]
pub struct SocketIoLayer {
    service: SocketIoService,
}

/// What [`SocketIoLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct SocketIoMiddleware<S> {
    inner: S,
    service: SocketIoService,
}

/// A server as a service of its own: it answers every request, whatever the path.
#[derive(Clone, Debug)]
pub struct SocketIoService {
    endpoint: Endpoint,
    address: fn(&Extensions) -> Option<SocketAddr>,
    prepare: fn(&mut Extensions),
}

impl SocketIoLayer {
    /// Mounts a [`SocketIo`](crate::SocketIo) or an [`EngineIo`](crate::EngineIo). Any number of
    /// mounts of one server share its sessions.
    pub fn new(server: impl Into<Endpoint>) -> Self {
        Self { service: SocketIoService::new(server) }
    }

    /// As [`SocketIoService::address`].
    #[must_use]
    pub fn address(self, address: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        Self { service: self.service.address(address) }
    }

    /// As [`SocketIoService::prepare`].
    #[must_use]
    pub fn prepare(self, prepare: fn(&mut Extensions)) -> Self {
        Self { service: self.service.prepare(prepare) }
    }
}

impl<S> Layer<S> for SocketIoLayer {
    type Service = SocketIoMiddleware<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SocketIoMiddleware { inner, service: self.service.clone() }
    }
}

impl SocketIoService {
    /// Mounts a [`SocketIo`](crate::SocketIo) or an [`EngineIo`](crate::EngineIo).
    pub fn new(server: impl Into<Endpoint>) -> Self {
        let endpoint = server.into();
        endpoint.use_clock(Arc::new(TokioClock));
        Self { endpoint, address: |extensions| extensions.get().copied(), prepare: |_| () }
    }

    /// Says where in a request's extensions the client's address is. By default it is a
    /// [`SocketAddr`].
    #[must_use]
    pub fn address(self, address: fn(&Extensions) -> Option<SocketAddr>) -> Self {
        Self { address, ..self }
    }

    /// Says what becomes of a request's extensions before the server keeps those of a session's
    /// first one. What is a slice of the buffer that the HTTP server reads to is best copied: it would
    /// keep all of it.
    #[must_use]
    pub fn prepare(self, prepare: fn(&mut Extensions)) -> Self {
        Self { prepare, ..self }
    }

    /// Answers a request: the service as a function, for who calls it from something else than a
    /// tower stack.
    pub async fn answer<B>(self, request: Request<B>) -> Response<Bytes>
    where
        B: Body + Send,
    {
        let (mut head, body) = request.into_parts();
        // It owns the connection and must not live on in what handlers see of the request.
        let on_upgrade = head.extensions.remove::<OnUpgrade>();
        if self.endpoint.begins_session(&head) {
            (self.prepare)(&mut head.extensions);
            if let Some(address) = (self.address)(&head.extensions) {
                head.extensions.insert(PeerAddr(address));
            }
        }
        match self.endpoint.accept(&head).await {
            Accept::Respond(response) => response,
            Accept::Open(response, driver) => {
                tokio::spawn(driver);
                response
            }
            Accept::Poll(poll) => poll.await,
            Accept::Receive(receive) => {
                let body = BodyDataStream::new(body);
                receive.collect(body.map_ok(|mut data| data.copy_to_bytes(data.remaining()))).await
            }
            Accept::Upgrade(upgrade) => match on_upgrade {
                Some(on_upgrade) => switch_protocols(&head, on_upgrade, upgrade),
                None => cannot_upgrade(),
            },
        }
    }
}

fn switch_protocols(head: &Parts, on_upgrade: OnUpgrade, upgrade: Upgrade) -> Response<Bytes> {
    let response = upgrade.respond(socketio_tokio::switching_protocols(head));
    tokio::spawn(async move {
        // Without the connection there is nothing to serve; dropping the upgrade says so.
        if let Ok(connection) = on_upgrade.await {
            let websocket = WebSocket::new(TokioIo::new(connection), upgrade.max_payload());
            upgrade.serve(websocket).await;
        }
    });
    response
}

/// The HTTP server under this service does not let connections be taken over.
fn cannot_upgrade() -> Response<Bytes> {
    let mut response =
        Response::new(Bytes::from_static(b"upgrades are not enabled on this server"));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<B> Service<Request<B>> for SocketIoService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await.map(Full::new)) })
    }
}

impl<S, B, R> Service<Request<B>> for SocketIoMiddleware<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.service.endpoint.matches(request.uri().path()) {
            ResponseFuture::Own(Box::pin(self.service.clone().answer(request)))
        } else {
            ResponseFuture::Inner(self.inner.call(request))
        }
    }
}

/// The response on its way: Socket.IO's own, or that of the service within.
#[pin_project::pin_project(project = Projected)]
pub enum ResponseFuture<F> {
    /// Of the service within.
    Inner(#[pin] F),
    /// Of the Socket.IO server.
    Own(BoxFuture<Response<Bytes>>),
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            Projected::Inner(future) => Ok(ready!(future.poll(cx))?.map(ResponseBody::Inner)),
            Projected::Own(future) => {
                let response = ready!(future.as_mut().poll(cx));
                Ok(response.map(|body| ResponseBody::Own(Full::new(body))))
            }
        })
    }
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
