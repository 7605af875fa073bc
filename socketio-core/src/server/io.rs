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
    cluster::ClusterHandle,
    driver::Runner,
    dynamic::{Dynamic, DynamicNamespace, NamespaceMatcher},
    engine::{Engine, Host},
    namespace::Namespace,
    namespaces::Namespaces,
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
    pub(super) engine: Engine,
    client: Arc<client::Settings>,
    root: Namespace,
    pub(super) namespaces: Namespaces,
    state: RwLock<Extensions>,
    error_hook: RwLock<Arc<ErrorHook>>,
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
        let root = Namespace::new(ROOT, None, &engine);
        root.0.latch.open();
        let server = Arc::new(Server {
            client,
            engine,
            namespaces: Namespaces::new(&root),
            root,
            state: RwLock::default(),
            error_hook: RwLock::new(Arc::new(log)),
        });
        if let Some(cluster) = server.cluster() {
            cluster.start(&server);
            cluster.open(&ROOT);
        }
        Self(server)
    }

    /// The namespace of this name, which is made if there is none: by a pattern of
    /// [`of_dynamic`](Self::of_dynamic), if it fits one. A `/` in front may be left out.
    ///
    /// # Panics
    /// If the function that sets it up does.
    pub fn of(&self, name: &str) -> Namespace {
        self.0.namespace(match name.strip_prefix('/') {
            Some(_) => ByteString::from(name),
            None => format!("/{name}").into(),
        })
    }

    /// Makes namespaces on demand: those that clients ask for and that do not exist, if `names`
    /// takes them. `set_up` registers the handlers of each. Of several the first that takes a name
    /// makes it. Node: `of` with a regular expression or a function.
    ///
    /// A pattern has places that stand for text up to the next `/`, as routes of axum:
    /// [`NamespaceParams`](crate::NamespaceParams) gives it.
    ///
    /// ```
    /// # use socketio_core::{Data, NamespaceParams, SocketIo};
    /// # let io = SocketIo::new();
    /// let tenants = io.of_dynamic("/tenant-{id}", |tenant| {
    ///     tenant.on("which", |NamespaceParams(id): NamespaceParams<u32>| Data(id));
    /// });
    /// tenants.emit("maintenance", "in an hour")?;
    /// # Ok::<(), socketio_core::EmitError>(())
    /// ```
    ///
    /// A function decides by the wish of the client that comes first, also by looking it up
    /// somewhere; what the client sends meanwhile waits. Whom to let in to a namespace that exists
    /// is up to its [middlewares](Namespace::middleware). A function that fails takes no name, and
    /// its error goes to the error hook.
    ///
    /// ```
    /// # use socketio_core::{BoxError, Namespace, NamespaceRequest, SocketIo};
    /// # let io = SocketIo::new();
    /// # async fn exists(room: &str) -> Result<bool, BoxError> { Ok(true) }
    /// io.of_dynamic(
    ///     async |request: NamespaceRequest| match request.name().strip_prefix("/room/") {
    ///         Some(room) => exists(room).await,
    ///         None => Ok(false),
    ///     },
    ///     |room| drop(room.on("ping", || {})),
    /// );
    /// ```
    ///
    /// Each namespace that a client thinks up takes memory, and without
    /// [`cleanup_empty_namespaces`](Builder::cleanup_empty_namespaces) it keeps it. Take only names
    /// that mean something; [`Limits::dynamic_namespaces`](crate::Limits::dynamic_namespaces) is
    /// the bound.
    ///
    /// # Panics
    /// If the pattern is none.
    pub fn of_dynamic<N, M>(
        &self,
        names: N,
        set_up: impl Fn(&Namespace) + Send + Sync + 'static,
    ) -> DynamicNamespace
    where
        N: NamespaceMatcher<M>,
    {
        let dynamic = Arc::new(Dynamic::new(names.into_matcher(), set_up));
        self.0.namespaces.add_dynamic(Arc::clone(&dynamic));
        DynamicNamespace::new(self.clone(), dynamic)
    }

    /// Adds what is called for each new namespace, when it has been set up and before any client is
    /// in it. Node: `new_namespace`.
    pub fn on_new_namespace(&self, hook: impl Fn(&Namespace) + Send + Sync + 'static) {
        self.0.namespaces.add_hook(Arc::new(hook));
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
        let namespaces = self.0.namespaces.all();
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
        if let Some(cluster) = self.0.cluster() {
            cluster.stop();
        }
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
        if namespace.0.is_dynamic() && self.0.engine.config().cleanup_empty_namespaces {
            self.0.namespaces.remove_empty(namespace);
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

    pub(super) fn cluster(&self) -> Option<&Arc<ClusterHandle>> {
        self.engine.cluster()
    }

    pub(super) fn report(&self, report: ErrorReport) {
        let hook = Arc::clone(&read(&self.error_hook));
        if catch_unwind(AssertUnwindSafe(|| hook(&report))).is_err() {
            tracing::error!("the error hook panicked over: {report}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster() {
            cluster.stop();
        }
    }
}

impl Host for Server {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn speaks_json(&self) -> bool {
        self.engine.codec().is_json()
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
