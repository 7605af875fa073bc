//! Broadcasts and rooms.

use std::ops::Range;

use operations::{Client, payload, server, text};
use socketio_core::{Data, EmitError, Endpoint, Frame, Namespace, Socket, SocketIo};

use crate::{
    measure::{CLIENTS, TURNS, Times, growth, spread},
    table::{Table, fraction, size, whole},
};

/// The event of every broadcast.
pub(crate) const EVENT: &str = "broadcast";
const ROOM: &str = "room";

/// A broadcast to all.
pub(crate) fn broadcast(sizes: &[usize]) -> Table {
    let mut table = Table::new(
        "Broadcast to all",
        "An event of 64 bytes to everyone in `/`. Emitting queues it for each; then each one's task \
         sends it. While it is emitted nobody can join or leave the namespace.",
        ["connections", "emit, ns", "task, ns", "delivery, ns", "the whole emit, ms"],
    );
    let (endpoint, io) = server();
    let mut clients = Vec::new();
    for &count in sizes {
        clients.resize_with(count, || Client::connect(&endpoint));
        let mut deliveries = Deliveries::new("");
        for _ in 0..TURNS {
            deliveries.turn(clients.iter_mut(), |payload| io.emit(EVENT, payload));
        }
        let whole_emit = fraction(deliveries.emit.median() * count as f64 / 1e6);
        table.row([size(count)].into_iter().chain(deliveries.cells()).chain([whole_emit]));
    }
    table
}

/// One room among many connections.
pub(crate) fn room(sizes: &[usize]) -> Table {
    /// Members that leave, and are replaced.
    const CHANGES: usize = 200;
    let mut table = Table::new(
        "One room",
        "The same to a room, with twice as many connections as the largest room has members. Then \
         members disconnect.",
        ["members", "emit, ns", "task, ns", "delivery, ns", "disconnect, ns"],
    );
    let (endpoint, io) = server_with_room();
    let largest = sizes.iter().copied().max().unwrap_or_default();
    let mut others: Vec<_> = (0..2 * largest).map(|_| Client::connect(&endpoint)).collect();
    let mut members: Vec<Client> = Vec::new();
    for &count in sizes {
        for at in spread(others.len()).take(count - members.len()) {
            members.push(others.swap_remove(at % others.len()));
            join(members.last_mut().expect("a member"));
        }
        let mut deliveries = Deliveries::new("");
        for _ in 0..TURNS * (1000 / count).max(1) {
            deliveries.turn(members.iter_mut(), |payload| io.to(ROOM).emit(EVENT, payload));
        }
        let mut go = Times::default();
        for at in spread(CHANGES) {
            let mut member = members.swap_remove(at % count);
            go.turn(1, || member.leave());
            members.push(Client::connect(&endpoint));
            join(members.last_mut().expect("a member"));
        }
        let go = whole(go.median());
        table.row([size(count)].into_iter().chain(deliveries.cells()).chain([go]));
    }
    table
}

/// Clients in more and more rooms.
pub(crate) fn memberships(sizes: &[usize]) -> Table {
    const MEMBERS: usize = 10;
    const ROOMS: usize = CLIENTS / MEMBERS;
    const EMITS: usize = 1000;
    type Change = fn(&Socket, &str);
    let mut table = Table::new(
        "Many rooms",
        "10,000 connections in rooms of 10. They join, leave and join again by the server's call, \
         one after the other. Then an event of 64 bytes to one room after the other.",
        [
            "rooms of each",
            "rooms",
            "bytes per membership",
            "join, ns",
            "leave, ns",
            "emit, ns",
            "task, ns",
            "delivery, ns",
        ],
    );
    let (endpoint, io) = server();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&endpoint)).collect();
    let sockets = io.sockets();
    let largest = sizes.iter().copied().max().unwrap_or_default();
    let names: Vec<_> = (0..ROOMS * largest).map(|at| format!("room-{at}")).collect();
    let mut before = 0;
    for &count in sizes {
        let each = |members: Range<usize>, change: Change| {
            for at in members {
                for room in before..count {
                    change(&sockets[at], &names[room * ROOMS + at % ROOMS]);
                }
            }
        };
        let join: Change = |socket, room| socket.join(room);
        let leave: Change = |socket, room| socket.leave(room);
        let new = count - before;
        let grown = growth(|| each(0..CLIENTS, join));
        let [mut joining, mut leaving] = <[Times; 2]>::default();
        for _ in 0..TURNS {
            leaving.turn(ROOMS * new, || each(0..ROOMS, leave));
            joining.turn(ROOMS * new, || each(0..ROOMS, join));
        }
        let mut deliveries = Deliveries::new("");
        for room in spread(ROOMS * count).cycle().take(EMITS) {
            let members = clients.iter_mut().skip(room % ROOMS).step_by(ROOMS);
            deliveries.turn(members, |payload| io.to(&names[room]).emit(EVENT, payload));
        }
        let cells = [
            size(count),
            size(ROOMS * count),
            whole(grown / (CLIENTS * new) as f64),
            whole(joining.median()),
            whole(leaving.median()),
        ];
        table.row(cells.into_iter().chain(deliveries.cells()));
        before = count;
    }
    table
}

/// What is left of a crowd.
pub(crate) fn crowd(sizes: &[usize]) -> Table {
    const REST: usize = 100;
    let mut table = Table::new(
        "After a crowd",
        "So many were connected, all in one room, and all but 100 have left. Emitting an event to \
         those, by the namespace and by the room.",
        ["connected before", "emit to all, ns each", "emit to the room, ns each"],
    );
    let (endpoint, io) = server_with_room();
    let mut clients = Vec::new();
    for &count in sizes {
        clients.resize_with(count.max(REST), || {
            let mut client = Client::connect(&endpoint);
            join(&mut client);
            client
        });
        for at in spread(clients.len()).take(clients.len() - REST) {
            clients.swap_remove(at % clients.len()).leave();
        }
        let [mut to_all, mut to_room] = [Deliveries::new(""), Deliveries::new("")];
        for _ in 0..TURNS * 10 {
            to_all.turn(clients.iter_mut(), |payload| io.emit(EVENT, payload));
            to_room.turn(clients.iter_mut(), |payload| io.to(ROOM).emit(EVENT, payload));
        }
        table.row([size(count), whole(to_all.emit.median()), whole(to_room.emit.median())]);
    }
    table
}

fn server_with_room() -> (Endpoint, SocketIo) {
    let (endpoint, io) = server();
    let_join(&io);
    (endpoint, io)
}

/// Lets clients join rooms by the event `join`.
pub(crate) fn let_join(namespace: &Namespace) {
    namespace.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
}

fn join(client: &mut Client) {
    client.send(&text(&format!(r#"42["join","{ROOM}"]"#)));
}

/// What the two halves of a delivery take: queueing it for a client, and that client's task.
#[derive(Debug)]
pub(crate) struct Deliveries {
    payload: String,
    event: Frame,
    emit: Times,
    task: Times,
}

impl Deliveries {
    /// Of events in a namespace.
    pub(crate) fn new(prefix: &str) -> Self {
        let payload = payload();
        let event = text(&format!(r#"42{prefix}["{EVENT}","{payload}"]"#));
        Self { payload, event, emit: Times::default(), task: Times::default() }
    }

    /// Emits a broadcast, which is for these clients.
    pub(crate) fn turn<'a>(
        &mut self,
        clients: impl ExactSizeIterator<Item = &'a mut Client>,
        emit: impl FnOnce(&str) -> Result<(), EmitError>,
    ) {
        let count = clients.len();
        self.emit.turn(count, || emit(&self.payload).expect("an event"));
        self.task.turn(count, || {
            for client in clients {
                client.task.run();
                assert_eq!(client.receive(), self.event);
            }
        });
    }

    fn cells(&self) -> [String; 3] {
        let (emit, task) = (self.emit.median(), self.task.median());
        [emit, task, emit + task].map(whole)
    }
}
