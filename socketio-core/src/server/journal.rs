use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use bytestring::ByteString;
use serde_json::{Map, Value};

use super::{
    engine::{Engine, EngineClock},
    rooms::Selection,
    session::Session,
};
use crate::{
    id::{RecoveryId, SocketId},
    wire::{Draft, Encoded},
};

/// What was sent to a namespace of late, and who may come back for it. A plain data structure.
///
/// Events are numbered in the order in which they are sent. The number goes out as their last
/// argument, which the client keeps as its *offset* and names when it comes back.
#[derive(Debug)]
pub(crate) struct Journal {
    limits: Limits,
    clock: EngineClock,
    /// The number of the last event.
    position: u64,
    /// No event up to this number is kept any more.
    forgotten: u64,
    events: VecDeque<Recorded>,
    bytes: usize,
    /// Sockets that are in the namespace.
    present: HashMap<RecoveryId, SocketId>,
    /// Sockets that may come back.
    saved: HashMap<RecoveryId, Saved>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long a socket may be away.
    away: Duration,
    /// How long an event is kept: a client that is away may have stopped reading some time before
    /// that was noticed.
    kept: Duration,
    bytes: usize,
    sockets: usize,
}

#[derive(Debug)]
struct Recorded {
    number: u64,
    at: Instant,
    selection: Selection,
    packet: Encoded,
}

/// A socket whose client went without a word, and may come back.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(super) id: SocketId,
    pub(super) rooms: Vec<ByteString>,
    pub(super) data: Map<String, Value>,
    pub(super) span: Span,
    /// Its driver waits for its return, and is woken then.
    pub(super) session: Arc<Session>,
    /// The number of the last event when it went.
    pub(super) left_at: u64,
    /// When it is too late.
    pub(super) until: Instant,
}

/// Which events were meant for a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// The number of the last event before it came.
    pub(super) start: u64,
    /// The number of the last one that was sent to it.
    pub(super) end: u64,
}

impl Journal {
    /// One for a namespace, if connection state recovery is on.
    pub(super) fn new(engine: &Engine) -> Option<Self> {
        let config = engine.config();
        let recovery = config.recovery?;
        let away = recovery.max_disconnection_duration;
        let unnoticed = config.ping_interval + config.ping_timeout;
        Some(Self {
            limits: Limits {
                away,
                kept: away.saturating_add(unnoticed),
                bytes: recovery.max_bytes,
                sockets: recovery.max_sockets,
            },
            clock: engine.shared_clock(),
            position: 0,
            forgotten: 0,
            events: VecDeque::new(),
            bytes: 0,
            present: HashMap::new(),
            saved: HashMap::new(),
        })
    }

    /// The number of the last event.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Finishes an event and keeps it for those who are to have it.
    pub(super) fn record(&mut self, selection: Selection, draft: Draft) -> Encoded {
        self.position += 1;
        let packet = draft.finish_with(self.position);
        // Without a clock there is no client either.
        let Some(now) = self.clock.now() else {
            return packet;
        };
        self.forget(now);
        self.bytes += packet.len();
        self.events.push_back(Recorded {
            number: self.position,
            at: now,
            selection,
            packet: packet.clone(),
        });
        while self.bytes > self.limits.bytes {
            self.forget_first();
        }
        packet
    }

    /// Finishes an event that nobody gets later. It carries an offset all the same: the client
    /// takes any string at the end of an event for one.
    pub(super) fn mark(&self, draft: Draft) -> Encoded {
        draft.finish_with(self.position)
    }

    /// The events after this one that a socket is to have.
    pub(super) fn missed(
        &self,
        after: u64,
        id: SocketId,
        rooms: &[ByteString],
    ) -> impl Iterator<Item = Encoded> {
        let start = self.events.partition_point(|event| event.number <= after);
        let events = self.events.range(start..);
        let meant = events.filter(move |event| event.selection.selects(&id, rooms));
        meant.map(|event| event.packet.clone())
    }

    /// A socket has come.
    pub(super) fn enter(&mut self, recovery: RecoveryId, id: SocketId) {
        self.present.insert(recovery, id);
    }

    /// The socket that is here under this id.
    pub(super) fn present(&self, recovery: &RecoveryId) -> Option<&SocketId> {
        self.present.get(recovery)
    }

    /// A socket has gone for good.
    pub(super) fn leave(&mut self, recovery: &RecoveryId) {
        self.present.remove(recovery);
        self.saved.remove(recovery);
    }

    /// Whether a socket may come back that went with this session. It may have come back, and gone
    /// again with another.
    pub(super) fn is_kept_by(&self, session: &Arc<Session>, recovery: &RecoveryId) -> bool {
        self.saved.get(recovery).is_some_and(|saved| Arc::ptr_eq(&saved.session, session))
    }

    /// A socket that went with this session is not waited for any more. Tells whether it was.
    pub(super) fn give_up(&mut self, session: &Arc<Session>, recovery: &RecoveryId) -> bool {
        self.is_kept_by(session, recovery) && self.saved.remove(recovery).is_some()
    }

    /// A socket has gone that may come back. Tells until when, if it may.
    pub(super) fn save(
        &mut self,
        recovery: RecoveryId,
        now: Instant,
        saved: Saved,
    ) -> Option<Instant> {
        self.present.remove(&recovery);
        if self.saved.len() >= self.limits.sockets {
            return None;
        }
        let until = crate::proto::after(now, self.limits.away);
        self.saved.insert(recovery, Saved { until, ..saved });
        Some(until)
    }

    /// Whether a socket may come back.
    pub(super) fn is_saved(&self, recovery: &RecoveryId) -> bool {
        self.saved.contains_key(recovery)
    }

    /// Whether any may.
    pub(super) fn has_saved(&self) -> bool {
        !self.saved.is_empty()
    }

    /// The sessions of those who may.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.saved.values().map(|saved| &saved.session)
    }

    /// A socket is back: gives what was kept of it, and the number of the last event that its client
    /// has. Once, in time, and only if nothing is missing in between.
    pub(super) fn take(
        &mut self,
        recovery: &RecoveryId,
        offset: Option<u64>,
        now: Instant,
    ) -> Option<(Saved, u64)> {
        let saved = self.saved.get(recovery).filter(|saved| now < saved.until)?;
        let offset = offset.unwrap_or(saved.span.start).max(saved.span.start);
        // Who has all that was sent to it missed nothing before it went, however long ago that was.
        let has = if offset >= saved.span.end { saved.left_at.max(offset) } else { offset };
        if has < self.forgotten || has > self.position {
            return None;
        }
        self.saved.remove(recovery).map(|saved| (saved, has))
    }

    fn forget(&mut self, now: Instant) {
        while let Some(first) = self.events.front()
            && first.at + self.limits.kept <= now
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.events.pop_front() {
            self.forgotten = first.number;
            self.bytes -= first.packet.len();
        }
    }
}
