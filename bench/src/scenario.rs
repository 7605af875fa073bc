use crate::{across::Member, server::Contender};

/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    pub(crate) load: Load,
}

impl Scenario {
    /// Whether this server takes part.
    pub(crate) fn is_for(&self, contender: &Contender) -> bool {
        contender.adapter.is_none() || matches!(self.load, Load::Cluster(_))
    }

    /// Whether it is made of operations that each end with a reply, as fast as the server is.
    pub(crate) fn has_count(&self) -> bool {
        match self.load {
            Load::Cluster(_)
            | Load::Connect(_)
            | Load::Echo(..)
            | Load::Polling(..)
            | Load::Rooms(_) => true,
            Load::Burst(..) | Load::Idle(_) | Load::Mixed => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Every connection has this many events echoed; then all rest.
    Burst(Message, usize),
    /// Events from one of two nodes to members of rooms on both.
    Cluster(Across),
    /// Every connection is opened, closed and opened again.
    Connect(Way),
    /// Every connection keeps this many events under way.
    Echo(Message, usize),
    /// Connections are opened, and nothing is sent.
    Idle(Way),
    /// Most connections listen, some have events echoed, one sends to all now and then.
    Mixed,
    /// The same as `Echo`, over long-polling.
    Polling(Message, usize),
    /// Events to all members of each room.
    Rooms(Rooms),
}

/// The way to a websocket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Direct,
    /// A session that begins with long-polling and is upgraded between two polls.
    Upgrade,
    /// The same with a poll under way, as the official client does. Servers let it wait for a while,
    /// most of them for 100 ms.
    UpgradeAndPoll,
}

/// Connections in rooms of one size. Each room has as many events under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rooms {
    pub(crate) message: Message,
    pub(crate) members: usize,
    pub(crate) in_flight: usize,
}

/// Connections to two nodes in rooms. So many events are under way in all, each of which goes from
/// room to room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Across {
    pub(crate) message: Message,
    pub(crate) rooms: usize,
    /// Members of each room on the node that is sent to.
    pub(crate) near: usize,
    /// Members on the other node.
    pub(crate) far: usize,
    /// One of so many rooms has those.
    pub(crate) every: usize,
    pub(crate) in_flight: usize,
}

impl Across {
    /// All connections, room by room, with those to the near node first.
    pub(crate) fn members(&self) -> Vec<Member> {
        let far = |room| (0..self.near + self.far_of(room)).map(|at| at >= self.near);
        let members = |room| far(room).map(move |is_far| Member { room, is_far });
        (0..self.rooms).flat_map(members).collect()
    }

    /// How many members a room has on the far node.
    pub(crate) const fn far_of(&self, room: usize) -> usize {
        if room.is_multiple_of(self.every) { self.far } else { 0 }
    }

    const fn connections(&self) -> usize {
        self.rooms * self.near + self.rooms.div_ceil(self.every) * self.far
    }
}

/// An event, with the bytes of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// `message-with-ack`, acknowledged with the same text.
    Ack(usize),
    /// `message` with an attachment, and the same back.
    Binary(usize),
    /// `broadcast` with text, sent to all.
    Broadcast(usize),
    /// `room-emit` with text, sent to all members of a room.
    Room(usize),
    /// `message` with text, and the same back.
    Text(usize),
}

use Message::{Ack, Binary, Broadcast, Room, Text};

pub(crate) const ALL: [Scenario; 24] = [
    new("echo-1", 64, Load::Echo(Text(64), 1)),
    new("echo-16", 64, Load::Echo(Text(64), 16)),
    new("echo-4k", 64, Load::Echo(Text(4096), 4)),
    new("ack-1", 64, Load::Echo(Ack(64), 1)),
    new("ack-16", 64, Load::Echo(Ack(64), 16)),
    new("binary-1k", 64, Load::Echo(Binary(1 << 10), 1)),
    new("binary-64k", 64, Load::Echo(Binary(1 << 16), 1)),
    new("polling-1", 64, Load::Polling(Text(64), 1)),
    new("polling-16", 64, Load::Polling(Text(64), 16)),
    rooms("broadcast", 1, Rooms { message: Broadcast(64), members: 1000, in_flight: 1 }),
    rooms("broadcast-w8", 1, Rooms { message: Broadcast(64), members: 1000, in_flight: 8 }),
    rooms("broadcast-4k", 1, Rooms { message: Broadcast(4096), members: 1000, in_flight: 1 }),
    rooms("rooms", 100, Rooms { message: Room(64), members: 10, in_flight: 1 }),
    rooms("chat", 50, Rooms { message: Room(64), members: 20, in_flight: 10 }),
    new("mixed", 10_000, Load::Mixed),
    new("connect-ws", 64, Load::Connect(Way::Direct)),
    new("connect-upgrade", 64, Load::Connect(Way::Upgrade)),
    new("idle", 10_000, Load::Idle(Way::Direct)),
    new("idle-upgraded", 10_000, Load::Idle(Way::UpgradeAndPoll)),
    // The largest that every peer takes by default: socketioxide's limit is 100,000 bytes.
    new("burst", 200, Load::Burst(Text(96 << 10), 4)),
    cluster("cluster-fanout", Across { in_flight: 1, ..FANOUT }),
    cluster("cluster-fanout-w8", Across { in_flight: 8, ..FANOUT }),
    cluster("cluster-rooms", Across { far: 9, every: 1, ..ROOMS }),
    cluster("cluster-away", Across { far: 1, every: 10, ..ROOMS }),
];

const FANOUT: Across =
    Across { message: Broadcast(64), rooms: 1, near: 500, far: 500, every: 1, in_flight: 1 };

const ROOMS: Across =
    Across { message: Room(64), rooms: 100, near: 1, far: 0, every: 1, in_flight: 50 };

/// Whose instructions are counted by default.
pub(crate) const COUNTED: [&str; 9] = [
    "echo-1",
    "echo-16",
    "ack-16",
    "polling-1",
    "broadcast",
    "rooms",
    "connect-ws",
    "cluster-rooms",
    "cluster-away",
];

const fn new(name: &'static str, connections: usize, load: Load) -> Scenario {
    Scenario { name, connections, load }
}

const fn rooms(name: &'static str, count: usize, rooms: Rooms) -> Scenario {
    Scenario { name, connections: count * rooms.members, load: Load::Rooms(rooms) }
}

const fn cluster(name: &'static str, across: Across) -> Scenario {
    Scenario { name, connections: across.connections(), load: Load::Cluster(across) }
}

pub(crate) fn by_name(name: &str) -> Result<Scenario, String> {
    let found = ALL.into_iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| format!("one of {}", ALL.map(|scenario| scenario.name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_by_default_can_be() {
        for name in COUNTED {
            assert!(by_name(name).expect("a scenario").has_count(), "{name}");
        }
    }
}
