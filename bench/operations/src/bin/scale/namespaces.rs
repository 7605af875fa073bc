//! More and more namespaces.

use operations::{Client, answer, payload, server, text};
use socketio_core::{Endpoint, Frame};

use crate::{
    measure::{CLIENTS, TURNS, Times, growth, spread},
    table::{Table, size, whole},
};

/// Events of one turn.
const EVENTS: usize = 2000;

/// A server with many namespaces, of which each client joins one.
pub(crate) fn namespaces(sizes: &[usize]) -> Table {
    let mut table = Table::new(
        "Namespaces of a server",
        "Each has handlers of two events. 10,000 clients connect, each to one of them, and events of \
         64 bytes are echoed by one after the other. Memory is counted in pages of 4 KiB, which is \
         too coarse for the first rows.",
        ["namespaces", "bytes per namespace", "connect, ns", "echo, ns"],
    );
    // All of them before any client comes: memory that clients have left is used again.
    let servers: Vec<_> = sizes.iter().map(|&count| server_with(count)).collect();
    for (&count, (endpoint, bytes)) in sizes.iter().zip(&servers) {
        let packets: Vec<_> = (0..CLIENTS).map(|at| Packets::new(at % count)).collect();
        let mut connecting = Times::default();
        let mut clients = Vec::new();
        for packets in packets.chunks(CLIENTS / 10) {
            connecting.turn(packets.len(), || {
                let connect = |packets: &Packets| Client::connect_to(endpoint, &packets.connect);
                clients.extend(packets.iter().map(connect));
            });
        }
        let mut echoing = Times::default();
        let mut all = spread(CLIENTS).cycle();
        for _ in 0..TURNS {
            echoing.turn(EVENTS, || {
                all.by_ref().take(EVENTS).for_each(|at| packets[at].echo(&mut clients[at]));
            });
        }
        clients.iter_mut().for_each(Client::leave);
        table.row([
            size(count),
            whole(*bytes),
            whole(connecting.median()),
            whole(echoing.median()),
        ]);
    }
    table
}

/// A server with so many namespaces, and the bytes of each.
fn server_with(namespaces: usize) -> (Endpoint, f64) {
    let (endpoint, io) = server();
    let grown = growth(|| (0..namespaces).for_each(|at| answer(&io.of(&name(at)))));
    (endpoint, grown / namespaces as f64)
}

/// Clients that join many namespaces.
pub(crate) fn joined(sizes: &[usize]) -> Table {
    let mut table = Table::new(
        "Namespaces of a client",
        "Each of 10,000 clients joins more and more of a server's namespaces, up to the default limit \
         of 100. Events of 64 bytes are echoed by one client after the other, in the namespace that \
         it joined last.",
        ["namespaces beside `/`", "bytes per join", "join, ns", "echo, ns"],
    );
    let largest = sizes.iter().copied().max().unwrap_or_default();
    let (endpoint, _) = server_with(largest);
    let packets: Vec<_> = (0..largest).map(Packets::new).collect();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&endpoint)).collect();
    let mut before = 0;
    for &count in sizes {
        let mut joining = Times::default();
        let new = &packets[before..count];
        let grown = growth(|| {
            for client in &mut clients {
                joining.turn(new.len(), || {
                    new.iter().for_each(|packets| client.join(&packets.connect));
                });
            }
        });
        let mut echoing = Times::default();
        let mut all = spread(CLIENTS).cycle();
        for _ in 0..TURNS {
            echoing.turn(EVENTS, || {
                let last = &packets[count - 1];
                all.by_ref().take(EVENTS).for_each(|at| last.echo(&mut clients[at]));
            });
        }
        table.row([
            size(count),
            whole(grown / (CLIENTS * new.len()) as f64),
            whole(joining.median()),
            whole(echoing.median()),
        ]);
        before = count;
    }
    table
}

pub(crate) fn name(at: usize) -> String {
    format!("/namespace-{at}")
}

/// What a client says in a namespace, and the answer to it.
pub(crate) struct Packets {
    pub(crate) connect: Frame,
    event: Frame,
    reply: Frame,
}

impl Packets {
    pub(crate) fn new(namespace: usize) -> Self {
        let (name, payload) = (name(namespace), payload());
        Self {
            connect: text(&format!("40{name},")),
            event: text(&format!(r#"42{name},["message","{payload}"]"#)),
            reply: text(&format!(r#"42{name},["message-back","{payload}"]"#)),
        }
    }

    pub(crate) fn echo(&self, client: &mut Client) {
        client.send(&self.event);
        assert_eq!(client.receive(), self.reply);
    }
}
