//! What a reply leads to.

use std::{collections::VecDeque, time::Instant};

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

/// Each reply is for the connection that sent the request, which sends the next.
#[derive(Debug)]
pub(crate) struct Echo {
    /// The requests of each connection that wait for a reply, in the order of their sending.
    under_way: Vec<VecDeque<(usize, Instant)>>,
}

impl Echo {
    pub(crate) fn new(connections: usize, slots: usize, now: Instant) -> Self {
        Self { under_way: vec![(0..slots).map(|slot| (slot, now)).collect(); connections] }
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
        let under_way = &mut self.under_way[index];
        let place = under_way.iter().position(|(sent, _)| *sent == slot);
        let (_, sent_at) = place.and_then(|place| under_way.remove(place)).expect("a request");
        tally.record(now - sent_at);
        tally.overtook += u64::from(place != Some(0));
        under_way.push_back((slot, now));
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
    emitter: usize,
    missing: usize,
    sent_at: Instant,
}

impl Fanout {
    /// The first to send slot `s` of each room is [`Self::emitter`].
    pub(crate) fn new(connections: usize, rooms: Rooms, now: Instant) -> Self {
        let Rooms { members, in_flight: slots, .. } = rooms;
        let event = |event: usize| Event {
            number: 1,
            emitter: event % slots * members / slots,
            missing: members,
            sent_at: now,
        };
        Self {
            members,
            slots,
            events: (0..connections / members * slots).map(event).collect(),
            received: vec![0; connections * slots],
        }
    }

    /// Who sends this slot of a room now.
    pub(crate) fn emitter(&self, room: usize, slot: usize) -> usize {
        room * self.members + self.events[room * self.slots + slot].emitter
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
        let room = index / self.members;
        let event = &mut self.events[room * self.slots + slot];
        let received = &mut self.received[index * self.slots + slot];
        *received = received.wrapping_add(1);
        if *received != event.number {
            return Err("an event reached a member twice".into());
        }
        tally.record(now - event.sent_at);
        event.missing -= 1;
        if event.missing > 0 {
            return Ok(None);
        }
        *event = Event {
            number: event.number.wrapping_add(1),
            emitter: (event.emitter + 1) % self.members,
            missing: self.members,
            sent_at: now,
        };
        Ok(Some(self.emitter(room, slot)))
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
        assert_eq!([course.emitter(1, 0), course.emitter(1, 1)], [2, 3]);
        let mut reply = |index, slot| course.reply(index, slot, now, &mut tally).ok();
        assert_eq!(reply(3, 0), Some(None));
        assert_eq!(reply(2, 1), Some(None));
        assert_eq!(reply(2, 0), Some(Some(3)));
        assert_eq!(reply(3, 1), Some(Some(2)));
        assert_eq!(reply(2, 0), Some(None));
        assert_eq!(reply(2, 0), None, "twice");
    }
}
