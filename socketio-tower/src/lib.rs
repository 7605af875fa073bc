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
//! that allows upgrades, as `hyper_util`'s does with `serve_connection_with_upgrades`.

mod body;
mod service;

pub use socketio_core::*;
pub use socketio_tokio::TokioClock;

pub use self::{
    body::ResponseBody,
    service::{ResponseFuture, SocketIoLayer, SocketIoMiddleware, SocketIoService},
};
