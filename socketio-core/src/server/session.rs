use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::Instant,
};

use super::{driver::Driver, engine::Host, handshake::Handshake};
use crate::{
    clock::Clock,
    id::SessionId,
    proto::{
        earlier,
        engine::{Connection, Event, Fifo, SendError, Transport, WebSocketId, WebSocketState},
    },
    wire::{Encoded, Frame, Framing, Revision},
};

/// An Engine.IO session as tasks share it: the machine behind a mutex, and who waits for it.
///
/// There is one way in: change the machine once under the lock, see what became ready, wake those
/// wakers after the lock is gone. No user code runs under it and nothing awaits.
///
/// As a [`Wake`] it stands for the websocket's task: connection, handlers and timer wake that through
/// here, so that it can tell whether it has anything to do but to write.
pub(crate) struct Session {
    id: SessionId,
    revision: Revision,
    host: Arc<dyn Host>,
    handshake: Handshake,
    state: Mutex<State>,
}

struct State {
    connection: Connection,
    wakers: Wakers,
    /// The deadline that the driver sleeps to; `None` before it has one.
    armed: Option<Instant>,
    /// The websocket's task drives the session too, so that its waker serves for both.
    pump_drives: bool,
    /// The driver's task is to look at everything, though it may be running and past where it looks.
    is_called: bool,
    /// The driver on its way from the polling task to the websocket's.
    handover: Option<Driver>,
}

#[derive(Default)]
struct Wakers {
    driver: Option<Waker>,
    get: Option<Waker>,
    post: Option<Waker>,
    /// Application code that waits for the queue to shrink.
    ready: Vec<Waker>,
    websocket: Option<Waker>,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        host: Arc<dyn Host>,
        handshake: Handshake,
        connection: Connection,
    ) -> Arc<Self> {
        let revision = connection.framing().revision;
        let pump_drives = connection.transport() == Transport::WebSocket;
        let state = Mutex::new(State {
            connection,
            wakers: Wakers::default(),
            armed: None,
            pump_drives,
            is_called: false,
            handover: None,
        });
        Arc::new(Self { id, revision, host, handshake, state })
    }

    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// The revision of Engine.IO that the client speaks, which says its Socket.IO protocol too.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.host.engine().clock()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock().now()
    }

    /// Changes the machine, and wakes whoever has something to do then.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Connection) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state.connection);
        let wakers = state.take_wakers();
        drop(state);
        wakers.wake();
        result
    }

    /// As [`with`](Self::with), after doing what is due at this time.
    pub(crate) fn with_now<R>(&self, change: impl FnOnce(&mut Connection, Instant) -> R) -> R {
        let now = self.now();
        self.with(|connection| {
            connection.handle_timeout(now);
            change(connection, now)
        })
    }

    /// Does what is due at this time, which as a rule is nothing.
    pub(super) fn handle_timeout(&self, now: Instant) {
        let mut state = self.lock();
        if state.connection.poll_timeout().is_some_and(|deadline| deadline <= now) {
            state.connection.handle_timeout(now);
            let wakers = state.take_wakers();
            drop(state);
            wakers.wake();
        }
    }

    /// Takes what is to be written to a websocket, and tells what the websocket is to the session.
    pub(super) fn poll_transmit(&self, id: WebSocketId) -> (WebSocketState, Option<Fifo<Encoded>>) {
        let mut state = self.lock();
        let packets = state.connection.poll_transmit(id);
        (state.connection.websocket_state(id), packets)
    }

    /// Looks at the machine.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Connection) -> R) -> R {
        look(&self.lock().connection)
    }

    /// Queues a message.
    pub(crate) fn send(&self, message: Encoded) -> Result<(), SendError> {
        let mut state = self.lock();
        let result = state.connection.send(message);
        if result == Err(SendError::Overflow) {
            let wakers = state.take_wakers();
            drop(state);
            wakers.wake();
            return result;
        }
        let waker = state.take_writer();
        release(state, waker);
        result
    }

    /// Queues a message if it can go out now.
    pub(crate) fn send_volatile(&self, message: Encoded) {
        let mut state = self.lock();
        state.connection.send_volatile(message);
        let waker = state.take_writer();
        release(state, waker);
    }

    /// Has the driver look at its deadlines again if this one comes before them.
    pub(crate) fn rearm(&self, deadline: Instant) {
        let mut state = self.lock();
        let waker = match state.armed {
            Some(armed) if armed <= deadline => None,
            _ => state.call_driver(),
        };
        release(state, waker);
    }

    /// Has the driver look for work.
    pub(crate) fn wake_driver(&self) {
        let mut state = self.lock();
        let waker = state.call_driver();
        release(state, waker);
    }

    /// A frame came over this websocket, whose task calls.
    pub(super) fn handle_frame(&self, now: Instant, id: WebSocketId, frame: Frame) {
        let mut state = self.lock();
        state.connection.handle_frame(now, id, frame);
        // As a rule it is a message, which concerns nobody but the driver: this very task.
        let is_own =
            state.pump_drives && state.connection.websocket_state(id) == WebSocketState::Active;
        if !is_own {
            let wakers = state.take_wakers();
            drop(state);
            wakers.wake();
        }
    }

    /// Gives the driver what happened next, and whether more has. While the application takes no
    /// messages, that is only the end of the session.
    pub(super) fn poll_event(&self, is_ready: bool) -> (Option<Event>, bool) {
        let mut state = self.lock();
        state.connection.set_paused(!is_ready);
        let event = match is_ready {
            true => state.connection.poll_event(),
            false => state.connection.poll_close(),
        };
        let has_more = state.connection.has_events();
        let post = match has_more {
            true => None,
            false => state.wakers.post.take(),
        };
        release(state, post);
        (event, has_more)
    }

    /// Resolves when the queue takes more without growing long.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.connection.is_ready() {
            return Poll::Ready(());
        }
        if !state.wakers.ready.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.ready.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Gives the packets for the parked GET and how to write them, or has it woken.
    pub(crate) fn poll_get(&self, cx: &mut Context<'_>) -> Poll<(Framing, Fifo<Encoded>)> {
        let mut state = self.lock();
        let Some(packets) = state.connection.poll_get() else {
            set(&mut state.wakers.get, cx);
            return Poll::Pending;
        };
        let framing = state.connection.framing();
        let wakers = state.take_wakers();
        drop(state);
        wakers.wake();
        Poll::Ready((framing, packets))
    }

    /// Resolves when the session has ended, or all that the client sent is with the application.
    pub(crate) fn poll_received(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.is_received() {
            return Poll::Ready(());
        }
        set(&mut state.wakers.post, cx);
        Poll::Pending
    }

    /// Resolves when the session has ended.
    pub(crate) fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.connection.is_closed() {
            return Poll::Ready(());
        }
        set(&mut state.wakers.post, cx);
        Poll::Pending
    }

    /// Has the driver woken when there is work for it, unless there is some already.
    pub(super) fn poll_driver(&self, cx: &mut Context<'_>, saturated: bool) -> Poll<()> {
        let mut state = self.lock();
        let is_called = mem::take(&mut state.is_called);
        if is_called || state.can_hand_over() || state.can_drive(saturated) {
            return Poll::Ready(());
        }
        state.armed = None;
        set(&mut state.wakers.driver, cx);
        Poll::Pending
    }

    /// The deadline that the driver is to sleep to: the session's, or another that is earlier.
    pub(super) fn arm(&self, other: Option<Instant>) -> Option<Instant> {
        let mut state = self.lock();
        state.armed = earlier(state.connection.poll_timeout(), other);
        state.armed
    }

    /// Has the websocket's task woken when there is work for it, unless there is some already.
    pub(super) fn poll_websocket(&self, cx: &mut Context<'_>, pump: PumpState) -> Poll<()> {
        let mut state = self.lock();
        match pump.writing {
            Writing::Blocked => state.connection.handle_blocked(pump.id),
            Writing::Flushed => state.connection.handle_flushed(pump.id),
        }
        let ready = match state.connection.is_ready() {
            true => mem::take(&mut state.wakers.ready),
            false => Vec::new(),
        };
        let to_drive = pump.drives && state.can_drive(pump.saturated);
        let connection = &state.connection;
        // Also without the driver, once that has finished.
        let is_called = state.is_called && state.pump_drives && connection.is_current(pump.id);
        let to_write = !pump.ended
            && (connection.can_use_websocket()
                || connection.websocket_state(pump.id) == WebSocketState::Closed);
        let to_take_over = state.handover.is_some() && connection.is_current(pump.id);
        let has_work = to_drive || to_write || to_take_over;
        if !has_work {
            if pump.drives {
                state.armed = None;
            }
            // A websocket that was given up must not be woken in place of the one that counts.
            if state.connection.is_current(pump.id) {
                set(&mut state.wakers.websocket, cx);
            }
        }
        drop(state);
        ready.into_iter().for_each(Waker::wake);
        if has_work {
            return Poll::Ready(());
        }
        if is_called {
            // Others have their turn first.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// What was to be written is. Has the websocket's task woken when there is work for it, unless
    /// there is some already.
    pub(super) fn poll_delivered(&self, id: WebSocketId, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        state.connection.handle_flushed(id);
        let has_work = !state.only_delivers(id)
            || state.connection.can_use_websocket()
            || !state.wakers.ready.is_empty();
        if has_work {
            return Poll::Ready(());
        }
        set(&mut state.wakers.websocket, cx);
        Poll::Pending
    }

    /// Gives the driver to the websocket's task, if that now carries the session.
    pub(super) fn hand_over(&self, driver: Driver) -> Option<Driver> {
        let mut state = self.lock();
        if !state.can_hand_over() {
            return Some(driver);
        }
        state.handover = Some(driver);
        let waker = state.wakers.websocket.take();
        release(state, waker);
        None
    }

    /// The websocket's task runs and needs no waking. If it can write, and has nothing else to do,
    /// it gets what to write.
    pub(super) fn poll_delivery(&self, id: WebSocketId) -> Option<Fifo<Encoded>> {
        let mut state = self.lock();
        if !state.only_delivers(id) {
            return None;
        }
        state.wakers.websocket = None;
        state.connection.poll_transmit(id)
    }

    /// The websocket's task runs and needs no waking. Takes over the driver, if there is one for it.
    pub(super) fn start_websocket(&self, id: WebSocketId) -> Option<Driver> {
        let mut state = self.lock();
        if !state.connection.is_current(id) {
            return None;
        }
        state.wakers.websocket = None;
        let driver = state.handover.take();
        state.pump_drives |= driver.is_some();
        if state.pump_drives {
            state.is_called = false;
        }
        driver
    }

    /// The driver's task runs and needs no waking.
    pub(super) fn start_driver(&self) {
        self.lock().wakers.driver = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the websocket's task is up to when it goes to sleep.
#[derive(Clone, Copy, Debug)]
pub(super) struct PumpState {
    pub(super) id: WebSocketId,
    /// It runs the session's driver.
    pub(super) drives: bool,
    /// It has nothing more to write, only the peer's end to wait for.
    pub(super) ended: bool,
    /// The application takes no more events for now.
    pub(super) saturated: bool,
    pub(super) writing: Writing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Blocked,
    Flushed,
}

impl Wake for Session {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_driver();
    }
}

impl State {
    /// Whether the POST can be answered.
    fn is_received(&self) -> bool {
        match self.connection.is_closed() {
            true => !self.connection.awaits_get(),
            false => !self.connection.has_events(),
        }
    }

    /// Whether the websocket's task is to run the driver.
    fn can_hand_over(&self) -> bool {
        self.connection.transport() == Transport::WebSocket && !self.connection.is_closed()
    }

    /// Whether there is an event that the driver can take.
    fn can_drive(&self, saturated: bool) -> bool {
        self.connection.has_events() && (!saturated || self.connection.is_closed())
    }

    /// Whether the websocket's task has nothing to do but to write.
    fn only_delivers(&self, id: WebSocketId) -> bool {
        self.pump_drives
            && !self.is_called
            && !self.is_due()
            && !self.connection.has_events()
            && self.connection.websocket_state(id) == WebSocketState::Active
    }

    /// Whether something is due before the driver's task would look.
    fn is_due(&self) -> bool {
        match (self.connection.poll_timeout(), self.armed) {
            (Some(timeout), Some(armed)) => timeout < armed,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn call_driver(&mut self) -> Option<Waker> {
        self.is_called = true;
        self.take_driver()
    }

    fn take_writer(&mut self) -> Option<Waker> {
        if self.connection.can_answer_get() {
            return self.wakers.get.take();
        }
        match self.connection.can_use_websocket() {
            true => self.wakers.websocket.take(),
            false => None,
        }
    }

    fn take_driver(&mut self) -> Option<Waker> {
        match self.pump_drives {
            true => self.wakers.websocket.take(),
            false => self.wakers.driver.take(),
        }
    }

    fn take_wakers(&mut self) -> Wakers {
        let connection = &self.connection;
        let drive = connection.has_events()
            || self.is_due()
            || (!self.pump_drives && connection.transport() == Transport::WebSocket);
        let received = connection.is_closed() || self.is_received();
        let ready = connection.is_ready();
        Wakers {
            driver: if drive { self.take_driver() } else { None },
            post: if received { self.wakers.post.take() } else { None },
            ready: if ready { mem::take(&mut self.wakers.ready) } else { Vec::new() },
            get: if self.connection.can_answer_get() { self.wakers.get.take() } else { None },
            websocket: match self.connection.can_use_websocket() {
                true => self.wakers.websocket.take(),
                false => None,
            },
        }
    }
}

impl Wakers {
    fn wake(self) {
        let writers = [self.driver, self.get, self.post, self.websocket];
        writers.into_iter().flatten().chain(self.ready).for_each(Waker::wake);
    }
}

/// Wakes once the lock is gone.
fn release(state: MutexGuard<'_, State>, waker: Option<Waker>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn set(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}
