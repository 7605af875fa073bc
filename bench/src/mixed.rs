//! Who sends what at which time in a mixed load.

use std::{
    mem,
    time::{Duration, Instant},
};

use crate::{
    Result,
    course::{Course, Fanout, UnderWay},
    scenario::{Message, Rooms},
    tally::Tally,
};

/// How long from one event to the next.
pub(crate) const PACE: Duration = Duration::from_micros(100);
/// How long from one broadcast to the next.
const BROADCAST_PACE: Duration = Duration::from_secs(1);

/// How many connections send events, one after the other.
const CHATTY: usize = 200;

/// The slots of events, and those of broadcasts. A server that needs more is too slow for this load.
const SLOTS: [usize; 2] = [80, 10];

const MESSAGES: [Message; 2] = [Message::Text(64), Message::Broadcast(64)];

/// Most connections listen. A few have events echoed, and now and then one sends to all.
///
/// All is sent at its time, however late the replies are, and their latency counts from that time:
/// a server that stands still is not spared what it would have had to do.
#[derive(Debug)]
pub(crate) struct Mixed {
    /// How many connections lie between two that send events.
    stride: usize,
    chatty: usize,
    events: Timetable,
    broadcasts: Timetable,
    /// Of each connection.
    under_way: Vec<UnderWay>,
    fanout: Fanout,
}

impl Mixed {
    pub(crate) fn new(connections: usize, now: Instant) -> Self {
        let [_, in_flight] = SLOTS;
        let rooms = Rooms { message: MESSAGES[1], members: connections, in_flight };
        let chatty = CHATTY.min(connections);
        Self {
            stride: connections / chatty,
            chatty,
            events: Timetable::new(now, PACE),
            broadcasts: Timetable::new(now, BROADCAST_PACE),
            under_way: vec![UnderWay::default(); connections],
            fanout: Fanout::new(connections, rooms, now),
        }
    }

    /// The messages, with their numbers of slots.
    pub(crate) fn messages() -> [(Message, usize); 2] {
        [0, 1].map(|kind| (MESSAGES[kind], SLOTS[kind]))
    }

    /// Whether anything that was sent has not arrived everywhere.
    pub(crate) fn is_under_way(&self) -> bool {
        let [_, broadcasts] = SLOTS;
        self.under_way.iter().any(|requests| !requests.is_empty())
            || (0..broadcasts).any(|slot| self.fanout.is_under_way(0, slot))
    }

    /// The connection that is to send something by now, and the slot, if one is.
    ///
    /// # Errors
    /// All slots are under way.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<Option<(usize, usize)>> {
        let [events, broadcasts] = SLOTS;
        if let Some((number, due)) = self.broadcasts.next(now) {
            let slot = number % broadcasts;
            if self.fanout.is_under_way(0, slot) {
                return Err("a broadcast is to be sent, and too many have not reached all".into());
            }
            tally.late.record(now - due);
            return Ok(Some((self.fanout.send(0, slot, due), events + slot)));
        }
        let Some((number, due)) = self.events.next(now) else { return Ok(None) };
        let (index, slot) = (number % self.chatty * self.stride, number / self.chatty % events);
        if self.under_way[index].has(slot) {
            return Err("an event is to be sent, and too many have no reply".into());
        }
        tally.late.record(now - due);
        self.under_way[index].add(slot, due);
        Ok(Some((index, slot)))
    }
}

impl Course for Mixed {
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<Option<usize>> {
        match slot.checked_sub(SLOTS[0]) {
            None => self.under_way[index].reply(slot, now, tally)?,
            Some(slot) => tally.record_delivery(self.fanout.deliver(index, slot, now)?),
        }
        Ok(None)
    }
}

/// Equal distances in time.
#[derive(Debug)]
struct Timetable {
    /// The next one's number and time.
    next: (usize, Instant),
    pace: Duration,
}

impl Timetable {
    fn new(start: Instant, pace: Duration) -> Self {
        Self { next: (0, start + pace), pace }
    }

    /// The number and time of the next one, if that has come.
    fn next(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let (number, due) = self.next;
        (due <= now).then(|| mem::replace(&mut self.next, (number + 1, due + self.pace)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::now;

    /// Everything that is due.
    fn sent(mixed: &mut Mixed, now: Instant, tally: &mut Tally) -> Vec<(usize, usize)> {
        let mut due = || mixed.due(now, tally).expect("slots");
        std::iter::from_fn(&mut due).collect()
    }

    #[test]
    fn events_are_sent_in_turn_at_their_time() {
        let (start, mut tally) = (now(), Tally::new());
        let mut mixed = Mixed::new(1000, start);
        assert_eq!(sent(&mut mixed, start, &mut tally), []);
        assert_eq!(sent(&mut mixed, start + 3 * PACE, &mut tally), [(0, 0), (5, 0), (10, 0)]);
        let later = sent(&mut mixed, start + 201 * PACE, &mut tally);
        assert_eq!(later[196..], [(995, 0), (0, 1)]);
    }

    #[test]
    fn a_latency_counts_from_when_it_was_due() {
        let (start, mut tally) = (now(), Tally::new());
        let mut mixed = Mixed::new(1, start);
        let late = start + PACE + Duration::from_millis(8);
        let first = mixed.due(late, &mut tally).expect("slots");
        assert_eq!(first, Some((0, 0)));
        assert_eq!(mixed.reply(0, 0, late, &mut tally).ok(), Some(None));
        assert!((tally.latency.latency().p50_ms - 8.0).abs() < 0.3);
        assert!((tally.late.latency().p50_ms - 8.0).abs() < 0.3);
    }

    #[test]
    fn a_broadcast_reaches_everyone_once() {
        let (start, mut tally) = (now(), Tally::new());
        let mut mixed = Mixed::new(2, start);
        let broadcast = start + BROADCAST_PACE;
        assert_eq!(mixed.due(broadcast, &mut tally).expect("slots"), Some((0, 80)));
        for index in [0, 1] {
            assert!(mixed.is_under_way());
            assert!(mixed.reply(index, 80, broadcast, &mut tally).is_ok());
        }
        assert!(!mixed.is_under_way());
        assert!(mixed.reply(1, 80, broadcast, &mut tally).is_err());
        assert_eq!((tally.operations, tally.overtook), (2, 0));
    }

    #[test]
    fn a_broadcast_that_does_not_reach_everyone_is_a_failure() {
        let (start, mut tally) = (now(), Tally::new());
        let mut mixed = Mixed::new(2, start);
        for number in 1..=10 {
            let now = start + number * BROADCAST_PACE;
            let (_, slot) = mixed.due(now, &mut tally).expect("a slot").expect("a broadcast");
            assert!(mixed.reply(0, slot, now, &mut tally).is_ok());
        }
        assert!(mixed.due(start + 11 * BROADCAST_PACE, &mut tally).is_err());
    }

    #[test]
    fn a_server_that_is_too_slow_is_a_failure() {
        let (start, mut tally) = (now(), Tally::new());
        let mut mixed = Mixed::new(1, start);
        let full = start + 80 * PACE;
        assert_eq!(sent(&mut mixed, full, &mut tally).len(), 80);
        assert!(mixed.due(full + PACE, &mut tally).is_err());
    }
}
