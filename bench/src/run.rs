use std::{
    collections::VecDeque,
    io::{ErrorKind, Read},
    thread,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::{
    Result, Span,
    connection::{Connection, PING, PONG},
    histogram::Histogram,
    report::{Figures, Idle, Load},
    scenario::{Exchange, Message},
    server::{Server, own_cpu},
};

/// Every connection keeps `in_flight` events under way: a reply sends the next.
pub(crate) fn echo(
    server: &Server,
    connections: usize,
    message: Message,
    in_flight: usize,
    span: Span,
) -> Result<Figures> {
    let exchange = Exchange::new(message, in_flight);
    let mut load = Generator::open(server, connections)?;
    let start = now();
    let mut course = Echo { under_way: Vec::new() };
    for connection in &mut load.connections {
        exchange.requests.iter().for_each(|request| connection.queue(request));
        connection.flush()?;
        course.under_way.push((0..in_flight).map(|slot| (slot, start)).collect());
    }
    load.measure(server, &exchange, &mut course, span)
}

/// One event is under way. When it has reached all, the next connection emits.
pub(crate) fn broadcast(
    server: &Server,
    connections: usize,
    message: Message,
    span: Span,
) -> Result<Figures> {
    let exchange = Exchange::new(message, 1);
    let mut load = Generator::open(server, connections)?;
    let mut course = Broadcast { connections, emitter: 0, missing: connections, sent_at: now() };
    load.connections[0].queue(&exchange.requests[0]);
    load.connections[0].flush()?;
    load.measure(server, &exchange, &mut course, span)
}

/// Opens connections and leaves them alone.
pub(crate) fn idle(server: &Server, connections: usize) -> Result<Figures> {
    // The first one pays for what all share.
    let first = Connection::open(server.address)?;
    let before = server.resident()?;
    let others: Result<Vec<_>> =
        (0..connections).map(|_| Connection::open(server.address)).collect();
    let others = others?;
    thread::sleep(Duration::from_secs(1));
    let resident = server.resident()?;
    let bytes = resident.saturating_sub(before) as f64 / connections as f64;
    drop((first, others));
    Ok(Figures::Idle(Idle { connections, bytes_per_connection: bytes }))
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What a reply leads to.
trait Course {
    /// Takes a reply and says which connection is to send this slot's request.
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<usize>;
}

struct Echo {
    /// The requests of each connection that wait for a reply, in the order of their sending.
    under_way: Vec<VecDeque<(usize, Instant)>>,
}

impl Course for Echo {
    fn reply(
        &mut self,
        index: usize,
        slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<usize> {
        let under_way = &mut self.under_way[index];
        let place = under_way.iter().position(|(sent, _)| *sent == slot);
        let (_, sent_at) = under_way.remove(place?)?;
        tally.record(now - sent_at);
        tally.overtook += u64::from(place != Some(0));
        under_way.push_back((slot, now));
        Some(index)
    }
}

struct Broadcast {
    connections: usize,
    emitter: usize,
    missing: usize,
    sent_at: Instant,
}

impl Course for Broadcast {
    fn reply(
        &mut self,
        _index: usize,
        _slot: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<usize> {
        tally.record(now - self.sent_at);
        self.missing -= 1;
        if self.missing > 0 {
            return None;
        }
        self.missing = self.connections;
        self.emitter = (self.emitter + 1) % self.connections;
        self.sent_at = now;
        Some(self.emitter)
    }
}

struct Tally {
    latency: Histogram,
    operations: u64,
    overtook: u64,
}

impl Tally {
    fn record(&mut self, latency: Duration) {
        self.operations += 1;
        self.latency.record(latency);
    }

    fn clear(&mut self) {
        self.latency.clear();
        self.operations = 0;
        self.overtook = 0;
    }
}

/// All connections on one thread.
struct Generator {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// What every connection reads into.
    buffer: Vec<u8>,
}

impl Generator {
    fn open(server: &Server, connections: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let open = |index| {
            let mut connection = Connection::open(server.address)?;
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.stream, Token(index), both)?;
            Ok(connection)
        };
        let connections = (0..connections).map(open).collect::<Result<_>>()?;
        let buffer = vec![0; 1 << 18];
        Ok(Self { poll, events: Events::with_capacity(1024), connections, buffer })
    }

    fn measure(
        &mut self,
        server: &Server,
        exchange: &Exchange,
        course: &mut impl Course,
        span: Span,
    ) -> Result<Figures> {
        let mut tally = Tally { latency: Histogram::new(), operations: 0, overtook: 0 };
        self.run_for(span.warmup, exchange, course, &mut tally)?;
        tally.clear();
        let (cpu, own) = (server.cpu()?, own_cpu()?);
        let elapsed = self.run_for(span.measured, exchange, course, &mut tally)?.as_secs_f64();
        let cpu = (server.cpu()? - cpu).as_secs_f64();
        let own = (own_cpu()? - own).as_secs_f64();
        let operations = tally.operations as f64;
        Ok(Figures::Load(Load {
            operations_per_second: operations / elapsed,
            cpu_us: cpu * 1e6 / operations,
            p50_ms: tally.latency.quantile(0.5),
            p99_ms: tally.latency.quantile(0.99),
            overtook: tally.overtook as f64 / operations,
            resident_bytes: server.resident()?,
            server_busy: cpu / elapsed,
            load_busy: own / elapsed,
        }))
    }

    fn run_for(
        &mut self,
        duration: Duration,
        exchange: &Exchange,
        course: &mut impl Course,
        tally: &mut Tally,
    ) -> Result<Duration> {
        let start = now();
        while start.elapsed() < duration {
            self.turn(exchange, course, tally)?;
        }
        Ok(start.elapsed())
    }

    /// Waits for replies and answers each with the next request.
    fn turn(
        &mut self,
        exchange: &Exchange,
        course: &mut impl Course,
        tally: &mut Tally,
    ) -> Result<()> {
        let timeout = Duration::from_secs(5);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        if self.events.is_empty() {
            return Err(format!("no reply within {timeout:?}").into());
        }
        for event in &self.events {
            let index = event.token().0;
            if event.is_readable() {
                let connections = &mut self.connections;
                receive(connections, index, &mut self.buffer, exchange, course, tally)?;
            }
            self.connections[index].flush()?;
        }
        Ok(())
    }
}

fn receive(
    connections: &mut [Connection],
    index: usize,
    buffer: &mut [u8],
    exchange: &Exchange,
    course: &mut impl Course,
    tally: &mut Tally,
) -> Result<()> {
    loop {
        let connection = &mut connections[index];
        let unread = connection.unread.len();
        buffer[..unread].copy_from_slice(&connection.unread);
        let count = match connection.stream.read(&mut buffer[unread..]) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        connection.unread.clear();
        let now = now();
        let mut bytes = &buffer[..unread + count];
        loop {
            if let Some(rest) = bytes.strip_prefix(PING) {
                connections[index].queue(PONG);
                bytes = rest;
                continue;
            }
            let Some((reply, rest)) = bytes.split_at_checked(exchange.reply_len()) else {
                break;
            };
            bytes = rest;
            let slot = exchange.slot(reply).ok_or_else(|| wrong(reply, exchange))?;
            if let Some(sender) = course.reply(index, slot, now, tally) {
                connections[sender].queue(&exchange.requests[slot]);
                if sender != index {
                    connections[sender].flush()?;
                }
            }
        }
        connections[index].unread.extend_from_slice(bytes);
        // A read that does not fill the buffer has taken all there was.
        if unread + count < buffer.len() {
            return Ok(());
        }
    }
}

fn wrong(reply: &[u8], exchange: &Exchange) -> String {
    let [reply, example] = [reply, exchange.example()].map(<[u8]>::escape_ascii);
    format!("a wrong reply: {reply}\nexpected one like: {example}")
}
