use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    future::ready,
    ops::Index,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{clock::TestClock, server::TestServer};
use crate::{
    clock::{Clock, Sleep},
    config::Builder,
    proto::cluster::{ClusterMessage, Membership, NodeId},
    server::{Adapter, ClusterDriver, ClusterNode},
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

    /// Adds a node, and gives it.
    ///
    /// # Panics
    /// If the options make no sense.
    pub fn add(&mut self, builder: Builder) -> &TestServer {
        let index = self.servers.len();
        let clock = self.servers.first().map(|server| server.clock().clone()).unwrap_or_default();
        self.bus.lock().nodes.push(BusNode { is_up: true, ..BusNode::default() });
        let (bus, membership) = (self.bus.clone(), self.membership);
        let builder = builder.adapter(TestAdapter { bus, index, clock: clock.clone(), membership });
        let server = match self.servers.first() {
            Some(first) => first.beside(builder),
            None => TestServer::with_clock(clock.clone(), builder),
        };
        let begun = self.bus.lock().nodes[index].begun.take();
        let (node, driver) = begun.expect("a server begins when it is built");
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
                to.push(Envelope { due: now, namespace, from, message: message.clone() });
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
}

type Decide = Box<dyn FnMut(usize, usize, &ClusterMessage) -> Delivery + Send>;

#[derive(Default)]
struct BusNode {
    id: Option<NodeId>,
    begun: Option<(ClusterNode, ClusterDriver)>,
    namespaces: BTreeSet<String>,
    /// With their namespaces.
    rooms: BTreeSet<(String, String)>,
    is_up: bool,
    /// In the order in which it arrives.
    inbox: VecDeque<Envelope>,
    waker: Option<Waker>,
}

struct Envelope {
    due: Instant,
    namespace: String,
    from: Option<NodeId>,
    message: ClusterMessage,
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
        let before = self.inbox.iter().rev().find(|other| other.from == envelope.from);
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

    /// Also to the node itself, as buses do.
    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let now = self.clock.now();
        let BusState { nodes, decide } = &mut *self.bus.lock();
        let from = nodes[self.index].id.clone();
        if !nodes[self.index].is_up {
            return;
        }
        for (index, node) in nodes.iter_mut().enumerate() {
            if !node.wants(namespace, to, &message) {
                continue;
            }
            let delivery = match decide {
                Some(decide) if index != self.index => decide(self.index, index, &message),
                _ => Delivery::AtOnce,
            };
            let (copies, delay) = match delivery {
                Delivery::AtOnce => (1, Duration::ZERO),
                Delivery::Late(delay) => (1, delay),
                Delivery::Lost => (0, Duration::ZERO),
                Delivery::Twice => (2, Duration::ZERO),
            };
            for _ in 0..copies {
                let (namespace, from) = (namespace.to_owned(), from.clone());
                node.push(Envelope { due: now + delay, namespace, from, message: message.clone() });
            }
        }
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
            if let Some(Envelope { namespace, from, message, .. }) = envelope.filter(|_| is_up)
                && self.node.receive(&namespace, from.as_ref(), message).is_err()
            {
                return Poll::Ready(());
            }
        }
    }
}
