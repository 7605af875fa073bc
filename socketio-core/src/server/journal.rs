use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    engine::{Engine, EngineClock},
    rooms::{Selection, Stay},
    shrink::Shrink,
    socket::Socket,
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

impl Recorded {
    /// Bytes that it takes, but for a few.
    fn len(&self) -> usize {
        let Selection { rooms, except, .. } = &self.selection;
        let rooms = rooms.iter().flatten().chain(except);
        let rooms: usize = rooms.map(|room| size_of_val(room) + room.len()).sum();
        size_of::<Self>() + self.packet.len() + rooms
    }
}

/// A socket whose client went without a word, and may come back.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The driver that it had waits for its return, and is woken then.
    pub(super) socket: Socket,
    pub(super) stays: Vec<Stay>,
    pub(super) span: Span,
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

    /// Finishes an event, which is to be [kept](Self::keep).
    pub(super) fn number(&mut self, draft: Draft) -> Encoded {
        self.position += 1;
        draft.finish_with(self.position)
    }

    /// Keeps the last event, as it goes out, for those who are to have it.
    pub(super) fn keep(&mut self, selection: Selection, packet: Encoded) {
        // Without a clock there is no client either.
        let Some(at) = self.clock.now().filter(|_| !self.is_deserted()) else {
            self.forgotten = self.position;
            return;
        };
        self.forget(at);
        let event = Recorded { number: self.position, at, selection, packet };
        self.bytes += event.len();
        self.events.push_back(event);
        while self.bytes > self.limits.bytes {
            self.forget_first();
        }
    }

    /// Finishes an event that nobody gets later. It carries an offset all the same: the client
    /// takes any string at the end of an event for one.
    pub(super) fn mark(&self, draft: Draft) -> Encoded {
        draft.finish_with(self.position)
    }

    /// The events after this one that a socket is to have, with their numbers.
    pub(super) fn missed(
        &self,
        after: u64,
        id: &SocketId,
        stays: &[Stay],
    ) -> impl Iterator<Item = (u64, Encoded)> {
        let start = self.events.partition_point(|event| event.number <= after);
        let events = self.events.range(start..);
        let meant = events.filter(|event| event.selection.selects(event.number, id, stays));
        meant.map(|event| (event.number, event.packet.clone()))
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
        self.present.shrink();
        self.clear_if_deserted();
    }

    /// This socket is not waited for any more. Gives what was kept of it, if it was.
    pub(super) fn give_up(&mut self, recovery: &RecoveryId, socket: &Socket) -> Option<Saved> {
        self.until(recovery, socket)?;
        let saved = self.saved.remove(recovery);
        self.saved.shrink();
        self.clear_if_deserted();
        saved
    }

    /// This socket may not come back any more, which its driver is yet to learn. Tells whether it
    /// might have.
    pub(super) fn revoke(&mut self, recovery: &RecoveryId, socket: &Socket, now: Instant) -> bool {
        let saved = self.saved.get_mut(recovery).filter(|saved| saved.socket == *socket);
        saved.map(|saved| saved.until = now).is_some()
    }

    /// Until when this socket may come back. It may have come back already, and even gone again, as
    /// another of the same id.
    pub(super) fn until(&self, recovery: &RecoveryId, socket: &Socket) -> Option<Instant> {
        let saved = self.saved.get(recovery).filter(|saved| saved.socket == *socket)?;
        Some(saved.until)
    }

    /// A socket has gone that may come back. Tells until when, or gives back what was to be kept of
    /// it if there is no room.
    pub(super) fn save(
        &mut self,
        recovery: RecoveryId,
        now: Instant,
        saved: Saved,
    ) -> Result<Instant, Saved> {
        if self.saved.len() >= self.limits.sockets {
            self.leave(&recovery);
            return Err(saved);
        }
        let until = crate::proto::after(now, self.limits.away);
        self.saved.insert(recovery, Saved { until, ..saved });
        self.leave(&recovery);
        self.forget(now);
        Ok(until)
    }

    /// Whether a socket is here, or on its way in, or may come back.
    pub(super) fn knows(&self, recovery: &RecoveryId) -> bool {
        self.present.contains_key(recovery) || self.saved.contains_key(recovery)
    }

    /// The sockets that may come back.
    pub(super) fn saved(&self) -> impl Iterator<Item = &Socket> {
        self.saved.values().map(|saved| &saved.socket)
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
        let Span { start, end } = saved.span;
        // One that cannot be from here is from a server where the client was before: it keeps that
        // until it has an event of ours.
        let offset = offset.filter(|offset| *offset <= saved.left_at);
        let offset = offset.unwrap_or(start).max(start);
        // Who has all that was sent to it missed nothing before it went, however long ago that was.
        let has = if offset >= end { saved.left_at } else { offset };
        if has < self.forgotten {
            return None;
        }
        self.saved.remove(recovery).map(|saved| (saved, has))
    }

    /// Whether nobody is there to keep events for.
    fn is_deserted(&self) -> bool {
        self.present.is_empty() && self.saved.is_empty()
    }

    fn clear_if_deserted(&mut self) {
        if self.is_deserted() {
            self.events = VecDeque::new();
            self.bytes = 0;
            self.forgotten = self.position;
        }
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
            self.bytes -= first.len();
            self.events.shrink();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{SocketIo, config::Recovery, testing::TestClock, wire::draft_event};

    #[test]
    fn nothing_is_kept_when_nobody_may_come_for_it() {
        let clock = Arc::new(TestClock::default());
        let builder = SocketIo::builder().recovery(Recovery::default()).clock(clock);
        let io = builder.build().expect("valid options");
        let mut rooms = io.rooms();
        let journal = rooms.journal();
        let record = |journal: &mut Journal| {
            let packet = journal.number(draft_event("/", "e", None, &()).expect("an event"));
            journal.keep(Selection::default(), packet);
            journal.events.len()
        };
        assert_eq!(record(journal), 0);
        let recovery = RecoveryId::random();
        journal.enter(recovery, SocketId::random());
        assert_eq!(record(journal), 1);
        journal.leave(&recovery);
        assert_eq!((journal.events.len(), journal.bytes, journal.forgotten), (0, 0, 2));
        assert_eq!(record(journal), 0);
    }
}
