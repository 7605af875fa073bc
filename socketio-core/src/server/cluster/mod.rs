//! What crosses nodes: the way from operators to the [`Adapter`], and from it to sockets.

mod adapter;
mod driver;
mod log;
mod receive;
mod request;
mod server_events;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    fmt, iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Waker,
    time::Duration,
};

use bytestring::ByteString;
use rustc_hash::FxHashMap;

pub use self::{
    adapter::{Adapter, ClusterNode, ServerGone},
    driver::ClusterDriver,
    log::{EventLog, LogFuture},
    server_events::{MissingAnswers, ServerReplies},
};
pub(super) use self::{
    log::{LogStream, SharedLog},
    receive::{NodeAsker, Relay},
    request::Request,
};
use super::{io::Server, namespace::Namespace, rooms::Selection, shrink::Shrink};
use crate::{
    clock::Clock,
    config::Config,
    id,
    proto::cluster::{BroadcastOptions, Cluster, ClusterMessage, NodeId, Question, RequestId},
    wire::{Draft, RawArgs},
};

/// This node as tasks share it: its machine behind a mutex, and what it speaks through.
pub(crate) struct ClusterHandle {
    adapter: Arc<dyn Adapter>,
    /// Where all nodes share a log.
    log: Option<Arc<SharedLog>>,
    clock: Arc<dyn Clock>,
    ack_timeout: Duration,
    request_timeout: Duration,
    state: Mutex<State>,
}

struct State {
    machine: Cluster,
    /// Who waits for answers.
    wakers: FxHashMap<RequestId, Waker>,
    /// What waits for its handlers.
    events: VecDeque<ServerEvent>,
    driver: Option<Waker>,
    /// The server has closed, or is gone.
    is_over: bool,
}

/// An event of another node.
struct ServerEvent {
    namespace: Namespace,
    name: ByteString,
    args: RawArgs,
    /// Where an answer goes, if one is asked for.
    asker: Option<NodeAsker>,
}

/// Events of other nodes that wait for their handlers, and such handlers at work, at most each.
const MAX_SERVER_EVENTS: usize = 1024;

impl ClusterHandle {
    pub(super) fn new(adapter: Arc<dyn Adapter>, config: &Config) -> Arc<Self> {
        let id = NodeId::new(id::hexadecimal());
        let log = adapter.log().map(|log| Arc::new(SharedLog::new(id.clone(), log)));
        let state = State {
            machine: Cluster::new(id, adapter.membership()),
            wakers: FxHashMap::default(),
            events: VecDeque::new(),
            driver: None,
            is_over: false,
        };
        Arc::new(Self {
            clock: adapter.clock(),
            log,
            adapter,
            ack_timeout: config.ack_timeout,
            request_timeout: config.request_timeout,
            state: Mutex::new(state),
        })
    }

    /// Begins, once there is a server to take messages.
    pub(super) fn start(self: &Arc<Self>, server: &Arc<Server>) {
        let server = Arc::downgrade(server);
        let id = self.lock().machine.id().clone();
        let driver = ClusterDriver::new(Arc::clone(self), Weak::clone(&server));
        self.adapter.start(ClusterNode::new(id, server), driver);
    }

    /// This node has a namespace now.
    pub(super) fn open(&self, namespace: &ByteString) {
        let mut state = self.lock();
        let is_new = !state.is_over && state.machine.open(self.clock.now(), namespace);
        let driver = state.driver.take();
        drop(state);
        if is_new {
            self.adapter.open(namespace);
        }
        // What the machine says of it goes out once the adapter listens.
        self.with(|_| ());
        driver.into_iter().for_each(Waker::wake);
    }

    /// This node has a namespace no longer.
    pub(super) fn close(&self, namespace: &ByteString) {
        if self.with(|state| state.machine.close(self.clock.now(), namespace)) {
            self.adapter.close(namespace);
        }
    }

    /// The server has closed, or is gone.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        let was_over = std::mem::replace(&mut state.is_over, true);
        let namespaces = state.machine.namespaces();
        let events = std::mem::take(&mut state.events);
        let driver = state.driver.take();
        drop(state);
        if !was_over {
            namespaces.iter().for_each(|namespace| self.close(namespace));
            self.adapter.stop();
        }
        drop(events);
        driver.into_iter().for_each(Waker::wake);
    }

    /// Says something to the other nodes that have a namespace.
    pub(super) fn send(&self, namespace: &Namespace, message: ClusterMessage) {
        self.adapter.send(namespace.name(), None, message);
    }

    /// Asks something of the other nodes, up to a time-out.
    pub(super) fn ask(
        self: &Arc<Self>,
        namespace: &Namespace,
        question: Question,
        timeout: Duration,
        message: impl FnOnce(RequestId) -> ClusterMessage,
    ) -> Request {
        let request = Request::new(self, namespace, question, timeout);
        self.send(namespace, message(request.id().clone()));
        request
    }

    pub(super) fn log(&self) -> Option<&Arc<SharedLog>> {
        self.log.as_ref()
    }

    pub(super) fn ack_timeout(&self) -> Duration {
        self.ack_timeout
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Changes the machine, then says what it wants said and wakes whom it has news for.
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let messages: Vec<_> = iter::from_fn(|| state.machine.poll_transmit()).collect();
        let advanced = state.machine.take_advanced();
        let wakers: Vec<_> = advanced.iter().filter_map(|id| state.wakers.remove(id)).collect();
        drop(state);
        for (namespace, message) in messages {
            self.adapter.send(&namespace, None, message);
        }
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the adapter which rooms of a namespace have members here, or may have them back.
#[derive(Debug)]
pub(super) struct RoomWatch {
    cluster: Arc<ClusterHandle>,
    namespace: ByteString,
    /// How many sockets may come back to a room.
    held: HashMap<ByteString, usize>,
}

impl RoomWatch {
    pub(super) fn new(cluster: &Arc<ClusterHandle>, namespace: &ByteString) -> Self {
        let (cluster, namespace) = (Arc::clone(cluster), namespace.clone());
        Self { cluster, namespace, held: HashMap::new() }
    }

    /// Somebody may come back to a room.
    pub(super) fn hold(&mut self, room: &ByteString) {
        *self.held.entry(room.clone()).or_default() += 1;
    }

    /// Somebody is back, or comes no more.
    pub(super) fn release(&mut self, room: &ByteString) {
        if let Some(count) = self.held.get_mut(room) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(room);
                self.held.shrink();
            }
        }
    }

    pub(super) fn holds(&self, room: &str) -> bool {
        self.held.contains_key(room)
    }

    /// There is a room now, or there is not any more.
    pub(super) fn tell(&self, room: &str, is_there: bool) {
        match is_there {
            true => self.cluster.adapter.open_room(&self.namespace, room),
            false => self.cluster.adapter.close_room(&self.namespace, room),
        }
    }
}

/// An event for clients of the other nodes.
pub(super) fn broadcast(
    options: BroadcastOptions,
    draft: &Draft,
    request: Option<RequestId>,
) -> ClusterMessage {
    let (name, args) = draft.read().expect("the draft of an event");
    ClusterMessage::Broadcast { options, name, args, request }
}

impl Selection {
    /// As other nodes are told of it.
    pub(super) fn to_options(&self) -> BroadcastOptions {
        let sender = self.sender.as_ref().map(|id| ByteString::from(id.as_str()));
        BroadcastOptions {
            rooms: self.rooms.clone().unwrap_or_default(),
            except: self.except.iter().cloned().chain(sender).collect(),
            ..BroadcastOptions::default()
        }
    }
}

impl From<BroadcastOptions> for Selection {
    fn from(BroadcastOptions { rooms, except, .. }: BroadcastOptions) -> Self {
        let rooms = (!rooms.is_empty()).then_some(rooms);
        Self { rooms, except, sender: None }
    }
}

impl fmt::Debug for ClusterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterHandle").field("adapter", &self.adapter).finish_non_exhaustive()
    }
}
