//! What takes the place of network and runtime: connections in memory, tasks that are polled by
//! hand, a clock that stands. All of it costs as little as it can.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Instant,
};

use futures_util::{Sink, Stream};
use socketio_core::{Clock, Frame, Sleep, WebSocketError};

/// A future that is polled when it was woken, which may be by another thread.
pub struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    is_awake: Arc<Flag>,
    waker: Waker,
    is_done: bool,
}

#[derive(Debug)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Task {
    /// A task that has not run yet.
    pub fn new(future: impl Future<Output = ()> + 'static) -> Self {
        let is_awake = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&is_awake));
        Self { future: Box::pin(future), is_awake, waker, is_done: false }
    }

    /// Runs until it waits.
    pub fn run(&mut self) {
        while !self.is_done && self.is_awake.0.swap(false, Ordering::Acquire) {
            let mut cx = Context::from_waker(&self.waker);
            self.is_done = self.future.as_mut().poll(&mut cx).is_ready();
        }
    }

    /// Whether the future has come to its end.
    pub fn is_done(&self) -> bool {
        self.is_done
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("is_done", &self.is_done).finish_non_exhaustive()
    }
}

/// A websocket in memory. Clones are the same: one is the server's end, one the client's.
#[derive(Clone, Debug, Default)]
pub struct Wire(Rc<Ends>);

#[derive(Debug, Default)]
struct Ends {
    to_server: RefCell<VecDeque<Frame>>,
    to_client: RefCell<VecDeque<Frame>>,
    is_cut: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Wire {
    /// The client sends.
    pub fn send(&self, frame: Frame) {
        self.0.to_server.borrow_mut().push_back(frame);
        self.wake();
    }

    /// The client takes what has come.
    pub fn receive(&self) -> Option<Frame> {
        self.0.to_client.borrow_mut().pop_front()
    }

    /// The client closes the connection.
    pub fn cut(&self) {
        self.0.is_cut.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

impl Stream for Wire {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.to_server.borrow_mut().pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.0.is_cut.get() => Poll::Ready(None),
            None => {
                self.0.waker.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Sink<Frame> for Wire {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), WebSocketError> {
        self.0.to_client.borrow_mut().push_back(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        Poll::Ready(Ok(()))
    }
}

/// A clock that stands.
#[derive(Debug)]
pub struct Standing(Instant);

impl Standing {
    /// A clock that tells the time of this call for ever.
    #[expect(clippy::disallowed_methods, reason = "read once, and never again")]
    pub fn now() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Standing {
    fn now(&self) -> Instant {
        self.0
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Forever)
    }
}

struct Forever;

impl Future for Forever {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Forever {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}
