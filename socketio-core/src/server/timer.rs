use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use crate::clock::{Clock, Sleep};

/// One timer, set again only when the deadline comes earlier or has passed.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<dyn Sleep>>>,
    set_to: Option<Instant>,
}

impl Timer {
    /// Has the task woken at `deadline`. Ready if that has passed already.
    pub(super) fn poll<'a>(
        &mut self,
        clock: impl FnOnce() -> &'a Arc<dyn Clock>,
        deadline: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        let clock = clock();
        let sleep = match (&mut self.sleep, self.set_to) {
            (Some(sleep), Some(set_to)) if set_to <= deadline => sleep,
            (Some(sleep), _) => {
                sleep.as_mut().reset(deadline);
                self.set_to = Some(deadline);
                sleep
            }
            (None, _) => {
                self.set_to = Some(deadline);
                self.sleep.insert(clock.sleep_until(deadline))
            }
        };
        while sleep.as_mut().poll(cx).is_ready() {
            if deadline <= clock.now() {
                self.set_to = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
            self.set_to = Some(deadline);
        }
        Poll::Pending
    }
}
