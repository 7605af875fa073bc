//! What the tests share: requests, websockets that do what a test tells them, handlers that wait.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::{FutureExt, Sink, Stream};
use http::{HeaderValue, header, request::Parts};
use socketio_core::{Accept, Endpoint, Frame, Upgrade, WebSocketError};

/// What the server may ask in vain of a websocket that is stalled. More often, it spins.
const PATIENCE: usize = 1000;

/// The head of a GET, of a new session or of the one with this id.
pub(crate) fn head(endpoint: &Endpoint, transport: &str, sid: Option<&str>) -> Parts {
    let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
    let uri = format!("{}/?EIO=4&transport={transport}{sid}", endpoint.path());
    let (head, ()) = http::Request::get(uri).body(()).expect("a request").into_parts();
    head
}

/// What the server makes of a request, at once.
pub(crate) fn accept(endpoint: &Endpoint, head: &Parts) -> Accept {
    endpoint.accept(head).now_or_never().expect("nothing to wait for")
}

/// A websocket of a new session, or of the polling session with this id, that is yet to be served.
pub(crate) fn upgrade(endpoint: &Endpoint, sid: Option<&str>) -> Upgrade {
    let mut head = head(endpoint, "websocket", sid);
    for (name, value) in [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    match accept(endpoint, &head) {
        Accept::Upgrade(upgrade) => upgrade,
        other => panic!("no websocket: {other:?}"),
    }
}

/// Something that handlers wait for until the test lets them go on.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    /// Lets them all go on.
    pub(crate) fn open(&self) {
        let mut gate = self.0.lock().expect("no panic");
        gate.0 = true;
        gate.1.drain(..).for_each(Waker::wake);
    }

    /// Waits for that.
    pub(crate) async fn passed(&self) {
        std::future::poll_fn(|cx| {
            let mut gate = self.0.lock().expect("no panic");
            if gate.0 {
                return std::task::Poll::Ready(());
            }
            gate.1.push(cx.waker().clone());
            std::task::Poll::Pending
        })
        .await;
    }
}

/// What handlers did, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Notes something.
    pub(crate) fn add(&self, entry: impl Into<String>) {
        self.0.lock().expect("no panic").push(entry.into());
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// A handler that notes this.
    pub(crate) fn note(&self, entry: &'static str) -> impl Fn() + Send + Sync + 'static {
        let log = self.clone();
        move || log.add(entry)
    }
}

/// Both ends of a websocket whose client takes everything, or just the frames it is allowed.
#[derive(Clone, Default)]
pub(crate) struct WebSocket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    to_server: VecDeque<Frame>,
    /// The client's close frame was read: no other follows.
    is_over: bool,
    /// How often the server looked for a frame.
    reads: usize,
    /// Frames that the client took.
    taken: usize,
    /// Frames that it takes further, never flushing them. `None` is no bound, and flushes.
    credit: Option<usize>,
    /// How often the server asked in vain since the test last did something.
    refusals: usize,
    on_next_frame: Option<Box<dyn FnOnce() + Send>>,
    waker: Option<Waker>,
}

impl WebSocket {
    /// Sends a text frame to the server.
    pub(crate) fn send_text(&self, text: &str) {
        self.send(Frame::Text(text.into()));
    }

    /// Sends a frame to the server.
    pub(crate) fn send(&self, frame: Frame) {
        self.change(|state| state.to_server.push_back(frame));
    }

    /// From now on takes only what [`take`](Self::take) allows, and flushes nothing.
    pub(crate) fn stall(&self) {
        self.change(|state| state.credit = Some(0));
    }

    /// Takes so many frames more, once it is stalled.
    pub(crate) fn take(&self, frames: usize) {
        self.change(|state| state.credit = state.credit.map(|credit| credit + frames));
    }

    /// Frames that the client took.
    pub(crate) fn taken(&self) -> usize {
        self.lock().taken
    }

    /// How often the server looked for a frame.
    pub(crate) fn reads(&self) -> usize {
        self.lock().reads
    }

    /// Runs something in the midst of the server's writing the next frame.
    pub(crate) fn on_next_frame(&self, hook: impl FnOnce() + Send + 'static) {
        self.change(|state| state.on_next_frame = Some(Box::new(hook)));
    }

    /// Whether the server has dropped its end, as long as the test has one handle.
    pub(crate) fn is_let_go(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.refusals = 0;
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

impl State {
    fn refuse<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        self.refusals += 1;
        assert!(self.refusals < PATIENCE, "the server spins");
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Stream for WebSocket {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.lock();
        state.reads += 1;
        match state.to_server.pop_front() {
            Some(frame) => {
                state.is_over = matches!(frame, Frame::Close(_));
                Poll::Ready(Some(Ok(frame)))
            }
            None if state.is_over => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Sink<Frame> for WebSocket {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let mut state = self.lock();
        if state.credit == Some(0) { state.refuse(cx) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(self: Pin<&mut Self>, _: Frame) -> Result<(), WebSocketError> {
        let mut state = self.lock();
        state.taken += 1;
        state.credit = state
            .credit
            .map(|credit| credit.checked_sub(1).expect("the server asks before it sends"));
        let hook = state.on_next_frame.take();
        drop(state);
        if let Some(hook) = hook {
            hook();
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        let mut state = self.lock();
        if state.credit.is_some() { state.refuse(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_flush(cx)
    }
}

/// Numbers that look random, the same for each seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}
