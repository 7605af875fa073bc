//! One Socket.IO client: its packets, its handlers in their order, and its end.

mod arrival;
mod departure;
mod events;

use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytestring::ByteString;
use futures_util::stream::{FuturesUnordered, Stream};
use rustc_hash::FxHashMap;

pub(super) use self::arrival::{Found, FoundSlot};
use self::events::handled;
use super::{
    ack::Ack,
    context::EventContext,
    driver::Runner,
    dynamic::NamespaceRequest,
    engine::Host,
    handler::{BoxFuture, Callable, Running, Started, call_caught},
    io::{Server, SocketIo},
    replies::Waiting,
    session::Session,
    socket::Socket,
};
use crate::{
    error::{AckError, ErrorReport, Failure},
    id::SocketId,
    proto::{
        DisconnectReason, after,
        client::{Client, Early, Event, Violation},
        earlier,
        engine::Transport,
    },
    wire::{AckId, Message, RawArgs},
};

/// One Socket.IO client as tasks share it: its session, and its machine behind a mutex.
pub(super) struct ClientHandle {
    session: Arc<Session>,
    server: Arc<Server>,
    machine: Mutex<Client<Socket, Waiting>>,
}

impl ClientHandle {
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(super) fn io(&self) -> SocketIo {
        SocketIo(Arc::clone(&self.server))
    }

    pub(super) fn joined(&self) {
        self.machine().joined();
    }

    /// A socket was shut by the server: has the driver run its disconnect handler.
    pub(super) fn leave(&self, namespace: &str) {
        if self.machine().leave(namespace) {
            self.session.wake_driver();
        }
    }

    /// Takes the client out of all namespaces and closes its connection.
    pub(super) fn disconnect(&self) {
        let sockets: Vec<_> = self.machine().sockets().cloned().collect();
        sockets.iter().for_each(Socket::disconnect);
        self.session.with_now(|connection, now| connection.close(now));
    }

    pub(super) fn await_ack(
        &self,
        namespace: &str,
        id: AckId,
        timeout: Option<Duration>,
        waiting: Waiting,
    ) -> bool {
        let timeout = timeout.unwrap_or(self.server.engine().config().ack_timeout);
        let deadline = after(self.session.now(), timeout);
        let mut machine = self.machine();
        let owes_acks = machine.owes_acks();
        let is_present = machine.await_ack(namespace, id, deadline, waiting).is_ok();
        drop(machine);
        if is_present && owes_acks {
            self.session.rearm(deadline);
        } else if is_present {
            // A client that was not read, as its handlers are at work, is now: it may be they that
            // wait for this.
            self.session.wake_driver();
        }
        is_present
    }

    fn machine(&self) -> MutexGuard<'_, Client<Socket, Waiting>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientHandle").field(&self.session).finish()
    }
}

/// Runs one client: its packets, its handlers in their order, and its end.
pub(super) struct ClientRunner {
    client: Arc<ClientHandle>,
    /// Handlers that did not finish at once.
    running: Option<FuturesUnordered<Running<Job>>>,
    /// Sockets whose connect handlers, or the middlewares of an event, have not returned.
    waiting: FxHashMap<SocketId, Backlog>,
    /// Namespaces that are being looked for, and the events that wait for them.
    /// Boxed, as most clients never wait for one.
    asked: Option<Box<FxHashMap<ByteString, Vec<Early>>>>,
    /// What came past the bound of handlers, while handlers wait for this client.
    held: VecDeque<Event<Socket, Waiting>>,
    /// Sockets that ended but may come back, as others of the same id.
    expected: Vec<(Instant, Socket)>,
}

/// The events of a socket that wait for their turn.
struct Backlog {
    socket: Socket,
    is_connecting: bool,
    events: VecDeque<EventContext>,
}

/// What a handler was called for.
enum Job {
    Connect(Socket),
    Disconnect(Socket),
    Event {
        socket: Socket,
        name: ByteString,
        ack: Ack,
    },
    /// Whether the socket is still where this node left it, and not on another.
    Expire {
        socket: Socket,
        is_left: Arc<OnceLock<bool>>,
    },
    /// The namespace, if there is one.
    Find {
        request: NamespaceRequest,
        found: FoundSlot,
    },
    /// The arguments that the event has passed with, if it has.
    Middleware {
        event: EventContext,
        passed: Arc<OnceLock<RawArgs>>,
    },
}

impl ClientRunner {
    pub(super) fn new(server: Arc<Server>, session: &Arc<Session>) -> Self {
        let settings = Arc::clone(server.client_settings());
        let machine = Mutex::new(Client::new(session.now(), session.revision(), settings));
        let client = ClientHandle { session: Arc::clone(session), server, machine };
        Self {
            client: Arc::new(client),
            running: None,
            waiting: FxHashMap::default(),
            asked: None,
            held: VecDeque::new(),
            expected: Vec::new(),
        }
    }

    fn limit(&self) -> usize {
        self.client.server.engine().config().limits.handlers
    }

    /// Whether no more handlers may be started.
    #[inline]
    fn is_full(&self) -> bool {
        let is_idle = self.running.is_none() && self.waiting.is_empty();
        !is_idle && self.under_way() >= self.limit()
    }

    /// Handlers at work, and events that wait for them.
    #[cold]
    fn under_way(&self) -> usize {
        let running = self.running.as_ref().map_or(0, FuturesUnordered::len);
        let waiting: usize = self.waiting.values().map(|backlog| backlog.events.len()).sum();
        let early: usize = self.asked.iter().flat_map(|asked| asked.values()).map(Vec::len).sum();
        running + waiting + early
    }

    fn handle_event(&mut self, event: Event<Socket, Waiting>, cx: &mut Context<'_>) {
        match event {
            Event::Ack { waiting, args } => waiting.resolve(Ok(args)),
            Event::AckTimeout { waiting } => waiting.resolve(Err(AckError::Timeout)),
            Event::Connect { namespace, auth } => self.connect(namespace, auth, cx),
            Event::ConnectTimeout => {
                self.client.session.with_now(|connection, now| connection.close(now));
            }
            Event::Disconnect { socket } => {
                socket.shut(DisconnectReason::ClientNamespaceDisconnect);
                self.ended(socket, cx);
            }
            Event::Early(event) => self.receive_early(*event, cx),
            Event::Received { socket, id, name, args } => self.receive(socket, id, name, args, cx),
            Event::Left { socket } => self.ended(socket, cx),
            Event::Violation(violation) => self.violated(violation, cx),
        }
    }

    /// Polls a handler once, in place; only one that is pending is kept.
    fn start(&mut self, job: Job, started: Started, cx: &mut Context<'_>) {
        let future: BoxFuture = match started {
            Started::Done(result) => return self.finish(job, result, cx),
            Started::Pending(future) => future,
        };
        let mut running = Running::new(future, job);
        match Pin::new(&mut running).poll(cx) {
            Poll::Ready((job, result)) => self.finish(job, result, cx),
            Poll::Pending => self.running.get_or_insert_default().push(running),
        }
    }

    fn finish(&mut self, job: Job, result: Result<(), Failure>, cx: &mut Context<'_>) {
        match job {
            Job::Connect(socket) => self.connected(socket, result, cx),
            Job::Disconnect(socket) => {
                if let Err(failure) = result {
                    socket.report("disconnect", failure);
                }
            }
            Job::Event { socket, name, ack } => handled(&socket, &name, &ack, result),
            Job::Expire { socket, is_left } => {
                let is_left = is_left.get().copied();
                if let Some(reason) = socket.expire().filter(|_| is_left != Some(false)) {
                    self.run_expire(&socket, reason, cx);
                }
            }
            Job::Find { request, found } => {
                let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
                self.found(request, found, cx);
            }
            Job::Middleware { event, passed } => {
                let socket = event.socket.clone();
                self.passed(event, passed.get().cloned(), result, cx);
                self.resume(&socket, cx);
            }
        }
    }

    /// The client broke the protocol: it is closed, as on Node.
    fn violated(&mut self, violation: Violation, cx: &mut Context<'_>) {
        self.client.server.report(ErrorReport {
            namespace: None,
            socket: None,
            event: None,
            failure: violation.into(),
        });
        let can_tell = self.client.session.read(|connection| {
            connection.transport() == Transport::WebSocket || connection.has_get()
        });
        let reason = match can_tell {
            true => DisconnectReason::ForcedClose,
            false => DisconnectReason::ForcedServerClose,
        };
        self.end_all(reason, cx);
        self.client.session.with_now(|connection, now| connection.close(now));
    }

    fn end_all(&mut self, reason: DisconnectReason, cx: &mut Context<'_>) {
        let sockets = self.client.machine().close();
        self.asked = None;
        for socket in sockets {
            socket.shut(reason);
            self.ended(socket, cx);
        }
    }
}

async fn run<C>(handler: &Arc<dyn Callable<C>>, context: &C) -> Result<(), Failure> {
    match call_caught(&**handler, context) {
        Started::Done(result) => result,
        Started::Pending(future) => Running::new(future, ()).await.1,
    }
}

impl Runner for ClientRunner {
    fn handle_message(&mut self, now: Instant, message: Message, cx: &mut Context<'_>) {
        let event = self.client.machine().handle_message(now, message);
        match event {
            // A namespace must be known before its events come.
            Some(event @ (Event::Ack { .. } | Event::Connect { .. } | Event::Violation(_))) => {
                self.handle_event(event, cx);
            }
            Some(event) if self.is_full() || !self.held.is_empty() => self.held.push_back(event),
            Some(event) => self.handle_event(event, cx),
            None => {}
        }
    }

    fn handle_close(&mut self, _: Instant, reason: DisconnectReason, cx: &mut Context<'_>) {
        // Who left of its own will before did so for its own reason.
        for event in mem::take(&mut self.held) {
            if let Event::Disconnect { .. } = event {
                self.handle_event(event, cx);
            }
        }
        self.end_all(reason, cx);
    }

    fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if !self.expected.is_empty() {
            for (until, socket) in mem::take(&mut self.expected) {
                self.expect(socket, until, now, cx);
            }
        }
        let mut next = {
            let mut machine = self.client.machine();
            machine.handle_timeout(now);
            machine.poll_event()
        };
        loop {
            if next.is_none() && !self.is_full() {
                next = self.held.pop_front();
            }
            if let Some(event) = next {
                self.handle_event(event, cx);
            } else {
                let Some(running) = &mut self.running else {
                    return match self.expected.is_empty() {
                        true => Poll::Ready(()),
                        false => Poll::Pending,
                    };
                };
                match Pin::new(running).poll_next(cx) {
                    Poll::Ready(Some((job, result))) => self.finish(job, result, cx),
                    Poll::Ready(None) => self.running = None,
                    Poll::Pending => return Poll::Pending,
                }
            }
            next = self.client.machine().poll_event();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let expiry = self.expected.iter().map(|(until, _)| *until).min();
        earlier(self.client.machine().poll_timeout(), expiry)
    }

    fn is_ready(&self) -> bool {
        if !self.is_full() && self.held.is_empty() {
            return true;
        }
        // What the handlers wait for may be on its way behind more events.
        self.held.len() < self.limit() && self.client.machine().owes_acks()
    }
}

impl Drop for ClientRunner {
    fn drop(&mut self) {
        // Whatever became of the task, no socket stays behind in a room, or in the machine that it
        // holds itself.
        let mut machine = self.client.machine();
        let sockets = machine.close();
        let events: Vec<_> = std::iter::from_fn(|| machine.poll_event()).collect();
        drop(machine);
        for socket in &sockets {
            socket.shut(DisconnectReason::TransportClose);
            socket.expire();
        }
        for (_, socket) in mem::take(&mut self.expected) {
            socket.expire();
        }
        for event in &events {
            if let Event::Left { socket } = event {
                socket.expire();
            }
        }
        // Nor does a listener that holds its own socket.
        let ended = self.waiting.drain().map(|(_, backlog)| backlog.socket);
        sockets.into_iter().chain(ended).for_each(|socket| drop(socket.finish()));
        drop(events);
    }
}
