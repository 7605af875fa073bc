use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use super::{session::Session, timer::Timer};
use crate::{
    proto::{DisconnectReason, earlier, engine::Event},
    wire::Message,
};

/// The application on one session, as its driver runs it.
pub(crate) trait Runner: Send {
    /// A message came.
    fn handle_message(&mut self, now: Instant, message: Message, cx: &mut Context<'_>);

    /// The session ended; no message follows.
    fn handle_close(&mut self, now: Instant, reason: DisconnectReason, cx: &mut Context<'_>);

    /// Goes on with what is under way and does what is due. Ready when nothing is left to do.
    fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()>;

    /// When [`poll`](Self::poll) has something to do even without an event.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Whether it takes messages now.
    fn is_ready(&self) -> bool;
}

/// Runs a session: events, then handlers, then timers. It is part of a task, never one itself.
///
/// It is finished once the session is closed and its handlers have run to their end.
pub(crate) struct Driver {
    session: Arc<Session>,
    runner: Box<dyn Runner>,
    begun: bool,
    closed: bool,
}

impl Driver {
    pub(super) fn new(session: Arc<Session>, runner: Box<dyn Runner>) -> Self {
        Self { session, runner, begun: false, closed: false }
    }

    /// Dispatches what came.
    pub(super) fn handle_events(&mut self, now: Instant, cx: &mut Context<'_>) {
        if !self.begun {
            self.begun = true;
            // What the application does about a new client comes before the client's first message.
            let _ = self.runner.poll(now, cx);
        }
        while !self.closed {
            let (event, has_more) = self.session.poll_event(self.runner.is_ready());
            match event {
                Some(Event::Message(message)) => self.runner.handle_message(now, message, cx),
                Some(Event::Closed(reason)) => {
                    self.closed = true;
                    self.runner.handle_close(now, reason, cx);
                }
                None => return,
            }
            if !has_more {
                return;
            }
        }
    }

    /// Goes on with everything.
    pub(super) fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.session.handle_timeout(now);
        self.handle_events(now, cx);
        let handlers = self.runner.poll(now, cx);
        if !self.closed || self.session.read(|connection| connection.awaits_get()) {
            return Poll::Pending;
        }
        // Its handlers may run on for long, and its sockets may be waited for.
        self.session.host().engine().forget(self.session.id());
        handlers
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The deadline to sleep to: the next of the session and its application, or another that is
    /// earlier.
    pub(super) fn arm(&self, other: Option<Instant>) -> Option<Instant> {
        self.session.arm(earlier(self.runner.poll_timeout(), other))
    }

    pub(super) fn is_ready(&self) -> bool {
        self.runner.is_ready()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.session.with(|connection| connection.abort(DisconnectReason::TransportClose));
        let engine = self.session.host().engine();
        engine.forget(self.session.id());
        engine.finish();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Drives a session that began by polling, until a websocket's task takes it over or it ends.
///
/// Spawn it: while the client is between two polls, nothing else runs for the session. Dropping it
/// ends the session.
#[must_use = "a session lives only while its driver runs"]
pub struct PollingDriver {
    session: Arc<Session>,
    driver: Option<Driver>,
    timer: Timer,
}

impl PollingDriver {
    pub(crate) fn new(driver: Driver) -> Self {
        let session = Arc::clone(&driver.session);
        Self { session, driver: Some(driver), timer: Timer::default() }
    }
}

impl Future for PollingDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let Some(mut driver) = this.driver.take() else {
                return Poll::Ready(());
            };
            this.session.start_driver();
            let now = this.session.now();
            if driver.poll(now, cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(driver) = this.session.hand_over(driver) else {
                return Poll::Ready(());
            };
            let driver = this.driver.insert(driver);
            if this.session.poll_driver(cx, !driver.is_ready()).is_ready() {
                continue;
            }
            let deadline = driver.arm(None);
            if this.timer.poll(|| this.session.clock(), deadline, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl fmt::Debug for PollingDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollingDriver").field("session", &self.session).finish_non_exhaustive()
    }
}
