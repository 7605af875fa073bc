use std::{
    collections::BTreeMap,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::clock::{self, Clock, Sleep};

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Instant,
    next_id: u64,
    /// The timers that are waited for.
    timers: BTreeMap<u64, (Instant, Waker)>,
}

impl Default for TestClock {
    fn default() -> Self {
        let state = State { now: clock::now(), next_id: 0, timers: BTreeMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl TestClock {
    /// Moves to the next deadline that is waited for, if there is one up to `limit` from the given
    /// time on. Tells whether it moved.
    pub(super) fn jump(&self, limit: Instant) -> bool {
        let mut state = self.lock();
        let Some(next) = state.timers.values().map(|(deadline, _)| *deadline).min() else {
            return false;
        };
        if next > limit {
            return false;
        }
        state.now = state.now.max(next);
        let due = state.take_due();
        drop(state);
        due.into_iter().for_each(Waker::wake);
        true
    }

    /// Moves by a duration. Timers that are due are woken, but all at this one time; see
    /// [`TestServer::advance`](super::TestServer::advance) for one after the other.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.lock();
        state.now += duration;
        let due = state.take_due();
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Wakes nobody for this timer any more. A waker may hold the last of a server, which asks for
    /// the time at its end: it is let go when the lock is.
    fn forget(&self, id: u64) {
        let timer = self.lock().timers.remove(&id);
        drop(timer);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_due(&mut self) -> Vec<Waker> {
        let now = self.now;
        let timers = mem::take(&mut self.timers).into_iter();
        let (due, rest) = timers.partition(|(_, (deadline, _))| *deadline <= now);
        self.timers = rest;
        BTreeMap::into_values(due).map(|(_, waker)| waker).collect()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let id = {
            let mut state = self.lock();
            state.next_id += 1;
            state.next_id
        };
        Box::pin(TestSleep { clock: self.clone(), id, deadline })
    }
}

struct TestSleep {
    clock: TestClock,
    id: u64,
    deadline: Instant,
}

impl Future for TestSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if self.deadline <= state.now {
            return Poll::Ready(());
        }
        let former = state.timers.insert(self.id, (self.deadline, cx.waker().clone()));
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Sleep for TestSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.clock.forget(self.id);
        self.deadline = deadline;
    }
}

impl Drop for TestSleep {
    fn drop(&mut self) {
        self.clock.forget(self.id);
    }
}
