use std::{
    sync::{Mutex, PoisonError},
    task::{Poll, Waker},
};

/// Closed until it is opened, once.
#[derive(Debug)]
pub(super) struct Latch(Mutex<State>);

#[derive(Debug)]
enum State {
    Closed { waiting: Vec<Waker> },
    Open,
}

impl Latch {
    pub(super) fn closed() -> Self {
        Self(Mutex::new(State::Closed { waiting: Vec::new() }))
    }

    pub(super) fn open(&self) {
        let state = std::mem::replace(&mut *self.lock(), State::Open);
        if let State::Closed { waiting } = state {
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Resolves when it is open.
    pub(super) async fn opened(&self) {
        std::future::poll_fn(|cx| match &mut *self.lock() {
            State::Open => Poll::Ready(()),
            State::Closed { waiting } => {
                if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
        })
        .await;
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(&*self.lock(), State::Open)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
