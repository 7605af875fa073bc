use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
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
/// [out of reach](super::ClusterNode::set_log_reachable) they are delivered at once and appended
/// when it is back; a client that comes back from such a time may have some of them twice.
///
/// No method blocks: what is to be done is queued, and done in this order.
pub trait EventLog: fmt::Debug + Send + Sync {
    /// Which of several logs has the messages of a namespace, where there are several: places in
    /// different ones cannot be compared.
    fn stream(&self, namespace: &str) -> u32 {
        let _ = namespace;
        0
    }

    /// Appends a message, under a number that this node gives no other.
    fn append(&self, namespace: &str, number: u64, message: ClusterMessage);

    /// Keeps a session for some time.
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

/// The last place of a log of which everything has been delivered here.
#[derive(Debug, Default)]
pub(in crate::server) struct LogPosition(Mutex<LogOffset>);

impl LogPosition {
    pub(in crate::server) fn get(&self) -> LogOffset {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self, offset: LogOffset) {
        let mut position = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *position = offset.max(*position);
    }
}

/// The log, and where this node is in it.
#[derive(Debug)]
pub(in crate::server) struct SharedLog {
    /// This node.
    id: NodeId,
    log: Arc<dyn EventLog>,
    /// For each of the logs.
    positions: Mutex<HashMap<u32, Arc<LogPosition>>>,
    last_number: AtomicU64,
    is_reachable: AtomicBool,
}

impl SharedLog {
    pub(super) fn new(id: NodeId, log: Arc<dyn EventLog>) -> Self {
        Self {
            id,
            log,
            positions: Mutex::default(),
            last_number: AtomicU64::new(0),
            is_reachable: AtomicBool::new(true),
        }
    }

    pub(in crate::server) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(in crate::server) fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// Where this node is in the log of a namespace.
    pub(in crate::server) fn position(&self, namespace: &str) -> Arc<LogPosition> {
        self.position_in(self.log.stream(namespace))
    }

    fn position_in(&self, stream: u32) -> Arc<LogPosition> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(positions.entry(stream).or_default())
    }

    pub(super) fn reach(&self, stream: u32, offset: LogOffset) {
        self.position_in(stream).reach(offset);
    }

    pub(in crate::server) fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(in crate::server) fn is_reachable(&self) -> bool {
        self.is_reachable.load(Ordering::Acquire)
    }

    pub(super) fn set_reachable(&self, is_reachable: bool) {
        self.is_reachable.store(is_reachable, Ordering::Release);
    }
}
