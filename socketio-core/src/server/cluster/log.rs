use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    error::BoxError,
    proto::cluster::{ClusterMessage, LogOffset, LoggedMessage, NodeId, SavedSession},
};

/// A log of events that all nodes share, and a place for sessions: with it clients are recovered on
/// any node. See [`Adapter::log`](super::Adapter::log).
///
/// Events that may be missed are [appended](Self::append) rather than sent, and delivered when the
/// log [gives them back](super::ClusterNode::landed): all nodes deliver them in the order of the log,
/// with their place there as the offset. While the log is
/// [out of reach](super::ClusterNode::set_log_reachable), as it is at first, they are delivered at
/// once and appended when it is back; a client that comes back from such a time may have some of
/// them twice.
///
/// No method blocks: what is to be done is queued, and done in this order. A future may be dropped
/// before it is ready.
pub trait EventLog: fmt::Debug + Send + Sync {
    /// Which of several logs has the messages of a namespace, where there are several: places in
    /// different ones cannot be compared.
    fn stream(&self, namespace: &str) -> u32 {
        let _ = namespace;
        0
    }

    /// Appends a message, under a number that this node gives no other. Tells whether there is room
    /// for it: if not, it is lost to the other nodes.
    fn append(&self, namespace: &str, number: u64, message: ClusterMessage) -> bool;

    /// Keeps a session for some time, also one that was [taken](Self::take) before.
    fn save(&self, namespace: &str, session: SavedSession, duration: Duration);

    /// Reads the session with this key.
    fn find(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>>;

    /// Takes the session with this key: once, whichever nodes ask for it.
    fn take(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>>;

    /// Reads the messages of a namespace after a place, up to the end of the log. `None` if that place
    /// is not in the log, or not any more: something may be missing. [The
    /// start](LogOffset::START) is in it while it has forgotten nothing.
    fn read(&self, namespace: &str, after: LogOffset) -> LogFuture<Option<Vec<LoggedMessage>>>;
}

/// What a log has, or why it cannot tell.
pub type LogFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// One of the logs, as this node has it.
#[derive(Debug, Default)]
pub(in crate::server) struct LogStream {
    position: Mutex<LogOffset>,
    is_reachable: AtomicBool,
}

impl LogStream {
    /// The last place of which everything has been delivered here.
    pub(in crate::server) fn position(&self) -> LogOffset {
        *self.lock()
    }

    pub(in crate::server) fn is_reachable(&self) -> bool {
        self.is_reachable.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self, offset: LogOffset) {
        *self.lock() = offset;
    }

    pub(super) fn reach(&self, offset: LogOffset) {
        let mut position = self.lock();
        *position = offset.max(*position);
    }

    pub(super) fn set_reachable(&self, is_reachable: bool) {
        self.is_reachable.store(is_reachable, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, LogOffset> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log, and how this node has it.
#[derive(Debug)]
pub(in crate::server) struct SharedLog {
    /// This node.
    id: NodeId,
    log: Arc<dyn EventLog>,
    streams: Mutex<HashMap<u32, Arc<LogStream>>>,
    last_number: AtomicU64,
}

impl SharedLog {
    pub(super) fn new(id: NodeId, log: Arc<dyn EventLog>) -> Self {
        Self { id, log, streams: Mutex::default(), last_number: AtomicU64::new(0) }
    }

    pub(in crate::server) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(in crate::server) fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// That which has the messages of a namespace.
    pub(in crate::server) fn stream_of(&self, namespace: &str) -> Arc<LogStream> {
        self.stream(self.log.stream(namespace))
    }

    pub(super) fn stream(&self, index: u32) -> Arc<LogStream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(streams.entry(index).or_default())
    }

    pub(in crate::server) fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }
}
