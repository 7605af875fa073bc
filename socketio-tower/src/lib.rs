//! Socket.IO in any tower stack, and in bare hyper.
//!
//! [`SocketIoLayer`] answers requests to the server's path and hands all others to the service
//! within:
//!
//! ```
//! use socketio_tower::{Data, Socket, SocketIo, SocketIoLayer};
//! use tower_layer::Layer;
//!
//! # type Body = http_body_util::Full<bytes::Bytes>;
//! # fn mount<S: tower_service::Service<http::Request<Body>> + Clone>(inner: S) {
//! let io = SocketIo::new();
//! io.on("message", |socket: Socket, Data(text): Data<String>| socket.broadcast().emit("message", &text));
//! let service = SocketIoLayer::new(&io).layer(inner);
//! # }
//! ```
//!
//! [`SocketIoService`] answers every request it gets: mount it where the router has decided on the
//! path already.
//!
//! Both need a tokio runtime with its timer, and for WebSocket a server of hyper 1 over HTTP/1.1
//! that allows upgrades.
//!
//! # Without a framework
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use hyper::server::conn::http1;
//! use hyper_util::{rt::TokioIo, service::TowerToHyperService};
//! use socketio_tower::{Data, Socket, SocketIo, SocketIoLayer};
//! use tower::{ServiceBuilder, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let io = SocketIo::new();
//! io.on("message", |socket: Socket, Data(text): Data<String>| socket.emit("message", &text));
//! let up = service_fn(async |_: Request<_>| Ok::<_, Infallible>(Response::new("up".to_owned())));
//! let service = ServiceBuilder::new().layer(SocketIoLayer::new(&io)).service(up);
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! loop {
//!     let (connection, address) = listener.accept().await?;
//!     // Small frames go out at once.
//!     connection.set_nodelay(true)?;
//!     let service = ServiceBuilder::new()
//!         // Handlers find the client's address in the extensions of its request.
//!         .map_request(move |mut request: Request<_>| {
//!             request.extensions_mut().insert(address);
//!             request
//!         })
//!         .service(service.clone());
//!     let connection = http1::Builder::new()
//!         .serve_connection(TokioIo::new(connection), TowerToHyperService::new(service))
//!         .with_upgrades();
//!     tokio::spawn(connection);
//! }
//! # }
//! ```
//!
//! # In other frameworks
//!
//! A framework that takes tower services and serves by hyper mounts [`SocketIoService`]; the example
//! `salvo-echo` does it in salvo, by its `TowerServiceCompat`. What is built on axum, such as loco,
//! takes `socketio-axum`. For one that is neither there is [`SocketIoService::answer`], from which
//! `socketio-warp` is made, and [`Endpoint::accept`], from which `socketio-actix` is.
//!
//! # CORS
//!
//! Pages of other origins poll only if CORS lets them, and with cookies only if it says so. That is
//! tower-http's business, whose layer goes in front:
//!
//! ```
//! use http::{HeaderValue, Method};
//! use socketio_tower::{SocketIo, SocketIoLayer};
//! use tower::ServiceBuilder;
//! use tower_http::cors::CorsLayer;
//!
//! const PAGE: &str = "https://page.example";
//! // Websockets are not subject to CORS, so the server holds them to the same list.
//! let io = SocketIo::builder().allowed_origins([PAGE]).build()?;
//! let cors = CorsLayer::new()
//!     .allow_origin([HeaderValue::from_static(PAGE)])
//!     .allow_methods([Method::GET, Method::POST])
//!     .allow_credentials(true);
//! let stack = ServiceBuilder::new().layer(cors).layer(SocketIoLayer::new(&io));
//! # Ok::<(), socketio_tower::ConfigError>(())
//! ```

mod body;
mod service;

pub use socketio_core::*;
pub use socketio_tokio::TokioClock;

pub use self::{
    body::ResponseBody,
    service::{ResponseFuture, SocketIoLayer, SocketIoMiddleware, SocketIoService},
};
