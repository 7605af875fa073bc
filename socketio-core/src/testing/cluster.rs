use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    future::{poll_fn, ready},
    mem,
    ops::Index,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use futures_util::FutureExt;

use super::{clock::TestClock, server::TestServer};
use crate::{
    clock::{Clock, Sleep},
    config::Builder,
    proto::cluster::{ClusterMessage, LogOffset, LoggedMessage, Membership, NodeId, SavedSession},
    server::{Adapter, ClusterDriver, ClusterNode, EventLog, LogFuture, ServerGone},
};

/// Servers that are the nodes of a cluster, over a bus that does what a test tells it. What is for
/// one room it carries only to nodes where that has members.
///
/// ```
/// use socketio_core::{SocketIo, testing::TestCluster};
///
/// let cluster = TestCluster::new(2, SocketIo::builder);
/// let (alice, bob) = (cluster[0].connect(), cluster[1].connect());
/// cluster[0].io().emit("news", &1)?;
/// assert_eq!(alice.expect::<u32>("news"), 1);
/// assert_eq!(bob.expect::<u32>("news"), 1);
/// # Ok::<(), socketio_core::EmitError>(())
/// ```
#[derive(Debug)]
pub struct TestCluster {
    servers: Vec<TestServer>,
    bus: Bus,
    membership: Membership,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives.
    AtOnce,
    /// It arrives after a while, and what the same node sends after it no earlier.
    Late(Duration),
    /// It does not arrive.
    Lost,
    /// It arrives twice.
    Twice,
}

impl TestCluster {
    /// So many nodes that know of each other by heartbeats, as on Node.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn new(nodes: usize, builder: impl Fn() -> Builder) -> Self {
        let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(10));
        Self::with(Membership::Heartbeats { interval, timeout }, nodes, builder)
    }

    /// So many nodes whose bus knows how many they are.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn counted(nodes: usize, builder: impl Fn() -> Builder) -> Self {
        Self::with(Membership::Counted, nodes, builder)
    }

    fn with(membership: Membership, nodes: usize, builder: impl Fn() -> Builder) -> Self {
        let mut cluster = Self { servers: Vec::new(), bus: Bus::default(), membership };
        for _ in 0..nodes {
            cluster.add(builder());
        }
        cluster
    }

    /// So many nodes that share a log: those of [`counted`](Self::counted), on each of which clients
    /// are recovered, with the option `recovery`.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn logged(nodes: usize, builder: impl Fn() -> Builder) -> Self {
        let bus = Bus::default();
        bus.lock().log = Some(BusLog::default());
        let mut cluster = Self { servers: Vec::new(), bus, membership: Membership::Counted };
        for _ in 0..nodes {
            cluster.add(builder());
        }
        cluster
    }

    /// Adds a node, and gives it.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn add(&mut self, builder: Builder) -> &TestServer {
        let index = self.servers.len();
        let clock = self.servers.first().map(|server| server.clock().clone()).unwrap_or_default();
        let node = BusNode { is_up: true, ..BusNode::default() };
        self.bus.lock().nodes.push(node);
        let (bus, membership) = (self.bus.clone(), self.membership);
        let builder = builder.adapter(TestAdapter { bus, index, clock: clock.clone(), membership });
        let server = match self.servers.first() {
            Some(first) => first.beside(builder),
            None => TestServer::with_clock(clock.clone(), builder),
        };
        let begun = self.bus.lock().nodes[index].begun.take();
        let (node, driver) = begun.expect("a server begins when it is built");
        if let Some(log) = &self.bus.lock().log {
            node.begin_log(0, LogOffset { major: log.length, minor: 0 });
            node.set_log_reachable(0, true);
        }
        server.spawn(driver);
        server.spawn(Inbox { bus: self.bus.clone(), index, node, clock, sleep: None });
        self.servers.push(server);
        &self.servers[index]
    }

    /// How many nodes there were, with those that have crashed.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The name of a node.
    pub fn id(&self, index: usize) -> NodeId {
        self.bus.lock().nodes[index].id.clone().expect("a node that has begun")
    }

    /// Has a node neither hear nor say anything from now on.
    pub fn crash(&self, index: usize) {
        self.bus.lock().nodes[index].is_up = false;
    }

    /// Cuts a node off from the log, or no longer: what it appends meanwhile is appended then.
    pub fn set_log_reachable(&self, index: usize, is_reachable: bool) {
        let now = self.servers[0].clock().now();
        let mut bus = self.bus.lock();
        bus.nodes[index].is_cut_off = !is_reachable;
        if is_reachable {
            for (namespace, number, message) in mem::take(&mut bus.nodes[index].unwritten) {
                bus.append(now, index, &namespace, number, message);
            }
            let unsaved = mem::take(&mut bus.nodes[index].unsaved);
            bus.log.iter_mut().for_each(|log| log.sessions.extend(unsaved.clone()));
        }
        let node = bus.nodes[index].node.clone();
        drop(bus);
        node.expect("a node that has begun").set_log_reachable(0, is_reachable);
        self.servers[0].run();
    }

    /// Has the log take nothing from a node, or take it again.
    pub fn set_log_full(&self, index: usize, is_full: bool) {
        self.bus.lock().nodes[index].is_refused = is_full;
    }

    /// Has what a node asks of the log done, but not answered, or no longer so.
    pub fn hold_log_answers(&self, index: usize, is_held: bool) {
        let mut bus = self.bus.lock();
        bus.nodes[index].is_held = is_held;
        let asking = mem::take(&mut bus.nodes[index].asking);
        drop(bus);
        asking.into_iter().for_each(Waker::wake);
        self.servers[0].run();
    }

    /// Has another log begin in place of this one, which is lost but for the sessions.
    pub fn restart_log(&self) {
        let mut bus = self.bus.lock();
        let BusState { nodes, log, .. } = &mut *bus;
        if let Some(log) = log {
            (log.entries, log.length) = (Vec::new(), 0);
        }
        let nodes: Vec<_> = nodes.iter().filter_map(|node| node.node.clone()).collect();
        drop(bus);
        nodes.iter().for_each(|node| node.begin_log(0, LogOffset::START));
    }

    /// Has the log forget all that it has up to now, but for the sessions.
    pub fn trim_log(&self) {
        if let Some(log) = &mut self.bus.lock().log {
            log.entries.clear();
        }
    }

    /// Changes the sessions that are kept, as a node of another kind would have them.
    pub fn change_sessions(&self, mut change: impl FnMut(&mut SavedSession)) {
        if let Some(log) = &mut self.bus.lock().log {
            log.sessions.values_mut().for_each(|(session, _)| change(session));
        }
    }

    /// Decides on each message, given the numbers of the nodes that it is from and to.
    pub fn on_message(
        &self,
        decide: impl FnMut(usize, usize, &ClusterMessage) -> Delivery + Send + 'static,
    ) {
        self.bus.lock().decide = Some(Box::new(decide));
    }

    /// A node of no server, such as a program that only sends, says something to all.
    pub fn inject(&self, namespace: &str, from: Option<&NodeId>, message: &ClusterMessage) {
        let mut bus = self.bus.lock();
        let now = self.servers[0].clock().now();
        for to in &mut bus.nodes {
            if to.wants(namespace, None, message) {
                let (namespace, from) = (namespace.to_owned(), from.cloned());
                let message = message.clone();
                to.push(Envelope { due: now, namespace, from, message, logged: None });
            }
        }
        drop(bus);
        self.servers[0].run();
    }

    /// Lets time pass, as [`TestServer::advance`].
    pub fn advance(&self, duration: Duration) {
        self.servers[0].advance(duration);
    }
}

impl Index<usize> for TestCluster {
    type Output = TestServer;

    fn index(&self, index: usize) -> &TestServer {
        &self.servers[index]
    }
}

#[derive(Clone, Default)]
struct Bus(Arc<Mutex<BusState>>);

#[derive(Default)]
struct BusState {
    nodes: Vec<BusNode>,
    decide: Option<Decide>,
    log: Option<BusLog>,
}

#[derive(Default)]
struct BusLog {
    entries: Vec<(String, LoggedMessage)>,
    length: u64,
    sessions: Sessions,
}

/// With their namespaces and keys, and until when.
type Sessions = HashMap<(String, String), (SavedSession, Instant)>;

type Decide = Box<dyn FnMut(usize, usize, &ClusterMessage) -> Delivery + Send>;

#[derive(Default)]
struct BusNode {
    id: Option<NodeId>,
    begun: Option<(ClusterNode, ClusterDriver)>,
    namespaces: BTreeSet<String>,
    /// With their namespaces.
    rooms: BTreeSet<(String, String)>,
    is_up: bool,
    /// From the log, for which messages then wait.
    is_cut_off: bool,
    /// The log has no room for what it appends.
    is_refused: bool,
    /// What the log answers waits.
    is_held: bool,
    /// Who waits for that.
    asking: Vec<Waker>,
    unwritten: Vec<(String, Option<u64>, ClusterMessage)>,
    unsaved: Sessions,
    node: Option<ClusterNode>,
    /// In the order in which it arrives.
    inbox: VecDeque<Envelope>,
    waker: Option<Waker>,
}

struct Envelope {
    due: Instant,
    namespace: String,
    from: Option<NodeId>,
    message: ClusterMessage,
    logged: Option<Logged>,
}

/// The place of a message in the log, and its number at the node that it is from.
#[derive(Clone, Copy)]
struct Logged {
    offset: LogOffset,
    number: Option<u64>,
}

impl Bus {
    fn lock(&self) -> MutexGuard<'_, BusState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("nodes", &self.lock().nodes.len()).finish_non_exhaustive()
    }
}

impl BusState {
    /// Also to the node itself, as buses do.
    fn send(
        &mut self,
        now: Instant,
        index: usize,
        namespace: &str,
        to: Option<&NodeId>,
        message: ClusterMessage,
        logged: Option<Logged>,
    ) {
        let Self { nodes, decide, .. } = self;
        if !nodes[index].is_up {
            return;
        }
        let from = nodes[index].id.clone();
        for (other, node) in nodes.iter_mut().enumerate() {
            if !node.wants(namespace, to, &message) && logged.is_none() {
                continue;
            }
            let delivery = match decide {
                Some(decide) if other != index => decide(index, other, &message),
                _ => Delivery::AtOnce,
            };
            let (copies, delay) = match delivery {
                Delivery::AtOnce => (1, Duration::ZERO),
                Delivery::Late(delay) => (1, delay),
                Delivery::Lost => (0, Duration::ZERO),
                Delivery::Twice => (2, Duration::ZERO),
            };
            for _ in 0..copies {
                let (namespace, from, message) = (namespace.into(), from.clone(), message.clone());
                node.push(Envelope { due: now + delay, namespace, from, message, logged });
            }
        }
    }

    fn append(
        &mut self,
        now: Instant,
        index: usize,
        namespace: &str,
        number: Option<u64>,
        message: ClusterMessage,
    ) {
        if self.nodes[index].is_cut_off {
            return self.nodes[index].unwritten.push((namespace.into(), number, message));
        }
        let Some(log) = &mut self.log else {
            return;
        };
        log.length += 1;
        let offset = LogOffset { major: log.length, minor: 0 };
        log.entries.push((namespace.into(), LoggedMessage { offset, message: message.clone() }));
        self.send(now, index, namespace, None, message, Some(Logged { offset, number }));
    }
}

#[derive(Debug)]
struct TestLog {
    bus: Bus,
    index: usize,
    clock: TestClock,
}

impl TestLog {
    fn read<T>(&self, read: impl FnOnce(&mut BusLog) -> T) -> LogFuture<T>
    where
        T: Send + 'static,
    {
        let mut bus = self.bus.lock();
        let is_cut_off = bus.nodes[self.index].is_cut_off;
        let answer = match &mut bus.log {
            Some(log) if !is_cut_off => Ok(read(log)),
            _ => Err("the log is out of reach".into()),
        };
        let (bus, index) = (self.bus.clone(), self.index);
        let answered = poll_fn(move |cx| {
            let node = &mut bus.lock().nodes[index];
            if node.is_held {
                node.asking.push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        });
        Box::pin(answered.map(|()| answer))
    }
}

impl EventLog for TestLog {
    fn append(&self, namespace: &str, number: u64, message: ClusterMessage) -> bool {
        let now = self.clock.now();
        let mut bus = self.bus.lock();
        let is_refused = bus.nodes[self.index].is_refused;
        if !is_refused {
            bus.append(now, self.index, namespace, Some(number), message);
        }
        !is_refused
    }

    fn save(&self, namespace: &str, session: SavedSession, duration: Duration) {
        let (key, until) = (session.key.clone(), self.clock.now() + duration);
        let mut bus = self.bus.lock();
        let BusState { nodes, log, .. } = &mut *bus;
        let node = &mut nodes[self.index];
        let sessions = match log {
            Some(log) if !node.is_cut_off => &mut log.sessions,
            _ => &mut node.unsaved,
        };
        sessions.insert((namespace.into(), key), (session, until));
    }

    fn find(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>> {
        let (key, now) = ((namespace.into(), key.into()), self.clock.now());
        self.read(|log| {
            let session = log.sessions.get(&key).filter(|(_, until)| now < *until);
            session.map(|(session, _)| session.clone())
        })
    }

    fn take(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>> {
        let (key, now) = ((namespace.into(), key.into()), self.clock.now());
        self.read(|log| {
            let session = log.sessions.remove(&key).filter(|(_, until)| now < *until);
            session.map(|(session, _)| session)
        })
    }

    fn read(&self, namespace: &str, after: LogOffset) -> LogFuture<Option<Vec<LoggedMessage>>> {
        Self::read(self, |log| {
            let entries = match after {
                LogOffset::START if log.entries.len() as u64 == log.length => &log.entries[..],
                _ => {
                    let mut offsets = log.entries.iter().map(|(_, entry)| entry.offset);
                    &log.entries[offsets.position(|offset| offset == after)? + 1..]
                }
            };
            let own = entries.iter().filter(|(of, _)| of == namespace);
            Some(own.map(|(_, entry)| entry.clone()).collect())
        })
    }
}

impl BusNode {
    /// Whether a message is carried here.
    fn wants(&self, namespace: &str, to: Option<&NodeId>, message: &ClusterMessage) -> bool {
        let has_room = |room: &str| self.rooms.contains(&(namespace.into(), room.into()));
        self.namespaces.contains(namespace)
            && to.is_none_or(|to| self.id.as_ref() == Some(to))
            && match message {
                ClusterMessage::Broadcast { options, request: None, .. } => {
                    match &options.rooms[..] {
                        [room] => has_room(room),
                        _ => true,
                    }
                }
                _ => true,
            }
    }

    fn push(&mut self, mut envelope: Envelope) {
        let is_before = |other: &&Envelope| {
            other.from == envelope.from || other.logged.is_some() && envelope.logged.is_some()
        };
        let before = self.inbox.iter().rev().find(is_before);
        envelope.due = before.map_or(envelope.due, |before| envelope.due.max(before.due));
        let index = self.inbox.partition_point(|other| other.due <= envelope.due);
        self.inbox.insert(index, envelope);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[derive(Debug)]
struct TestAdapter {
    bus: Bus,
    index: usize,
    clock: TestClock,
    membership: Membership,
}

impl Adapter for TestAdapter {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    fn membership(&self) -> Membership {
        self.membership
    }

    fn start(&self, node: ClusterNode, driver: ClusterDriver) {
        let this = &mut self.bus.lock().nodes[self.index];
        this.id = Some(node.id().clone());
        this.node = Some(node.clone());
        this.begun = Some((node, driver));
    }

    fn open(&self, namespace: &str) {
        self.bus.lock().nodes[self.index].namespaces.insert(namespace.to_owned());
    }

    fn close(&self, namespace: &str) {
        let this = &mut self.bus.lock().nodes[self.index];
        this.namespaces.remove(namespace);
        this.rooms.retain(|(of, _)| of != namespace);
    }

    fn open_room(&self, namespace: &str, room: &str) {
        let room = (namespace.to_owned(), room.to_owned());
        assert!(self.bus.lock().nodes[self.index].rooms.insert(room), "a room opens once");
    }

    fn close_room(&self, namespace: &str, room: &str) {
        let room = (namespace.to_owned(), room.to_owned());
        assert!(self.bus.lock().nodes[self.index].rooms.remove(&room), "a room closes once");
    }

    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let is_logged = matches!(
            message,
            ClusterMessage::Broadcast { request: None, .. }
                | ClusterMessage::SocketsJoin { .. }
                | ClusterMessage::SocketsLeave { .. }
                | ClusterMessage::DisconnectSockets { .. }
        );
        let now = self.clock.now();
        let mut bus = self.bus.lock();
        match bus.log.is_some() && is_logged {
            true => bus.append(now, self.index, namespace, None, message),
            false => bus.send(now, self.index, namespace, to, message, None),
        }
    }

    fn log(&self) -> Option<Arc<dyn EventLog>> {
        let Self { bus, index, clock, .. } = self;
        let log = TestLog { bus: bus.clone(), index: *index, clock: clock.clone() };
        bus.lock().log.is_some().then(|| Arc::new(log) as Arc<dyn EventLog>)
    }

    fn count(&self, namespace: &str) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        let bus = self.bus.lock();
        let others = bus.nodes.iter().enumerate().filter(|(index, node)| {
            *index != self.index && node.is_up && node.namespaces.contains(namespace)
        });
        Box::pin(ready(others.count()))
    }

    fn stop(&self) {
        self.bus.lock().nodes[self.index].is_up = false;
    }
}

/// Gives a server what arrives for it.
struct Inbox {
    bus: Bus,
    index: usize,
    node: ClusterNode,
    clock: TestClock,
    sleep: Option<Pin<Box<dyn Sleep>>>,
}

impl Inbox {
    fn give(&self, envelope: Envelope) -> Result<(), ServerGone> {
        let Envelope { namespace, from, message, logged, .. } = envelope;
        match logged {
            None => self.node.receive(&namespace, from.as_ref(), message),
            Some(Logged { offset, number }) if from.as_ref() == Some(self.node.id()) => {
                self.node.landed(&namespace, number, offset)
            }
            Some(Logged { offset, .. }) => {
                let message = LoggedMessage { offset, message };
                self.node.receive_logged(&namespace, from.as_ref(), message)
            }
        }
    }
}

impl Future for Inbox {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.clock.now();
            let mut bus = self.bus.lock();
            let this = &mut bus.nodes[self.index];
            let due = this.inbox.front().map(|first| first.due);
            if due.is_none_or(|due| due > now) {
                this.waker = Some(cx.waker().clone());
                drop(bus);
                let Some(due) = due else { return Poll::Pending };
                let mut sleep = self.clock.sleep_until(due);
                if sleep.as_mut().poll(cx).is_pending() {
                    self.sleep = Some(sleep);
                    return Poll::Pending;
                }
                continue;
            }
            let envelope = this.inbox.pop_front();
            let is_up = this.is_up;
            drop(bus);
            if let Some(envelope) = envelope.filter(|_| is_up)
                && self.give(envelope).is_err()
            {
                return Poll::Ready(());
            }
        }
    }
}
