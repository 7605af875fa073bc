use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_nats::Client;
use socketio_core::{
    Adapter, Clock, ClusterDriver, ClusterMessage, ClusterNode, Membership, NodeId,
    cluster::Envelope,
};
use socketio_tokio::TokioClock;

use crate::{NatsError, Stats, link::Link, subjects::Subjects};

/// Servers that share a NATS are one: what one is told to do reaches the clients of all.
///
/// ```no_run
/// use socketio_core::SocketIo;
/// use socketio_nats::{NatsAdapter, async_nats};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let nats = async_nats::connect("127.0.0.1").await?;
/// let io = SocketIo::builder().adapter(NatsAdapter::new(nats)).build()?;
/// # Ok(())
/// # }
/// ```
///
/// It is one server's. A clone of it is the same adapter, to ask for its [`stats`](Self::stats) once
/// the server has it. The server is to be built on a tokio runtime, which then does the work.
///
/// With [`retry_on_initial_connect`](async_nats::ConnectOptions::retry_on_initial_connect) the server
/// begins without NATS, too, and finds the other nodes once there is a connection. How long their
/// answers are waited for is said by the server's options `request_timeout` and `ack_timeout`.
#[derive(Clone, Debug)]
pub struct NatsAdapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: NatsAdapterBuilder,
    /// While there is a server.
    link: RwLock<Option<Arc<Link>>>,
}

/// The options of a [`NatsAdapter`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct NatsAdapterBuilder {
    client: Client,
    prefix: String,
    heartbeat_interval: Duration,
    heartbeat_timeout: Duration,
    queue_bytes: usize,
}

impl NatsAdapter {
    /// With the default options.
    pub fn new(client: Client) -> Self {
        Self::builder(client).build()
    }

    /// With other options.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use socketio_nats::{NatsAdapter, async_nats};
    /// # async fn start() -> Result<(), async_nats::ConnectError> {
    /// let nats = async_nats::connect("127.0.0.1").await?;
    /// let adapter = NatsAdapter::builder(nats)
    ///     .prefix("game.socket.io")
    ///     .heartbeat_interval(Duration::from_secs(2))
    ///     .heartbeat_timeout(Duration::from_secs(5))
    ///     .build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(client: Client) -> NatsAdapterBuilder {
        NatsAdapterBuilder {
            client,
            prefix: "socket.io".into(),
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(10),
            queue_bytes: 16 * 1024 * 1024,
        }
    }

    /// What became of its messages, and whether it has NATS.
    pub fn stats(&self) -> Stats {
        self.0.link().map(|link| link.stats()).unwrap_or_default()
    }
}

impl NatsAdapterBuilder {
    /// What all subjects begin with, so that several applications can share a NATS. It may be several
    /// tokens, with dots between them. Default: `socket.io`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long after its last message a node says that it is there. It should be at most half of
    /// the [`heartbeat_timeout`](Self::heartbeat_timeout) of all nodes. Default: 5 s. Node:
    /// `heartbeatInterval`.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// How long after its last message another node is taken for dead. Default: 10 s. Node:
    /// `heartbeatTimeout`.
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat_timeout = timeout;
        self
    }

    /// Bytes of messages that may wait for NATS. What is more is lost, and reported as
    /// [`NatsError::Lost`]. Default: 16 MiB.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Makes the adapter.
    pub fn build(self) -> NatsAdapter {
        NatsAdapter(Arc::new(Inner { options: self, link: RwLock::default() }))
    }
}

impl Inner {
    fn link(&self) -> Option<Arc<Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Adapter for NatsAdapter {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TokioClock)
    }

    fn membership(&self) -> Membership {
        let NatsAdapterBuilder { heartbeat_interval, heartbeat_timeout, .. } = self.0.options;
        Membership::Heartbeats { interval: heartbeat_interval, timeout: heartbeat_timeout }
    }

    fn start(&self, node: ClusterNode, driver: ClusterDriver) {
        let mut link = self.0.link.write().unwrap_or_else(PoisonError::into_inner);
        if link.is_some() {
            return node.report(None, NatsError::InUse);
        }
        tokio::spawn(driver);
        let NatsAdapterBuilder { client, prefix, queue_bytes, .. } = &self.0.options;
        let subjects = Subjects::new(prefix);
        *link = Some(Arc::new(Link::start(client.clone(), node, subjects, *queue_bytes)));
    }

    fn open(&self, namespace: &str) {
        if let Some(link) = self.0.link() {
            link.open(namespace);
        }
    }

    fn close(&self, namespace: &str) {
        if let Some(link) = self.0.link() {
            link.close(namespace);
        }
    }

    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let Some(link) = self.0.link() else { return };
        let envelope = Envelope { namespace: namespace.into(), from: link.id().clone(), message };
        let payload = match envelope.has_bytes() {
            true => envelope.to_msgpack(),
            false => envelope.to_json().into_bytes(),
        };
        link.send(namespace, to, payload);
    }

    fn stop(&self) {
        drop(self.0.link.write().unwrap_or_else(PoisonError::into_inner).take());
    }
}
