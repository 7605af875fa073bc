//! The server around the machines: sessions, namespaces, rooms, handlers. Concurrent, but without a
//! runtime: it makes futures and never spawns them.

mod ack;
mod broadcast;
mod client;
mod cluster;
mod context;
mod data;
mod driver;
mod dynamic;
mod engine;
mod engine_io;
mod event;
mod extract;
mod flights;
mod handler;
mod handshake;
mod io;
mod journal;
mod latch;
mod listeners;
mod log;
mod namespace;
mod namespaces;
mod outgoing;
mod params;
mod pump;
mod recovery;
mod remote;
mod replies;
mod rooms;
mod session;
mod shrink;
mod socket;
mod timer;

pub use self::{
    ack::Ack,
    broadcast::{BroadcastOperator, IntoRooms},
    cluster::{
        Adapter, ClusterDriver, ClusterNode, EventLog, LogFuture, MissingAnswers, ServerGone,
        ServerReplies,
    },
    context::{
        ConnectContext, Context, DisconnectContext, EventContext, EventMiddlewareContext,
        FromContext, HasEvent, OutgoingContext, ServerContext, ServerEventContext,
    },
    data::{Extensions, SocketData},
    driver::PollingDriver,
    dynamic::{DynamicNamespace, NamespaceDecision, NamespaceMatcher, NamespaceRequest},
    engine_io::{EngineIo, EngineSocket},
    event::{AckOf, Answers, Event, EventArgs, NoAck},
    extract::{Auth, Data, EventName, Extension, State},
    handler::{Handler, Outcome},
    handshake::{Handshake, PeerAddr},
    io::SocketIo,
    listeners::ListenerId,
    namespace::Namespace,
    params::NamespaceParams,
    pump::WebSocketError,
    remote::{MissingSockets, RemoteSocket},
    replies::{AckFuture, MissingReplies, Replies},
    socket::{Socket, SocketOperator},
};
pub(crate) use self::{
    driver::Driver,
    engine::{Engine, Host},
    pump::Pump,
    session::Session,
};
