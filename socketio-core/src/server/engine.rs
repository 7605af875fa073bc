use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
    time::Instant,
};

use rustc_hash::FxHashMap;

use super::{
    cluster::ClusterHandle,
    driver::{Driver, Runner},
    handshake::Handshake,
    session::Session,
    shrink::Shrink,
};
use crate::{
    clock::Clock,
    config::{Config, Options},
    id::SessionId,
    proto::engine::{Connection, Settings, Transport},
    wire::{Codec, Encoded, Framing},
};

/// What runs on Engine.IO sessions: Socket.IO, or a bare [`EngineIo`](super::EngineIo).
pub(crate) trait Host: Send + Sync + 'static {
    fn engine(&self) -> &Engine;

    /// Whether the text of all its messages is JSON.
    fn speaks_json(&self) -> bool;

    /// Begins the application on a new session.
    fn open(self: Arc<Self>, session: &Arc<Session>) -> Box<dyn Runner>;
}

impl fmt::Debug for dyn Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine().fmt(f)
    }
}

/// The sessions of a server, its options and its clock. They belong to the server, not to a mount.
#[derive(Debug)]
pub(crate) struct Engine {
    options: Options,
    settings: Arc<Settings>,
    clock: EngineClock,
    cluster: Option<Arc<ClusterHandle>>,
    sessions: Mutex<Sessions>,
    closing: AtomicBool,
}

/// The clock of a server, once a mount has brought one. Clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct EngineClock(Arc<OnceLock<Arc<dyn Clock>>>);

impl EngineClock {
    fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        Self(Arc::new(clock.map_or_else(OnceLock::new, OnceLock::from)))
    }

    /// The present. Before the first mount there is none.
    pub(super) fn now(&self) -> Option<Instant> {
        self.0.get().map(|clock| clock.now())
    }
}

#[derive(Debug, Default)]
struct Sessions {
    open: FxHashMap<SessionId, Arc<Session>>,
    /// Drivers that are not finished, of sessions that are open or have ended.
    drivers: usize,
    /// Who waits for the last of them.
    idle: Vec<Waker>,
}

impl Engine {
    pub(super) fn new(mut options: Options) -> Self {
        let cluster = options.adapter.take();
        Self {
            cluster: cluster.map(|adapter| ClusterHandle::new(adapter, &options.config)),
            settings: Arc::new(options.config.engine()),
            clock: EngineClock::new(options.clock.take()),
            options,
            sessions: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn config(&self) -> &Config {
        &self.options.config
    }

    /// How packets are written, on top of Engine.IO.
    pub(super) fn codec(&self) -> &Codec {
        &self.options.codec
    }

    /// The other nodes, where there may be some.
    pub(super) fn cluster(&self) -> Option<&Arc<ClusterHandle>> {
        self.cluster.as_ref()
    }

    /// Sets the clock, unless there is one already.
    pub(crate) fn use_clock(&self, clock: Arc<dyn Clock>) {
        // The first mount decides; the clocks of further mounts tell the same time.
        let _ = self.clock.0.set(clock);
    }

    /// The clock, to share before there is one.
    pub(super) fn shared_clock(&self) -> EngineClock {
        self.clock.clone()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.clock.0.get().expect("sessions begin through a mount, and mounts bring a clock")
    }

    /// Begins a session.
    pub(crate) fn open(
        &self,
        host: &Arc<dyn Host>,
        framing: Framing,
        transport: Transport,
        handshake: Handshake,
    ) -> Driver {
        let id = SessionId::random();
        let settings = Arc::clone(&self.settings);
        let packet = Encoded::packet(self.open_packet(&id, transport));
        let framing = Framing { is_json: host.speaks_json(), ..framing };
        let now = self.clock().now();
        let mut connection = Connection::new(now, settings, framing, transport, packet);
        if let Some(message) = self.config().initial_packet.clone() {
            connection.send_control(message.into());
        }
        let session = Session::new(id, Arc::clone(host), handshake, connection);
        let runner = Arc::clone(host).open(&session);
        let mut sessions = self.lock();
        sessions.open.insert(id, Arc::clone(&session));
        sessions.drivers += 1;
        drop(sessions);
        if self.is_closing() {
            session.with_now(|connection, now| connection.close(now));
        }
        Driver::new(session, runner)
    }

    /// Finds the session that a client names.
    pub(crate) fn session(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().open.get(&SessionId::parse(id)?).cloned()
    }

    /// The session has ended.
    pub(super) fn forget(&self, id: &SessionId) {
        let mut sessions = self.lock();
        sessions.open.remove(id);
        sessions.open.shrink();
    }

    /// The driver of a session has finished.
    pub(super) fn finish(&self) {
        let mut sessions = self.lock();
        sessions.drivers -= 1;
        if sessions.drivers == 0 {
            let idle = std::mem::take(&mut sessions.idle);
            drop(sessions);
            idle.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().open.values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().open.len()
    }

    /// Whether there are as many sessions as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.config().max_sessions.is_some_and(|max| self.len() >= max)
    }

    /// Refuses new sessions from now on.
    pub(crate) fn start_closing(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Resolves when the last driver has finished.
    pub(crate) async fn closed(&self) {
        std::future::poll_fn(|cx| {
            let mut sessions = self.lock();
            if sessions.drivers == 0 {
                return Poll::Ready(());
            }
            if !sessions.idle.iter().any(|waker| waker.will_wake(cx.waker())) {
                sessions.idle.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// The OPEN packet, its keys in the order that Node has.
    fn open_packet(&self, id: &SessionId, transport: Transport) -> String {
        let can_upgrade = transport == Transport::Polling
            && self.config().allow_upgrades
            && self.config().transports.contains(&Transport::WebSocket);
        let upgrades = if can_upgrade { "[\"websocket\"]" } else { "[]" };
        format!(
            r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            id.as_str(),
            self.config().ping_interval.as_millis(),
            self.config().ping_timeout.as_millis(),
            self.config().max_payload,
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
