use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{
    driver::Runner,
    engine::{Engine, Host},
    handshake::Handshake,
    session::Session,
};
use crate::{
    config::{Builder, Options},
    error::EmitError,
    proto::{DisconnectReason, engine::Transport},
    wire::Message,
};

/// Messages that wait for the handler before the client is no longer read.
const INBOX: usize = 64;

/// A bare Engine.IO server: a WebSocket that works in every network, without namespaces and events.
///
/// ```
/// use socketio_core::{EngineIo, EngineSocket};
///
/// let engine = EngineIo::builder().build_engine(|mut socket: EngineSocket| async move {
///     while let Some(message) = socket.recv().await {
///         if socket.send(message).is_err() {
///             break;
///         }
///     }
/// })?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
///
/// Mount it as a [`SocketIo`](crate::SocketIo). A session ends when its handler returns.
#[derive(Clone)]
pub struct EngineIo(Arc<Inner>);

struct Inner {
    engine: Engine,
    handler: Handler,
}

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
type Handler = Box<dyn Fn(EngineSocket) -> BoxFuture + Send + Sync>;

impl EngineIo {
    /// Begins with the default options and the path `/engine.io`.
    pub fn builder() -> Builder {
        Builder::new("/engine.io")
    }

    pub(crate) fn with_options<F, Fut>(options: Options, handler: F) -> Self
    where
        F: Fn(EngineSocket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler: Handler = Box::new(move |socket| Box::pin(handler(socket)));
        Self(Arc::new(Inner { engine: Engine::new(options), handler }))
    }

    /// Clients that are connected.
    pub fn clients_count(&self) -> usize {
        self.0.engine.len()
    }

    /// Closes every session, refuses new ones, and waits for the handlers to finish.
    pub async fn close(&self) {
        self.0.engine.start_closing();
        for session in self.0.engine.sessions() {
            session.with_now(|connection, now| connection.close(now));
        }
        self.0.engine.closed().await;
    }

    pub(crate) fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.0) as Arc<dyn Host>
    }
}

impl fmt::Debug for EngineIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineIo").field(&self.0.engine).finish()
    }
}

impl Host for Inner {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn speaks_json(&self) -> bool {
        false
    }

    fn open(self: Arc<Self>, session: &Arc<Session>) -> Box<dyn Runner> {
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let socket = EngineSocket { session: Arc::clone(session), inbox: Arc::clone(&inbox) };
        let future = (self.handler)(socket);
        Box::new(EngineRunner { session: Arc::clone(session), inbox, future: Some(future) })
    }
}

/// One Engine.IO session in the hands of its handler. Dropping it closes the session.
#[derive(Debug)]
pub struct EngineSocket {
    session: Arc<Session>,
    inbox: Arc<Mutex<Inbox>>,
}

#[derive(Debug, Default)]
struct Inbox {
    messages: VecDeque<Message>,
    closed: Option<DisconnectReason>,
    waker: Option<Waker>,
}

impl EngineSocket {
    /// The next message. `None` once the session has ended.
    pub async fn recv(&mut self) -> Option<Message> {
        std::future::poll_fn(|cx| {
            let mut inbox = lock(&self.inbox);
            match inbox.messages.pop_front() {
                Some(message) => {
                    let was_full = inbox.messages.len() == INBOX - 1;
                    drop(inbox);
                    if was_full {
                        self.session.wake_driver();
                    }
                    Poll::Ready(Some(message))
                }
                None if inbox.closed.is_some() => Poll::Ready(None),
                None => {
                    inbox.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Queues a message.
    ///
    /// # Errors
    /// The session has ended, or the client is too slow and was closed.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        Ok(self.session.send(message.into().into())?)
    }

    /// Resolves when the outgoing queue is short enough to take more.
    pub async fn ready(&self) {
        std::future::poll_fn(|cx| self.session.poll_ready(cx)).await;
    }

    /// Ends the session once the client has what is queued.
    pub fn close(&self) {
        self.session.with_now(|connection, now| connection.close(now));
    }

    /// Why the session ended, if it has.
    pub fn close_reason(&self) -> Option<DisconnectReason> {
        lock(&self.inbox).closed
    }

    /// The revision of the protocol that the client speaks: 4, or 3 for an old one.
    pub fn protocol(&self) -> u8 {
        self.session.revision().number()
    }

    /// The transport now in use.
    pub fn transport(&self) -> Transport {
        self.session.read(|connection| connection.transport())
    }

    /// The first request.
    pub fn handshake(&self) -> &Handshake {
        self.session.handshake()
    }
}

impl Drop for EngineSocket {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

struct EngineRunner {
    session: Arc<Session>,
    inbox: Arc<Mutex<Inbox>>,
    future: Option<BoxFuture>,
}

impl EngineRunner {
    /// Changes the inbox and wakes who waits for it, unless that is this task, which runs anyway.
    fn change_inbox(&self, cx: &Context<'_>, change: impl FnOnce(&mut Inbox)) {
        let mut inbox = lock(&self.inbox);
        change(&mut inbox);
        let waker = inbox.waker.take_if(|waker| !waker.will_wake(cx.waker()));
        drop(inbox);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Runner for EngineRunner {
    fn handle_message(&mut self, _: Instant, message: Message, cx: &mut Context<'_>) {
        self.change_inbox(cx, |inbox| inbox.messages.push_back(message));
    }

    fn handle_close(&mut self, _: Instant, reason: DisconnectReason, cx: &mut Context<'_>) {
        self.change_inbox(cx, |inbox| inbox.closed = Some(reason));
    }

    fn poll(&mut self, _: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(());
        };
        let poll = std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx));
        match std::panic::catch_unwind(poll) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => {}
            Err(_) => tracing::error!("an Engine.IO handler panicked"),
        }
        self.future = None;
        self.session.with_now(|connection, now| connection.close(now));
        Poll::Ready(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn is_ready(&self) -> bool {
        lock(&self.inbox).messages.len() < INBOX
    }
}
