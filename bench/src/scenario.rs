/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    pub(crate) load: Load,
}

impl Scenario {
    /// Whether it is made of operations that each end with a reply, as fast as the server is.
    pub(crate) fn has_count(&self) -> bool {
        match self.load {
            Load::Connect(_) | Load::Echo(..) | Load::Polling(..) | Load::Rooms(_) => true,
            Load::Burst(..) | Load::Idle(_) | Load::Mixed => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Every connection has this many events echoed; then all rest.
    Burst(Message, usize),
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

pub(crate) const ALL: [Scenario; 20] = [
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
];

/// Whose instructions are counted by default.
pub(crate) const COUNTED: [&str; 7] =
    ["echo-1", "echo-16", "ack-16", "polling-1", "broadcast", "rooms", "connect-ws"];

const fn new(name: &'static str, connections: usize, load: Load) -> Scenario {
    Scenario { name, connections, load }
}

const fn rooms(name: &'static str, count: usize, rooms: Rooms) -> Scenario {
    Scenario { name, connections: count * rooms.members, load: Load::Rooms(rooms) }
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
