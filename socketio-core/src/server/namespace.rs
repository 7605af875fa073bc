use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use bytestring::ByteString;
use rustc_hash::FxHashMap;

use super::{
    broadcast::{BroadcastOperator, IntoRooms},
    context::{ConnectContext, DisconnectContext, EventContext},
    handler::{Callable, Erased, Handler},
    journal::Journal,
    replies::Replies,
    rooms::Rooms,
    socket::Socket,
};
use crate::{
    error::EmitError,
    wire::{AckId, Args, FromArgs, packet::is_reserved},
};

/// A namespace: what its clients can do, and the way to send to all of them.
///
/// Handlers are registered once for all its sockets; registering after clients connected works too.
/// A cheap handle, like [`SocketIo`](crate::SocketIo), which stands for the namespace `/`.
#[derive(Clone)]
pub struct Namespace(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) name: ByteString,
    pub(super) is_dynamic: bool,
    has_recovery: bool,
    /// Read for every event, on all threads: a lock or a counter would go to and fro between them.
    handlers: ArcSwap<Handlers>,
    /// Held while a broadcast is queued for every recipient: all of them see one order.
    rooms: Mutex<Rooms>,
    next_ack: AtomicU64,
}

/// What the application wants to be called for.
#[derive(Clone, Default)]
pub(super) struct Handlers {
    pub(super) middlewares: Vec<Arc<dyn Callable<ConnectContext>>>,
    pub(super) connect: Option<Arc<dyn Callable<ConnectContext>>>,
    pub(super) events: FxHashMap<ByteString, Vec<Arc<dyn Callable<EventContext>>>>,
    pub(super) disconnect: Option<Arc<dyn Callable<DisconnectContext>>>,
    pub(super) expired: Option<Arc<dyn Callable<DisconnectContext>>>,
}

impl Namespace {
    pub(super) fn new(name: ByteString, is_dynamic: bool, journal: Option<Journal>) -> Self {
        Self(Arc::new(Inner {
            name,
            is_dynamic,
            has_recovery: journal.is_some(),
            handlers: ArcSwap::default(),
            rooms: Mutex::new(Rooms::new(journal)),
            next_ack: AtomicU64::new(0),
        }))
    }

    /// The name, which starts with `/`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Sets what runs when a client asks for the namespace, after the middlewares.
    ///
    /// A handler that returns a `Result` decides: the client is let in when it returned `Ok`, and
    /// what it emitted follows then. Until then broadcasts and selections pass the socket over, so
    /// what must not be missed, such as a state and then its changes, is better asked for by an
    /// event of the client's. One that returns `()` runs when the client has been let in; it may
    /// wait for the client. Either way, events that come meanwhile wait for its end.
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
        self.change_handlers(|handlers| handlers.connect = Some(handler.clone()));
    }

    /// Adds what runs for an event. Several handlers of one event run in the order of their
    /// registration.
    ///
    /// If the client asks for an acknowledgement it gets one: the first [`Data`](crate::Data) that
    /// a handler returns, else an empty one when all have returned, unless a handler took
    /// [`Ack`](crate::Ack) to answer by hand.
    ///
    /// ```
    /// # use socketio_core::{Data, Socket, SocketIo};
    /// # let io = SocketIo::builder().build()?;
    /// io.on("sum", |Data((a, b)): Data<(i64, i64)>| Data(a + b));
    /// io.on("message", async |socket: Socket, Data(text): Data<String>| {
    ///     socket.broadcast().emit("message", &text)
    /// });
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    ///
    /// # Panics
    /// If the name is one that stands for the life of a socket, such as `disconnect`, which no
    /// event can have.
    pub fn on<H, M: 'static>(&self, event: impl Into<String>, handler: H)
    where
        H: Handler<EventContext, M>,
    {
        let event = ByteString::from(event.into());
        assert!(!is_reserved(&event), "{event:?} is a reserved event name");
        let handler: Arc<dyn Callable<_>> = Arc::new(Erased::new(handler));
        self.change_handlers(|handlers| {
            handlers.events.entry(event.clone()).or_default().push(handler.clone());
        });
    }

    /// Sets what runs when a socket has left, once for each that was let in. The socket is out of
    /// its rooms by then, but [`Socket::rooms`] still tells which they were.
    pub fn on_disconnect<H, M: 'static>(&self, handler: H)
    where
        H: Handler<DisconnectContext, M>,
    {
        let handler: Arc<dyn Callable<_>> = Arc::new(Erased::new(handler));
        self.change_handlers(|handlers| handlers.disconnect = Some(handler.clone()));
    }

    /// Sets what runs when a socket that connection state recovery kept for its client's return can
    /// not be had any more: the client did not come in time, the server closes, or too much was
    /// missed. It runs after [`on_disconnect`](Self::on_disconnect), with the same arguments.
    ///
    /// ```
    /// # use socketio_core::{Recovery, Socket, SocketIo};
    /// let io = SocketIo::builder().recovery(Recovery::default()).build()?;
    /// io.on_expire(|socket: Socket| println!("{} will not come back", socket.id()));
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn on_expire<H, M: 'static>(&self, handler: H)
    where
        H: Handler<DisconnectContext, M>,
    {
        let handler: Arc<dyn Callable<_>> = Arc::new(Erased::new(handler));
        self.change_handlers(|handlers| handlers.expired = Some(handler.clone()));
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

    /// The connected sockets of this node.
    pub fn sockets(&self) -> Vec<Socket> {
        self.operator().sockets()
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

    fn change_handlers(&self, change: impl Fn(&mut Handlers)) {
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
