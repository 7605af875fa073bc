use std::{
    io::ErrorKind,
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use crate::{
    Result,
    caller::{Caller, PING, PONG, open_all},
    connection::Connection,
    course::Course,
    exchange::Exchange,
    run::now,
    tally::Tally,
};

/// All connections on one thread.
pub(crate) struct Generator {
    poll: Poll,
    pub(crate) events: Events,
    connections: Vec<Connection>,
    /// What is sent and received, for each room.
    pub(crate) exchanges: Vec<Exchange>,
    /// Each connection's room.
    pub(crate) rooms: Vec<usize>,
    /// What every connection reads into.
    buffer: Vec<u8>,
    /// Who is to send which slot.
    to_send: Vec<(usize, usize)>,
}

impl Generator {
    /// Opens connections, which are in one room until they are told otherwise.
    pub(crate) fn open(
        connections: usize,
        open: impl Fn(usize) -> Result<Caller> + Sync,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let callers = open_all(connections, open)?;
        let open = |(token, caller)| Connection::new(caller, poll.registry(), token);
        Ok(Self {
            connections: callers.into_iter().enumerate().map(open).collect::<Result<_>>()?,
            poll,
            events: Events::with_capacity(1024),
            exchanges: Vec::new(),
            rooms: vec![0; connections],
            buffer: vec![0; 1 << 18],
            to_send: Vec::new(),
        })
    }

    /// Sends all slots of all connections.
    pub(crate) fn send_all(&mut self) -> Result<()> {
        for connection in &mut self.connections {
            let requests = &self.exchanges[0].requests;
            requests.iter().for_each(|request| connection.queue(request));
            connection.flush()?;
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, index: usize, slot: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        connection.queue(&self.exchanges[self.rooms[index]].requests[slot]);
        Ok(connection.flush()?)
    }

    /// A timer that ends a turn's wait after each such time. The wait's own timeout counts in
    /// milliseconds.
    pub(crate) fn tick(&self, pace: Duration) -> Result<OwnedFd> {
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
    pub(crate) fn turn(&mut self, course: &mut impl Course, tally: &mut Tally) -> Result<()> {
        wait(&mut self.poll, &mut self.events)?;
        for event in self.events.iter().filter(|event| event.token() != TIMER) {
            let index = event.token().0;
            if event.is_readable() {
                let exchange = &self.exchanges[self.rooms[index]];
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
                connection.queue(&self.exchanges[self.rooms[sender]].requests[slot]);
                if sender != index {
                    connection.flush()?;
                }
            }
            self.connections[index].flush()?;
        }
        Ok(())
    }
}

/// How long a server may be silent.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// The timer's place among the connections.
const TIMER: Token = Token(usize::MAX);

/// Waits until something can be read or written.
pub(crate) fn wait(poll: &mut Poll, events: &mut Events) -> Result<()> {
    match poll.poll(events, Some(TIMEOUT)) {
        Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
        Ok(()) if events.is_empty() => return Err(format!("no reply within {TIMEOUT:?}").into()),
        result => result?,
    }
    Ok(())
}
