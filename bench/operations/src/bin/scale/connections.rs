//! One server with more and more connections.

use std::future;

use futures_util::{FutureExt, SinkExt, StreamExt};
use operations::{
    Client, echo_frames,
    memory::{Task, Wire},
    payload, server, text,
};

use crate::{
    measure::{TURNS, Times, growth, spread},
    table::{Table, size, whole},
};

/// Events of one turn.
const EVENTS: usize = 2000;
/// Clients that come or go in one turn.
const CHANGES: usize = 500;

/// Connecting, an echo and disconnecting.
pub(crate) fn connections(sizes: &[usize]) -> Table {
    let mut table = Table::new(
        "Connections",
        "Each opens a websocket and joins `/`. The first bytes are what one adds; those of the \
         network in memory, which is none, are taken off. Then, with so many connected: an event \
         of 64 bytes echoed by the same client again and again, and by one after the other; \
         clients that leave, and others that take their place.",
        [
            "connections",
            "bytes per connection",
            "connect, ns",
            "echo of the same, ns",
            "echo of another, ns",
            "disconnect, ns",
        ],
    );
    let (endpoint, _io) = server();
    let [event, reply] = echo_frames();
    let mut networks = Vec::new();
    let network = growth(|| networks.extend((0..10_000).map(|_| network_alone()))) / 10_000.0;
    let mut clients: Vec<Client> = Vec::new();
    for &count in sizes {
        let new = count - clients.len();
        let grown = growth(|| clients.resize_with(count, || Client::connect(&endpoint)));
        let echo = |client: &mut Client| {
            client.send(&event);
            assert_eq!(client.receive(), reply);
        };
        let [mut same, mut another, mut come, mut go] = <[Times; 4]>::default();
        let mut others = spread(count).cycle();
        for _ in 0..TURNS {
            same.turn(EVENTS, || (0..EVENTS).for_each(|_| echo(&mut clients[0])));
            another.turn(EVENTS, || {
                others.by_ref().take(EVENTS).for_each(|at| echo(&mut clients[at]));
            });
            let changes = CHANGES.min(count);
            go.turn(changes, || {
                for at in spread(count).take(changes) {
                    clients.swap_remove(at % clients.len()).leave();
                }
            });
            come.turn(changes, || {
                clients.extend((0..changes).map(|_| Client::connect(&endpoint)));
            });
        }
        table.row([
            size(count),
            whole(grown / new as f64 - network),
            whole(come.median()),
            whole(same.median()),
            whole(another.median()),
            whole(go.median()),
        ]);
    }
    table
}

/// A connection that has carried what a client and a server say when one joins, without a server.
fn network_alone() -> Client {
    let mut wire = Wire::default();
    let frame = text(&payload());
    wire.send(frame.clone());
    assert!(wire.next().now_or_never().is_some());
    for _ in 0..2 {
        assert!(wire.feed(frame.clone()).now_or_never().is_some());
        assert!(wire.receive().is_some());
    }
    Client { wire, task: Task::new(future::pending()) }
}
