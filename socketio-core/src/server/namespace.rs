use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use bytestring::ByteString;

use super::{
    broadcast::{BroadcastOperator, IntoRooms},
    cluster::{ClusterHandle, RoomWatch},
    context::ConnectContext,
    dynamic::Dynamic,
    engine::Engine,
    handler::{Callable, Erased, Handler, Outcome},
    journal::Journal,
    latch::Latch,
    listeners::Listeners,
    params::Params,
    remote::{MissingSockets, RemoteSocket},
    replies::Replies,
    rooms::Rooms,
    socket::Socket,
};
use crate::{
    error::EmitError,
    id::SocketId,
    wire::{AckId, Args, Codec, Encoded, FromArgs},
};

/// A namespace: what its clients can do, and the way to send to all of them.
///
/// Handlers are registered once for all its sockets; registering after clients connected works too.
/// A cheap handle, like [`SocketIo`](crate::SocketIo), which stands for the namespace `/`.
#[derive(Clone)]
pub struct Namespace(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) name: ByteString,
    /// Absent where the application asked for it by name.
    made_by: Option<Box<MadeBy>>,
    /// Clients that come while it is set up wait.
    pub(super) latch: Latch,
    codec: Codec,
    /// The other nodes, where there may be some.
    cluster: Option<Arc<ClusterHandle>>,
    has_recovery: bool,
    /// Read for every event, on all threads: a lock or a counter would go to and fro between them.
    handlers: ArcSwap<Handlers>,
    /// Whether anyone has ever listened to what is sent, here or at one of the sockets.
    is_observed: AtomicBool,
    /// Held while a broadcast is queued for every recipient: all of them see one order.
    rooms: Mutex<Rooms>,
    next_ack: AtomicU64,
}

/// What a dynamic namespace comes from.
pub(super) struct MadeBy {
    pub(super) dynamic: Arc<Dynamic>,
    pub(super) params: Params,
}

/// What the application wants to be called for.
#[derive(Clone, Default)]
pub(super) struct Handlers {
    pub(super) middlewares: Vec<Arc<dyn Callable<ConnectContext>>>,
    /// Connect handlers that decide on the client.
    pub(super) deciding: Vec<Arc<dyn Callable<ConnectContext>>>,
    /// Those that run when it has been let in.
    pub(super) connect: Vec<Arc<dyn Callable<ConnectContext>>>,
    pub(super) listeners: Listeners,
}

impl Inner {
    pub(super) fn is_dynamic(&self) -> bool {
        self.made_by.is_some()
    }

    pub(super) fn is_of(&self, dynamic: &Arc<Dynamic>) -> bool {
        self.made_by.as_ref().is_some_and(|made_by| Arc::ptr_eq(&made_by.dynamic, dynamic))
    }

    pub(super) fn params(&self) -> Option<&Params> {
        self.made_by.as_ref().map(|made_by| &made_by.params)
    }
}

impl Namespace {
    pub(super) fn new(name: ByteString, made_by: Option<MadeBy>, engine: &Engine) -> Self {
        let journal = Journal::new(&name, engine);
        let watch = engine.cluster().map(|cluster| RoomWatch::new(cluster, &name));
        Self(Arc::new(Inner {
            name,
            made_by: made_by.map(Box::new),
            latch: Latch::closed(),
            codec: engine.codec().clone(),
            cluster: engine.cluster().cloned(),
            has_recovery: journal.is_some(),
            handlers: ArcSwap::default(),
            is_observed: AtomicBool::new(false),
            rooms: Mutex::new(Rooms::new(journal, watch)),
            next_ack: AtomicU64::new(0),
        }))
    }

    /// The name, which starts with `/`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Adds what runs when a client asks for the namespace, after the middlewares.
    ///
    /// A handler that returns a `Result` decides: the client is let in when it returned `Ok`, and
    /// what it emitted follows then. Until then broadcasts and selections pass the socket over, so
    /// what must not be missed, such as a state and then its changes, is better asked for by an
    /// event of the client's. One that returns `()` runs when the client has been let in; it may
    /// wait for the client. Either way, events that come meanwhile wait for its end.
    ///
    /// Several run one after the other: first those that decide, in the order of their
    /// registration, then the others. All who decide must let the client in; the first error
    /// refuses it, the rest do not run, and neither does a disconnect handler, also not for those
    /// that returned `Ok`.
    ///
    /// ```
    /// # use socketio_core::{Auth, ConnectError, Socket, SocketIo};
    /// # #[derive(serde::Deserialize)] struct Token { token: String }
    /// # let io = SocketIo::builder().build()?;
    /// io.on_connect(async |socket: Socket, Auth(auth): Auth<Token>| {
    ///     if auth.token != "secret" {
    ///         return Err(ConnectError::new("not authorized").data("wrong token"));
    ///     }
    ///     socket.join("members");
    ///     Ok(())
    /// });
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn on_connect<H, M: 'static>(&self, handler: H)
    where
        H: Handler<ConnectContext, M>,
    {
        let handler: Arc<dyn Callable<_>> = Arc::new(Erased::new(handler));
        self.change_handlers(|handlers| {
            let place = match H::Output::CAN_REFUSE {
                true => &mut handlers.deciding,
                false => &mut handlers.connect,
            };
            place.push(handler.clone());
        });
    }

    /// Adds what runs for each client that asks for the namespace, in order, before
    /// [`on_connect`](Self::on_connect). The first error refuses the client and undoes what was
    /// done to its socket.
    pub fn middleware<H, M: 'static>(&self, handler: H)
    where
        H: Handler<ConnectContext, M>,
    {
        let handler: Arc<dyn Callable<_>> = Arc::new(Erased::new(handler));
        self.change_handlers(|handlers| handlers.middlewares.push(handler.clone()));
    }

    /// Sends to the members of these rooms, each once. Node: `to`, `in`.
    pub fn to(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.operator().to(rooms)
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.to(rooms)
    }

    /// Sends to all but the members of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.operator().except(rooms)
    }

    /// Sends to those whose transport can take it now.
    pub fn volatile(&self) -> BroadcastOperator {
        self.operator().volatile()
    }

    /// Sends to the clients of this node only.
    pub fn local(&self) -> BroadcastOperator {
        self.operator().local()
    }

    /// Sets how long acknowledgements are waited for.
    pub fn timeout(&self, timeout: Duration) -> BroadcastOperator {
        self.operator().timeout(timeout)
    }

    /// Sends an event to every client.
    ///
    /// # Errors
    /// The event cannot be written. A client that left or is too slow is no error.
    pub fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) -> Result<(), EmitError> {
        self.operator().emit(event, args)
    }

    /// Sends the event `message` to every client.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event to every client and gathers the acknowledgements.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> Result<Replies<T>, EmitError> {
        self.operator().emit_with_ack(event, args)
    }

    /// The socket with this id, if it is connected to this node.
    pub fn socket(&self, id: &SocketId) -> Option<Socket> {
        self.rooms().connected(id).cloned()
    }

    /// The connected sockets of this node.
    pub fn sockets(&self) -> Vec<Socket> {
        self.operator().sockets()
    }

    /// The connected sockets of all nodes. Node: `fetchSockets`.
    ///
    /// # Errors
    /// As [`BroadcastOperator::fetch_sockets`].
    pub fn fetch_sockets(
        &self,
    ) -> impl Future<Output = Result<Vec<RemoteSocket>, MissingSockets>> + Send + use<> {
        self.operator().fetch_sockets()
    }

    /// Has all sockets join rooms. Node: `socketsJoin`.
    pub fn join(&self, rooms: impl IntoRooms) {
        self.operator().join(rooms);
    }

    /// Has all sockets leave rooms. Node: `socketsLeave`.
    pub fn leave(&self, rooms: impl IntoRooms) {
        self.operator().leave(rooms);
    }

    /// Takes all sockets out of the namespace; with `close`, their connections too. Node:
    /// `disconnectSockets`.
    pub fn disconnect(&self, close: bool) {
        self.operator().disconnect(close);
    }

    /// How many sockets of this node are connected.
    pub fn sockets_count(&self) -> usize {
        self.rooms().len()
    }

    fn operator(&self) -> BroadcastOperator {
        BroadcastOperator::new(self.clone(), None)
    }

    /// The name, to share.
    pub(super) fn shared_name(&self) -> ByteString {
        self.0.name.clone()
    }

    pub(super) fn cluster(&self) -> Option<&Arc<ClusterHandle>> {
        self.0.cluster.as_ref()
    }

    /// The packet as it goes out, from how it is written in JSON.
    pub(super) fn encode(&self, json: Encoded) -> Encoded {
        self.0.codec.encode(&self.0.name, json)
    }

    pub(super) fn has_recovery(&self) -> bool {
        self.0.has_recovery
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the next acknowledgement: one counter for all sockets, so that a broadcast that
    /// asks for one is written once.
    pub(super) fn next_ack(&self) -> AckId {
        AckId(self.0.next_ack.fetch_add(1, Ordering::Relaxed))
    }

    /// The handlers as they are now, for a short time.
    pub(super) fn handlers(&self) -> Guard<Arc<Handlers>> {
        self.0.handlers.load()
    }

    /// Has events that are sent shown to listeners.
    pub(super) fn observe(&self) {
        self.0.is_observed.store(true, Ordering::Release);
    }

    pub(super) fn is_observed(&self) -> bool {
        self.0.is_observed.load(Ordering::Acquire)
    }

    pub(super) fn change_listeners(&self, mut change: impl FnMut(&mut Listeners)) {
        self.change_handlers(|handlers| change(&mut handlers.listeners));
    }

    fn change_handlers(&self, mut change: impl FnMut(&mut Handlers)) {
        self.0.handlers.rcu(|handlers| {
            let mut handlers = Handlers::clone(handlers);
            change(&mut handlers);
            handlers
        });
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name()).finish()
    }
}
