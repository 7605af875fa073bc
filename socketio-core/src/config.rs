//! Options. Each says its default, its unit, and which option of the Node server it mirrors.

use std::{
    fmt, fs,
    hash::{DefaultHasher, Hasher},
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, request::Parts};

use crate::{
    clock::Clock,
    proto::{client, engine, engine::Transport},
    server::{EngineIo, EngineSocket, SocketIo},
    wire::AssemblerLimits,
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
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    pub(crate) config: Config,
    clock: Option<Arc<dyn Clock>>,
    client_files: Option<PathBuf>,
}

/// Options as the server keeps them.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) path: String,
    pub(crate) transports: Vec<Transport>,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) upgrade_timeout: Duration,
    pub(crate) ack_timeout: Duration,
    pub(crate) max_payload: usize,
    pub(crate) limits: Limits,
    pub(crate) allowed_origins: Option<Vec<String>>,
    pub(crate) allow_request: Option<AllowRequest>,
    pub(crate) cleanup_empty_namespaces: bool,
    pub(crate) client_files: Vec<ClientFile>,
}

/// A file of the browser client, in memory.
#[derive(Clone, Debug)]
pub(crate) struct ClientFile {
    pub(crate) name: String,
    pub(crate) body: Bytes,
    /// Tells one content from another, so that browsers need not load a file again.
    pub(crate) etag: HeaderValue,
}

impl ClientFile {
    fn new(name: String, body: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let etag = HeaderValue::try_from(etag).expect("quoted digits are a header value");
        Self { name, body: body.into(), etag }
    }
}

pub(crate) type AllowRequest =
    Arc<dyn Fn(&Parts) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Bounds on what one client can make the server hold. They apply to every transport alike.
///
/// More may be added, so write `Limits { handlers: 10, ..Limits::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet. Default 10, which the official client also holds to.
    pub attachments: usize,
    /// Bytes of all attachments of one packet. Default 10 MB.
    pub attachment_bytes: usize,
    /// Time between a packet and the last of its attachments. Default 30 s.
    pub attachments_timeout: Duration,
    /// Time for the body of a POST to arrive. Default 20 s.
    pub body_timeout: Duration,
    /// Time that a session which the server closes has to take what is queued. Default 30 s, as on
    /// Node.
    pub drain_timeout: Duration,
    /// Handlers of one client that run at a time. Past it the client is not read until one has
    /// finished, or while handlers wait for its acknowledgements, only as many events further.
    /// Default 128.
    pub handlers: usize,
    /// Namespaces that one client may be in. Past it the client is closed. Default 100.
    pub namespaces: usize,
    /// Bytes queued for one client. A client that is slower than what it is sent is closed with
    /// `transport error` once more than this waits for it. Default 16 MB.
    pub outgoing_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attachments: 10,
            attachment_bytes: 10_000_000,
            attachments_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(30),
            handlers: 128,
            namespaces: 100,
            outgoing_bytes: 16_000_000,
        }
    }
}

/// Options that do not make a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The directory with the client's files cannot be read.
    #[error("client files in {}: {error}", path.display())]
    ClientFiles {
        /// The directory, or the file in it.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A path must be `/` and at least one segment, without `?` and `#`.
    #[error("{path:?} is no path to serve")]
    Path {
        /// The path that was given.
        path: String,
    },
    /// There must be a way to connect.
    #[error("no transport is enabled")]
    Transports,
    /// A duration or limit that must not be zero.
    #[error("{option} must not be zero")]
    Zero {
        /// The option.
        option: &'static str,
    },
}

impl Builder {
    pub(crate) fn new(path: &str) -> Self {
        Self {
            config: Config {
                path: path.into(),
                transports: vec![Transport::Polling, Transport::WebSocket],
                ping_interval: Duration::from_secs(25),
                ping_timeout: Duration::from_secs(20),
                connect_timeout: Duration::from_secs(45),
                upgrade_timeout: Duration::from_secs(10),
                ack_timeout: Duration::from_secs(10),
                max_payload: 1_000_000,
                limits: Limits::default(),
                allowed_origins: None,
                allow_request: None,
                cleanup_empty_namespaces: false,
                client_files: Vec::new(),
            },
            clock: None,
            client_files: None,
        }
    }

    /// The path that layers answer, with everything below it. Default `/socket.io`
    /// (`/engine.io` for [`EngineIo`]). Node: `path`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.config.path = path.into();
        self
    }

    /// How clients may connect. Default both. Node: `transports`.
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.config.transports = transports.into_iter().collect();
        self
    }

    /// Time from a pong to the next ping. Default 25 s. Node: `pingInterval`.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.config.ping_interval = interval;
        self
    }

    /// Time that a client has to answer a ping. Default 20 s. Node: `pingTimeout`.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.config.ping_timeout = timeout;
        self
    }

    /// Time that a client has to join its first namespace. Default 45 s. Node: `connectTimeout`.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Time that a client has to finish its upgrade. Default 10 s. Node: `upgradeTimeout`.
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.config.upgrade_timeout = timeout;
        self
    }

    /// Time that a client has to acknowledge, where the call does not say. Default 10 s. Node has
    /// no such default: a single emit waits for ever there, and a broadcast not at all.
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.config.ack_timeout = timeout;
        self
    }

    /// Bytes in the body of a POST and in a WebSocket message. Default 1,000,000. Node:
    /// `maxHttpBufferSize`.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.config.max_payload = bytes;
        self
    }

    /// Bounds on what one client can make the server hold.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Lets in only requests whose `Origin` is one of these; those without one pass, as they do not
    /// come from a page. Unlike CORS it also covers WebSocket. Default: all.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.config.allowed_origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// Decides on each new session by its first request. An error is the message of the 403.
    /// Node: `allowRequest`.
    pub fn allow_request<F, Fut>(mut self, allow: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.config.allow_request = Some(Arc::new(move |parts| Box::pin(allow(parts))));
        self
    }

    /// Removes a dynamic namespace when its last socket has left. Default off. Node:
    /// `cleanupEmptyChildNamespaces`.
    pub fn cleanup_empty_namespaces(mut self, cleanup: bool) -> Self {
        self.config.cleanup_empty_namespaces = cleanup;
        self
    }

    /// Serves the browser client, `socket.io.js` and its variants, below the path. The directory is
    /// `dist` of the npm package `socket.io-client`; it is read once, here. Default: not served.
    /// Node: `serveClient`.
    pub fn client_files(mut self, directory: impl Into<PathBuf>) -> Self {
        self.client_files = Some(directory.into());
        self
    }

    /// The clock to use in place of the one that the first mount brings.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes a Socket.IO server.
    ///
    /// # Errors
    /// Says which option makes no sense.
    pub fn build(self) -> Result<SocketIo, ConfigError> {
        let (config, clock) = self.check()?;
        Ok(SocketIo::with_config(config, clock))
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
        let (config, clock) = self.check()?;
        Ok(EngineIo::with_config(config, clock, handler))
    }

    fn check(mut self) -> Result<(Config, Option<Arc<dyn Clock>>), ConfigError> {
        let config = &mut self.config;
        let path = config.path.trim_end_matches('/').to_owned();
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(ConfigError::Path { path: config.path.clone() });
        }
        config.path = path;
        if config.transports.is_empty() {
            return Err(ConfigError::Transports);
        }
        let zero = Duration::ZERO;
        for (option, is_zero) in [
            ("ping_interval", config.ping_interval == zero),
            ("ping_timeout", config.ping_timeout == zero),
            ("connect_timeout", config.connect_timeout == zero),
            ("upgrade_timeout", config.upgrade_timeout == zero),
            ("max_payload", config.max_payload == 0),
            ("limits.handlers", config.limits.handlers == 0),
            ("limits.namespaces", config.limits.namespaces == 0),
            ("limits.outgoing_bytes", config.limits.outgoing_bytes == 0),
        ] {
            if is_zero {
                return Err(ConfigError::Zero { option });
            }
        }
        if let Some(directory) = &self.client_files {
            config.client_files = read_client_files(directory)?;
        }
        Ok((self.config, self.clock))
    }
}

/// The files that Node serves, and their source maps.
const CLIENT_FILES: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

fn read_client_files(directory: &Path) -> Result<Vec<ClientFile>, ConfigError> {
    let mut files = Vec::new();
    for name in CLIENT_FILES {
        let path = directory.join(name);
        let body = fs::read(&path).map_err(|error| ConfigError::ClientFiles { path, error })?;
        files.push(ClientFile::new(name.to_owned(), body));
        let map = format!("{name}.map");
        if let Ok(body) = fs::read(directory.join(&map)) {
            files.push(ClientFile::new(map, body));
        }
    }
    Ok(files)
}

impl Config {
    pub(crate) fn engine(&self) -> engine::Settings {
        engine::Settings {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            upgrade_timeout: self.upgrade_timeout,
            body_timeout: self.limits.body_timeout,
            drain_timeout: self.limits.drain_timeout,
            max_queue: self.limits.outgoing_bytes,
        }
    }

    pub(crate) fn client(&self) -> client::Settings {
        client::Settings {
            connect_timeout: self.connect_timeout,
            attachments: AssemblerLimits {
                attachments: self.limits.attachments,
                bytes: self.limits.attachment_bytes,
            },
            attachments_timeout: self.limits.attachments_timeout,
            max_namespaces: self.limits.namespaces,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("transports", &self.transports)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_option_is_an_error() {
        let builder = SocketIo::builder;
        for path in ["", "/", "socket.io", "/a?b"] {
            let error = builder().path(path).build().err();
            assert!(matches!(error, Some(ConfigError::Path { .. })), "{path}");
        }
        let error = builder().transports([]).build().err();
        assert!(matches!(error, Some(ConfigError::Transports)));
        let error = builder().ping_interval(Duration::ZERO).build().err();
        assert!(matches!(error, Some(ConfigError::Zero { option: "ping_interval" })));
        let error = builder().client_files("/nowhere").build().err();
        assert!(matches!(error, Some(ConfigError::ClientFiles { .. })));
        assert!(builder().path("/a/b/").build().is_ok());
    }
}
