//! What a reply leads to.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{Result, scenario::Rooms, tally::Tally};

/// Says after each reply who is to send next.
pub(crate) trait Course {
    /// Takes a reply to the request of this slot. Gives the connection that is to send the slot's
    /// request again, if one is.
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<Option<usize>>;
}

/// The requests of a connection that wait for a reply, in the order of their sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnderWay(VecDeque<(usize, Instant)>);

impl UnderWay {
    pub(crate) fn add(&mut self, slot: usize, sent_at: Instant) {
        self.0.push_back((slot, sent_at));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, slot: usize) -> bool {
        self.0.iter().any(|(sent, _)| *sent == slot)
    }

    /// Takes a reply.
    pub(crate) fn reply(&mut self, slot: usize, now: Instant, tally: &mut Tally) -> Result<()> {
        let place = self.0.iter().position(|(sent, _)| *sent == slot);
        let request = place.and_then(|place| self.0.remove(place));
        let (_, sent_at) = request.ok_or("a second reply to a request")?;
        tally.record(now - sent_at);
        tally.overtook += u64::from(place != Some(0));
        Ok(())
    }
}

/// Each reply is for the connection that sent the request, which sends the next.
#[derive(Debug)]
pub(crate) struct Echo(Vec<UnderWay>);

impl Echo {
    pub(crate) fn new(connections: usize, slots: usize, now: Instant) -> Self {
        let all = UnderWay((0..slots).map(|slot| (slot, now)).collect());
        Self(vec![all; connections])
    }
}

impl Course for Echo {
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<Option<usize>> {
        self.0[index].reply(slot, now, tally)?;
        self.0[index].add(slot, now);
        Ok(Some(index))
    }
}

/// The same, until each slot of each connection has been sent so often.
#[derive(Debug)]
pub(crate) struct Burst {
    slots: usize,
    /// For each slot of each connection.
    to_send: Vec<u32>,
    /// How many replies are to come.
    pub(crate) missing: usize,
}

impl Burst {
    /// The first requests of all are on their way.
    pub(crate) fn new(connections: usize, slots: usize, times: u32) -> Self {
        let missing = connections * slots * times as usize;
        Self { slots, to_send: vec![times - 1; connections * slots], missing }
    }
}

impl Course for Burst {
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        _now: Instant,
        _tally: &mut Tally,
    ) -> Result<Option<usize>> {
        self.missing -= 1;
        let to_send = &mut self.to_send[index * self.slots + slot];
        let is_left = *to_send > 0;
        *to_send = to_send.saturating_sub(1);
        Ok(is_left.then_some(index))
    }
}

/// Each request reaches all members of a room. Then the room's next member sends.
#[derive(Debug)]
pub(crate) struct Fanout {
    members: usize,
    slots: usize,
    /// One per slot of each room.
    events: Vec<Event>,
    /// How often each slot has reached each connection.
    received: Vec<u32>,
}

/// An event on its way to all members.
#[derive(Clone, Debug)]
struct Event {
    /// How often this slot has been sent.
    number: u32,
    next_emitter: usize,
    missing: usize,
    sent_at: Instant,
}

impl Fanout {
    pub(crate) fn new(connections: usize, rooms: Rooms, now: Instant) -> Self {
        let Rooms { members, in_flight: slots, .. } = rooms;
        let event = |event: usize| Event {
            number: 0,
            next_emitter: event % slots * members / slots,
            missing: 0,
            sent_at: now,
        };
        Self {
            members,
            slots,
            events: (0..connections / members * slots).map(event).collect(),
            received: vec![0; connections * slots],
        }
    }

    /// Whether this slot of a room is on its way.
    pub(crate) fn is_under_way(&self, room: usize, slot: usize) -> bool {
        self.events[room * self.slots + slot].missing > 0
    }

    /// Gives the connection that is to send this slot of a room now.
    pub(crate) fn send(&mut self, room: usize, slot: usize, now: Instant) -> usize {
        let event = &mut self.events[room * self.slots + slot];
        let emitter = event.next_emitter;
        *event = Event {
            number: event.number.wrapping_add(1),
            next_emitter: (emitter + 1) % self.members,
            missing: self.members,
            sent_at: now,
        };
        room * self.members + emitter
    }

    /// Takes an event that reached a connection. Gives how long it took.
    pub(crate) fn deliver(&mut self, index: usize, slot: usize, now: Instant) -> Result<Duration> {
        let event = &mut self.events[index / self.members * self.slots + slot];
        let received = &mut self.received[index * self.slots + slot];
        *received = received.wrapping_add(1);
        if *received != event.number {
            return Err("an event reached a member twice".into());
        }
        event.missing -= 1;
        Ok(now - event.sent_at)
    }
}

impl Course for Fanout {
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<Option<usize>> {
        tally.record(self.deliver(index, slot, now)?);
        let room = index / self.members;
        Ok((!self.is_under_way(room, slot)).then(|| self.send(room, slot, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::now, scenario::Message};

    #[test]
    fn an_echo_sends_the_next_and_is_counted_if_it_overtook() {
        let (now, mut tally) = (now(), Tally::new());
        let mut course = Echo::new(2, 3, now);
        let mut reply = |slot| course.reply(1, slot, now, &mut tally).expect("a course");
        assert_eq!([0, 2, 1, 0].map(&mut reply), [Some(1); 4]);
        assert_eq!((tally.operations, tally.overtook), (4, 1));
    }

    #[test]
    fn a_second_reply_is_wrong() {
        let (now, mut tally) = (now(), Tally::new());
        let mut under_way = UnderWay::default();
        under_way.add(1, now);
        assert!(under_way.reply(1, now, &mut tally).is_ok());
        assert!(under_way.reply(1, now, &mut tally).is_err());
    }

    #[test]
    fn a_burst_ends() {
        let (now, mut tally) = (now(), Tally::new());
        let mut course = Burst::new(2, 1, 2);
        let mut reply = |index| course.reply(index, 0, now, &mut tally).expect("a course");
        assert_eq!([1, 1, 0, 0].map(&mut reply), [Some(1), None, Some(0), None]);
        assert_eq!(course.missing, 0);
    }

    #[test]
    fn the_next_of_the_room_sends_when_all_have_the_event() {
        let (now, mut tally) = (now(), Tally::new());
        let rooms = Rooms { message: Message::Room(64), members: 2, in_flight: 2 };
        let mut course = Fanout::new(4, rooms, now);
        assert_eq!([0, 1].map(|slot| course.send(1, slot, now)), [2, 3]);
        let mut reply = |index, slot| course.reply(index, slot, now, &mut tally).ok();
        assert_eq!(reply(3, 0), Some(None));
        assert_eq!(reply(2, 1), Some(None));
        assert_eq!(reply(2, 0), Some(Some(3)));
        assert_eq!(reply(3, 1), Some(Some(2)));
        assert_eq!(reply(2, 0), Some(None));
        assert_eq!(reply(2, 0), None, "twice");
    }
}
