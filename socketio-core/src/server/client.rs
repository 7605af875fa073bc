use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use arc_swap::Guard;
use bytestring::ByteString;
use futures_util::stream::{FuturesUnordered, Stream};
use rustc_hash::FxHashMap;

use super::{
    ack::Ack,
    context::{ConnectContext, DisconnectContext, EventContext, EventMiddlewareContext, Verdict},
    driver::Runner,
    dynamic::NamespaceRequest,
    engine::Host,
    handler::{BoxFuture, Callable, Running, Started, call_caught, handled_by},
    io::{Server, SocketIo},
    listeners::{Listener, Listeners, both},
    log::Former,
    namespace::{Handlers, Namespace},
    recovery::Place,
    replies::Waiting,
    rooms::Retired,
    session::Session,
    socket::Socket,
};
use crate::{
    error::{AckError, ConnectError, ErrorReport, Failure},
    id::SocketId,
    proto::{
        DisconnectReason, after,
        client::{Client, Early, Event, Violation},
        earlier,
        engine::Transport,
    },
    wire::{AckId, Encoded, Message, RawArgs, Revision, encode_connect_error, encode_error_v4},
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

/// The namespace that a client asked for, and whose socket it has there.
pub(super) struct Found {
    pub(super) namespace: Namespace,
    pub(super) former: Former,
}

pub(super) type FoundSlot = Arc<Mutex<Option<Found>>>;

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

    fn connect(&mut self, name: ByteString, auth: Option<ByteString>, cx: &mut Context<'_>) {
        let server = &self.client.server;
        if server.engine().is_closing() {
            return;
        }
        // Their own copies: a slice would keep the whole body it came in.
        let auth = auth.as_deref().map(ByteString::from);
        let namespace = server.namespaces.get(&name);
        let open = namespace.filter(|namespace| namespace.0.latch.is_open());
        let entered =
            open.filter(|namespace| !namespace.must_ask_log(&self.client, auth.as_deref()));
        let enter =
            |namespace: Namespace| namespace.enter(&self.client, auth.clone(), Former::Here).ok();
        let entered = entered.and_then(enter);
        match entered {
            Some(socket) => self.join(socket, Vec::new(), cx),
            None => {
                let (name, client) = (name.to_string().into(), Arc::clone(&self.client));
                self.find(NamespaceRequest { name, auth, client }, Vec::new(), cx);
            }
        }
    }

    /// Looks for a namespace that is not there, or was not when it was last looked for.
    fn find(&mut self, request: NamespaceRequest, early: Vec<Early>, cx: &mut Context<'_>) {
        self.client.machine().ask(request.name.clone());
        self.asked.get_or_insert_default().insert(request.name.clone(), early);
        let found = Arc::default();
        let server = Arc::clone(&self.client.server);
        let future = server.find(request.clone(), Arc::clone(&found));
        self.start(Job::Find { request, found }, Started::Pending(Box::pin(future)), cx);
    }

    fn found(&mut self, request: NamespaceRequest, found: Option<Found>, cx: &mut Context<'_>) {
        let early = self.asked.as_mut().and_then(|asked| asked.remove(&request.name));
        self.asked.take_if(|asked| asked.is_empty());
        let is_closing = self.client.server.engine().is_closing();
        let (Some(early), false) = (early, is_closing) else {
            // The client has gone, and the namespace may be new.
            if let Some(Found { namespace, former }) = found {
                drop(former);
                request.io().clean_up(&namespace);
            }
            return;
        };
        let Some(Found { namespace, former }) = found else {
            self.client.machine().unask(&request.name);
            let refusal = encode_connect_error(&request.name, "Invalid namespace", None);
            return self.send_refusal(&request.name, refusal);
        };
        match namespace.enter(&self.client, request.auth.clone(), former) {
            Ok(socket) => self.join(socket, early, cx),
            Err(Retired) => self.find(request, early, cx),
        }
    }

    /// Has a socket go through what decides on it, and then its early events.
    fn join(&mut self, socket: Socket, early: Vec<Early>, cx: &mut Context<'_>) {
        self.client.machine().join(socket.namespace().shared_name(), socket.clone());
        self.hold(&socket, true);
        for Early { id, name, args, .. } in early {
            self.receive(socket.clone(), id, name, args, cx);
        }
        let future = connect(socket.clone(), Guard::into_inner(socket.namespace().handlers()));
        self.start(Job::Connect(socket), Started::Pending(Box::pin(future)), cx);
    }

    #[inline]
    fn receive(
        &mut self,
        socket: Socket,
        id: Option<AckId>,
        name: ByteString,
        args: RawArgs,
        cx: &mut Context<'_>,
    ) {
        let ack = Ack::new(&socket, id);
        let event = EventContext { socket, name, args, ack };
        match self.waiting.get_mut(event.socket.id()) {
            Some(backlog) => backlog.events.push_back(event),
            None => self.dispatch(&event, cx),
        }
    }

    #[cold]
    fn receive_early(&mut self, event: Early, cx: &mut Context<'_>) {
        let asked = self.asked.as_mut().and_then(|asked| asked.get_mut(&event.namespace));
        if let Some(early) = asked {
            return early.push(event);
        }
        // It waited for its turn, and the namespace was found meanwhile.
        let socket = self.client.machine().socket(&event.namespace).cloned();
        if let Some(socket) = socket {
            self.receive(socket, event.id, event.name, event.args, cx);
        }
    }

    /// Runs what hears an event, if the socket is still there: what its namespace has registered,
    /// then what it has itself.
    fn dispatch(&mut self, event: &EventContext, cx: &mut Context<'_>) {
        if !event.socket.is_connected() {
            return event.ack.disarm();
        }
        let handlers = event.socket.namespace().handlers();
        let own = event.socket.listeners();
        let (listeners, own) = (&handlers.listeners, own.as_deref());
        if listeners.intercepts() || own.is_some_and(Listeners::intercepts) {
            return self.intercept(event, listeners, own, cx);
        }
        self.listen(event, listeners, own, cx);
    }

    /// Runs what comes before the handlers of an event.
    #[cold]
    fn intercept(
        &mut self,
        event: &EventContext,
        listeners: &Listeners,
        own: Option<&Listeners>,
        cx: &mut Context<'_>,
    ) {
        let mut middlewares = Vec::new();
        for listeners in both(listeners, own) {
            self.call_all(&listeners.any, event, cx);
            middlewares.extend_from_slice(&listeners.middlewares);
        }
        if middlewares.is_empty() {
            return self.listen(event, listeners, own, cx);
        }
        self.hold(&event.socket, false);
        let passed = Arc::default();
        let future = pass(event.clone(), middlewares, Arc::clone(&passed));
        let job = Job::Middleware { event: event.clone(), passed };
        self.start(job, Started::Pending(Box::pin(future)), cx);
    }

    /// The middlewares of an event have returned.
    fn passed(
        &mut self,
        event: EventContext,
        args: Option<RawArgs>,
        result: Result<(), Failure>,
        cx: &mut Context<'_>,
    ) {
        match args {
            Some(args) if event.socket.is_connected() => {
                let event = EventContext { args, ..event };
                let handlers = event.socket.namespace().handlers();
                let own = event.socket.listeners();
                self.listen(&event, &handlers.listeners, own.as_deref(), cx);
            }
            _ => {
                handled(&event.socket, &event.name, &event.ack, result);
                event.ack.disarm();
            }
        }
    }

    /// Runs the handlers of an event itself.
    fn listen(
        &mut self,
        event: &EventContext,
        listeners: &Listeners,
        own: Option<&Listeners>,
        cx: &mut Context<'_>,
    ) {
        let mut is_heard = self.call_all(listeners.of(&event.name), event, cx);
        if let Some(own) = own {
            is_heard |= self.call_all(own.of(&event.name), event, cx);
        }
        if !is_heard {
            event.ack.disarm();
        }
    }

    /// Has events of a socket wait, from the next one on.
    fn hold(&mut self, socket: &Socket, is_connecting: bool) {
        let backlog = Backlog { socket: socket.clone(), is_connecting, events: VecDeque::new() };
        self.waiting.insert(*socket.id(), backlog);
    }

    /// Gives the events that waited their turn.
    fn resume(&mut self, socket: &Socket, cx: &mut Context<'_>) {
        let backlog = self.waiting.remove(socket.id());
        if self.waiting.is_empty() {
            // As a rule it stays so.
            self.waiting = FxHashMap::default();
        }
        let mut events = backlog.map(|backlog| backlog.events).unwrap_or_default();
        while let Some(event) = events.pop_front() {
            self.dispatch(&event, cx);
            if let Some(backlog) = self.waiting.get_mut(socket.id()) {
                // It has a middleware that is pending; nothing came since.
                backlog.events = events;
                return;
            }
        }
    }

    /// Calls handlers of an event. Tells whether there are any.
    fn call_all(
        &mut self,
        listeners: &[Listener<EventContext>],
        event: &EventContext,
        cx: &mut Context<'_>,
    ) -> bool {
        for listener in listeners {
            match call_caught(&*listener.handler, event) {
                Started::Done(Ok(())) => {}
                Started::Done(result) => handled(&event.socket, &event.name, &event.ack, result),
                started => {
                    let EventContext { socket, name, ack, .. } = event.clone();
                    self.start(Job::Event { socket, name, ack }, started, cx);
                }
            }
        }
        !listeners.is_empty()
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

    /// The connect handler has returned.
    fn connected(&mut self, socket: Socket, result: Result<(), Failure>, cx: &mut Context<'_>) {
        if let Err(failure) = result {
            self.refuse(&socket, failure);
        }
        self.resume(&socket, cx);
        self.run_disconnect(socket, cx);
    }

    fn refuse(&self, socket: &Socket, failure: Failure) {
        let error = match &failure {
            Failure::Refused(error) => error.clone(),
            Failure::Extract(error) => ConnectError::new(error.to_string()),
            _ => ConnectError::new("internal error"),
        };
        // A socket that ended meanwhile has nobody to refuse.
        if socket.shut(DisconnectReason::ServerNamespaceDisconnect) {
            let namespace = socket.namespace().shared_name();
            let (message, data) = error.parts();
            let refusal = match socket.revision() {
                Revision::V3 => encode_error_v4(&namespace, message, data),
                Revision::V4 => encode_connect_error(&namespace, message, data),
            };
            self.send_refusal(&namespace, refusal);
            self.client.machine().refuse(&namespace);
        }
        if !matches!(failure, Failure::Refused(_)) {
            socket.report("connect", failure);
        }
    }

    fn send_refusal(&self, namespace: &ByteString, refusal: Encoded) {
        let refusal = self.client.server.engine().codec().encode(namespace, refusal);
        // A client that is gone does not miss it.
        let _ = self.client.session.send(refusal);
    }

    /// The socket was shut.
    fn ended(&mut self, socket: Socket, cx: &mut Context<'_>) {
        // Otherwise it is the connect handler's turn first.
        if !self.waiting.get(socket.id()).is_some_and(|backlog| backlog.is_connecting) {
            self.run_disconnect(socket.clone(), cx);
        }
        if let Some(until) = socket.place().and_then(Place::until) {
            self.expect(socket, until, self.client.session.now(), cx);
        }
    }

    fn run_disconnect(&mut self, socket: Socket, cx: &mut Context<'_>) {
        let Some((reason, own)) = socket.finish() else {
            if let Some(reason) = socket.forfeit() {
                self.run_expire(&socket, reason, cx);
            }
            return;
        };
        let handlers = socket.namespace().handlers();
        let both = both(&handlers.listeners, own.as_deref());
        let listeners = both.flat_map(|listeners| &listeners.disconnect);
        self.start_ends(&socket, reason, listeners, cx);
    }

    fn start_ends<'a>(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        listeners: impl IntoIterator<Item = &'a Listener<DisconnectContext>>,
        cx: &mut Context<'_>,
    ) {
        let context = DisconnectContext { socket: socket.clone(), reason };
        for listener in listeners {
            let started = call_caught(&*listener.handler, &context);
            self.start(Job::Disconnect(socket.clone()), started, cx);
        }
    }

    /// Waits for a socket to come back, or gives it up.
    fn expect(&mut self, socket: Socket, until: Instant, now: Instant, cx: &mut Context<'_>) {
        let is_closing = self.client.server.engine().is_closing();
        if until > now && !is_closing && socket.may_return(now) {
            self.expected.push((until, socket));
        } else if let Some((log, key)) = socket.left_in_log() {
            if is_closing {
                // Its client may come back to another node still.
                socket.expire();
                return;
            }
            let is_left = Arc::<OnceLock<bool>>::default();
            let (answer, namespace) = (Arc::clone(&is_left), socket.namespace().clone());
            let ask = async move {
                let _ = answer.set(namespace.take_left(&log, &key).await);
                Ok(())
            };
            let job = Job::Expire { socket, is_left };
            self.start(job, Started::Pending(Box::pin(ask)), cx);
        } else if let Some(reason) = socket.expire() {
            self.run_expire(&socket, reason, cx);
        }
    }

    fn run_expire(&mut self, socket: &Socket, reason: DisconnectReason, cx: &mut Context<'_>) {
        let handlers = socket.namespace().handlers();
        self.start_ends(socket, reason, &handlers.listeners.expired, cx);
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

/// The handler of an event has returned.
fn handled(socket: &Socket, name: &str, ack: &Ack, result: Result<(), Failure>) {
    handled_by(ack, result, |failure| socket.report(name, failure));
}

/// Runs what decides on a client that asks for a namespace, and what greets it.
async fn connect(socket: Socket, handlers: Arc<Handlers>) -> Result<(), Failure> {
    let context = ConnectContext { socket: socket.clone(), lets_in: false };
    let skips_middlewares = socket.is_recovered() && socket.io().skips_middlewares();
    for middleware in handlers.middlewares.iter().filter(|_| !skips_middlewares) {
        run(middleware, &context).await?;
    }
    if socket.disconnect_reason().is_some() {
        return Ok(());
    }
    for handler in &handlers.deciding {
        run(handler, &context).await?;
    }
    let context = ConnectContext { lets_in: true, ..context };
    for handler in &handlers.connect {
        let Err(failure) = run(handler, &context).await else {
            continue;
        };
        if !socket.is_opened() {
            return Err(failure);
        }
        if let Failure::Extract(_) = failure {
            // An earlier handler let it in, but this one would have refused it.
            socket.disconnect();
        }
        socket.report("connect", failure);
    }
    socket.admit();
    Ok(())
}

/// Runs the middlewares of an event, and keeps the arguments with which it has passed them.
async fn pass(
    mut event: EventContext,
    middlewares: Vec<Listener<EventMiddlewareContext>>,
    passed: Arc<OnceLock<RawArgs>>,
) -> Result<(), Failure> {
    for middleware in middlewares {
        let context = EventMiddlewareContext::new(event.clone());
        run(&middleware.handler, &context).await?;
        match context.verdict() {
            None => {}
            Some(Verdict::Replace(args)) => event.args = args,
            Some(Verdict::Stop) => return Ok(()),
        }
    }
    let _ = passed.set(event.args);
    Ok(())
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
