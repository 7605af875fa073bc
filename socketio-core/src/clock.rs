//! Time as the core sees it: the one place that reads a clock.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Instant, SystemTime},
};

/// Where the server gets the time from, and what wakes it. Each adapter brings one.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Instant {
        now()
    }

    /// The present as people count it.
    fn time(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Makes a timer that resolves at `deadline`, or a little later.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>>;
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A timer that can be set anew. A session has one.
///
/// Its resolving is only a hint: who waits looks at the clock.
pub trait Sleep: Future<Output = ()> + Send {
    /// Moves the deadline.
    fn reset(self: Pin<&mut Self>, deadline: Instant);
}
