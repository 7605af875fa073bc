use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::{Sink, Stream};

use crate::{server::WebSocketError, wire::Frame};

/// Both ends of a websocket in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    to_server: VecDeque<Result<Frame, WebSocketError>>,
    to_client: VecDeque<Frame>,
    /// The client closed the connection.
    is_cut: bool,
    /// The server's end was dropped.
    is_done: bool,
    /// The client takes nothing more.
    is_stuck: bool,
    waker: Option<Waker>,
}

impl Wire {
    pub(super) fn send(&self, item: Result<Frame, WebSocketError>) {
        self.change(|state| state.to_server.push_back(item));
    }

    pub(super) fn receive(&self) -> Option<Frame> {
        self.lock().to_client.pop_front()
    }

    pub(super) fn cut(&self) {
        self.change(|state| state.is_cut = true);
    }

    pub(super) fn set_stuck(&self, is_stuck: bool) {
        self.change(|state| state.is_stuck = is_stuck);
    }

    pub(super) fn is_done(&self) -> bool {
        self.lock().is_done
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server's end.
#[derive(Debug)]
pub(super) struct ServerEnd(pub(super) Wire);

impl ServerEnd {
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let mut state = self.0.lock();
        if state.is_cut {
            return Poll::Ready(Err(WebSocketError::Io));
        }
        if state.is_stuck {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for ServerEnd {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock();
        match state.to_server.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if state.is_cut => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Sink<Frame> for ServerEnd {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_writable(cx)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), WebSocketError> {
        self.0.lock().to_client.push_back(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_writable(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_writable(cx)
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.0.lock().is_done = true;
    }
}
