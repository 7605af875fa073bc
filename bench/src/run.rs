//! The loads over websockets.

use std::{
    thread,
    time::{Duration, Instant},
};

use mio::Events;

use crate::{
    Result, Span,
    caller::{Caller, open_all},
    course::{Burst, Echo, Fanout},
    exchange::Exchange,
    figures::{Figures, Memory},
    generator::{Generator, TIMEOUT},
    mixed::{self, Mixed},
    scenario::{Message, Rooms, Way},
    server::Server,
    tally::{Tally, measure, measure_drift},
};

/// Every connection has each of `in_flight` events echoed a few times, and rests.
pub(crate) fn burst(
    server: &Server,
    connections: usize,
    message: Message,
    in_flight: usize,
) -> Result<Figures> {
    const TIMES: u32 = 4;
    let mut load = Generator::open(connections, |index| client(server, index))?;
    let before = server.process.resident()?;
    load.exchanges.push(Exchange::frames(&[(message, in_flight)], 0));
    let mut course = Burst::new(connections, in_flight, TIMES);
    load.send_all()?;
    while course.missing > 0 {
        load.turn(&mut course, &mut Tally::new())?;
    }
    growth_at_rest(server, before, connections)
}

/// Every connection keeps `in_flight` events under way: a reply sends the next.
pub(crate) fn echo(
    server: &Server,
    connections: usize,
    message: Message,
    in_flight: usize,
    span: Span,
) -> Result<Figures> {
    let mut load = Generator::open(connections, |index| client(server, index))?;
    load.exchanges.push(Exchange::frames(&[(message, in_flight)], 0));
    let mut course = Echo::new(connections, in_flight, now());
    load.send_all()?;
    measure(server, span, |tally| load.turn(&mut course, tally))
}

/// When an event has reached all members of its room, the room's next member emits it.
pub(crate) fn fanout(
    server: &Server,
    connections: usize,
    rooms: Rooms,
    span: Span,
) -> Result<Figures> {
    let members = rooms.members.min(connections);
    let rooms = Rooms { members, ..rooms };
    let count = connections / members;
    let is_everybody = matches!(rooms.message, Message::Broadcast(_));
    let mut load = Generator::open(count * members, |index| {
        let mut caller = client(server, index)?;
        if !is_everybody {
            caller.join(index / members)?;
        }
        Ok(caller)
    })?;
    load.rooms = (0..count * members).map(|index| index / members).collect();
    let exchange = |room| Exchange::frames(&[(rooms.message, rooms.in_flight)], room);
    load.exchanges.extend((0..count).map(exchange));
    let mut course = Fanout::new(count * members, rooms, now());
    for room in 0..count {
        for slot in 0..rooms.in_flight {
            load.send(course.send(room, slot, now()), slot)?;
        }
    }
    measure(server, span, |tally| load.turn(&mut course, tally))
}

/// Everything is sent at its time, and not when a reply has come.
pub(crate) fn mixed(server: &Server, connections: usize, span: Span) -> Result<Figures> {
    let mut load = Generator::open(connections, |index| client(server, index))?;
    load.exchanges.push(Exchange::frames(&Mixed::messages(), 0));
    // A turn with many replies would hold up what is due.
    load.events = Events::with_capacity(64);
    let timer = load.tick(mixed::PACE)?;
    let mut course = Mixed::new(connections, now());
    let figures = measure_drift(server, span, |tally| {
        load.turn(&mut course, tally)?;
        // It goes on once it is read, and has nothing to read before its time.
        let _ = rustix::io::read(&timer, &mut [0; 8]);
        while let Some((index, slot)) = course.due(now(), tally)? {
            load.send(index, slot)?;
        }
        Ok(())
    })?;
    drop(timer);
    let deadline = now() + TIMEOUT;
    while course.is_under_way() {
        if now() > deadline {
            return Err("not everything that was sent has arrived".into());
        }
        load.turn(&mut course, &mut Tally::new())?;
    }
    Ok(figures)
}

/// Opens connections and leaves them alone.
pub(crate) fn idle(server: &Server, connections: usize, way: Way) -> Result<Figures> {
    let open = |index| Caller::websocket(server.route(index)?, way);
    // The first ones pay for what all share.
    let first = open_all(64, open)?;
    let before = server.process.resident()?;
    let others = open_all(connections, open)?;
    let growth = growth_at_rest(server, before, connections);
    drop((first, others));
    growth
}

fn client(server: &Server, index: usize) -> Result<Caller> {
    Caller::websocket(server.route(index)?, Way::Direct)
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn growth_at_rest(server: &Server, before: u64, connections: usize) -> Result<Figures> {
    thread::sleep(Duration::from_secs(1));
    let growth = server.process.resident()?.saturating_sub(before);
    let bytes_per_connection = growth as f64 / connections as f64;
    Ok(Figures::Memory(Memory { bytes_per_connection }))
}
