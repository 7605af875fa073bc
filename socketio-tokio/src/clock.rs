use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use socketio_core::{Clock, Sleep};
use tokio::time;

/// The time of the tokio runtime, which its tests can pause.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(TokioSleep(time::sleep_until(deadline.into())))
    }
}

#[pin_project::pin_project]
struct TokioSleep(#[pin] time::Sleep);

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().0.poll(cx)
    }
}

impl Sleep for TokioSleep {
    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().0.reset(deadline.into());
    }
}
