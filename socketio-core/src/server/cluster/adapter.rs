use std::{
    fmt,
    future::ready,
    pin::Pin,
    sync::{Arc, Weak},
};

use super::{
    Namespace, Server,
    driver::ClusterDriver,
    log::{EventLog, SharedLog},
};
use crate::{
    clock::Clock,
    error::{BoxError, ErrorReport, Failure},
    proto::cluster::{ClusterMessage, LogOffset, LoggedMessage, Membership, NodeId},
};

/// What carries messages between the nodes of a cluster, such as Redis: see
/// [`Builder::adapter`](crate::Builder::adapter). Without one a server is a node of its own.
///
/// It only moves messages; what they mean is the server's. It keeps those of one node in their
/// order, but may lose them, give them twice, or give this node its own. No method may block or
/// call a server: what takes time is queued, within a bound, for a task of the adapter's. What could
/// not be sent is lost. Local delivery never waits for it.
///
/// Node: `Adapter`, of which there is one for each namespace there.
pub trait Adapter: fmt::Debug + Send + Sync + 'static {
    /// The clock that time-outs and heartbeats go by. The server takes it, too, if it was given
    /// none.
    fn clock(&self) -> Arc<dyn Clock>;

    /// How this node knows of the others.
    fn membership(&self) -> Membership;

    /// The server begins: `driver` is to be spawned, and every message that comes is given to
    /// `node`. Namespaces follow with [`open`](Self::open).
    fn start(&self, node: ClusterNode, driver: ClusterDriver);

    /// The server has a namespace now, and wants its messages.
    fn open(&self, namespace: &str);

    /// The server has a namespace no longer.
    fn close(&self, namespace: &str);

    /// A room of a namespace has its first member on this node, be it that of a socket's own. For
    /// transports that do not carry what is for a room to nodes without it.
    fn open_room(&self, namespace: &str, room: &str) {
        let _ = (namespace, room);
    }

    /// A room has no member on this node any more, and with connection state recovery nobody either
    /// who may come back to it. It is not told of rooms that end with their namespace's
    /// [end](Self::close).
    fn close_room(&self, namespace: &str, room: &str) {
        let _ = (namespace, room);
    }

    /// Sends a message to all other nodes that have the namespace, or to one of them.
    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage);

    /// How many other nodes have the namespace. Asked with [`Membership::Counted`] only, once for
    /// each request to the other nodes, when that is on its way. If it cannot tell, the last number
    /// that it knew is better than none: with fewer nodes than there are, answers are missed.
    fn count(&self, namespace: &str) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        let _ = namespace;
        Box::pin(ready(0))
    }

    /// The log that all nodes share, if the transport has one: with it, and the option `recovery`,
    /// clients are recovered on any node. Without it, on the one they were on.
    fn log(&self) -> Option<Arc<dyn EventLog>> {
        None
    }

    /// The server has closed, or is gone. All namespaces were closed before, and what is sent after
    /// this is lost.
    fn stop(&self);
}

/// The server as its [`Adapter`] sees it. It does not keep the server alive.
#[derive(Clone)]
pub struct ClusterNode {
    id: NodeId,
    server: Weak<Server>,
}

/// There is no server any more that could take messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is gone")]
pub struct ServerGone;

impl ClusterNode {
    pub(super) fn new(id: NodeId, server: Weak<Server>) -> Self {
        Self { id, server }
    }

    /// The name of this node.
    pub fn id(&self) -> &NodeId {
        &self.id
    }

    /// Takes a message of a namespace. `from` is `None` where the transport does not tell who sent
    /// it. What has no meaning is passed over.
    ///
    /// # Errors
    /// The server has closed or is gone: no more messages are wanted.
    pub fn receive(
        &self,
        namespace: &str,
        from: Option<&NodeId>,
        message: ClusterMessage,
    ) -> Result<(), ServerGone> {
        let server = self.server.upgrade().ok_or(ServerGone)?;
        server.receive(namespace, from, message, None)
    }

    /// Whether an event for a room could reach somebody here. Who can tell the room of a message
    /// before it is read need not read it for nobody.
    pub fn may_reach(&self, namespace: &str, room: &str) -> bool {
        let server = self.server.upgrade();
        let namespace = server.as_ref().and_then(|server| server.namespaces.get(namespace));
        namespace.is_some_and(|namespace| namespace.has_recovery() || namespace.rooms().has(room))
    }

    /// The [log](Adapter::log), or [one of them](EventLog::stream), is read from here on: what came
    /// before does not come. To be called before its first message, and again if it turns out to be
    /// another log, as after a loss: a place before one that it has been at tells that. Who is away
    /// then comes back as somebody new.
    pub fn begin_log(&self, stream: u32, offset: LogOffset) {
        self.with_log(|server, log| {
            log.stream(stream).begin(offset);
            let namespaces = server.namespaces_in(log, stream);
            namespaces.for_each(|namespace| namespace.begin_log(offset));
        });
    }

    /// The log has a message of this node's. All of a log go to this and to
    /// [`receive_logged`](Self::receive_logged) in their order. The number is that with which it was
    /// [appended](EventLog::append), absent if it was [sent](Adapter::send).
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn landed(
        &self,
        namespace: &str,
        number: Option<u64>,
        offset: LogOffset,
    ) -> Result<(), ServerGone> {
        let server = self.server.upgrade().ok_or(ServerGone)?;
        let found = server.namespaces.get(namespace);
        if let Some(namespace) = found.filter(|namespace| namespace.log().is_some()) {
            namespace.landed(number, offset);
        }
        self.with_log(|_, log| log.stream_of(namespace).reach(offset));
        Ok(())
    }

    /// The message that was [appended](EventLog::append) under this number is not in the log, and
    /// will not be: this node's clients need not wait for it.
    pub fn lost(&self, namespace: &str, number: u64) {
        self.with_log(|server, _| {
            let found = server.namespaces.get(namespace);
            if let Some(namespace) = found.filter(|namespace| namespace.log().is_some()) {
                namespace.lost(number);
            }
        });
    }

    /// As [`receive`](Self::receive), for a message of another node that is in the log.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_logged(
        &self,
        namespace: &str,
        from: Option<&NodeId>,
        LoggedMessage { offset, message }: LoggedMessage,
    ) -> Result<(), ServerGone> {
        let server = self.server.upgrade().ok_or(ServerGone)?;
        server.receive(namespace, from, message, Some(offset))?;
        self.with_log(|_, log| log.stream_of(namespace).reach(offset));
        Ok(())
    }

    /// Whether the log, or [one of them](EventLog::stream), can be written to and read. While it
    /// cannot, as at first, what is appended is delivered at once, and so is what is on its way when
    /// that begins: to be told after a second or so without an answer, as until then nothing that may
    /// be missed is delivered.
    pub fn set_log_reachable(&self, stream: u32, is_reachable: bool) {
        self.with_log(|server, log| {
            log.stream(stream).set_reachable(is_reachable);
            if !is_reachable {
                server.namespaces_in(log, stream).for_each(|namespace| namespace.lose_log());
            }
        });
    }

    fn with_log(&self, change: impl FnOnce(&Server, &SharedLog)) {
        if let Some(server) = self.server.upgrade()
            && let Some(log) = server.cluster().and_then(|cluster| cluster.log())
        {
            change(&server, log);
        }
    }

    /// Tells the application's error hook what went wrong, such as what was lost.
    pub fn report(&self, namespace: Option<&str>, error: impl Into<BoxError>) {
        if let Some(server) = self.server.upgrade() {
            let (namespace, failure) = (namespace.map(Into::into), Failure::Adapter(error.into()));
            server.report(ErrorReport { namespace, socket: None, event: None, failure });
        }
    }
}

impl Server {
    /// Those whose messages are in one of the logs.
    fn namespaces_in(&self, log: &SharedLog, stream: u32) -> impl Iterator<Item = Namespace> {
        let all = self.namespaces.all().into_iter();
        all.filter(move |namespace| log.log().stream(namespace.name()) == stream)
    }
}

impl fmt::Debug for ClusterNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClusterNode").field(&self.id).finish()
    }
}
