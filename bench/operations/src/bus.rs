//! What takes the place of the other nodes of a cluster.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use socketio_core::{
    Adapter, Clock, ClusterDriver, ClusterMessage, ClusterNode, Membership, NodeId,
    cluster::Envelope,
};

use crate::memory::Standing;

/// A bus that keeps the last message as JSON, and gives the server what it is told to. Clones are the
/// same.
#[derive(Clone, Debug, Default)]
pub struct Bus(Arc<Ends>);

#[derive(Debug, Default)]
struct Ends {
    node: OnceLock<ClusterNode>,
    sent: Mutex<Option<Bytes>>,
}

impl Bus {
    /// Takes the last message of this node.
    pub fn take(&self) -> Option<Bytes> {
        self.0.sent.lock().expect("no panic").take()
    }

    /// Another node has sent a message.
    pub fn receive(&self, message: &Bytes) {
        let Envelope { namespace, from, message } = Envelope::decode(message).expect("a message");
        let node = self.0.node.get().expect("a server that has begun");
        node.receive(&namespace, Some(&from), message).expect("a server");
    }
}

impl Adapter for Bus {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Standing::now())
    }

    fn membership(&self) -> Membership {
        Membership::Counted
    }

    fn start(&self, node: ClusterNode, _: ClusterDriver) {
        self.0.node.set(node).expect("a server begins once");
    }

    fn open(&self, _: &str) {}

    fn close(&self, _: &str) {}

    fn send(&self, namespace: &str, _: Option<&NodeId>, message: ClusterMessage) {
        // Its own name is one that the server would pass over.
        let from = NodeId::new("8aecdbd8926f1590");
        let envelope = Envelope { namespace: namespace.into(), from, message };
        *self.0.sent.lock().expect("no panic") = Some(envelope.to_json().into());
    }

    fn stop(&self) {}
}
