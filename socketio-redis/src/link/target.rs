use std::{fmt, sync::Arc, time::Duration};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisError, RedisResult,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};
use tokio::sync::Mutex;

/// Where Redis is, and how the connections to it are kept: those that adapters and emitters have.
///
/// ```
/// use std::time::Duration;
///
/// use socketio_redis::{Target, redis::sentinel::SentinelNodeConnectionInfo};
///
/// let server = Target::server("redis://127.0.0.1/")?;
/// let cluster = Target::cluster(["redis://10.0.0.1/", "redis://10.0.0.2/"])?
///     .keep_alive(Duration::from_secs(2));
/// let sentinel = Target::sentinel(
///     ["redis://10.0.0.1:26379/", "redis://10.0.0.2:26379/"],
///     "mymaster",
///     SentinelNodeConnectionInfo::default(),
/// )?;
/// # Ok::<(), socketio_redis::redis::RedisError>(())
/// ```
///
/// Redis 6 or newer is needed, for its protocol RESP3. For `rediss://` an application depends on the
/// crate `redis` itself, with one of its features for TLS on tokio, such as `tokio-rustls-comp`. That
/// crate's own settings for time-outs and reconnecting have no effect here.
///
/// A Redis that has stopped, or is behind a network that was cut, is noticed after at most
/// [`keep_alive`](Self::keep_alive) and [`response_timeout`](Self::response_timeout) together, which
/// is 10 s by default; one that closes its connections, at once. It does so to a node that is too far
/// behind with what comes: `client-output-buffer-limit pubsub` in its configuration.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) place: Place,
    pub(super) options: Options,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    One(Endpoint),
    /// The nodes that were named. They tell of the others.
    Cluster(Vec<ConnectionInfo>),
}

/// How one server is found, each time that it is connected to.
#[derive(Clone)]
pub(super) enum Endpoint {
    Server(ConnectionInfo),
    Sentinel { sentinel: Arc<Mutex<Sentinel>>, master: String, node: SentinelNodeConnectionInfo },
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) connection_timeout: Duration,
    pub(super) keep_alive: Duration,
    pub(super) max_reconnect_delay: Duration,
    pub(super) queue_bytes: usize,
    pub(super) response_timeout: Duration,
}

impl Target {
    /// One server.
    ///
    /// # Errors
    /// What was given does not name one.
    pub fn server(server: impl IntoConnectionInfo) -> RedisResult<Self> {
        Ok(server.into_connection_info()?.into())
    }

    /// A Redis Cluster, of which some nodes are named. These tell of the others. There are connections
    /// to each master, and they follow slots that move and replicas that take over.
    ///
    /// # Errors
    /// One of these names no server, or there is none.
    pub fn cluster<T: IntoConnectionInfo>(nodes: impl IntoIterator<Item = T>) -> RedisResult<Self> {
        Ok(Self::at(Place::Cluster(all(nodes)?)))
    }

    /// The server that is master under a name, as Sentinel tells. It is asked anew whenever the
    /// connection is lost.
    ///
    /// # Errors
    /// One of these names no server, or there is none.
    pub fn sentinel<T: IntoConnectionInfo>(
        sentinels: impl IntoIterator<Item = T>,
        master: impl Into<String>,
        node: SentinelNodeConnectionInfo,
    ) -> RedisResult<Self> {
        let sentinel = Arc::new(Mutex::new(Sentinel::build(all(sentinels)?)?));
        Ok(Self::at(Place::One(Endpoint::Sentinel { sentinel, master: master.into(), node })))
    }

    fn at(place: Place) -> Self {
        Self { place, options: Options::default() }
    }

    /// How long connecting may take. Default: 5 s.
    #[must_use]
    pub fn connection_timeout(mut self, timeout: Duration) -> Self {
        self.options.connection_timeout = timeout;
        self
    }

    /// How long a connection is idle before Redis is asked whether it is still there. Default: 5 s.
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.options.keep_alive = interval;
        self
    }

    /// How long at most is waited before Redis is tried again. The first wait is 50 ms, each next
    /// one twice as long, and all are shortened by up to a half at random, so that many nodes do not
    /// come back at once. Default: 2 s.
    #[must_use]
    pub fn max_reconnect_delay(mut self, delay: Duration) -> Self {
        self.options.max_reconnect_delay = delay;
        self
    }

    /// How many bytes may wait to be sent, with 128 for each message that they are in: while there
    /// is no connection, or while Redis is slow. What is more is lost, and [counted](crate::Stats).
    /// With a Redis Cluster, this goes for each of its masters. Default: 16 MiB.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.options.queue_bytes = bytes;
        self
    }

    /// How long Redis may take to answer, before the connection counts as lost. Default: 5 s.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.options.response_timeout = timeout;
        self
    }

    /// How many bytes may wait.
    pub(crate) fn queue_limit(&self) -> usize {
        self.options.queue_bytes
    }

    /// How long something takes at most, from the first try to connect to the answer.
    pub(crate) fn patience(&self) -> Duration {
        self.options.connection_timeout + self.options.response_timeout
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connection_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(5),
            max_reconnect_delay: Duration::from_secs(2),
            queue_bytes: 16 * 1024 * 1024,
            response_timeout: Duration::from_secs(5),
        }
    }
}

impl From<Client> for Target {
    fn from(client: Client) -> Self {
        client.get_connection_info().clone().into()
    }
}

impl From<ConnectionInfo> for Target {
    fn from(server: ConnectionInfo) -> Self {
        Self::at(Place::One(Endpoint::Server(server)))
    }
}

fn all<T: IntoConnectionInfo>(
    servers: impl IntoIterator<Item = T>,
) -> RedisResult<Vec<ConnectionInfo>> {
    let servers: Vec<_> =
        servers.into_iter().map(T::into_connection_info).collect::<RedisResult<_>>()?;
    match servers.is_empty() {
        true => Err(RedisError::from((ErrorKind::InvalidClientConfig, "no server is named"))),
        false => Ok(servers),
    }
}

impl Endpoint {
    /// Where it is now.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        let server = match self {
            Self::Server(server) => server.clone(),
            Self::Sentinel { sentinel, master, node } => {
                let mut sentinel = sentinel.lock().await;
                let client = sentinel.async_master_for(master, Some(node)).await?;
                client.get_connection_info().clone()
            }
        };
        let settings = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // Small messages go out at once.
        let tcp = server.tcp_settings().clone().set_nodelay(true);
        Client::open(server.set_redis_settings(settings).set_tcp_settings(tcp))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => server.fmt(f),
            Self::Sentinel { master, .. } => write!(f, "Sentinel({master})"),
        }
    }
}

/// A server like another one, elsewhere.
pub(super) fn beside(server: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let address = match server.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    server.clone().set_addr(address)
}
