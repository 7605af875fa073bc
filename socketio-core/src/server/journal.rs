use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    cluster::{LogStream, SharedLog},
    engine::{Engine, EngineClock},
    flights::{Flight, Flights},
    rooms::{Selection, Stay},
    shrink::Shrink,
    socket::Socket,
};
use crate::{
    id::{RecoveryId, SocketId},
    proto::cluster::{LogOffset, SessionSpan},
    wire::{Draft, Encoded},
};

/// What was sent to a namespace of late, and who may come back for it. A plain data structure.
///
/// Events are numbered in the order in which they are sent. The number goes out as their last
/// argument, which the client keeps as its *offset* and names when it comes back. Where the nodes of
/// a cluster share a log, the offset is the event's place there, and this is the end of it.
#[derive(Debug)]
pub(crate) struct Journal {
    limits: Limits,
    clock: EngineClock,
    /// The log that all nodes share, if there is one.
    log: Option<LogView>,
    pub(super) flights: Flights,
    /// The last event.
    position: Mark,
    /// No event up to this one is kept any more.
    forgotten: Mark,
    events: VecDeque<Recorded>,
    bytes: usize,
    /// Sockets that are in the namespace.
    present: HashMap<RecoveryId, SocketId>,
    /// Sockets that may come back.
    saved: HashMap<RecoveryId, Saved>,
    /// Shared with clients on their way back, who are asked for in the log.
    returning: Returning,
}

/// While a journal's is shared, what is sent is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Returning(Arc<()>);

/// The log that all nodes share, and the one of them that the namespace has.
#[derive(Debug)]
struct LogView {
    log: Arc<SharedLog>,
    stream: Arc<LogStream>,
}

/// Where an event stands among those of its namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u64,
    /// Its place in the log of the cluster, if there is one.
    pub(super) logged: Option<LogOffset>,
    /// It went out before it had a place there: that is the place of one before it.
    pub(super) is_early: bool,
}

impl Mark {
    /// Whether who has everything up to a place of the log has this.
    pub(super) fn is_within(&self, has: Option<LogOffset>) -> bool {
        !self.is_early && self.logged.is_some() && self.logged <= has
    }
}

/// As clients see it.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.logged {
            Some(offset) => offset.fmt(f),
            None => self.number.fmt(f),
        }
    }
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
    mark: Mark,
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
    /// The last event when it went.
    pub(super) left_at: Mark,
    /// When it is too late.
    pub(super) until: Instant,
}

impl Saved {
    /// As all nodes read it.
    pub(super) fn logged(&self) -> SessionSpan {
        let Span { start, end } = self.span;
        let offset = |mark: Mark| mark.logged.unwrap_or_default();
        SessionSpan {
            start: offset(start),
            // Who has the place of one before it may have this one or not.
            end: if end.is_early { LogOffset::MAX } else { offset(end) },
            left_at: offset(self.left_at),
        }
    }
}

/// Which events were meant for a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// The last event before it came.
    pub(super) start: Mark,
    /// The last one that was sent to it.
    pub(super) end: Mark,
}

impl Journal {
    /// One for a namespace, if connection state recovery is on.
    pub(super) fn new(namespace: &str, engine: &Engine) -> Option<Self> {
        let config = engine.config();
        let recovery = config.recovery?;
        let away = recovery.max_disconnection_duration;
        let unnoticed = config.ping_interval + config.ping_timeout;
        let log = engine.cluster().and_then(|cluster| cluster.log());
        let log = log.map(|log| LogView { log: Arc::clone(log), stream: log.stream_of(namespace) });
        let logged = log.as_ref().map(|log| log.stream.position());
        let begin = Mark { logged, ..Mark::default() };
        Some(Self {
            limits: Limits {
                away,
                kept: away.saturating_add(unnoticed),
                bytes: recovery.max_bytes,
                sockets: recovery.max_sockets,
            },
            clock: engine.shared_clock(),
            log,
            flights: Flights::default(),
            position: begin,
            forgotten: begin,
            events: VecDeque::new(),
            bytes: 0,
            present: HashMap::new(),
            saved: HashMap::new(),
            returning: Returning::default(),
        })
    }

    /// The last event, and what its log has come to meanwhile.
    pub(super) fn position(&self) -> Mark {
        let logged = self.log.as_ref().map(|log| log.stream.position());
        Mark { logged: self.position.logged.max(logged), ..self.position }
    }

    /// The last event that was numbered.
    pub(super) fn last(&self) -> Mark {
        self.position
    }

    /// What comes from the log begins behind this place. Tells whether it is another log than before,
    /// so that places known up to now mean nothing in it.
    pub(super) fn begin(&mut self, offset: LogOffset) -> bool {
        let offset = Some(offset);
        let is_another = offset < self.position.logged;
        if is_another {
            self.position = Mark { logged: offset, is_early: false, ..self.position };
            self.forget_all();
        }
        self.position.logged = self.position.logged.max(offset);
        self.forgotten.logged = self.forgotten.logged.max(offset);
        is_another
    }

    /// Whether what is appended to the log comes back soon.
    pub(super) fn is_log_reachable(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.stream.is_reachable())
    }

    /// How long a socket may be away.
    pub(super) fn away(&self) -> Duration {
        self.limits.away
    }

    /// Bytes of what is kept.
    pub(super) fn limit(&self) -> usize {
        self.limits.bytes
    }

    /// Where the log has come to.
    pub(super) fn reach(&mut self, offset: LogOffset) {
        self.position.logged = self.position.logged.max(Some(offset));
    }

    /// Finishes an event, which is to be [kept](Self::keep).
    pub(super) fn number(&mut self, draft: Draft) -> Encoded {
        let Mark { number, logged, .. } = self.position();
        self.position = Mark { number: number + 1, logged, is_early: logged.is_some() };
        draft.finish_with(self.position)
    }

    /// As [`number`](Self::number), for an event that has come from the log.
    pub(super) fn number_logged(&mut self, draft: Draft, offset: LogOffset) -> Encoded {
        let number = self.position.number + 1;
        let logged = self.position.logged.max(Some(offset));
        self.position = Mark { number, logged, is_early: false };
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
        let event = Recorded { mark: self.position, at, selection, packet };
        self.bytes += event.len();
        self.events.push_back(event);
        while self.bytes > self.limits.bytes {
            self.forget_first();
        }
    }

    /// Finishes an event that nobody gets later. It carries an offset all the same: the client
    /// takes any string at the end of an event for one.
    pub(super) fn mark(&self, draft: Draft) -> Encoded {
        draft.finish_with(self.position())
    }

    /// The events after this one that a socket is to have, with their numbers.
    pub(super) fn missed(
        &self,
        after: u64,
        id: &SocketId,
        stays: &[Stay],
    ) -> impl Iterator<Item = (Mark, Encoded)> {
        let start = self.events.partition_point(|event| event.mark.number <= after);
        let events = self.events.range(start..);
        let meant = events.filter(|event| event.selection.selects(event.mark.number, id, stays));
        meant.map(|event| (event.mark, event.packet.clone()))
    }

    /// The number of the event at a place of the log, or the one before it. `None` if it is not kept
    /// any more. What went out while the log was out of reach counts as after that place.
    pub(super) fn number_at(&self, offset: LogOffset) -> Option<u64> {
        let offset = Some(offset);
        if offset < self.forgotten.logged {
            return None;
        }
        let index = self.events.partition_point(|event| event.mark.logged < offset);
        let before = index.checked_sub(1).map(|index| self.events[index].mark.number);
        let at = self.events.get(index);
        let at = at.filter(|event| event.mark.logged == offset && !event.mark.is_early);
        let number = at.map(|event| event.mark.number).or(before);
        Some(number.unwrap_or(self.forgotten.number))
    }

    /// Whether it has come to a place of the log, and has all events after it.
    pub(super) fn has_all_after(&self, offset: LogOffset) -> bool {
        Some(offset) <= self.position().logged && self.number_at(offset).is_some()
    }

    /// The place of the last event up to this number, as far as that is known.
    pub(super) fn offset_at(&self, number: u64) -> LogOffset {
        let index = self.events.partition_point(|event| event.mark.number <= number);
        let mark = match index.checked_sub(1) {
            Some(index) => self.events[index].mark,
            None if number >= self.forgotten.number => self.forgotten,
            None => Mark::default(),
        };
        mark.logged.unwrap_or_default()
    }

    /// An event on its way that there is no room for.
    pub(super) fn shed_flight(&mut self) -> Option<Flight> {
        self.flights.shed(self.limits.bytes)
    }

    /// Keeps an event no more.
    pub(super) fn withdraw(&mut self, number: u64) {
        if let Ok(index) = self.events.binary_search_by_key(&number, |event| event.mark.number)
            && let Some(event) = self.events.remove(index)
        {
            self.bytes -= event.len();
        }
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

    /// A socket has gone that may come back. Tells until when, or gives back where it was if there is
    /// no room for it.
    pub(super) fn save(
        &mut self,
        recovery: RecoveryId,
        now: Instant,
        saved: Saved,
    ) -> Result<Instant, Vec<Stay>> {
        if self.saved.len() >= self.limits.sockets {
            self.leave(&recovery);
            return Err(saved.stays);
        }
        let until = crate::proto::after(now, self.limits.away);
        let saved = Saved { until, ..saved };
        if let Some(LogView { log, .. }) = &self.log {
            saved.save(log, &recovery, self.limits.away, |number| self.offset_at(number));
        }
        self.saved.insert(recovery, saved);
        self.leave(&recovery);
        self.forget(now);
        Ok(until)
    }

    /// A client is asked for in the log: what is sent meanwhile is kept.
    pub(super) fn begin_return(&self) -> Returning {
        self.returning.clone()
    }

    /// Gives what was kept here of a socket that the log has given back.
    pub(super) fn take_former(&mut self, recovery: &RecoveryId) -> Option<Saved> {
        self.saved.remove(recovery)
    }

    /// Whether somebody may still come back.
    pub(super) fn is_awaiting(&self) -> bool {
        Arc::strong_count(&self.returning.0) > 1 || !self.saved.is_empty()
    }

    /// Whether a socket is here, or on its way in, or may come back.
    pub(super) fn knows(&self, recovery: &RecoveryId) -> bool {
        self.present.contains_key(recovery) || self.saved.contains_key(recovery)
    }

    /// The sockets that may come back.
    pub(super) fn saved(&self) -> impl Iterator<Item = &Socket> {
        self.saved.values().map(|saved| &saved.socket)
    }

    /// A socket is back: gives what was kept of it, and the last event that its client has. Once, in
    /// time, and only if nothing is missing in between.
    pub(super) fn take(
        &mut self,
        recovery: &RecoveryId,
        offset: Option<&str>,
        now: Instant,
    ) -> Option<(Saved, u64)> {
        let saved = self.saved.get(recovery).filter(|saved| now < saved.until)?;
        let has = match self.log {
            None => {
                let Span { start, end } = saved.span;
                let (start, end, left_at) = (start.number, end.number, saved.left_at.number);
                // One that cannot be from here is from a server where the client was before: it
                // keeps that until it has an event of ours.
                let offset = offset.and_then(|offset| offset.parse().ok());
                let offset = offset.filter(|offset| *offset <= left_at);
                let offset = offset.unwrap_or(start).max(start);
                // Who has all that was sent to it missed nothing before it went, however long ago
                // that was.
                if offset >= end { left_at } else { offset }
            }
            Some(_) => {
                let offset = offset.and_then(|offset| offset.parse().ok());
                let has = saved.logged().has(offset);
                let number = self.number_at(has).filter(|_| self.has_all_after(has))?;
                // What has no place of its own in the log may be from before it came.
                number.max(saved.span.start.number)
            }
        };
        if has < self.forgotten.number {
            return None;
        }
        self.saved.remove(recovery).map(|saved| (saved, has))
    }

    /// Whether nobody is there to keep events for.
    fn is_deserted(&self) -> bool {
        self.present.is_empty() && !self.is_awaiting()
    }

    fn clear_if_deserted(&mut self) {
        if self.is_deserted() {
            self.forget_all();
        }
    }

    fn forget_all(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
        self.forgotten = self.position;
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
            self.forgotten = first.mark;
            self.bytes -= first.len();
            self.events.shrink();
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!((journal.events.len(), journal.bytes, journal.forgotten.number), (0, 0, 2));
        assert_eq!(record(journal), 0);
    }
}
