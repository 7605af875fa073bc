//! What the application wants to be called for, by a namespace or by a single socket.

use std::{
    iter,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytestring::ByteString;
use rustc_hash::FxHashMap;

use super::{
    context::{
        Context, DisconnectContext, EventContext, EventMiddlewareContext, OutgoingContext,
        ServerContext, ServerEventContext,
    },
    handler::{Callable, Erased, Handler, Started},
    namespace::Namespace,
    socket::Socket,
};
use crate::wire::packet::is_reserved;

/// A handler that was registered with a [`Namespace`] or a [`Socket`], to take it off again with
/// `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// The handlers of a namespace, or of one socket.
#[derive(Clone, Default)]
pub(super) struct Listeners {
    pub(super) any: Vec<Listener<EventContext>>,
    pub(super) any_outgoing: Vec<Listener<OutgoingContext>>,
    pub(super) middlewares: Vec<Listener<EventMiddlewareContext>>,
    pub(super) events: FxHashMap<ByteString, Vec<Listener<EventContext>>>,
    pub(super) disconnect: Vec<Listener<DisconnectContext>>,
    pub(super) expired: Vec<Listener<DisconnectContext>>,
    /// Of a namespace alone.
    pub(super) server_events: FxHashMap<ByteString, Vec<Listener<ServerEventContext>>>,
}

/// A handler and its name.
pub(super) struct Listener<C> {
    id: ListenerId,
    pub(super) handler: Arc<dyn Callable<C>>,
}

/// The handlers of all sockets.
impl Namespace {
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
    pub fn on<H, M: 'static>(&self, event: impl Into<String>, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let (event, listener) = (event_name(event), Listener::new(handler));
        self.change_listeners(|listeners| listeners.add(&event, &listener));
        listener.id
    }

    /// As [`on`](Self::on), for the next such event of any socket alone.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    pub fn once<H, M: 'static>(&self, event: impl Into<String>, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let (event, listener) = (event_name(event), Listener::once(handler, Owner::Namespace));
        self.change_listeners(|listeners| listeners.add(&event, &listener));
        listener.id
    }

    /// Adds what runs for every event, before the handlers of the event itself. Several run in the
    /// order of their registration. An event that has no other handler is not acknowledged, unless
    /// one of these does. Node: `socket.onAny`.
    ///
    /// ```
    /// # use socketio_core::{EventName, RawArgs, Socket, SocketIo};
    /// # let io = SocketIo::new();
    /// io.on_any(|socket: Socket, EventName(name): EventName, args: RawArgs| {
    ///     println!("{}: {name} {}", socket.id(), args.as_json());
    /// });
    /// ```
    pub fn on_any<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.any.push(listener.clone()));
        listener.id
    }

    /// Adds what runs for every event that is sent to a socket, by an emit or as one of many by a
    /// broadcast, also if it is a volatile one that the client cannot take; acknowledgements are
    /// not shown. A plain function: it is called where the event is sent, when that is on its way.
    /// What it sends itself is shown to it too. Node: `socket.onAnyOutgoing`.
    ///
    /// ```
    /// # use socketio_core::{EventName, Socket, SocketIo};
    /// # let io = SocketIo::new();
    /// io.on_any_outgoing(|socket: Socket, EventName(name): EventName| {
    ///     println!("{name} to {}", socket.id());
    /// });
    /// ```
    pub fn on_any_outgoing<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<OutgoingContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.any_outgoing.push(listener.clone()));
        self.observe();
        listener.id
    }

    /// Adds what runs for every event before its handlers, to check it, to change it or to stop it.
    /// Several run one after the other, in the order of their registration. Node: `socket.use`.
    ///
    /// An error stops the event: it goes to the error hook, and into the acknowledgement if one was
    /// asked for. [`ControlFlow::Break`](std::ops::ControlFlow) stops it without a word. With
    /// [`Data`](crate::Data) or [`RawArgs`](crate::RawArgs) the event goes on with these arguments.
    /// Events that come meanwhile wait, and no handler runs if the socket is not connected any more.
    ///
    /// ```
    /// # use std::ops::ControlFlow;
    /// # use socketio_core::{Data, EventName, RawArgs, Socket, SocketIo};
    /// # let io = SocketIo::new();
    /// # async fn is_allowed(socket: &Socket, event: &str) -> bool { true }
    /// io.event_middleware(async |socket: Socket, EventName(name): EventName| {
    ///     match is_allowed(&socket, &name).await {
    ///         true => Ok(()),
    ///         false => Err("not authorized"),
    ///     }
    /// });
    /// io.event_middleware(|args: RawArgs| match args.len() {
    ///     0 => ControlFlow::Break(()),
    ///     _ => ControlFlow::Continue(args.skip(1)),
    /// });
    /// ```
    pub fn event_middleware<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventMiddlewareContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.middlewares.push(listener.clone()));
        listener.id
    }

    /// Adds what runs when a socket has left, once for each that was let in. Several run in the
    /// order of their registration. The socket is out of its rooms by then, but [`Socket::rooms`]
    /// still tells which they were. Node: `disconnecting` and `disconnect`.
    pub fn on_disconnect<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<DisconnectContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.disconnect.push(listener.clone()));
        listener.id
    }

    /// Adds what runs when a socket that connection state recovery kept for its client's return can
    /// not be had any more: the client did not come in time, was refused when it came, or missed too
    /// much, or the server closes. It runs after [`on_disconnect`](Self::on_disconnect), with the
    /// same arguments. Where nodes share a [log](crate::Adapter::log), it runs on the node that the
    /// client left, and not when that closes: the client may come back to another.
    ///
    /// ```
    /// # use socketio_core::{Recovery, Socket, SocketIo};
    /// let io = SocketIo::builder().recovery(Recovery::default()).build()?;
    /// io.on_expire(|socket: Socket| println!("{} will not come back", socket.id()));
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn on_expire<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<DisconnectContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.expired.push(listener.clone()));
        listener.id
    }

    /// Adds what runs for an event that another node sends with
    /// [`server_side_emit`](Self::server_side_emit). Several handlers of one event run in the order
    /// of their registration, and those of one event begin before those of the next. Node: `io.on`,
    /// which has such events among its own.
    ///
    /// The answer, if one is asked for, is that of an [event](Self::on), but of several arguments it
    /// is the first alone.
    ///
    /// ```
    /// # use socketio_core::{Data, SocketIo};
    /// # let io = SocketIo::new();
    /// io.on_server_event("count", |io: SocketIo| Data(io.sockets_count()));
    /// io.on_server_event("motd", async |io: SocketIo, Data(text): Data<String>| {
    ///     io.local().emit("motd", &text)
    /// });
    /// ```
    pub fn on_server_event<H, M: 'static>(&self, event: impl Into<String>, handler: H) -> ListenerId
    where
        H: Handler<ServerEventContext, M>,
    {
        let (event, listener) = (ByteString::from(event.into()), Listener::new(handler));
        self.change_listeners(|listeners| {
            listeners.server_events.entry(event.clone()).or_default().push(listener.clone());
        });
        listener.id
    }

    /// Takes a handler off. Tells whether it was there.
    pub fn off(&self, listener: ListenerId) -> bool {
        let mut was_there = false;
        self.change_listeners(|listeners| was_there = listeners.remove(listener));
        was_there
    }

    /// Takes all handlers of an event off.
    pub fn off_all(&self, event: &str) {
        self.change_listeners(|listeners| drop(listeners.events.remove(event)));
    }
}

/// Handlers of this socket alone. They run after those of its namespace, and go when the socket has
/// ended, also where they have captured the socket; registering then does nothing.
impl Socket {
    /// Adds what runs for an event of this client, as [`Namespace::on`] does for all. Register what
    /// is to be there from the start while the client connects: no event is handled before.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # use socketio_core::{Data, Socket, SocketIo};
    /// # let io = SocketIo::new();
    /// io.on_connect(|socket: Socket| {
    ///     let count = AtomicU64::new(0);
    ///     socket.on("count", move || Data(count.fetch_add(1, Ordering::Relaxed)));
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`Namespace::on`].
    pub fn on<H, M: 'static>(&self, event: impl Into<String>, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let (event, listener) = (event_name(event), Listener::new(handler));
        self.change_listeners(|listeners| listeners.add(&event, &listener));
        listener.id
    }

    /// As [`on`](Self::on), for the next such event alone.
    ///
    /// # Panics
    /// As [`Namespace::on`].
    pub fn once<H, M: 'static>(&self, event: impl Into<String>, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let (event, listener) = (event_name(event), Listener::once(handler, Owner::Socket));
        self.change_listeners(|listeners| listeners.add(&event, &listener));
        listener.id
    }

    /// Adds what runs for every event of this client, as [`Namespace::on_any`] does for all.
    pub fn on_any<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.any.push(listener.clone()));
        listener.id
    }

    /// Adds what runs for every event that is sent to this client, as
    /// [`Namespace::on_any_outgoing`] does for all.
    pub fn on_any_outgoing<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<OutgoingContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.any_outgoing.push(listener.clone()));
        self.namespace().observe();
        listener.id
    }

    /// Adds what runs for every event of this client before its handlers, as
    /// [`Namespace::event_middleware`] does for all.
    pub fn event_middleware<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventMiddlewareContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.middlewares.push(listener.clone()));
        listener.id
    }

    /// Adds what runs when this socket has left, as [`Namespace::on_disconnect`] does for all.
    pub fn on_disconnect<H, M: 'static>(&self, handler: H) -> ListenerId
    where
        H: Handler<DisconnectContext, M>,
    {
        let listener = Listener::new(handler);
        self.change_listeners(|listeners| listeners.disconnect.push(listener.clone()));
        listener.id
    }

    /// Takes a handler off. Tells whether it was there.
    pub fn off(&self, listener: ListenerId) -> bool {
        let mut was_there = false;
        self.change_listeners(|listeners| was_there = listeners.remove(listener));
        was_there
    }

    /// Takes all handlers of an event off.
    pub fn off_all(&self, event: &str) {
        self.change_listeners(|listeners| drop(listeners.events.remove(event)));
    }
}

/// Those of the namespace, then those of the socket.
pub(super) fn both<'a>(
    namespace: &'a Listeners,
    socket: Option<&'a Listeners>,
) -> impl Iterator<Item = &'a Listeners> {
    iter::once(namespace).chain(socket)
}

fn event_name(event: impl Into<String>) -> ByteString {
    let event = ByteString::from(event.into());
    assert!(!is_reserved(&event), "{event:?} is a reserved event name");
    event
}

impl Listeners {
    /// Whether anything comes before the handlers of an event.
    pub(super) fn intercepts(&self) -> bool {
        !self.any.is_empty() || !self.middlewares.is_empty()
    }

    /// The handlers of an event itself.
    #[inline]
    pub(super) fn of(&self, event: &str) -> &[Listener<EventContext>] {
        self.events.get(event).map(Vec::as_slice).unwrap_or_default()
    }

    fn add(&mut self, event: &ByteString, listener: &Listener<EventContext>) {
        self.events.entry(event.clone()).or_default().push(listener.clone());
    }

    fn remove(&mut self, id: ListenerId) -> bool {
        let was_there = remove(&mut self.any, id)
            || remove(&mut self.any_outgoing, id)
            || remove(&mut self.middlewares, id)
            || remove(&mut self.disconnect, id)
            || remove(&mut self.expired, id)
            || self.events.values_mut().any(|listeners| remove(listeners, id))
            || self.server_events.values_mut().any(|listeners| remove(listeners, id));
        self.events.retain(|_, listeners| !listeners.is_empty());
        self.server_events.retain(|_, listeners| !listeners.is_empty());
        was_there
    }
}

fn remove<C>(listeners: &mut Vec<Listener<C>>, id: ListenerId) -> bool {
    let index = listeners.iter().position(|listener| listener.id == id);
    index.map(|index| listeners.remove(index)).is_some()
}

impl<C: ServerContext> Listener<C> {
    fn new<H, M: 'static>(handler: H) -> Self
    where
        H: Handler<C, M>,
    {
        Self { id: ListenerId::next(), handler: Arc::new(Erased::new(handler)) }
    }
}

impl<C: Context> Listener<C> {
    fn once<H, M: 'static>(handler: H, owner: Owner) -> Self
    where
        H: Handler<C, M>,
    {
        let (id, is_spent) = (ListenerId::next(), AtomicBool::new(false));
        let once = Once { handler: Erased::new(handler), id, owner, is_spent };
        Self { id, handler: Arc::new(once) }
    }
}

impl<C> Clone for Listener<C> {
    fn clone(&self) -> Self {
        Self { id: self.id, handler: Arc::clone(&self.handler) }
    }
}

impl ListenerId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A handler that takes itself off when it is called.
struct Once<H> {
    handler: H,
    id: ListenerId,
    owner: Owner,
    /// Another call may be on its way when it is taken off.
    is_spent: AtomicBool,
}

/// Whom a handler was registered with.
#[derive(Clone, Copy)]
enum Owner {
    Namespace,
    Socket,
}

impl<C: Context, H: Callable<C>> Callable<C> for Once<H> {
    fn call(&self, cx: &C) -> Started {
        if self.is_spent.swap(true, Ordering::AcqRel) {
            return Started::Done(Ok(()));
        }
        match self.owner {
            Owner::Namespace => cx.socket().namespace().off(self.id),
            Owner::Socket => cx.socket().off(self.id),
        };
        self.handler.call(cx)
    }
}
