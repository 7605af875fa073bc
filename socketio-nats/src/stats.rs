use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What became of the messages of a node, since it began, and whether it has NATS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Whether there is a connection.
    pub is_connected: bool,
    /// Messages that were sent.
    pub published: u64,
    /// Messages that came from other nodes.
    pub received: u64,
    /// Messages that were to be sent and were not: too many waited, they were too large, or the
    /// connection was lost when they were on their way. Some of the last kind may have arrived: none
    /// is sent twice.
    pub lost: u64,
    /// How often a connection was lost and made again.
    pub reconnects: u64,
    /// Messages that wait to be sent.
    pub queued: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    published: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
    /// Of those that are lost, which the application is yet to hear of.
    unreported: AtomicU64,
}

impl Counters {
    pub(crate) fn published(&self, messages: u64) {
        self.published.fetch_add(messages, Relaxed);
    }

    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    /// So many are lost, which is to be reported.
    pub(crate) fn lost(&self, messages: u64) {
        self.unreported.fetch_add(messages, Relaxed);
        self.lost_and_reported(messages);
    }

    pub(crate) fn lost_and_reported(&self, messages: u64) {
        self.lost.fetch_add(messages, Relaxed);
    }

    /// How many are yet to be reported, which they are then.
    pub(crate) fn take_unreported(&self) -> u64 {
        self.unreported.swap(0, Relaxed)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            published: self.published.load(Relaxed),
            received: self.received.load(Relaxed),
            lost: self.lost.load(Relaxed),
            ..Stats::default()
        }
    }
}
