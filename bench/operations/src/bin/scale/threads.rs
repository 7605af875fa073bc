//! More threads.

use std::{
    hint,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use operations::{Client, answer, server, text};
use socketio_core::{Endpoint, SocketIo};

use crate::{
    measure::{TURNS, Times},
    namespaces::{Packets, name},
    rooms::{Deliveries, EVENT, let_join},
    table::{Table, fraction, whole},
};

/// Clients of each thread.
const CLIENTS: usize = 100;

/// Times that each client gets something in one turn.
const ROUNDS: usize = 10;

/// What a thread does again and again.
#[derive(Clone, Copy, Debug)]
enum Work {
    Broadcast,
    Echo,
}

/// What the threads have in common.
#[derive(Clone, Copy, Debug)]
enum Shared {
    Namespace,
    Server,
    Nothing,
}

/// The same on each of several threads.
pub(crate) fn threads(counts: &[usize]) -> Table {
    let columns = counts.iter().map(|count| format!("on {count}, ns"));
    let mut table = Table::new(
        "Threads",
        "Each thread has 100 clients of its own. It echoes an event of 64 bytes for one after the \
         other, or emits one to the room that they are in and runs their tasks. The times are those \
         of one echo or one delivery on each thread; perfect is the same time on all of them, and a \
         speed-up of as much as there are threads.",
        ["what".into(), "the threads share".into()]
            .into_iter()
            .chain(columns)
            .chain(["speed-up".into()]),
    );
    for (work, work_name) in [(Work::Echo, "echo"), (Work::Broadcast, "delivery")] {
        for (shared, shared_name) in [
            (Shared::Namespace, "a namespace"),
            (Shared::Server, "a server"),
            (Shared::Nothing, "nothing"),
        ] {
            let times: Vec<_> = counts.iter().map(|&count| measure(work, shared, count)).collect();
            let rate = |at: usize| counts[at] as f64 / times[at];
            let speed_up = fraction(rate(counts.len() - 1) / rate(0));
            table.row(
                [work_name.into(), shared_name.into()]
                    .into_iter()
                    .chain(times.iter().copied().map(whole))
                    .chain([speed_up]),
            );
        }
    }
    table
}

/// Nanoseconds of one echo or delivery, as the mean of all threads.
fn measure(work: Work, shared: Shared, threads: usize) -> f64 {
    let servers: Vec<(Endpoint, SocketIo)> = (0..threads).map(|_| server()).collect();
    for (_, io) in &servers {
        for namespace in (0..threads).map(|at| io.of(&name(at))) {
            answer(&namespace);
            let_join(&namespace);
        }
    }
    let arrived = AtomicUsize::new(0);
    let run = |thread: usize| {
        let (server, namespace) = match shared {
            Shared::Namespace => (0, 0),
            Shared::Server => (0, thread),
            Shared::Nothing => (thread, 0),
        };
        let (endpoint, io) = &servers[server];
        let packets = Packets::new(namespace);
        let (namespace, room) = (io.of(&name(namespace)), format!("room-{thread}"));
        let join = text(&format!(r#"42{},["join","{room}"]"#, namespace.name()));
        let connect = |_| {
            let mut client = Client::connect_to(endpoint, &packets.connect);
            client.send(&join);
            client
        };
        let mut clients: Vec<_> = (0..CLIENTS).map(connect).collect();
        let mut deliveries = Deliveries::new(&format!("{},", namespace.name()));
        let mut times = Times::default();
        for turn in 1..=10 * TURNS {
            // A thread that slept until the last has come would begin later than the others.
            arrived.fetch_add(1, Ordering::Relaxed);
            while arrived.load(Ordering::Relaxed) < turn * threads {
                hint::spin_loop();
            }
            times.turn(ROUNDS * CLIENTS, || {
                for _ in 0..ROUNDS {
                    match work {
                        Work::Broadcast => deliveries.turn(clients.iter_mut(), |payload| {
                            namespace.to(&room).emit(EVENT, payload)
                        }),
                        Work::Echo => clients.iter_mut().for_each(|client| packets.echo(client)),
                    }
                }
            });
        }
        times.median()
    };
    thread::scope(|scope| {
        let run = &run;
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        let times = running.into_iter().map(|thread| thread.join().expect("no panic"));
        times.sum::<f64>() / threads as f64
    })
}
