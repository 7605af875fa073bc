use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    dev::{
        AppService, HttpServiceFactory, Payload, ResourceDef, Service, ServiceFactory,
        ServiceRequest, ServiceResponse,
    },
    rt,
};
use futures_util::future::{FutureExt, LocalBoxFuture};
use http::request::Parts;
use socketio_core::{Accept, Endpoint, PeerAddr, Upgrade};
use socketio_tokio::{TokioClock, WebSocket, switching_protocols};

use crate::{connection::connection, convert};

/// A server as a service of actix-web.
#[derive(Clone, Debug)]
pub struct SocketIoService {
    pub(crate) endpoint: Endpoint,
    extensions: Vec<fn(&HttpRequest, &mut http::Extensions)>,
}

impl SocketIoService {
    /// Mounts a [`SocketIo`](crate::SocketIo) or an [`EngineIo`](crate::EngineIo). Any number of
    /// mounts of one server share its sessions.
    ///
    /// The server's path is a prefix in the sense of [`ResourceDef`]: braces in it make a pattern, here
    /// but not in a [`middleware`](crate::middleware()), and it is compared once percent-decoded.
    pub fn new(server: impl Into<Endpoint>) -> Self {
        let endpoint = server.into();
        endpoint.use_clock(Arc::new(TokioClock));
        Self { endpoint, extensions: Vec::new() }
    }

    /// Lets handlers take values of this type as [`Extension<T>`](crate::Extension): from what
    /// middleware left in the request's extensions, or else from what
    /// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect) left with the connection.
    ///
    /// actix-web's own extensions do not leave the worker's thread; handlers may. So each type is
    /// named once.
    ///
    /// ```
    /// # use socketio_actix::{Extension, SocketIo};
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// # let io = SocketIo::new();
    /// io.on("who am I?", |Extension(User(name)): Extension<User>| println!("{name}"));
    /// let service = socketio_actix::service(&io).extension::<User>();
    /// ```
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self) -> Self {
        self.extensions.push(|request, extensions| {
            let left = request.extensions().get::<T>().cloned();
            if let Some(value) = left.or_else(|| request.conn_data::<T>().cloned()) {
                extensions.insert(value);
            }
        });
        self
    }

    /// What handlers can know of the request besides its head.
    fn add_extensions(&self, request: &HttpRequest, extensions: &mut http::Extensions) {
        extensions.insert(request.connection_info().clone());
        if let Some(address) = request.peer_addr() {
            extensions.insert(PeerAddr(address));
        }
        for copy in &self.extensions {
            copy(request, extensions);
        }
    }

    pub(crate) async fn answer(self, request: ServiceRequest) -> ServiceResponse {
        let (request, payload) = request.into_parts();
        let response = match convert::head(&request) {
            Ok(mut head) => {
                if self.endpoint.begins_session(&head) {
                    self.add_extensions(&request, &mut head.extensions);
                }
                respond(&self.endpoint, &head, payload).await
            }
            Err(_) => HttpResponse::BadRequest().finish(),
        };
        ServiceResponse::new(request, response)
    }
}

async fn respond(endpoint: &Endpoint, head: &Parts, payload: Payload) -> HttpResponse {
    let response = match endpoint.accept(head).await {
        Accept::Respond(response) => response,
        Accept::Open(response, driver) => {
            rt::spawn(driver);
            response
        }
        Accept::Poll(poll) => poll.await,
        Accept::Receive(receive) => receive.collect(payload).await,
        Accept::Upgrade(upgrade) => return switch(head, payload, upgrade),
    };
    convert::response(response)
}

fn switch(head: &Parts, payload: Payload, upgrade: Upgrade) -> HttpResponse {
    let response = upgrade.respond(switching_protocols(head));
    let (connection, body) = connection(payload);
    rt::spawn(async move {
        let websocket = WebSocket::new(connection, upgrade.max_payload());
        upgrade.serve(websocket).await;
    });
    convert::switching(response, body)
}

impl HttpServiceFactory for SocketIoService {
    fn register(self, config: &mut AppService) {
        let path = self.endpoint.path();
        let resource = match config.is_root() {
            true => ResourceDef::root_prefix(path),
            false => ResourceDef::prefix(path),
        };
        config.register_service(resource, None, self, None);
    }
}

impl ServiceFactory<ServiceRequest> for SocketIoService {
    type Response = ServiceResponse;
    type Error = Error;
    type Config = ();
    type Service = Self;
    type InitError = ();
    type Future = Ready<Result<Self, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Service<ServiceRequest> for SocketIoService {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        self.clone().answer(request).map(Ok).boxed_local()
    }
}
