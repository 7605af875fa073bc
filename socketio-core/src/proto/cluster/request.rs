use std::{collections::VecDeque, fmt, mem, time::Instant};

use bytestring::ByteString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    description::SocketDescription,
    machine::MAX_PEERS,
    message::{ClusterMessage, NodeId},
};
use crate::{id::SocketId, wire::RawArgs};

/// What was asked of the other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Each node says how many clients it asks, and passes on their acknowledgements.
    Acks,
    /// Each node answers for itself.
    Answer,
    /// Each node tells of its sockets.
    Sockets,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Ack { socket: Option<SocketId>, args: RawArgs },
    Args(RawArgs),
    Sockets(Vec<SocketDescription>),
}

/// Which other nodes did not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingNodes {
    pub(super) ids: Vec<NodeId>,
    pub(super) unnamed: usize,
}

/// Who is to answer.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Nodes that are known.
    Nodes(FxHashSet<NodeId>),
    /// So many of them, once the transport has told.
    Number(Option<usize>),
}

/// Acknowledgements that wait for their announcement, at most: there are transports where one
/// overtakes the other, such as a Redis Cluster, but not by much.
const MAX_EARLY: usize = 1024;

/// Asked, and not yet over.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) namespace: ByteString,
    pub(super) deadline: Instant,
    question: Question,
    expected: Expected,
    /// Who has answered, and how many acknowledgements are still to come from there.
    answered: FxHashMap<NodeId, usize>,
    /// The same of nodes that do not say who they are, and how many these are.
    nameless: usize,
    nameless_acks: usize,
    /// Those that were to come from nodes that are gone.
    lost_acks: usize,
    /// Acknowledgements that have overtaken their announcement.
    early: Vec<(Option<NodeId>, Option<SocketId>, RawArgs)>,
    /// Whose acknowledgements have come.
    sockets: FxHashSet<SocketId>,
    /// Known to have died: it will not answer.
    dead: FxHashSet<NodeId>,
    answers: VecDeque<Answer>,
    is_late: bool,
}

impl Request {
    pub(super) fn new(
        namespace: ByteString,
        deadline: Instant,
        question: Question,
        expected: Expected,
    ) -> Self {
        Self {
            namespace,
            deadline,
            question,
            expected,
            answered: FxHashMap::default(),
            nameless: 0,
            nameless_acks: 0,
            lost_acks: 0,
            early: Vec::new(),
            sockets: FxHashSet::default(),
            dead: FxHashSet::default(),
            answers: VecDeque::new(),
            is_late: false,
        }
    }

    /// The transport tells how many other nodes have the namespace.
    pub(super) fn expect(&mut self, nodes: usize) {
        if let Expected::Number(number) = &mut self.expected {
            *number = Some(nodes);
        }
    }

    /// Takes an answer, if it is one to this, and not one that has come before.
    pub(super) fn handle_message(
        &mut self,
        from: Option<&NodeId>,
        message: ClusterMessage,
    ) -> bool {
        if self.is_over() {
            return false;
        }
        match (self.question, message) {
            (Question::Acks, ClusterMessage::BroadcastClientCount { count, .. }) => {
                self.answered(from, count)
            }
            (Question::Acks, ClusterMessage::BroadcastAck { socket, answer, .. }) => {
                self.acknowledged(from, socket, answer)
            }
            (Question::Answer, ClusterMessage::ServerSideEmitResponse { answer, .. }) => {
                self.answered(from, 0) && self.add(Answer::Args(answer))
            }
            (Question::Sockets, ClusterMessage::FetchSocketsResponse { sockets, .. }) => {
                self.answered(from, 0) && self.add(Answer::Sockets(sockets))
            }
            _ => false,
        }
    }

    /// A node has left, or with `is_dead`, has gone without a word.
    pub(super) fn lose(&mut self, node: &NodeId, is_dead: bool) {
        if let Some(acks) = self.answered.get_mut(node) {
            self.lost_acks = self.lost_acks.saturating_add(mem::take(acks));
        } else if let Expected::Nodes(nodes) = &mut self.expected
            && nodes.remove(node)
            && is_dead
        {
            self.dead.insert(node.clone());
        }
    }

    pub(super) fn expire(&mut self) {
        self.is_late = true;
    }

    pub(super) fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Whether no answer is to come any more.
    pub(super) fn is_over(&self) -> bool {
        let have_answered = match &self.expected {
            Expected::Nodes(nodes) => nodes.iter().all(|node| self.answered.contains_key(node)),
            Expected::Number(number) => {
                number.is_some_and(|number| self.answered.len() + self.nameless >= number)
            }
        };
        self.is_late || have_answered && self.acks_due() == 0
    }

    /// Nodes that have not answered, and acknowledgements that were announced and have not come.
    pub(super) fn missing(&self) -> (MissingNodes, usize) {
        (self.missing_nodes(), self.acks_due().saturating_add(self.lost_acks))
    }

    fn acks_due(&self) -> usize {
        self.answered.values().fold(self.nameless_acks, |sum, acks| sum.saturating_add(*acks))
    }

    fn missing_nodes(&self) -> MissingNodes {
        let silent = |node: &&NodeId| !self.answered.contains_key(*node);
        let (mut ids, unnamed) = match &self.expected {
            Expected::Nodes(nodes) => (nodes.iter().filter(silent).cloned().collect(), 0),
            Expected::Number(number) => {
                // Where the transport did not even tell how many there are, there may be one.
                let number = number.unwrap_or(self.answered.len() + self.nameless + 1);
                (Vec::new(), number.saturating_sub(self.answered.len() + self.nameless))
            }
        };
        ids.extend(self.dead.iter().cloned());
        ids.sort_unstable();
        MissingNodes { ids, unnamed }
    }

    fn answered(&mut self, from: Option<&NodeId>, acks: usize) -> bool {
        if self.answered.len() + self.nameless >= MAX_PEERS {
            return false;
        }
        match from {
            Some(node) if self.answered.contains_key(node) => return false,
            Some(node) => drop(self.answered.insert(node.clone(), acks)),
            None => {
                self.nameless += 1;
                self.nameless_acks = self.nameless_acks.saturating_add(acks);
            }
        }
        for (node, socket, args) in mem::take(&mut self.early) {
            self.acknowledged(node.as_ref(), socket, args);
        }
        true
    }

    fn acknowledged(
        &mut self,
        from: Option<&NodeId>,
        socket: Option<SocketId>,
        args: RawArgs,
    ) -> bool {
        let due = match from {
            Some(node) => self.answered.get_mut(node),
            None => Some(&mut self.nameless_acks),
        };
        let Some(due) = due.filter(|due| **due > 0) else {
            if self.early.len() < MAX_EARLY {
                self.early.push((from.cloned(), socket, args));
            }
            return false;
        };
        if socket.is_some_and(|socket| !self.sockets.insert(socket)) {
            return false;
        }
        *due -= 1;
        self.add(Answer::Ack { socket, args })
    }

    fn add(&mut self, answer: Answer) -> bool {
        self.answers.push_back(answer);
        true
    }
}

impl MissingNodes {
    /// Those that are known by name.
    pub fn ids(&self) -> &[NodeId] {
        &self.ids
    }

    /// How many they are, with those that are not: some transports tell the number of nodes alone.
    pub fn len(&self) -> usize {
        self.ids.len() + self.unnamed
    }

    /// Whether all have answered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for MissingNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} other nodes did not answer", self.len())?;
        for (index, id) in self.ids.iter().enumerate() {
            write!(f, "{} {id}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}
