//! Who sends what in a cluster of two nodes.

use std::time::{Duration, Instant};

use crate::{Result, course::Course, scenario::Across, tally::Tally};

/// Each request reaches all members of a room, on both nodes. Then a member of the next room sends
/// it, one that is connected to the near node.
///
/// So a room without members on the far node does not keep the far node in step, but the next one
/// that has some does.
#[derive(Debug)]
pub(crate) struct Fanout {
    across: Across,
    members: Vec<Member>,
    /// The first member of each room.
    first: Vec<usize>,
    /// One per slot.
    events: Vec<Event>,
    /// The number with which each slot has reached each connection.
    received: Vec<u64>,
    /// How many requests have been sent.
    pub(crate) sent: u64,
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) room: usize,
    /// Whether it is connected to the far node.
    pub(crate) is_far: bool,
}

/// An event on its way to all members of a room.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// How many were sent when it was, with it.
    number: u64,
    room: usize,
    missing: usize,
    sent_at: Instant,
}

impl Fanout {
    pub(crate) fn new(across: Across, now: Instant) -> Self {
        let members = across.members();
        let mut first: Vec<usize> = Vec::new();
        for (index, member) in members.iter().enumerate() {
            if member.room == first.len() {
                first.push(index);
            }
        }
        let slots = across.in_flight;
        // The rooms before those in which they begin, which are spread over all.
        let event = |slot: usize| Event {
            number: 0,
            room: (slot * across.rooms / slots + across.rooms - 1) % across.rooms,
            missing: 0,
            sent_at: now,
        };
        Self {
            events: (0..slots).map(event).collect(),
            received: vec![0; members.len() * slots],
            across,
            members,
            first,
            sent: 0,
        }
    }

    /// Gives the connection that is to send this slot now.
    pub(crate) fn send(&mut self, slot: usize, now: Instant) -> usize {
        self.sent += 1;
        let room = (self.events[slot].room + 1) % self.across.rooms;
        let missing = self.across.near + self.across.far_of(room);
        self.events[slot] = Event { number: self.sent, room, missing, sent_at: now };
        self.first[room] + self.sent as usize % self.across.near
    }

    /// Takes an event that reached a connection. Gives how long it took.
    fn deliver(&mut self, index: usize, slot: usize, now: Instant) -> Result<Duration> {
        let event = &mut self.events[slot];
        if event.room != self.members[index].room {
            return Err("an event reached a member of a room late".into());
        }
        let received = &mut self.received[index * self.across.in_flight + slot];
        if *received == event.number {
            return Err("an event reached a member twice".into());
        }
        *received = event.number;
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
        let latency = self.deliver(index, slot, now)?;
        match self.members[index].is_far {
            true => tally.record_delivery(latency),
            false => tally.record(latency),
        }
        Ok((self.events[slot].missing == 0).then(|| self.send(slot, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::now, scenario::Message};

    const NEAR: bool = false;
    const FAR: bool = true;

    fn across() -> Across {
        Across { message: Message::Room(64), rooms: 3, near: 2, far: 1, every: 2, in_flight: 1 }
    }

    #[test]
    fn some_rooms_have_members_on_the_far_node() {
        let members = across().members().into_iter().map(|Member { room, is_far }| (room, is_far));
        assert!(members.eq([
            (0, NEAR),
            (0, NEAR),
            (0, FAR),
            (1, NEAR),
            (1, NEAR),
            (2, NEAR),
            (2, NEAR),
            (2, FAR)
        ]));
    }

    #[test]
    fn a_member_of_the_next_room_sends_when_all_have_the_event() {
        let (now, mut tally) = (now(), Tally::new());
        let mut course = Fanout::new(across(), now);
        assert_eq!(course.send(0, now), 1);
        let mut reply = |index| course.reply(index, 0, now, &mut tally).ok();
        assert_eq!([0, 2, 1].map(&mut reply), [Some(None), Some(None), Some(Some(3))]);
        assert_eq!([3, 4].map(&mut reply), [Some(None), Some(Some(6))]);
        assert_eq!(reply(6), Some(None));
        assert_eq!(reply(6), None, "twice");
        assert_eq!(reply(0), None, "not its room");
        assert_eq!((tally.operations, course.sent), (6, 3));
    }

    #[test]
    fn slots_begin_in_rooms_of_their_own() {
        let now = now();
        let mut course = Fanout::new(Across { rooms: 4, every: 1, in_flight: 2, ..across() }, now);
        let senders = [0, 1].map(|slot| course.send(slot, now));
        assert_eq!(senders.map(|index| course.members[index].room), [0, 2]);
    }
}
