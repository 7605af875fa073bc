//! Socket.IO in axum.
//!
//! As a layer, in front of all routes:
//!
//! ```no_run
//! use axum::{Router, extract::State, routing::get, serve::ListenerExt};
//! use socketio_axum::{Data, Socket, SocketIo};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let io = SocketIo::new();
//! io.on("message", |socket: Socket, Data(text): Data<String>| {
//!     socket.broadcast().emit("message", &text)
//! });
//!
//! // An HTTP handler emits as well: the server is a cheap handle.
//! async fn announce(State(io): State<SocketIo>) -> &'static str {
//!     match io.emit("news", "something happened") {
//!         Ok(()) => "told everyone",
//!         Err(_) => "could not be written",
//!     }
//! }
//!
//! let app = Router::new()
//!     .route("/announce", get(announce))
//!     .with_state(io.clone())
//!     .layer(socketio_axum::layer(&io));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! // Small frames go out at once.
//! let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Or as a route, which is the way in a nested router; with
//! `nest("/api", Router::new().socketio(&io))` clients use the path `/api/socket.io`:
//!
//! ```
//! # use axum::Router;
//! # use socketio_axum::SocketIo;
//! use socketio_axum::RouterExt;
//!
//! # let io = SocketIo::new();
//! let api = Router::<()>::new().socketio(&io);
//! let app = Router::<()>::new().nest("/api", api);
//! ```
//!
//! Layers of axum and tower-http that come after, and so run before, apply as to any route: CORS,
//! tracing, authentication. What they put into a request's extensions handlers take as
//! [`Extension<T>`], and with `into_make_service_with_connect_info::<SocketAddr>()` the client's
//! address is in [`Handshake::address`].
//!
//! # CORS
//!
//! Pages of other origins poll only if CORS lets them, and with cookies only if it says so. That is
//! tower-http's business; its layer comes after the server's, so that it runs before:
//!
//! ```
//! use axum::{Router, http::{HeaderValue, Method}};
//! use socketio_axum::SocketIo;
//! use tower_http::cors::CorsLayer;
//!
//! const PAGE: &str = "https://page.example";
//! // Websockets are not subject to CORS, so the server holds them to the same list.
//! let io = SocketIo::builder().allowed_origins([PAGE]).build()?;
//! let cors = CorsLayer::new()
//!     .allow_origin([HeaderValue::from_static(PAGE)])
//!     .allow_methods([Method::GET, Method::POST])
//!     .allow_credentials(true);
//! let app = Router::<()>::new().layer(socketio_axum::layer(&io)).layer(cors);
//! # Ok::<(), socketio_axum::ConfigError>(())
//! ```

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, OriginalUri},
    http,
};
pub use socketio_tower::*;

/// A layer for [`Router::layer`]: requests to the server's path are the server's, all others the
/// router's.
///
/// Add it after the router's fallback, which would take its place. In a nested router use
/// [`RouterExt::socketio`]: without a fallback of its own, no layer there sees paths that are no
/// routes.
pub fn layer(server: impl Into<Endpoint>) -> SocketIoLayer {
    SocketIoLayer::new(server).address(address).prepare(prepare)
}

/// A service for [`Router::route_service`] and [`Router::nest_service`]: it answers whatever the
/// router sends it.
pub fn service(server: impl Into<Endpoint>) -> SocketIoService {
    SocketIoService::new(server).address(address).prepare(prepare)
}

fn address(extensions: &http::Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// axum leaves the request's target there, a slice of the buffer that hyper read the request to.
fn prepare(extensions: &mut http::Extensions) {
    if let Some(OriginalUri(uri)) = extensions.get()
        && let Ok(uri) = uri.to_string().parse()
    {
        extensions.insert(OriginalUri(uri));
    }
}

/// Mounting as a route.
pub trait RouterExt {
    /// Routes the server's path, and everything below it, to the server.
    ///
    /// # Panics
    /// If axum takes the path for a pattern that it cannot route, such as `/*x`, or if it is routed
    /// already.
    #[must_use]
    fn socketio(self, server: impl Into<Endpoint>) -> Self;
}

impl<S: Clone + Send + Sync + 'static> RouterExt for Router<S> {
    fn socketio(self, server: impl Into<Endpoint>) -> Self {
        let endpoint = server.into();
        let path = endpoint.path().to_owned();
        let service = service(endpoint);
        self.route_service(&path, service.clone())
            .route_service(&format!("{path}/"), service.clone())
            .route_service(&format!("{path}/{{*rest}}"), service)
    }
}
