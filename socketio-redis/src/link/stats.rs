use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What became of the messages of a node, since it began, and whether it has Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Whether all the servers that are needed are connected.
    pub is_connected: bool,
    /// Messages that Redis took.
    pub published: u64,
    /// Messages that came from Redis, those of this node among them where it gets its own.
    pub received: u64,
    /// Messages that were to be sent and were not: too many waited, Redis refused them, or the
    /// connection was lost before it said that it took them. Some of the last kind may have arrived:
    /// none is sent twice. What is written to a stream is looked up there, and written again if it is
    /// not.
    pub lost: u64,
    /// How often a connection was lost and made again.
    pub reconnects: u64,
    /// Messages that wait to be sent.
    pub queued: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    published: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
    reconnects: AtomicU64,
}

impl Counters {
    pub(super) fn published(&self, messages: u64) {
        self.published.fetch_add(messages, Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    pub(super) fn lost(&self, messages: u64) {
        self.lost.fetch_add(messages, Relaxed);
    }

    pub(super) fn reconnected(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    pub(super) fn stats(&self, is_connected: bool, queued: usize) -> Stats {
        Stats {
            is_connected,
            published: self.published.load(Relaxed),
            received: self.received.load(Relaxed),
            lost: self.lost.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            queued,
        }
    }
}
