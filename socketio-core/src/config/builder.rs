use std::{env, fmt, mem, sync::Arc};

use super::{ClientFile, Config, ConfigError, check, client_files, hooks::Hooks};
use crate::{
    clock::Clock,
    server::{Adapter, EngineIo, EngineSocket, SocketIo},
    wire::{Codec, Parser},
};

/// The options of a server, and the way to make one.
///
/// ```
/// use std::time::Duration;
/// use socketio_core::{SocketIo, Transport};
///
/// let io = SocketIo::builder()
///     .path("/realtime")
///     .transports([Transport::WebSocket])
///     .ping_interval(Duration::from_secs(10))
///     .build()?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
///
/// # Options of the Node server that are not here
///
/// - `addTrailingSlash`: whole segments of the path are compared, so that a client finds the server
///   with a `/` at the end and without.
/// - `cors`, `httpCompression`, `engine.use`: the framework's middleware for CORS, compression and
///   everything else applies to the server as to any route. Compression covers polling and the
///   browser client's files. [`allowed_origins`](Self::allowed_origins) covers websockets, which CORS
///   does not.
/// - `destroyUpgrade`: what is not for the server is the framework's to answer.
/// - `engine.generateId`: whoever has a session's id has the session, so it is random and nothing
///   else, 20 characters as load balancers and adapters expect.
/// - `perMessageDeflate`: off on Node as well. Its buffers would be many times what a connection
///   takes here, and secrets that are compressed beside text of others can be guessed.
/// - `wsEngine`: there is one WebSocket for all frameworks, so that limits and close codes are the
///   same in each.
/// - `transports: ["webtransport"]`: needs HTTP/3, which none of the frameworks serves.
/// - `compression`, `idleTimeout`, `maxBackpressure`: belong to its other engine, `uWebSockets.js`. The
///   last is [`Limits::outgoing_bytes`](crate::Limits::outgoing_bytes) here.
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    pub(super) config: Config,
    default_path: &'static str,
    pub(super) hooks: Hooks,
    clock: Option<Arc<dyn Clock>>,
    parser: Option<Arc<dyn Parser>>,
    adapter: Option<Arc<dyn Adapter>>,
    environments: Vec<(String, Configure)>,
}

type Configure = Arc<dyn Fn(Builder) -> Builder + Send + Sync>;

/// Options as the server keeps them: checked, and with the files in memory.
pub(crate) struct Options {
    pub(crate) config: Config,
    pub(crate) path: String,
    pub(crate) hooks: Hooks,
    pub(crate) client_files: Vec<ClientFile>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) codec: Codec,
    pub(crate) adapter: Option<Arc<dyn Adapter>>,
}

impl Builder {
    pub(crate) fn new(default_path: &'static str) -> Self {
        Self {
            config: Config::default(),
            default_path,
            hooks: Hooks::default(),
            clock: None,
            parser: None,
            adapter: None,
            environments: Vec::new(),
        }
    }

    /// Takes all options that are plain data from here, in place of what they were.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Options for one [environment](Self::environment). They are applied when the server is built,
    /// and so after all others, in the order of these calls.
    ///
    /// ```
    /// # use socketio_core::{SocketIo, Transport};
    /// let io = SocketIo::builder()
    ///     .configure("production", |builder| builder.transports([Transport::WebSocket]))
    ///     .configure("development", |builder| builder.max_payload(100_000_000))
    ///     .build()?;
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn configure(
        mut self,
        environment: impl Into<String>,
        configure: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        self.environments.push((environment.into(), Arc::new(configure)));
        self
    }

    /// The clock to use in place of the one that the first mount brings.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// How packets travel. Default: as the protocol says, which is JSON and attachments. Node:
    /// `parser`.
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Some(Arc::new(parser));
        self
    }

    /// What carries messages to the other nodes of a cluster and back, such as `RedisAdapter` of the
    /// crate `socketio-redis`. Default: the server is a node of its own. Node: `adapter`.
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.adapter = Some(Arc::new(adapter));
        self
    }

    /// Makes a Socket.IO server.
    ///
    /// # Errors
    /// Says which option makes no sense.
    pub fn build(self) -> Result<SocketIo, ConfigError> {
        let options = self.into_options()?;
        match options.config.initial_packet {
            Some(_) => Err(ConfigError::InitialPacket),
            None => Ok(SocketIo::with_options(options)),
        }
    }

    /// Makes a bare Engine.IO server that runs `handler` for each session.
    ///
    /// # Errors
    /// Says which option makes no sense.
    pub fn build_engine<F, Fut>(self, handler: F) -> Result<EngineIo, ConfigError>
    where
        F: Fn(EngineSocket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Ok(EngineIo::with_options(self.into_options()?, handler))
    }

    fn into_options(self) -> Result<Options, ConfigError> {
        let Self { config, default_path, hooks, clock, parser, adapter, .. } = self.configured();
        config.check()?;
        let path = check::path(config.path.as_deref().unwrap_or(default_path))?.to_owned();
        let client_files = match &config.client_files {
            Some(directory) => client_files::read(directory)?,
            None => Vec::new(),
        };
        let codec = Codec::new(parser);
        let clock = clock.or_else(|| adapter.as_ref().map(|adapter| adapter.clock()));
        Ok(Options { config, path, hooks, client_files, clock, codec, adapter })
    }

    /// With the options for its environment.
    fn configured(mut self) -> Self {
        let named = self.config.environment.take().or_else(|| env::var("SOCKETIO_ENV").ok());
        let environment = named.unwrap_or_else(|| "development".to_owned());
        while !self.environments.is_empty() {
            for (name, configure) in mem::take(&mut self.environments) {
                if name == environment {
                    self = configure(self);
                }
            }
        }
        self.config.environment = Some(environment);
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("path", &self.path)
            .field("transports", &self.config.transports)
            .finish_non_exhaustive()
    }
}
