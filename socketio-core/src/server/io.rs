use std::{
    any::Any,
    collections::HashMap,
    fmt,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytestring::ByteString;
use http::Extensions;

use super::{
    client::ClientRunner,
    driver::Runner,
    engine::{Engine, Host},
    handler::panicked,
    namespace::Namespace,
    rooms::Retired,
    session::Session,
    socket::Socket,
};
use crate::{
    config::{Builder, Options},
    error::ErrorReport,
    id::SessionId,
    proto::{DisconnectReason, after, client},
    wire::packet::ROOT,
};

/// A Socket.IO server. A cheap handle: clones are the same server, and so is every mount of it.
///
/// It stands for the namespace `/`, whose methods it has; [`of`](Self::of) gives the others. Handlers
/// that need it take it as an argument: one that captured a clone would keep the server alive for
/// ever.
///
/// ```
/// use socketio_core::{Data, Socket, SocketIo};
///
/// let io = SocketIo::new();
/// io.on("message", async |socket: Socket, Data(text): Data<String>| {
///     socket.broadcast().emit("message", &text)
/// });
/// io.of("/news").on_connect(async |socket: Socket| socket.emit("welcome", "hello"));
/// ```
#[derive(Clone)]
pub struct SocketIo(pub(super) Arc<Server>);

pub(super) struct Server {
    engine: Engine,
    client: Arc<client::Settings>,
    root: Namespace,
    /// The names of dynamic ones come from clients, so the hasher is one that resists collisions.
    namespaces: RwLock<HashMap<ByteString, Namespace>>,
    dynamic: RwLock<Vec<Arc<Dynamic>>>,
    state: RwLock<Extensions>,
    error_hook: RwLock<Arc<ErrorHook>>,
}

struct Dynamic {
    matches: Box<dyn Fn(&str) -> bool + Send + Sync>,
    set_up: Box<dyn Fn(&Namespace) + Send + Sync>,
}

type ErrorHook = dyn Fn(&ErrorReport) + Send + Sync;

impl SocketIo {
    /// A server with the default options.
    pub fn new() -> Self {
        Self::builder().build().expect("the default options are valid")
    }

    /// Begins with the default options and the path `/socket.io`.
    pub fn builder() -> Builder {
        Builder::new("/socket.io")
    }

    pub(crate) fn with_options(options: Options) -> Self {
        let client = Arc::new(options.config.client(options.codec.clone()));
        let engine = Engine::new(options);
        let root = Namespace::new(ROOT, false, &engine);
        Self(Arc::new(Server {
            client,
            engine,
            namespaces: RwLock::new(HashMap::from([(ROOT, root.clone())])),
            root,
            dynamic: RwLock::default(),
            state: RwLock::default(),
            error_hook: RwLock::new(Arc::new(log)),
        }))
    }

    /// The namespace of this name, which is made if there is none. A `/` in front may be left out.
    pub fn of(&self, name: &str) -> Namespace {
        let name = match name.strip_prefix('/') {
            Some(_) => ByteString::from(name),
            None => format!("/{name}").into(),
        };
        let mut namespaces = write(&self.0.namespaces);
        let new = || Namespace::new(name.clone(), false, &self.0.engine);
        namespaces.entry(name.clone()).or_insert_with(new).clone()
    }

    /// Makes namespaces on demand: those that do not exist but whose name is accepted. `set_up`
    /// registers the handlers of each.
    ///
    /// Accept only names that mean something: each one that a client thinks up takes memory. See
    /// [`cleanup_empty_namespaces`](Builder::cleanup_empty_namespaces).
    ///
    /// ```
    /// # use socketio_core::{Socket, SocketIo};
    /// # let io = SocketIo::new();
    /// io.of_dynamic(
    ///     |name| name.strip_prefix("/tenant-").is_some_and(|id| id.parse::<u32>().is_ok()),
    ///     |tenant| {
    ///         tenant.on("ping", |socket: Socket| socket.emit("pong", &()));
    ///     },
    /// );
    /// ```
    pub fn of_dynamic(
        &self,
        accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
        set_up: impl Fn(&Namespace) + Send + Sync + 'static,
    ) {
        let dynamic = Dynamic { matches: Box::new(accepts), set_up: Box::new(set_up) };
        write(&self.0.dynamic).push(Arc::new(dynamic));
    }

    /// Keeps a value for handlers to take as [`State<T>`](crate::State). One of each type.
    pub fn insert_state<T: Clone + Send + Sync + 'static>(&self, state: T) {
        write(&self.0.state).insert(state);
    }

    /// Sets what is called for every error of a handler and every violation of the protocol; that a
    /// connect is refused is no error. The default logs them with `tracing`: what
    /// [a client is to blame for](crate::Failure::is_clients) as debug messages, the rest as
    /// errors.
    pub fn on_error(&self, hook: impl Fn(&ErrorReport) + Send + Sync + 'static) {
        *write(&self.0.error_hook) = Arc::new(hook);
    }

    /// Clients that are connected, whatever namespaces they are in. Node: `engine.clientsCount`.
    pub fn clients_count(&self) -> usize {
        self.0.engine.len()
    }

    /// Closes the server: refuses new clients, ends all sockets with `server shutting down`, sends
    /// what is queued, closes the connections, and waits until all disconnect handlers are
    /// through. What the server is mounted in goes on.
    pub async fn close(&self) {
        self.close_over(Duration::ZERO).await;
    }

    /// As [`close`](Self::close), but ends the clients one after the other over a duration, so that
    /// they do not all come back at once to the servers that stay. Until its turn a client notices
    /// nothing, but for namespaces that it joins no more.
    pub async fn close_over(&self, duration: Duration) {
        let engine = &self.0.engine;
        engine.start_closing();
        let namespaces: Vec<_> = read(&self.0.namespaces).values().cloned().collect();
        namespaces.iter().for_each(Namespace::end_recovery);
        let mut sockets: HashMap<SessionId, Vec<Socket>> = HashMap::new();
        for namespace in namespaces {
            for socket in namespace.rooms().sockets() {
                sockets.entry(*socket.client().session().id()).or_default().push(socket);
            }
        }
        let sessions = engine.sessions();
        let pause = duration / u32::try_from(sessions.len().max(1)).unwrap_or(u32::MAX);
        for session in sessions {
            for socket in sockets.remove(session.id()).unwrap_or_default() {
                if socket.shut(DisconnectReason::ServerShuttingDown) {
                    socket.client().leave(socket.namespace().name());
                }
            }
            session.with_now(|connection, now| connection.close(now));
            if !pause.is_zero() {
                let clock = engine.clock();
                clock.sleep_until(after(clock.now(), pause)).await;
            }
        }
        engine.closed().await;
    }

    pub(crate) fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.0) as Arc<dyn Host>
    }

    pub(super) fn state<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        read(&self.0.state).get().cloned()
    }

    /// Whether who comes back need not pass the middlewares again.
    pub(super) fn skips_middlewares(&self) -> bool {
        self.0.engine.config().recovery.is_some_and(|recovery| recovery.skip_middlewares)
    }

    pub(super) fn outgoing_bytes(&self) -> usize {
        self.0.engine.config().limits.outgoing_bytes
    }

    /// Removes a dynamic namespace that nobody is in, if that is wanted.
    pub(super) fn clean_up(&self, namespace: &Namespace) {
        if !namespace.0.is_dynamic || !self.0.engine.config().cleanup_empty_namespaces {
            return;
        }
        let mut namespaces = write(&self.0.namespaces);
        if namespace.rooms().retire() {
            namespaces.remove(namespace.name());
        }
    }
}

impl Default for SocketIo {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for SocketIo {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.0.root
    }
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketIo").field(&self.0.engine).finish()
    }
}

impl Server {
    pub(super) fn client_settings(&self) -> &Arc<client::Settings> {
        &self.client
    }

    /// Finds a namespace, or makes it if one of the dynamic ones accepts the name, and enters it:
    /// `enter` is called again if the namespace was removed in between.
    pub(super) fn enter<T>(
        &self,
        name: &ByteString,
        mut enter: impl FnMut(&Namespace) -> Result<T, Retired>,
    ) -> Option<T> {
        loop {
            let namespace = self.find(name)?;
            if let Ok(entered) = enter(&namespace) {
                return Some(entered);
            }
        }
    }

    fn find(&self, name: &ByteString) -> Option<Namespace> {
        if let Some(namespace) = read(&self.namespaces).get(name) {
            return Some(namespace.clone());
        }
        // Its own copy of the name: a slice would keep the whole frame.
        let own: ByteString = name.to_string().into();
        let candidates = read(&self.dynamic).clone();
        let make = || {
            let dynamic = candidates.iter().find(|dynamic| (dynamic.matches)(name))?;
            let namespace = Namespace::new(own.clone(), true, &self.engine);
            (dynamic.set_up)(&namespace);
            Some(namespace)
        };
        let namespace = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(namespace) => namespace?,
            Err(panic) => {
                let namespace = Some(own);
                let failure = panicked(&*panic);
                self.report(ErrorReport { namespace, socket: None, event: None, failure });
                return None;
            }
        };
        // Another client may have been first; then its namespace is the one.
        Some(write(&self.namespaces).entry(own).or_insert(namespace).clone())
    }

    pub(super) fn report(&self, report: ErrorReport) {
        let hook = Arc::clone(&read(&self.error_hook));
        if catch_unwind(AssertUnwindSafe(|| hook(&report))).is_err() {
            tracing::error!("the error hook panicked over: {report}");
        }
    }
}

impl Host for Server {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn open(self: Arc<Self>, session: &Arc<Session>) -> Box<dyn Runner> {
        Box::new(ClientRunner::new(self, session))
    }
}

fn log(report: &ErrorReport) {
    match report.failure.is_clients() {
        true => tracing::debug!("{report}"),
        false => tracing::error!("{report}"),
    }
}

fn read<T: ?Sized>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T: ?Sized>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_namespace_is_made_once_under_race() {
        for _ in 0..50 {
            let io = SocketIo::new();
            io.of_dynamic(|_| true, |_| {});
            let name = ByteString::from_static("/tenant");
            let find = || io.0.enter(&name, |namespace| Ok(namespace.clone()));
            let found: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(find)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            let first = found[0].as_ref().expect("a namespace");
            let is_first = |other: &Namespace| Arc::ptr_eq(&other.0, &first.0);
            assert!(found.iter().flatten().all(is_first));
        }
    }
}
