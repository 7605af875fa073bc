//! Socket.IO in warp.
//!
//! ```no_run
//! use socketio_warp::{Data, Socket, SocketIo};
//! use warp::Filter;
//!
//! # #[tokio::main]
//! # async fn main() {
//! let io = SocketIo::new();
//! io.on("message", |socket: Socket, Data(text): Data<String>| {
//!     socket.broadcast().emit("message", &text)
//! });
//!
//! // An HTTP handler emits as well: the server is a cheap handle.
//! let announce = {
//!     let io = io.clone();
//!     warp::path("announce").map(move || match io.emit("news", "something happened") {
//!         Ok(()) => "told everyone",
//!         Err(_) => "could not be written",
//!     })
//! };
//! warp::serve(socketio_warp::filter(&io).or(announce)).run(([127, 0, 0, 1], 3000)).await;
//! # }
//! ```
//!
//! Behind other path filters the server's path is what comes after theirs: with
//! `warp::path("api").and(socketio_warp::filter(&io))` clients use the path `/api/socket.io`.
//! Filters such as `warp::cors()` and `warp::log()` wrap it as any other. One in front must not take
//! the request's body, unless its path is another. What a filter finds out
//! about a request, handlers take as [`Extension<T>`]: see [`filter_with`].
//!
//! `warp::serve` leaves `TCP_NODELAY` to the system. For small frames to go out at once, set it on a
//! listener (`tokio::net::TcpSocket`), from which connections inherit it, and give that to `incoming`;
//! the examples do.
//!
//! # CORS
//!
//! Pages of other origins poll only if CORS lets them, and with cookies only if it says so. That is
//! warp's business. It does not tell caches that answers differ by origin; one line more does:
//!
//! ```
//! use socketio_warp::SocketIo;
//! use warp::Filter;
//!
//! const PAGE: &str = "https://page.example";
//! // Websockets are not subject to CORS, so the server holds them to the same list.
//! let io = SocketIo::builder().allowed_origins([PAGE]).build()?;
//! let cors = warp::cors()
//!     .allow_origin(PAGE)
//!     .allow_methods(["GET", "POST"])
//!     .allow_credentials(true);
//! let vary = warp::reply::with::header("vary", "origin");
//! let filter = socketio_warp::filter(&io).with(cors).with(vary);
//! # Ok::<(), socketio_warp::ConfigError>(())
//! ```
//!
//! # Tower stacks
//!
//! warp lets no filter see all of a request's extensions. Where a tower stack stands in front whose
//! layers leave something in them, mount the server there: [`SocketIoLayer`] around
//! `warp::service(routes)`:
//!
//! ```
//! use socketio_warp::{SocketIo, SocketIoLayer};
//! use tower_layer::Layer;
//! use warp::Filter;
//!
//! # let io = SocketIo::new();
//! let routes = warp::path::end().map(|| "home");
//! let service = SocketIoLayer::new(&io).layer(warp::service(routes));
//! ```

mod filter;

pub use socketio_tower::*;

pub use self::filter::{filter, filter_with};
