use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::Cmd;
use socketio_core::{ClusterMessage, LogOffset};
use tokio::{
    sync::{Notify, watch},
    time::{self, Instant},
};

use super::{Settings, entry, reader, writer};
use crate::{
    link::{LinkError, MAX_BATCH, MAX_BATCH_BYTES, size},
    running::Running,
};

/// A stream that this node reads, and what it writes there.
pub(super) struct Stream {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) running: Arc<Running>,
    pub(super) settings: Settings,
    state: Mutex<State>,
    is_reachable: Mutex<bool>,
    /// Messages that were lost and not yet reported.
    unreported: AtomicU64,
    /// Something is to be written.
    pub(super) filled: Notify,
    /// What was written does not come back.
    pub(super) stalled: Notify,
    /// Set when the stream is to end once all is written.
    pub(super) is_ending: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    last_number: u64,
    /// What is to be written.
    waiting: VecDeque<Written>,
    bytes: usize,
    /// What is written, or is to be, and has not come back.
    flights: VecDeque<Flight>,
    /// The last own entry that Redis has, as it said.
    written: Option<LogOffset>,
    written_number: u64,
    /// Since when there is a connection that reads.
    read_since: Option<Instant>,
}

/// A message on its way to the stream.
pub(super) struct Written {
    pub(super) number: u64,
    pub(super) command: Cmd,
    /// What the server calls it, if it waits for it, and in which namespace.
    logged: Option<(u64, Box<str>)>,
    /// Better lost than late, or there twice.
    pub(super) is_volatile: bool,
}

/// A message on its way to the stream and back.
struct Flight {
    number: u64,
    /// What the server calls it, if it waits for it.
    logged: Option<u64>,
    since: Instant,
}

impl Stream {
    /// Begins to read and to write.
    pub(super) fn start(index: u32, running: &Arc<Running>, settings: &Settings) -> Arc<Self> {
        let stream = Arc::new(Self {
            index,
            name: settings.names.stream(index),
            running: Arc::clone(running),
            settings: settings.clone(),
            state: Mutex::default(),
            is_reachable: Mutex::new(false),
            unreported: AtomicU64::new(0),
            filled: Notify::new(),
            stalled: Notify::new(),
            is_ending: watch::Sender::new(false),
        });
        running.runtime.spawn(writer::write(Arc::clone(&stream)));
        running.runtime.spawn(reader::read(Arc::clone(&stream)));
        running.runtime.spawn(watch(Arc::downgrade(&stream)));
        stream
    }

    /// It is read from a place on that does not follow on what was read before, if that was.
    pub(super) fn begin_at(&self, offset: LogOffset) {
        let mut state = self.lock();
        state.written = None;
        // What Redis had of this node does not come back.
        let written_number = state.written_number;
        state.flights.retain(|flight| flight.number > written_number);
        drop(state);
        self.running.node.begin_log(self.index, offset);
    }

    /// Has a message written, in its turn. It is lost if too much waits already, which this tells.
    pub(super) fn push(
        &self,
        namespace: &str,
        logged: Option<u64>,
        message: &ClusterMessage,
    ) -> bool {
        let is_volatile = matches!(
            message,
            ClusterMessage::Broadcast { options, .. } if options.is_volatile
        );
        let mut state = self.lock();
        let number = state.last_number + 1;
        let from = self.running.node.id();
        let command = entry::add_numbered(&self.settings, from, namespace, number, message);
        let bytes = size(&command);
        if state.bytes + bytes > self.settings.queue_bytes && !state.waiting.is_empty() {
            drop(state);
            self.lose(1);
            return false;
        }
        state.last_number = number;
        state.bytes += bytes;
        let awaited = logged.map(|logged| (logged, namespace.into()));
        state.waiting.push_back(Written { number, command, logged: awaited, is_volatile });
        state.flights.push_back(Flight { number, logged, since: Instant::now() });
        drop(state);
        self.filled.notify_one();
        true
    }

    /// Takes what is to be written next.
    pub(super) fn next_batch(&self) -> VecDeque<Written> {
        let mut state = self.lock();
        let (mut batch, mut bytes) = (VecDeque::new(), 0);
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(written) = state.waiting.pop_front()
        {
            bytes += size(&written.command);
            batch.push_back(written);
        }
        state.bytes -= bytes;
        if state.waiting.is_empty() {
            // What an outage needed is not kept for ever.
            state.waiting.shrink_to(MAX_BATCH);
        }
        batch
    }

    /// How many messages wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Redis has a message, at this place.
    pub(super) fn written(&self, number: u64, offset: LogOffset) {
        let mut state = self.lock();
        state.written = state.written.max(Some(offset));
        state.written_number = state.written_number.max(number);
    }

    /// The last place of which Redis said that it has a message of this node's there.
    pub(super) fn last_written(&self) -> Option<LogOffset> {
        self.lock().written
    }

    /// A message of this node's has come back. Gives what the server calls it.
    pub(super) fn landed(&self, number: u64) -> Option<u64> {
        let mut state = self.lock();
        let mut landed = None;
        while let Some(flight) = state.flights.front()
            && flight.number <= number
        {
            landed = flight.logged.filter(|_| flight.number == number);
            state.flights.pop_front();
        }
        landed
    }

    /// The stream can be read, or cannot any more.
    pub(super) fn set_read(&self, is_read: bool) {
        self.lock().read_since = is_read.then(Instant::now);
        self.check();
    }

    /// Ends, once all is written if that can be.
    pub(super) fn end(&self) {
        self.is_ending.send_replace(true);
    }

    /// A message is not in the stream, and will not be.
    pub(super) fn lost(&self, written: Written) {
        let mut state = self.lock();
        let is_it = |flight: &Flight| flight.number;
        if let Ok(index) = state.flights.binary_search_by_key(&written.number, is_it) {
            state.flights.remove(index);
        }
        drop(state);
        self.lose(1);
        if let Some((number, namespace)) = written.logged {
            self.running.node.lost(&namespace, number);
        }
    }

    pub(super) fn lose(&self, messages: usize) {
        let messages = messages as u64;
        self.running.link.lose(messages);
        self.unreported.fetch_add(messages, Relaxed);
    }

    pub(super) fn report_lost(&self) {
        let messages = self.unreported.swap(0, Relaxed);
        if messages > 0 {
            self.report(LinkError::Lost { messages });
        }
    }

    pub(super) fn report(&self, error: LinkError) {
        self.running.node.report(None, error);
    }

    /// Tells the server whether the stream is in reach.
    fn check(&self) {
        let mut is_reachable = lock(&self.is_reachable);
        let max_delay = self.settings.max_delay;
        let state = self.lock();
        let oldest = state.flights.front();
        let delay = oldest.map_or(Duration::ZERO, |flight| flight.since.elapsed());
        // What is in reach again has to be well so.
        let limit = if *is_reachable { max_delay } else { max_delay / 2 };
        let is_now = state.read_since.is_some() && delay <= limit;
        // The connection that reads has had time enough for what Redis says that it has.
        let is_stalled = delay > max_delay
            && oldest.is_some_and(|flight| flight.number <= state.written_number)
            && state.read_since.is_some_and(|since| since.elapsed() > max_delay);
        drop(state);
        if *is_reachable != is_now {
            *is_reachable = is_now;
            self.running.node.set_log_reachable(self.index, is_now);
        }
        if is_stalled {
            self.stalled.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks now and then whether what is written comes back.
async fn watch(stream: Weak<Stream>) {
    while let Some(stream) = stream.upgrade() {
        if *stream.is_ending.borrow() {
            break;
        }
        stream.check();
        let pause = stream.settings.max_delay / 4;
        drop(stream);
        time::sleep(pause.max(Duration::from_millis(1))).await;
    }
}
