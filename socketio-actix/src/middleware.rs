use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use futures_util::future::{FutureExt, LocalBoxFuture, TryFutureExt};
use socketio_core::Endpoint;

use crate::service::SocketIoService;

/// A server in front of everything else: requests to its path are the server's, all others go on.
#[derive(Clone, Debug)]
pub struct SocketIoTransform {
    service: SocketIoService,
}

/// What [`SocketIoTransform`] makes of a service.
#[derive(Clone, Debug)]
pub struct SocketIoMiddleware<S> {
    inner: S,
    service: SocketIoService,
}

impl SocketIoTransform {
    /// As [`SocketIoService::new`].
    pub fn new(server: impl Into<Endpoint>) -> Self {
        Self { service: SocketIoService::new(server) }
    }

    /// As [`SocketIoService::extension`].
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(self) -> Self {
        Self { service: self.service.extension::<T>() }
    }
}

impl<S, B> Transform<S, ServiceRequest> for SocketIoTransform
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = SocketIoMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SocketIoMiddleware { inner, service: self.service.clone() }))
    }
}

impl<S, B> Service<ServiceRequest> for SocketIoMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, BoxBody>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // In a scope this is what its own path leaves.
        if self.service.endpoint.matches(request.match_info().unprocessed()) {
            let answer = self.service.clone().answer(request);
            answer.map(|response| Ok(response.map_into_right_body())).boxed_local()
        } else {
            self.inner.call(request).map_ok(ServiceResponse::map_into_left_body).boxed_local()
        }
    }
}
