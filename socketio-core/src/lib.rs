//! Socket.IO and Engine.IO as a server core that knows no runtime and no framework.
//!
//! Users take an adapter, which re-exports all of this: `socketio-axum`, `socketio-tower`. The core
//! alone is for who writes an adapter, and for tests of handlers without a network
//! (feature `testing`).
//!
//! ```
//! use socketio_core::{Auth, ConnectError, Data, Socket, SocketIo};
//!
//! #[derive(serde::Deserialize)]
//! struct Login {
//!     name: String,
//! }
//!
//! let io = SocketIo::new();
//! let chat = io.of("/chat");
//! chat.on_connect(async |socket: Socket, Auth(login): Auth<Login>| {
//!     if login.name.is_empty() {
//!         return Err(ConnectError::new("who are you?"));
//!     }
//!     socket.extensions().insert(login.name);
//!     socket.join("lobby");
//!     Ok(())
//! });
//! chat.on("message", async |socket: Socket, Data(text): Data<String>| {
//!     socket.to("lobby").emit("message", &text)
//! });
//! ```
//!
//! # Where to look
//!
//! - [`SocketIo`] is the server, [`Builder`] its options, [`Config`] those that a file may have,
//!   [`Limits`] its bounds. Clients of the versions 1.x and 2.x are let in by
//!   [`allow_eio3`](Builder::allow_eio3).
//! - [`Namespace`] takes handlers and sends to everyone, [`Socket`] is one client,
//!   [`BroadcastOperator`] says whom to send to.
//! - Handlers are functions whose arguments are [extractors](FromContext): [`Socket`], [`Data`],
//!   [`Auth`], [`Ack`], [`State`], [`Extension`], [`Handshake`], [`RawArgs`], [`EventName`],
//!   [`DisconnectReason`], [`NamespaceParams`], [`SocketIo`], and an `Option` or `Result` of any.
//! - [`Event`] makes types of events, whose names and acknowledgements the compiler checks then;
//!   with the feature `typescript`, `TypeScript` declares them to clients.
//! - [`Recovery`] gives clients whose connection broke their sockets back;
//!   [`Parser`](wire::Parser) has packets travel otherwise than as JSON.
//! - [`Adapter`] is what makes several servers one cluster, [`RemoteSocket`] a client of any of them;
//!   with the feature `cluster`, `cluster` has the encodings of what these servers tell each other.
//! - [`EngineIo`] is the layer below alone: messages without events.
//! - [`wire`] has the codecs, for clients and tools.
//!
//! # Writing an adapter
//!
//! An adapter brings a [`Clock`], spawns, and does what [`Endpoint::accept`] says. This is one,
//! with only the framework's own part left open:
//!
//! ```
//! use bytes::Bytes;
//! use futures_util::{Sink, Stream, future::BoxFuture};
//! use http::{Response, request::Parts};
//! use socketio_core::{Accept, Endpoint, Frame, WebSocketError};
//!
//! async fn handle<B, W>(
//!     endpoint: &Endpoint,
//!     head: &Parts,
//!     body: B,
//!     spawn: impl Fn(BoxFuture<'static, ()>),
//!     shake_hands: impl FnOnce(&Parts) -> (Response<Bytes>, W),
//! ) -> Response<Bytes>
//! where
//!     B: Stream<Item = std::io::Result<Bytes>>,
//!     W: Stream<Item = Result<Frame, WebSocketError>> + Sink<Frame, Error = WebSocketError>,
//!     W: Send + 'static,
//! {
//!     match endpoint.accept(head).await {
//!         Accept::Respond(response) => response,
//!         Accept::Open(response, driver) => {
//!             spawn(Box::pin(driver));
//!             response
//!         }
//!         Accept::Poll(poll) => poll.await,
//!         Accept::Receive(receive) => receive.collect(body).await,
//!         Accept::Upgrade(upgrade) => {
//!             let (response, websocket) = shake_hands(head);
//!             let response = upgrade.respond(response);
//!             spawn(Box::pin(upgrade.serve(websocket)));
//!             response
//!         }
//!     }
//! }
//! ```
//!
//! Before the first request it calls [`Endpoint::use_clock`]. What it knows of the client's address
//! it puts into the head's extensions as [`PeerAddr`], and what owns the connection, such as a
//! handle for upgrades, it takes out of them: handlers can see what is left.

#[cfg(feature = "derive")]
pub use socketio_macros::Event;

#[cfg(feature = "typescript")]
pub use self::typescript::{TypeScript, TypeScriptError};

mod accept;
mod clock;
#[cfg(feature = "cluster")]
pub mod cluster;
mod config;
mod error;
mod id;
mod proto;
mod server;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "typescript")]
mod typescript;
pub mod wire;

#[cfg(feature = "msgpack")]
pub use self::wire::MsgPack;
pub use self::{
    accept::{Accept, BadRequest, ConnectionError, Endpoint, PollRequest, Receive, Serve, Upgrade},
    clock::{Clock, Sleep},
    config::{Builder, Config, ConfigError, Cookie, Limits, Recovery, SameSite},
    error::{AckError, BoxError, ConnectError, EmitError, ErrorReport, ExtractError, Failure},
    id::SocketId,
    proto::{
        DisconnectReason,
        client::Violation,
        cluster::{
            BroadcastOptions, ClusterMessage, LogOffset, LogOffsetError, LoggedMessage, Membership,
            MissingNodes, NodeId, RemoteHandshake, RequestId, SavedRoom, SavedSession, SessionSpan,
            SocketDescription,
        },
        engine::Transport,
    },
    server::{
        Ack, AckFuture, AckOf, Adapter, Answers, Auth, BroadcastOperator, ClusterDriver,
        ClusterNode, ConnectContext, Context, Data, DisconnectContext, DynamicNamespace, EngineIo,
        EngineSocket, Event, EventArgs, EventContext, EventLog, EventMiddlewareContext, EventName,
        Extension, Extensions, FromContext, Handler, Handshake, HasEvent, IntoRooms, ListenerId,
        LogFuture, MissingAnswers, MissingReplies, MissingSockets, Namespace, NamespaceDecision,
        NamespaceMatcher, NamespaceParams, NamespaceRequest, NoAck, Outcome, OutgoingContext,
        PeerAddr, PollingDriver, RemoteSocket, Replies, ServerContext, ServerEventContext,
        ServerGone, ServerReplies, Socket, SocketData, SocketIo, SocketOperator, State,
        WebSocketError,
    },
    wire::{Args, ArgsError, EncodeError, Frame, FromArgs, Message, RawArgs},
};
