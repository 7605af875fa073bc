//! The load over long-polling.

use std::time::Instant;

use mio::{Events, Poll};

use crate::{
    Result, Span,
    caller::{Caller, open_all},
    connection::Connection,
    course::{Course, Echo},
    exchange::Exchange,
    figures::Figures,
    generator::wait,
    http,
    run::now,
    scenario::Message,
    server::Server,
    tally::{Tally, measure},
};

/// Every client keeps `in_flight` events under way: a reply sends the next, with whatever else is
/// to be sent when the POST before has been answered.
pub(crate) fn echo(
    server: &Server,
    clients: usize,
    message: Message,
    in_flight: usize,
    span: Span,
) -> Result<Figures> {
    let mut poll = Poll::new()?;
    let callers = open_all(clients, |index| {
        let route = server.route(index)?;
        let (poll, sid) = Caller::polling(route)?;
        Ok((poll, Caller::connect(route)?, sid))
    })?;
    let open = |(index, (get, post, sid)): (usize, (_, _, String))| {
        Ok(Client {
            index,
            get: Connection::new(get, poll.registry(), 2 * index)?,
            get_request: http::get(Some(&sid)),
            post: Connection::new(post, poll.registry(), 2 * index + 1)?,
            post_start: http::post_start(&sid),
            is_posting: false,
            to_post: Vec::new(),
        })
    };
    let mut clients: Vec<Client> =
        callers.into_iter().enumerate().map(open).collect::<Result<_>>()?;

    let exchange = Exchange::records(message, in_flight);
    let mut course = Echo::new(clients.len(), in_flight, now());
    for client in &mut clients {
        client.get.queue(&client.get_request);
        exchange.requests.iter().for_each(|request| add(&mut client.to_post, request));
        client.flush()?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 1 << 18];
    measure(server, span, |tally| {
        wait(&mut poll, &mut events)?;
        for event in &events {
            let client = &mut clients[event.token().0 / 2];
            if event.is_readable() {
                if event.token().0 % 2 == 0 {
                    client.receive(&mut buffer, &exchange, &mut course, now(), tally)?;
                } else {
                    client.posted(&mut buffer)?;
                }
            }
            client.flush()?;
        }
        Ok(())
    })
}

/// One session, with a connection for GETs and one for POSTs.
struct Client {
    index: usize,
    get: Connection,
    get_request: Vec<u8>,
    post: Connection,
    post_start: Vec<u8>,
    is_posting: bool,
    /// Records for the next POST.
    to_post: Vec<u8>,
}

impl Client {
    fn receive(
        &mut self,
        buffer: &mut [u8],
        exchange: &Exchange,
        course: &mut Echo,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<()> {
        let Self { index, get, get_request, to_post, .. } = self;
        get.receive(buffer, |get, bytes| {
            while let Some(body) = http::take_body(bytes)? {
                get.queue(get_request);
                for record in body.split(|byte| *byte == http::SEPARATOR) {
                    if record == b"2" {
                        add(to_post, b"3");
                        continue;
                    }
                    let slot = exchange.slot(record)?;
                    course.reply(*index, slot, now, tally)?;
                    add(to_post, &exchange.requests[slot]);
                }
            }
            Ok(())
        })
    }

    /// Takes the answer to a POST.
    fn posted(&mut self, buffer: &mut [u8]) -> Result<()> {
        let is_posting = &mut self.is_posting;
        self.post.receive(buffer, |_, bytes| {
            while let Some(body) = http::take_body(bytes)? {
                if body != b"ok" || !*is_posting {
                    return Err(format!("a wrong answer to a POST: {}", body.escape_ascii()).into());
                }
                *is_posting = false;
            }
            Ok(())
        })
    }

    fn flush(&mut self) -> Result<()> {
        if !self.is_posting && !self.to_post.is_empty() {
            self.post.queue(&http::post(&self.post_start, &self.to_post));
            self.to_post.clear();
            self.is_posting = true;
        }
        self.get.flush()?;
        Ok(self.post.flush()?)
    }
}

/// Adds a record to a payload.
fn add(payload: &mut Vec<u8>, record: &[u8]) {
    if !payload.is_empty() {
        payload.push(http::SEPARATOR);
    }
    payload.extend_from_slice(record);
}
