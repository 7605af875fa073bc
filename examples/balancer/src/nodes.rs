//! The nodes, and which of them is next.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use http::HeaderValue;

/// A server behind the balancer.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    is_up: AtomicBool,
    /// Requests that it has not answered, and websockets.
    busy: AtomicUsize,
}

impl Node {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, is_up: AtomicBool::new(true), busy: AtomicUsize::new(0) }
    }

    /// What clients are told of it.
    pub(crate) fn name(&self) -> HeaderValue {
        self.address.to_string().try_into().expect("an address is text")
    }

    /// Notes whether it answers.
    pub(crate) fn set_up(&self, is_up: bool) {
        if self.is_up.swap(is_up, Relaxed) != is_up {
            println!("{} is {}", self.address, if is_up { "up" } else { "down" });
        }
    }
}

/// All nodes. They are known by their numbers.
#[derive(Debug)]
pub(crate) struct Nodes {
    nodes: Vec<Arc<Node>>,
    turn: AtomicUsize,
}

/// A node at work on something, until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    pub(crate) number: usize,
    pub(crate) node: Arc<Node>,
}

impl Nodes {
    pub(crate) fn new(nodes: impl IntoIterator<Item = SocketAddr>) -> Self {
        let nodes = nodes.into_iter().map(|address| Arc::new(Node::new(address))).collect();
        Self { nodes, turn: AtomicUsize::new(0) }
    }

    /// The node that has the session of a request. If that is down, or if there is none, it is the
    /// one with the least to do, and of several of these the next.
    ///
    /// Taking turns alone would not do: connections last for hours, so a node that was away would
    /// have fewer than the others for as long.
    pub(crate) fn choose(&self, session: Option<usize>) -> Option<Busy> {
        let is_up = |number: &usize| self.nodes[*number].is_up.load(Relaxed);
        let number = session.filter(is_up).or_else(|| {
            let turn = self.turn.fetch_add(1, Relaxed);
            let all = 0..self.nodes.len();
            let in_turn = all.map(|place| turn.wrapping_add(place) % self.nodes.len());
            in_turn.filter(is_up).min_by_key(|number| self.nodes[*number].busy.load(Relaxed))
        })?;
        let node = Arc::clone(&self.nodes[number]);
        node.busy.fetch_add(1, Relaxed);
        Some(Busy { number, node })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().map(|node| &**node)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.node.busy.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Nodes {
        Nodes::new((1..=3).map(|port| ([127, 0, 0, 1], port).into()))
    }

    fn choose(nodes: &Nodes, session: Option<usize>) -> Option<usize> {
        nodes.choose(session).map(|busy| busy.number)
    }

    #[test]
    fn nodes_take_turns_and_sessions_stay() {
        let nodes = three();
        let chosen: Vec<_> = (0..4).map(|_| choose(&nodes, None)).collect();
        assert_eq!(chosen, [Some(0), Some(1), Some(2), Some(0)]);
        assert_eq!(choose(&nodes, Some(0)), Some(0));
    }

    #[test]
    fn the_one_with_the_least_to_do_is_next() {
        let nodes = three();
        let mut busy: Vec<_> = (0..6).filter_map(|_| nodes.choose(None)).collect();
        busy.retain(|busy| busy.number != 1);
        for _ in 0..2 {
            busy.extend(nodes.choose(None));
            assert_eq!(busy.last().map(|busy| busy.number), Some(1));
        }
    }

    #[test]
    fn a_node_that_is_down_is_skipped() {
        let nodes = three();
        let set_up = |number, is_up| nodes.nodes[usize::from(number)].set_up(is_up);
        set_up(1_u8, false);
        assert!((0..6).all(|_| choose(&nodes, None) != Some(1)));
        assert_ne!(choose(&nodes, Some(1)), Some(1));
        set_up(1, true);
        assert_eq!(choose(&nodes, Some(1)), Some(1));
        (0..3).for_each(|number| set_up(number, false));
        assert_eq!(choose(&nodes, None), None);
    }
}
