use std::{
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

use bytestring::ByteString;
use rustc_hash::FxHashMap;

use super::{
    message::{ClusterMessage, NodeId, RequestId},
    request::{Answer, Expected, MissingNodes, Question, Request},
};
use crate::proto::{after, earlier};

/// How a node knows of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They tell each other that they are there. Node, where messages travel by Postgres or by
    /// Pub/Sub of Google Cloud: `heartbeatInterval`, `heartbeatTimeout`.
    Heartbeats {
        /// How long after its last message a node says that it is there. Node: 5 s.
        interval: Duration,
        /// How long after its last message a node is taken for dead. Node: 10 s.
        timeout: Duration,
    },
    /// The transport can tell [how many](crate::Adapter::count) there are, as Redis does with the
    /// number of subscribers.
    Counted,
}

/// Nodes that are known in one namespace, at most: names come from the transport.
pub(super) const MAX_PEERS: usize = 1024;

/// This node: the namespaces it has, the nodes it knows, and what it asked of them.
#[derive(Debug)]
pub(crate) struct Cluster {
    id: NodeId,
    membership: Membership,
    namespaces: FxHashMap<ByteString, Peers>,
    requests: FxHashMap<RequestId, Request>,
    /// Requests of which there is news.
    advanced: Vec<RequestId>,
    outbox: VecDeque<(ByteString, ClusterMessage)>,
}

/// The other nodes that have a namespace, with heartbeats.
#[derive(Debug, Default)]
struct Peers {
    last_heard: FxHashMap<NodeId, Instant>,
    /// When to say that this node is there.
    next_heartbeat: Option<Instant>,
}

impl Cluster {
    pub(crate) fn new(id: NodeId, membership: Membership) -> Self {
        Self {
            id,
            membership,
            namespaces: FxHashMap::default(),
            requests: FxHashMap::default(),
            advanced: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    pub(crate) fn id(&self) -> &NodeId {
        &self.id
    }

    /// This node has a namespace now. Tells whether it had not before.
    pub(crate) fn open(&mut self, now: Instant, namespace: &ByteString) -> bool {
        if self.namespaces.contains_key(namespace) {
            return false;
        }
        self.namespaces.insert(namespace.clone(), Peers::default());
        if let Membership::Heartbeats { .. } = self.membership {
            self.say(now, namespace, ClusterMessage::InitialHeartbeat);
        }
        true
    }

    /// This node has a namespace no longer. Tells whether it had.
    pub(crate) fn close(&mut self, now: Instant, namespace: &ByteString) -> bool {
        let had = self.namespaces.contains_key(namespace);
        if let (true, Membership::Heartbeats { .. }) = (had, self.membership) {
            self.say(now, namespace, ClusterMessage::AdapterClose);
        }
        self.namespaces.remove(namespace);
        for (id, request) in &mut self.requests {
            if request.namespace == *namespace {
                request.expire();
                self.advanced.push(id.clone());
            }
        }
        had
    }

    /// The namespaces that this node has.
    pub(crate) fn namespaces(&self) -> Vec<ByteString> {
        self.namespaces.keys().cloned().collect()
    }

    /// The other nodes are asked something, up to a deadline.
    pub(crate) fn ask(
        &mut self,
        id: RequestId,
        namespace: &ByteString,
        question: Question,
        deadline: Instant,
    ) {
        let expected = match (self.membership, self.namespaces.get(namespace)) {
            (Membership::Counted, Some(_)) => Expected::Number(None),
            (_, peers) => {
                let peers = peers.into_iter().flat_map(|peers| peers.last_heard.keys());
                Expected::Nodes(peers.cloned().collect())
            }
        };
        let request = Request::new(namespace.clone(), deadline, question, expected);
        self.requests.insert(id, request);
    }

    /// A request waits longer, or shorter.
    pub(crate) fn set_deadline(&mut self, id: &RequestId, deadline: Instant) {
        if let Some(request) = self.requests.get_mut(id) {
            request.deadline = deadline;
        }
    }

    /// So many other nodes have the namespace, so this many answers are to come.
    pub(crate) fn expect(&mut self, id: &RequestId, nodes: usize) {
        if let Some(request) = self.requests.get_mut(id) {
            request.expect(nodes);
        }
    }

    /// The next answer, and whether it is the last news of the request.
    pub(crate) fn poll_answer(&mut self, id: &RequestId) -> (Option<Answer>, bool) {
        match self.requests.get_mut(id) {
            None => (None, true),
            Some(request) => match request.poll_answer() {
                Some(answer) => (Some(answer), false),
                None => (None, request.is_over()),
            },
        }
    }

    /// Who has not answered a request up to now, and how many acknowledgements have not come.
    pub(crate) fn missing(&self, id: &RequestId) -> (MissingNodes, usize) {
        self.requests.get(id).map(Request::missing).unwrap_or_default()
    }

    /// Nobody waits for the answers any more.
    pub(crate) fn forget(&mut self, id: &RequestId) {
        self.requests.remove(id);
    }

    /// A message came. Gives back what is to be done here.
    pub(crate) fn handle_message(
        &mut self,
        now: Instant,
        namespace: &str,
        from: Option<&NodeId>,
        message: ClusterMessage,
    ) -> Option<ClusterMessage> {
        if from == Some(&self.id) {
            return None;
        }
        let (namespace, _) = self.namespaces.get_key_value(namespace)?;
        let namespace = namespace.clone();
        if let Some(node) = from {
            self.heard(now, &namespace, node, &message);
        }
        match message {
            ClusterMessage::InitialHeartbeat => {
                self.say(now, &namespace, ClusterMessage::Heartbeat);
                None
            }
            ClusterMessage::Heartbeat | ClusterMessage::AdapterClose => None,
            ClusterMessage::FetchSocketsResponse { ref request, .. }
            | ClusterMessage::ServerSideEmitResponse { ref request, .. }
            | ClusterMessage::BroadcastClientCount { ref request, .. }
            | ClusterMessage::BroadcastAck { ref request, .. } => {
                let id = request.clone();
                let request = self.requests.get_mut(&id)?;
                if request.namespace == namespace && request.handle_message(from, message) {
                    self.advanced.push(id);
                }
                None
            }
            message => Some(message),
        }
    }

    /// Does what is due: heartbeats, nodes that were not heard of, requests that are late.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Membership::Heartbeats { timeout, .. } = self.membership {
            let mut dead = Vec::new();
            for (namespace, peers) in &mut self.namespaces {
                peers.last_heard.retain(|node, last_heard| {
                    let is_alive = after(*last_heard, timeout) > now;
                    if !is_alive {
                        dead.push((namespace.clone(), node.clone()));
                    }
                    is_alive
                });
            }
            dead.iter().for_each(|(namespace, node)| self.lose(namespace, node, true));
            let is_due = |peers: &Peers| peers.next_heartbeat.is_some_and(|next| next <= now);
            let due = self.namespaces.iter().filter(|(_, peers)| is_due(peers));
            let due: Vec<_> = due.map(|(namespace, _)| namespace.clone()).collect();
            for namespace in due {
                self.say(now, &namespace, ClusterMessage::Heartbeat);
            }
        }
        for (id, request) in &mut self.requests {
            if request.deadline <= now && !request.is_over() {
                request.expire();
                self.advanced.push(id.clone());
            }
        }
    }

    /// When heartbeats or missing ones are due. Who asked something wakes up for itself.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let Membership::Heartbeats { timeout, .. } = self.membership else {
            return None;
        };
        self.namespaces.values().fold(None, |next, peers| {
            let dead = peers.last_heard.values().min().map(|heard| after(*heard, timeout));
            earlier(next, earlier(peers.next_heartbeat, dead))
        })
    }

    /// A message to the other nodes that have its namespace.
    pub(crate) fn poll_transmit(&mut self) -> Option<(ByteString, ClusterMessage)> {
        self.outbox.pop_front()
    }

    /// Requests of which there is news.
    pub(crate) fn take_advanced(&mut self) -> Vec<RequestId> {
        mem::take(&mut self.advanced)
    }

    /// Says something that puts the next heartbeat off.
    fn say(&mut self, now: Instant, namespace: &ByteString, message: ClusterMessage) {
        if let (Membership::Heartbeats { interval, .. }, Some(peers)) =
            (self.membership, self.namespaces.get_mut(namespace))
        {
            peers.next_heartbeat = Some(after(now, interval));
        }
        self.outbox.push_back((namespace.clone(), message));
    }

    /// A node is there, or is about to go.
    fn heard(
        &mut self,
        now: Instant,
        namespace: &ByteString,
        node: &NodeId,
        message: &ClusterMessage,
    ) {
        if node.is_emitter() || self.membership == Membership::Counted {
            return;
        }
        if let ClusterMessage::AdapterClose = message {
            self.lose(namespace, node, false);
        } else if let Some(peers) = self.namespaces.get_mut(namespace)
            && (peers.last_heard.len() < MAX_PEERS || peers.last_heard.contains_key(node))
        {
            peers.last_heard.insert(node.clone(), now);
        }
    }

    fn lose(&mut self, namespace: &ByteString, node: &NodeId, is_dead: bool) {
        if let Some(peers) = self.namespaces.get_mut(namespace) {
            peers.last_heard.remove(node);
        }
        for (id, request) in &mut self.requests {
            if request.namespace == *namespace {
                request.lose(node, is_dead);
                self.advanced.push(id.clone());
            }
        }
    }
}
