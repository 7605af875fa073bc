//! The load of clients that come and go.

use std::{
    mem,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{
    Result, Span, caller::Caller, figures::Figures, run::now, scenario::Way, server::Server,
    tally::measure,
};

/// So many clients at a time, each on a thread, are connected and closed again.
///
/// The server is the first to close a connection, as it should be: so the ports that wait for late
/// packets are its own, and the clients do not run out of theirs.
pub(crate) fn connect(server: &Server, clients: usize, way: Way, span: Span) -> Result<Figures> {
    let routes = (0..clients).map(|client| server.route(client)).collect::<Result<Vec<_>>>()?;
    let done = Mutex::new(Ok(Vec::new()));
    let is_over = AtomicBool::new(false);
    let (done, is_over) = (&done, &is_over);
    let client = |route| {
        while !is_over.load(Relaxed) {
            let start = now();
            let closed = Caller::websocket(route, way).and_then(Caller::close);
            let mut done = done.lock().expect("no client panics");
            match (&mut *done, closed) {
                (Ok(durations), Ok(())) => durations.push(start.elapsed()),
                (Ok(_), Err(error)) => *done = Err(error.to_string()),
                (Err(_), _) => return,
            }
        }
    };
    thread::scope(|scope| {
        for route in routes {
            scope.spawn(move || client(route));
        }
        // Held between turns, so that no client begins again then: it would be counted neither way.
        let mut held = None;
        let figures = measure(server, span, move |tally| {
            drop(held.take());
            thread::sleep(Duration::from_millis(10));
            let mut done = done.lock().expect("no client panics");
            let durations = done.as_mut().map_err(mem::take)?;
            durations.drain(..).for_each(|duration| tally.record(duration));
            held = Some(done);
            Ok(())
        });
        is_over.store(true, Relaxed);
        figures
    })
}
