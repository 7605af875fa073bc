//! Socket.IO in actix-web.
//!
//! As a service:
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get, web};
//! use socketio_actix::{Data, Socket, SocketIo};
//!
//! // An HTTP handler emits as well: the server is a cheap handle.
//! #[get("/announce")]
//! async fn announce(io: web::Data<SocketIo>) -> impl Responder {
//!     match io.emit("news", "something happened") {
//!         Ok(()) => "told everyone",
//!         Err(_) => "could not be written",
//!     }
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = SocketIo::new();
//!     io.on("message", |socket: Socket, Data(text): Data<String>| {
//!         socket.broadcast().emit("message", &text)
//!     });
//!
//!     HttpServer::new(move || {
//!         App::new()
//!             .app_data(web::Data::new(io.clone()))
//!             .service(announce)
//!             .service(socketio_actix::service(&io))
//!     })
//!     .h1_allow_half_closed(false)
//!     .tcp_nodelay(true)
//!     .bind(("127.0.0.1", 3000))?
//!     .run()
//!     .await
//! }
//! ```
//!
//! [`configure`] does the two lines of it that are about Socket.IO in one. In a [`web::scope`] the
//! scope's path comes before the server's: in `web::scope("/api")` clients use the path
//! `/api/socket.io`. [`middleware`] puts the server in front of everything else in an `App` or a
//! scope, as one attached the original to express.
//!
//! Make the [`SocketIo`] outside of the closure that [`HttpServer::new`] calls for each of its
//! workers: clones of it are one server, and any worker answers any client.
//!
//! Middleware applies as to any route: CORS, compression, authentication. What it leaves in a
//! request's extensions handlers take as [`Extension<T>`], for the types that are named to
//! [`SocketIoService::extension`]. The client's address is in [`Handshake::address`]; what a proxy
//! says of it is in [`Extension<ConnectionInfo>`](actix_web::dev::ConnectionInfo).
//!
//! # Options of the HTTP server
//!
//! - [`h1_allow_half_closed(false)`] lets actix notice at once that a client which waits for a
//!   response has hung up; otherwise that client is missed only at its ping timeout. That goes for
//!   HTTP/1: over HTTP/2 actix never says so. WebSocket is HTTP/1 anyway, so leave actix-web's feature
//!   `http2` out where nothing else needs it.
//! - [`tcp_nodelay(true)`] sends small frames at once.
//! - [`client_disconnect_timeout`] is also how long the connection of a websocket stays open behind
//!   its close frames, 1 s by default: actix waits for the end of the request, which has none.
//! - A client that stops reading loses its session in time, but actix keeps its connection until it
//!   goes. The kernel ends it with `TCP_USER_TIMEOUT`, which connections inherit from a listener given
//!   to [`HttpServer::listen`](actix_web::HttpServer::listen).
//!
//! # CORS
//!
//! Pages of other origins poll only if CORS lets them, and with cookies only if it says so. That is
//! the business of actix-cors:
//!
//! ```
//! use actix_cors::Cors;
//! use actix_web::App;
//! use socketio_actix::SocketIo;
//!
//! const PAGE: &str = "https://page.example";
//! // Websockets are not subject to CORS, so the server holds them to the same list.
//! let io = SocketIo::builder().allowed_origins([PAGE]).build()?;
//! let cors = Cors::default()
//!     .allowed_origin(PAGE)
//!     .allowed_methods(["GET", "POST"])
//!     .supports_credentials();
//! let app = App::new().wrap(cors).service(socketio_actix::service(&io));
//! # Ok::<(), socketio_actix::ConfigError>(())
//! ```
//!
//! # Shutting down
//!
//! actix-web waits for its connections, so the clients are to end first: [`SocketIo::close`], then
//! `ServerHandle::stop(true)`. For the order to be that, [`HttpServer::disable_signals`] and wait for
//! the signal yourself; the examples show how.
//!
//! [`client_disconnect_timeout`]: actix_web::HttpServer::client_disconnect_timeout
//! [`HttpServer::disable_signals`]: actix_web::HttpServer::disable_signals
//! [`HttpServer::new`]: actix_web::HttpServer::new
//! [`h1_allow_half_closed(false)`]: actix_web::HttpServer::h1_allow_half_closed
//! [`tcp_nodelay(true)`]: actix_web::HttpServer::tcp_nodelay

mod connection;
mod convert;
mod middleware;
mod service;

use actix_web::web::{self, ServiceConfig};
pub use socketio_core::*;
pub use socketio_tokio::TokioClock;

pub use self::{
    middleware::{SocketIoMiddleware, SocketIoTransform},
    service::SocketIoService,
};

/// A service for [`App::service`](actix_web::App::service) and [`Scope::service`]: the server's path
/// and everything below it.
///
/// [`Scope::service`]: actix_web::Scope::service
pub fn service(server: impl Into<Endpoint>) -> SocketIoService {
    SocketIoService::new(server)
}

/// A middleware for [`App::wrap`](actix_web::App::wrap) and [`Scope::wrap`]: requests to the
/// server's path are the server's, all others go on.
///
/// What is wrapped last runs first, so wrap it before what is to apply to it, such as CORS.
///
/// [`Scope::wrap`]: actix_web::Scope::wrap
pub fn middleware(server: impl Into<Endpoint>) -> SocketIoTransform {
    SocketIoTransform::new(server)
}

/// All of the mount for [`App::configure`](actix_web::App::configure): the [`service`], without
/// [extensions](SocketIoService::extension), and the server as [`web::Data`] for HTTP handlers.
///
/// ```
/// # use actix_web::App;
/// # use socketio_actix::SocketIo;
/// # let io = SocketIo::new();
/// let app = App::new().configure(socketio_actix::configure(&io));
/// ```
pub fn configure<S>(server: &S) -> impl FnOnce(&mut ServiceConfig) + use<S>
where
    S: Clone + 'static,
    for<'a> &'a S: Into<Endpoint>,
{
    let server = server.clone();
    move |config| {
        config.service(service(&server)).app_data(web::Data::new(server));
    }
}
