//! The loads over websockets.

use std::{
    io::ErrorKind,
    os::fd::{AsRawFd, OwnedFd},
    thread,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use crate::{
    Result, Span,
    caller::{Caller, PING, PONG, open_all},
    connection::Connection,
    course::{Burst, Course, Echo, Fanout},
    exchange::{self, Exchange},
    figures::{Figures, Memory},
    frame::{self, TEXT},
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
    let mut load = Generator::open(server, connections, |_, caller| Ok(caller))?;
    let before = server.resident()?;
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
    let mut load = Generator::open(server, connections, |_, caller| Ok(caller))?;
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
    let mut load = Generator::open(server, count * members, |index, mut caller| {
        if !is_everybody {
            let (request, reply) = exchange::join(index / members);
            caller.send(&frame::request(TEXT, &request))?;
            caller.expect(reply)?;
        }
        Ok(caller)
    })?;
    load.members = members;
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
    let mut load = Generator::open(server, connections, |_, caller| Ok(caller))?;
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
    let before = server.resident()?;
    let others = open_all(connections, open)?;
    let growth = growth_at_rest(server, before, connections);
    drop((first, others));
    growth
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn growth_at_rest(server: &Server, before: u64, connections: usize) -> Result<Figures> {
    thread::sleep(Duration::from_secs(1));
    let growth = server.resident()?.saturating_sub(before);
    let bytes_per_connection = growth as f64 / connections as f64;
    Ok(Figures::Memory(Memory { bytes_per_connection }))
}

/// How long a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The timer's place among the connections.
const TIMER: Token = Token(usize::MAX);

/// All connections on one thread.
struct Generator {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// What is sent and received, for each room.
    exchanges: Vec<Exchange>,
    /// How many connections one exchange is for.
    members: usize,
    /// What every connection reads into.
    buffer: Vec<u8>,
    /// Who is to send which slot.
    to_send: Vec<(usize, usize)>,
}

impl Generator {
    /// Opens connections, and has `prepare` do with each what comes before the load.
    fn open(
        server: &Server,
        connections: usize,
        prepare: impl Fn(usize, Caller) -> Result<Caller> + Sync,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let callers = open_all(connections, |index| {
            prepare(index, Caller::websocket(server.route(index)?, Way::Direct)?)
        })?;
        let open = |(token, caller)| Connection::new(caller, poll.registry(), token);
        Ok(Self {
            connections: callers.into_iter().enumerate().map(open).collect::<Result<_>>()?,
            poll,
            events: Events::with_capacity(1024),
            exchanges: Vec::new(),
            members: connections,
            buffer: vec![0; 1 << 18],
            to_send: Vec::new(),
        })
    }

    /// Sends all slots of all connections.
    fn send_all(&mut self) -> Result<()> {
        for connection in &mut self.connections {
            let requests = &self.exchanges[0].requests;
            requests.iter().for_each(|request| connection.queue(request));
            connection.flush()?;
        }
        Ok(())
    }

    fn send(&mut self, index: usize, slot: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        connection.queue(&self.exchanges[index / self.members].requests[slot]);
        Ok(connection.flush()?)
    }

    /// A timer that ends a turn's wait after each such time. The wait's own timeout counts in
    /// milliseconds.
    fn tick(&self, pace: Duration) -> Result<OwnedFd> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let (it_interval, it_value) = (pace.try_into()?, pace.try_into()?);
        let times = Itimerspec { it_interval, it_value };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        let source = &mut SourceFd(&timer.as_raw_fd());
        self.poll.registry().register(source, TIMER, Interest::READABLE)?;
        Ok(timer)
    }

    /// Waits for replies and answers each as the course wants.
    fn turn(&mut self, course: &mut impl Course, tally: &mut Tally) -> Result<()> {
        wait(&mut self.poll, &mut self.events)?;
        for event in self.events.iter().filter(|event| event.token() != TIMER) {
            let index = event.token().0;
            if event.is_readable() {
                let exchange = &self.exchanges[index / self.members];
                let (now, to_send) = (now(), &mut self.to_send);
                self.connections[index].receive(&mut self.buffer, |connection, bytes| {
                    loop {
                        if let Some(rest) = bytes.strip_prefix(PING) {
                            connection.queue(PONG);
                            *bytes = rest;
                            continue;
                        }
                        let Some(slot) = exchange.take(bytes)? else { return Ok(()) };
                        let sender = course.reply(index, slot, now, tally)?;
                        to_send.extend(sender.map(|sender| (sender, slot)));
                    }
                })?;
            }
            for (sender, slot) in self.to_send.drain(..) {
                let connection = &mut self.connections[sender];
                connection.queue(&self.exchanges[sender / self.members].requests[slot]);
                if sender != index {
                    connection.flush()?;
                }
            }
            self.connections[index].flush()?;
        }
        Ok(())
    }
}

/// Waits until something can be read or written.
pub(crate) fn wait(poll: &mut Poll, events: &mut Events) -> Result<()> {
    match poll.poll(events, Some(TIMEOUT)) {
        Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
        Ok(()) if events.is_empty() => return Err(format!("no reply within {TIMEOUT:?}").into()),
        result => result?,
    }
    Ok(())
}
