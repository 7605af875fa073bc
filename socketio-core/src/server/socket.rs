use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use bytestring::ByteString;
use futures_channel::oneshot;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    broadcast::{BroadcastOperator, IntoRooms},
    client::ClientHandle,
    data::{Extensions, SocketData},
    handshake::Handshake,
    io::SocketIo,
    listeners::Listeners,
    namespace::Namespace,
    outgoing::Audience,
    recovery::Place,
    replies::{AckFuture, Waiting},
    rooms::Stay,
};
use crate::{
    error::{AckError, EmitError, ErrorReport, Failure},
    id::SocketId,
    proto::{
        DisconnectReason,
        engine::{SendError, Transport},
    },
    wire::{
        AckId, Args, ArgsError, Draft, Encoded, FromArgs, Revision, draft_event, encode_connect,
        encode_connect_v4, encode_disconnect,
    },
};

/// One client in one namespace. A cheap handle; it stays usable after the client left, when emits
/// fail with [`EmitError::Closed`], or are kept for its [return](crate::Recovery).
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: SocketId,
    namespace: Namespace,
    client: Arc<ClientHandle>,
    auth: Option<ByteString>,
    phase: AtomicU8,
    /// Whether the state has listeners: as a rule there are none, and no lock is taken.
    has_listeners: AtomicBool,
    state: Mutex<State>,
    /// With connection state recovery.
    place: Option<Box<Place>>,
    extensions: RwLock<http::Extensions>,
    data: RwLock<Map<String, Value>>,
}

/// What a socket begins with: nothing, or what it had before its connection broke.
pub(super) struct Origin {
    pub(super) id: SocketId,
    pub(super) data: Map<String, Value>,
    pub(super) place: Option<Box<Place>>,
}

impl Default for Origin {
    fn default() -> Self {
        Self { id: SocketId::random(), data: Map::new(), place: None }
    }
}

/// A packet on its way to one client, in JSON.
pub(super) enum Outgoing {
    /// To be kept for the client's return, with connection state recovery.
    Event(Draft),
    Packet(Encoded),
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Outgoing::Event(draft) => draft.len(),
            Outgoing::Packet(packet) => packet.len(),
        }
    }
}

/// The connect is yet to be answered; what is emitted waits for that.
const CONNECTING: u8 = 0;
const CONNECTED: u8 = 1;
const CLOSED: u8 = 2;

#[derive(Default)]
struct State {
    /// Packets that wait for the connect to be answered.
    held: Vec<Outgoing>,
    held_bytes: usize,
    /// The connect handler did not refuse, so the disconnect handler is to run.
    is_opened: bool,
    /// Why the socket ended, and the rooms it was in then.
    end: Option<(DisconnectReason, Vec<ByteString>)>,
    listeners: Option<Arc<Listeners>>,
    /// What runs at its end has been taken, and the listeners with it.
    is_over: bool,
}

impl Socket {
    pub(super) fn new(
        namespace: Namespace,
        client: Arc<ClientHandle>,
        auth: Option<ByteString>,
        Origin { id, data, place }: Origin,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            namespace,
            client,
            auth,
            phase: AtomicU8::new(CONNECTING),
            has_listeners: AtomicBool::new(false),
            state: Mutex::default(),
            place,
            extensions: RwLock::default(),
            data: RwLock::new(data),
        }))
    }

    /// The id, which the client has as `socket.id`; an old client has
    /// [another](crate::Builder::allow_eio3). It names a room that holds just this socket.
    pub fn id(&self) -> &SocketId {
        &self.0.id
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// The server.
    pub fn io(&self) -> SocketIo {
        self.0.client.io()
    }

    /// The first request of the session.
    pub fn handshake(&self) -> &Handshake {
        self.0.client.session().handshake()
    }

    /// The auth payload that the client sent with its connect, `{}` if it sent none. That of a 1.x or
    /// 2.x client is the query of the namespace, an object of strings.
    ///
    /// # Errors
    /// It is no `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        read_auth(self.0.auth.as_deref())
    }

    /// The auth payload as JSON, if the client sent one.
    pub(super) fn raw_auth(&self) -> Option<&str> {
        self.0.auth.as_deref()
    }

    /// The transport now in use.
    pub fn transport(&self) -> Transport {
        self.0.client.session().read(|connection| connection.transport())
    }

    /// The revision of the Engine.IO protocol that the client speaks: 4, or 3 for a 1.x or 2.x
    /// client.
    pub fn protocol(&self) -> u8 {
        self.revision().number()
    }

    /// Whether the client is in the namespace.
    pub fn is_connected(&self) -> bool {
        self.0.phase.load(Ordering::Acquire) == CONNECTED
    }

    /// Whether connection state recovery brought the socket back: it has the id, the rooms and the
    /// [data](Self::data) that it had before its connection broke, and its client gets the events
    /// that it missed. Node: `recovered`.
    pub fn is_recovered(&self) -> bool {
        self.0.place.as_ref().is_some_and(|place| place.is_recovered())
    }

    /// Why the socket ended, if it has.
    pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
        self.state().end.as_ref().map(|(reason, _)| *reason)
    }

    /// Sends an event: a tuple is [several arguments](Args), anything else is one. Never blocks.
    ///
    /// # Errors
    /// The event cannot be written, the client has left, or it is too slow.
    pub fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) -> Result<(), EmitError> {
        let draft = draft_event(self.namespace_name(), event, None, args)?;
        let audience = self.audience(&draft);
        self.push(Outgoing::Event(draft))?;
        audience.show();
        Ok(())
    }

    /// Sends the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event and waits for the client's acknowledgement.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> AckFuture<T> {
        self.operator().emit_with_ack(event, args)
    }

    /// Drops what follows if the transport cannot take it now.
    pub fn volatile(&self) -> SocketOperator<'_> {
        SocketOperator { is_volatile: true, ..self.operator() }
    }

    /// Sets how long the acknowledgement is waited for, in place of the option `ack_timeout`.
    pub fn timeout(&self, timeout: Duration) -> SocketOperator<'_> {
        SocketOperator { timeout: Some(timeout), ..self.operator() }
    }

    fn operator(&self) -> SocketOperator<'_> {
        SocketOperator { socket: self, is_volatile: false, timeout: None }
    }

    /// Sends to everyone else in the namespace.
    pub fn broadcast(&self) -> BroadcastOperator {
        BroadcastOperator::new(self.0.namespace.clone(), Some(self.0.id))
    }

    /// Sends to everyone else in these rooms.
    pub fn to(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.to(rooms)
    }

    /// Sends to everyone else but the members of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.broadcast().except(rooms)
    }

    /// Sends to everyone else on this node.
    pub fn local(&self) -> BroadcastOperator {
        self.broadcast().local()
    }

    /// Joins rooms. Does nothing once the socket has ended.
    pub fn join(&self, rooms: impl IntoRooms) {
        let rooms = rooms.into_rooms();
        let mut members = self.0.namespace.rooms();
        for room in rooms {
            members.join(&self.0.id, &room);
        }
    }

    /// Leaves rooms. The room of its own it cannot leave.
    pub fn leave(&self, rooms: impl IntoRooms) {
        let rooms = rooms.into_rooms();
        let mut members = self.0.namespace.rooms();
        if self.0.namespace.log().is_some() {
            self.0.namespace.hurry_from(&mut members, self, &rooms);
        }
        for room in rooms {
            members.leave(&self.0.id, &room);
        }
    }

    /// The names of the rooms it is in, its own first; after its end, those it was in then.
    pub fn rooms(&self) -> Vec<ByteString> {
        let state = self.state();
        let joined = match &state.end {
            Some((_, rooms)) => rooms.clone(),
            None => names(self.0.namespace.rooms().of(&self.0.id)),
        };
        [self.0.id.as_str().into()].into_iter().chain(joined).collect()
    }

    /// Typed values of this node's, kept with the socket.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions(&self.0.extensions)
    }

    /// JSON values kept with the socket, which other nodes see too. Node: `socket.data`.
    pub fn data(&self) -> SocketData<'_> {
        SocketData(&self.0.data)
    }

    /// Takes the socket out of the namespace. The connection stays, for other namespaces. Where
    /// connection state recovery waits for the client of a socket that has ended, it does so no
    /// longer.
    pub fn disconnect(&self) {
        if self.shut(DisconnectReason::ServerNamespaceDisconnect) {
            // Where the client is gone already, nobody needs to be told.
            let packet = encode_disconnect(self.namespace_name());
            let packet = self.namespace().encode(packet);
            self.0.client.session().with(|connection| connection.send_control(packet));
            self.0.client.leave(self.namespace_name());
        } else {
            self.revoke();
        }
    }

    /// Takes the client out of all its namespaces and closes its connection.
    pub fn disconnect_all(&self) {
        self.disconnect();
        self.0.client.disconnect();
    }

    /// Closes the client's connection without taking it out of its namespaces before: to the client
    /// it is broken, so it connects again. Its sockets end with `forced close`. Node:
    /// `socket.conn.close`.
    pub fn close_connection(&self) {
        self.0.client.session().with_now(|connection, now| connection.close(now));
    }

    /// Resolves when the client's queue is short enough to take more: wait for it between large or
    /// many emits to one client.
    pub async fn ready(&self) {
        std::future::poll_fn(|cx| self.0.client.session().poll_ready(cx)).await;
    }

    pub(super) fn revision(&self) -> Revision {
        self.0.client.session().revision()
    }

    pub(super) fn namespace_name(&self) -> &str {
        self.0.namespace.name()
    }

    /// Those who are to see an event that is sent to this socket.
    #[inline]
    fn audience(&self, draft: &Draft) -> Audience {
        let mut audience = Audience::new(&self.0.namespace, draft);
        audience.add(self);
        audience
    }

    /// Queues a packet, or holds it until the connect is answered.
    pub(super) fn push(&self, packet: Outgoing) -> Result<(), EmitError> {
        match self.0.phase.load(Ordering::Acquire) {
            CONNECTED => self.send_now(packet),
            _ => self.hold(packet),
        }
    }

    #[cold]
    fn hold(&self, packet: Outgoing) -> Result<(), EmitError> {
        let mut state = self.state();
        if self.0.phase.load(Ordering::Acquire) != CONNECTING {
            drop(state);
            return self.send_now(packet);
        }
        let limit = self.io().outgoing_bytes();
        if state.held_bytes > 0 && state.held_bytes + packet.len() > limit {
            return Err(EmitError::Overflow);
        }
        state.held_bytes += packet.len();
        state.held.push(packet);
        Ok(())
    }

    fn send_now(&self, packet: Outgoing) -> Result<(), EmitError> {
        let packet = match (packet, &self.0.place) {
            (Outgoing::Event(draft), Some(place)) => {
                return self.0.namespace.send_recorded(place, &self.0.id, draft);
            }
            (Outgoing::Event(draft), None) => match self.0.namespace.log() {
                // Behind what was sent to all.
                Some(log) if self.is_connected() => {
                    let mut rooms = self.0.namespace.rooms();
                    self.0.namespace.append_to(&mut rooms, log, &self.0.id, draft);
                    return Ok(());
                }
                _ => draft.finish(),
            },
            (Outgoing::Packet(packet), _) => packet,
        };
        match self.0.phase.load(Ordering::Acquire) {
            CLOSED => Err(EmitError::Closed),
            _ => Ok(self.0.client.session().send(self.0.namespace.encode(packet))?),
        }
    }

    fn push_volatile(&self, packet: Outgoing) {
        let packet = match packet {
            Outgoing::Event(draft) if self.0.place.is_some() => {
                let mut rooms = self.0.namespace.rooms();
                let packet = self.0.namespace.encode(rooms.journal().mark(draft));
                return self.0.client.session().send_volatile(packet);
            }
            Outgoing::Event(draft) => draft.finish(),
            Outgoing::Packet(packet) => packet,
        };
        self.0.client.session().send_volatile(self.0.namespace.encode(packet));
    }

    /// Queues a packet of a broadcast, which only reaches connected sockets.
    pub(super) fn deliver(&self, packet: Encoded, is_volatile: bool) -> Result<(), SendError> {
        if is_volatile {
            self.0.client.session().send_volatile(packet);
            return Ok(());
        }
        self.0.client.session().send(packet)
    }

    /// Has `waiting` told of the acknowledgement. Tells whether the client is still there.
    pub(super) fn await_ack(&self, id: AckId, timeout: Option<Duration>, waiting: Waiting) -> bool {
        self.0.client.await_ack(self.namespace_name(), id, timeout, waiting)
    }

    /// Answers the connect and sends what was held. Does nothing if the socket has ended since.
    pub(super) fn admit(&self) {
        let mut state = self.state();
        state.is_opened = true;
        if self.0.phase.load(Ordering::Acquire) != CONNECTING {
            return;
        }
        let session = self.0.client.session();
        let place = self.0.place.as_deref();
        let mut rooms = self.0.namespace.rooms();
        let missed = place.map(|place| place.admit(&mut rooms, &self.0.id)).unwrap_or_default();
        let pid = place.map(|place| place.id().as_str());
        let connect = match self.revision() {
            Revision::V3 => encode_connect_v4(self.namespace_name()),
            Revision::V4 => encode_connect(self.namespace_name(), self.0.id.as_str(), pid),
        };
        let namespace = &self.0.namespace;
        let log = namespace.log();
        let mut logged = Vec::new();
        let held = mem::take(&mut state.held).into_iter().filter_map(|packet| {
            Some(match (packet, place, log) {
                (Outgoing::Event(draft), Some(_), Some(_)) => {
                    logged.push(draft);
                    return None;
                }
                (Outgoing::Event(draft), Some(place), None) => {
                    place.record(&mut rooms, namespace, &self.0.id, draft)
                }
                (Outgoing::Event(draft), None, _) => namespace.encode(draft.finish()),
                (Outgoing::Packet(packet), ..) => namespace.encode(packet),
            })
        });
        let connect = namespace.encode(connect);
        let packets: Vec<_> = missed.into_iter().chain([connect]).chain(held).collect();
        // All of it is bounded, and a client that is closed for what it missed would come back for
        // it again. One that is gone misses it; the end of the socket is under way.
        session.with(|connection| packets.into_iter().for_each(|p| connection.send_control(p)));
        rooms.set_connected(&self.0.id);
        self.0.phase.store(CONNECTED, Ordering::Release);
        if let Some(log) = log {
            for draft in logged {
                namespace.append_to(&mut rooms, log, &self.0.id, draft);
            }
        }
        drop(rooms);
        drop(state);
        self.0.client.joined();
    }

    /// Ends the socket: it is in no room any more and sends nothing. Tells whether it had not ended
    /// before.
    pub(super) fn shut(&self, reason: DisconnectReason) -> bool {
        let mut state = self.state();
        if state.end.is_some() {
            return false;
        }
        let was_connected = self.0.phase.swap(CLOSED, Ordering::AcqRel) == CONNECTED;
        let mut rooms = self.0.namespace.rooms();
        let is_sent_away = match reason {
            DisconnectReason::ServerNamespaceDisconnect => true,
            // Others get it from another node.
            DisconnectReason::ServerShuttingDown => self.0.place.is_none(),
            _ => false,
        };
        if is_sent_away && self.0.namespace.log().is_some() {
            self.0.namespace.hurry(&mut rooms, self, u64::MAX);
        }
        if self.0.place.is_some() {
            rooms.hold(&self.0.id);
        }
        let joined = rooms.remove(&self.0.id);
        state.end = Some((reason, names(&joined)));
        if let Some(place) = &self.0.place {
            place.end(&mut rooms, self, was_connected, joined, reason);
        }
        drop(rooms);
        state.held = Vec::new();
        drop(state);
        self.0.client.io().clean_up(&self.0.namespace);
        true
    }

    /// Whether the connect handler let the client in.
    pub(super) fn is_opened(&self) -> bool {
        self.state().is_opened
    }

    /// If the socket has ended, lets its listeners go, and gives them and the reason if disconnect
    /// handlers are to run: once, and if a connect handler let the client in.
    pub(super) fn finish(&self) -> Option<(DisconnectReason, Option<Arc<Listeners>>)> {
        let mut state = self.state();
        let (reason, _) = *state.end.as_ref()?;
        state.is_over = true;
        let is_opened = mem::take(&mut state.is_opened);
        let listeners = state.listeners.take();
        drop(state);
        is_opened.then_some((reason, listeners))
    }

    /// The handlers of this socket alone, as they are now.
    pub(super) fn listeners(&self) -> Option<Arc<Listeners>> {
        match self.0.has_listeners.load(Ordering::Acquire) {
            true => self.state().listeners.clone(),
            false => None,
        }
    }

    pub(super) fn change_listeners(&self, change: impl FnOnce(&mut Listeners)) {
        let mut state = self.state();
        if state.is_over {
            return;
        }
        let mut listeners = state.listeners.as_deref().cloned().unwrap_or_default();
        change(&mut listeners);
        let before = state.listeners.replace(Arc::new(listeners));
        self.0.has_listeners.store(true, Ordering::Release);
        drop(state);
        // A handler that was taken off may be more than memory, so it ends outside the lock.
        drop(before);
    }

    /// Tells the error hook of a handler of this socket.
    pub(super) fn report(&self, event: &str, failure: Failure) {
        self.io().0.report(ErrorReport {
            namespace: Some(self.0.namespace.shared_name()),
            socket: Some(self.clone()),
            event: Some(event.into()),
            failure,
        });
    }

    pub(super) fn client(&self) -> &Arc<ClientHandle> {
        &self.0.client
    }

    /// Its part in connection state recovery.
    pub(super) fn place(&self) -> Option<&Place> {
        self.0.place.as_deref()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the auth payload of a connect.
pub(super) fn read_auth<T: DeserializeOwned>(auth: Option<&str>) -> Result<T, ArgsError> {
    Ok(match auth {
        Some(auth) => serde_json::from_str(auth),
        None => serde_json::from_str("{}").or_else(|_| serde_json::from_str("null")),
    }?)
}

fn names(stays: &[Stay]) -> Vec<ByteString> {
    stays.iter().map(|stay| stay.room.clone()).collect()
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.0.id)
            .field("namespace", &self.namespace_name())
            .finish_non_exhaustive()
    }
}

/// How to send to one socket, or to those around it.
///
/// ```
/// # use std::time::Duration;
/// # use socketio_core::{EmitError, Socket};
/// # fn tell(socket: Socket) -> Result<(), EmitError> {
/// socket.volatile().emit("position", &(1, 2))?;
/// socket.volatile().to("watchers").emit("position", &(1, 2))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "an operator does nothing until it sends"]
pub struct SocketOperator<'a> {
    socket: &'a Socket,
    is_volatile: bool,
    timeout: Option<Duration>,
}

impl SocketOperator<'_> {
    /// Drops what follows if the transport cannot take it now.
    pub fn volatile(self) -> Self {
        Self { is_volatile: true, ..self }
    }

    /// Sets how long the acknowledgement is waited for.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sends to everyone else in the namespace, in this way.
    pub fn broadcast(self) -> BroadcastOperator {
        self.socket.broadcast().with_flags(self.is_volatile, self.timeout)
    }

    /// Sends to everyone else in these rooms, in this way.
    pub fn to(self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.broadcast().to(rooms)
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.to(rooms)
    }

    /// Sends to everyone else but the members of these rooms, in this way.
    pub fn except(self, rooms: impl IntoRooms) -> BroadcastOperator {
        self.broadcast().except(rooms)
    }

    /// Sends to everyone else on this node, in this way.
    pub fn local(self) -> BroadcastOperator {
        self.broadcast().local()
    }

    /// Sends an event. A volatile one that is dropped is no error.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit<T: Args + ?Sized>(self, event: &str, args: &T) -> Result<(), EmitError> {
        let draft = draft_event(self.socket.namespace_name(), event, None, args)?;
        let audience = self.socket.audience(&draft);
        self.push(Outgoing::Event(draft))?;
        audience.show();
        Ok(())
    }

    /// Sends the event `message`.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn send<T: Args + ?Sized>(self, args: &T) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event and waits for the client's acknowledgement.
    pub fn emit_with_ack<T: FromArgs>(
        self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> AckFuture<T> {
        let id = self.socket.namespace().next_ack();
        let draft = match draft_event(self.socket.namespace_name(), event, Some(id), args) {
            Ok(draft) => draft,
            Err(error) => return AckFuture::failed(AckError::Emit(error.into())),
        };
        let (sender, receiver) = oneshot::channel();
        if !self.socket.await_ack(id, self.timeout, Waiting::One(sender)) {
            return AckFuture::failed(AckError::Disconnected);
        }
        let audience = self.socket.audience(&draft);
        if let Err(error) = self.push(Outgoing::Packet(draft.finish())) {
            return AckFuture::failed(error.into());
        }
        audience.show();
        AckFuture::new(receiver)
    }

    fn push(self, packet: Outgoing) -> Result<(), EmitError> {
        if !self.is_volatile {
            return self.socket.push(packet);
        }
        if self.socket.is_connected() {
            self.socket.push_volatile(packet);
        }
        Ok(())
    }
}
