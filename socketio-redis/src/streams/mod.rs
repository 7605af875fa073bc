//! Node's `@socket.io/redis-streams-adapter`: events go by a stream, what nodes ask each other by
//! pub/sub, and sessions are kept beside.

pub(crate) mod entry;
mod names;
mod reader;
mod session;
mod stream;
mod writer;

use std::{
    collections::HashMap,
    fmt,
    future::ready,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytestring::ByteString;
use redis::{cmd, from_redis_value};
use socketio_core::{
    Adapter, BoxError, Clock, ClusterDriver, ClusterMessage, ClusterNode, EventLog, LogFuture,
    LogOffset, LoggedMessage, Membership, NodeId, SavedSession, cluster::Envelope,
};
use socketio_tokio::TokioClock;
use tokio::time;

use self::{entry::Entry, names::Names, stream::Stream};
use crate::{
    classic::DEFAULT_KEY,
    link::{Link, LinkError, Stats, Subscription, Target},
    running::{Running, Slot},
};

/// Servers that share a Redis are one, as with [`RedisAdapter`](crate::RedisAdapter), but events are
/// kept in a stream for a while: no node misses one, even if it has lost its connection to Redis in
/// between, and with the option `recovery` clients are recovered on any node, also after theirs has
/// ended. Node servers with `@socket.io/redis-streams-adapter` 0.3 can be among the nodes.
///
/// ```no_run
/// use socketio_core::{Recovery, SocketIo};
/// use socketio_redis::{RedisStreamsAdapter, redis};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = redis::Client::open("redis://127.0.0.1/")?;
/// let io = SocketIo::builder()
///     .recovery(Recovery::default())
///     .adapter(RedisStreamsAdapter::new(redis))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// With recovery, events that are not volatile are delivered when the stream gives them back, to this
/// node's clients too: all nodes have them in one order. That takes as long as Redis takes to answer
/// twice. While it does not answer [in time](RedisStreamsAdapterBuilder::max_delay), this node's
/// clients get everything at once.
///
/// A clone of it is the same adapter, to ask for its [`stats`](Self::stats) once the server has it.
/// The server is built on a tokio runtime, as with [`RedisAdapter`](crate::RedisAdapter). Redis 6.2 or
/// newer is needed.
#[derive(Clone, Debug)]
pub struct RedisStreamsAdapter(Arc<Inner>);

struct Inner {
    target: Target,
    settings: Settings,
    slot: Slot,
    /// Those that this node has something to do with.
    streams: Mutex<HashMap<u32, Arc<Stream>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) names: Names,
    use_sharded_pub_sub: bool,
    max_len: usize,
    read_count: usize,
    block_time: Duration,
    session_key_prefix: String,
    only_plaintext: bool,
    max_delay: Duration,
    queue_bytes: usize,
    /// How long the end may take.
    patience: Duration,
}

/// The options of a [`RedisStreamsAdapter`], named as on Node.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct RedisStreamsAdapterBuilder {
    pub(crate) target: Target,
    pub(crate) settings: Settings,
}

impl RedisStreamsAdapter {
    /// With the options that Node has by default.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// With other options.
    ///
    /// ```
    /// # use socketio_redis::{RedisStreamsAdapter, Target};
    /// let redis = Target::server("redis://127.0.0.1/")?;
    /// let adapter = RedisStreamsAdapter::builder(redis).stream_name("game").max_len(50_000).build();
    /// # Ok::<(), socketio_redis::redis::RedisError>(())
    /// ```
    pub fn builder(target: impl Into<Target>) -> RedisStreamsAdapterBuilder {
        let target = target.into();
        let settings = Settings {
            names: Names {
                stream: DEFAULT_KEY.into(),
                stream_count: 1,
                channel_prefix: DEFAULT_KEY.into(),
            },
            use_sharded_pub_sub: false,
            max_len: 10_000,
            read_count: 100,
            block_time: Duration::from_secs(5),
            session_key_prefix: "sio:session:".into(),
            only_plaintext: false,
            max_delay: Duration::from_secs(1),
            queue_bytes: target.queue_limit(),
            patience: target.patience(),
        };
        RedisStreamsAdapterBuilder { target, settings }
    }

    /// What became of its messages, and whether it has Redis.
    pub fn stats(&self) -> Stats {
        let stats = self.0.slot.stats();
        let waiting: usize = self.0.streams().values().map(|stream| stream.waiting()).sum();
        Stats { queued: stats.queued + waiting, ..stats }
    }
}

impl RedisStreamsAdapterBuilder {
    /// The name of the stream, or what the names of several begin with. Default: `socket.io`.
    pub fn stream_name(mut self, name: impl Into<String>) -> Self {
        self.settings.names.stream = name.into();
        self
    }

    /// Among how many streams the namespaces are shared out, so that a Redis Cluster has something to
    /// spread. It must be the same on all nodes. Default: 1.
    ///
    /// Node counts some namespaces to streams of negative numbers, such as `socket.io--3`, which its
    /// servers write to and do not read. Servers of this crate read them too.
    pub fn stream_count(mut self, count: u16) -> Self {
        self.settings.names.stream_count = count.max(1).into();
        self
    }

    /// What the names of channels begin with, by which nodes ask each other. Default: `socket.io`.
    pub fn channel_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.names.channel_prefix = prefix.into();
        self
    }

    /// Whether these are channels of shards, for Redis 7. It must be the same on all nodes. Default:
    /// `false`.
    pub fn use_sharded_pub_sub(mut self, is_sharded: bool) -> Self {
        self.settings.use_sharded_pub_sub = is_sharded;
        self
    }

    /// About how many entries a stream keeps. Clients that are away while more come are not recovered,
    /// and a node that is cut off from Redis for as long misses some, which it
    /// [reports](crate::LinkError::Trimmed). Default: 10,000.
    pub fn max_len(mut self, entries: usize) -> Self {
        self.settings.max_len = entries;
        self
    }

    /// How many entries are read at once. Default: 100.
    pub fn read_count(mut self, entries: usize) -> Self {
        self.settings.read_count = entries.max(1);
        self
    }

    /// How long Redis holds a read for which there is nothing. Default: 5 s. Node: `blockTimeInMs`.
    pub fn block_time(mut self, time: Duration) -> Self {
        // None at all would be for ever.
        self.settings.block_time = time.max(Duration::from_millis(1));
        self
    }

    /// What the keys of sessions begin with. Default: `sio:session:`.
    pub fn session_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.session_key_prefix = prefix.into();
        self
    }

    /// Whether all events are written as JSON, for applications that send no bytes. Those that do all
    /// the same have them arrive as `{"type":"Buffer","data":[…]}`. Default: `false`.
    pub fn only_plaintext(mut self, is_plain: bool) -> Self {
        self.settings.only_plaintext = is_plain;
        self
    }

    /// How long this node's clients wait for an event to come back from the stream, and clients that
    /// return for their sessions, before that is done without Redis. Default: 1 s. Node has no such
    /// bound.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.settings.max_delay = delay;
        self
    }

    /// Makes the adapter.
    pub fn build(self) -> RedisStreamsAdapter {
        RedisStreamsAdapter(Arc::new(Inner {
            target: self.target,
            settings: self.settings,
            slot: Slot::default(),
            streams: Mutex::default(),
        }))
    }
}

impl Adapter for RedisStreamsAdapter {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TokioClock)
    }

    fn membership(&self) -> Membership {
        Membership::Counted
    }

    fn start(&self, node: ClusterNode, driver: ClusterDriver) {
        self.0.slot.start(&self.0.target, node, driver);
    }

    fn open(&self, namespace: &str) {
        let Some(running) = self.0.slot.get() else { return };
        self.0.stream(&running, namespace);
        for channel in self.0.channels(namespace, running.node.id()) {
            let node = running.node.clone();
            running.link.subscribe(channel, move |_, payload| {
                // What makes no sense is passed over, and so is what comes when the server is gone.
                if let Ok(Envelope { namespace, from, message }) = Envelope::from_msgpack(&payload)
                {
                    let _ = node.receive(&namespace, Some(&from), message);
                }
            });
        }
    }

    fn close(&self, namespace: &str) {
        let Some(running) = self.0.slot.get() else { return };
        for channel in self.0.channels(namespace, running.node.id()) {
            running.link.unsubscribe(channel);
        }
    }

    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let Some(running) = self.0.slot.get() else { return };
        if to.is_none() && entry::is_kept(&message) {
            self.0.stream(&running, namespace).push(namespace, None, &message);
            return;
        }
        let channel = self.0.settings.names.channel(namespace, to);
        let from = running.node.id().clone();
        let payload = Envelope { namespace: namespace.into(), from, message }.to_msgpack();
        match self.0.settings.use_sharded_pub_sub {
            true => running.link.publish_to_shard(&channel, &payload),
            false => running.link.publish(&channel, &payload),
        }
    }

    fn count(&self, namespace: &str) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        let channel = self.0.settings.names.channel(namespace, None);
        self.0.slot.count_others(self.0.subscription(channel))
    }

    fn log(&self) -> Option<Arc<dyn EventLog>> {
        Some(Arc::clone(&self.0) as Arc<dyn EventLog>)
    }

    fn stop(&self) {
        // What was to be written is, before the link ends.
        self.0.streams().drain().for_each(|(_, stream)| stream.end());
        self.0.slot.stop();
    }
}

impl Inner {
    /// The stream of a namespace, which is read from now on.
    fn stream(&self, running: &Arc<Running>, namespace: &str) -> Arc<Stream> {
        let index = self.settings.names.index(namespace);
        let start = || Stream::start(index, running, &self.settings);
        Arc::clone(self.streams().entry(index).or_insert_with(start))
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u32, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That of all nodes, and that of this one.
    fn channels(&self, namespace: &str, node: &NodeId) -> [Subscription; 2] {
        let names = &self.settings.names;
        [names.channel(namespace, None), names.channel(namespace, Some(node))]
            .map(|channel| self.subscription(channel))
    }

    fn subscription(&self, channel: ByteString) -> Subscription {
        match self.settings.use_sharded_pub_sub {
            true => Subscription::Shard(channel),
            false => Subscription::Channel(channel),
        }
    }

    fn session_key(&self, key: &str) -> String {
        format!("{}{key}", self.settings.session_key_prefix)
    }

    /// Asks Redis something for a client that waits.
    fn ask<T, F>(&self, ask: impl FnOnce(Arc<Running>) -> F) -> LogFuture<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let Some(running) = self.slot.get() else {
            return Box::pin(ready(Err(LinkError::Closed.into())));
        };
        let answer = time::timeout(self.settings.max_delay, ask(running));
        Box::pin(async { answer.await? })
    }

    fn session(
        &self,
        command: &str,
        namespace: &str,
        key: &str,
    ) -> LogFuture<Option<SavedSession>> {
        let (key, command) = (self.session_key(key), cmd(command));
        let namespace = namespace.to_owned();
        self.ask(move |running| {
            let mut command = command;
            command.arg(&key);
            let answer = running.link.execute(Some(&key), command);
            async move {
                let session: Option<String> = from_redis_value(answer.await?)?;
                // What cannot be read is no session.
                Ok(session.and_then(|session| session::decode(&session, &namespace)))
            }
        })
    }
}

impl EventLog for Inner {
    fn stream(&self, namespace: &str) -> u32 {
        self.settings.names.index(namespace)
    }

    fn append(&self, namespace: &str, number: u64, message: ClusterMessage) -> bool {
        self.slot.get().is_some_and(|running| {
            self.stream(&running, namespace).push(namespace, Some(number), &message)
        })
    }

    fn save(&self, namespace: &str, session: SavedSession, duration: Duration) {
        if let Some(running) = self.slot.get() {
            let key = self.session_key(&session.key);
            session::save(&running, key, session::encode(&session, namespace), duration);
        }
    }

    fn find(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>> {
        self.session("GET", namespace, key)
    }

    fn take(&self, namespace: &str, key: &str) -> LogFuture<Option<SavedSession>> {
        self.session("GETDEL", namespace, key)
    }

    fn read(&self, namespace: &str, after: LogOffset) -> LogFuture<Option<Vec<LoggedMessage>>> {
        let name = self.settings.names.stream(self.settings.names.index(namespace));
        let namespace = namespace.to_owned();
        self.ask(move |running| async move {
            if !is_there(&running.link, &name, after).await? {
                return Ok(None);
            }
            let messages = read(&running.link, &name, &namespace, after).await?;
            // The stream may have been trimmed while it was read.
            Ok(is_there(&running.link, &name, after).await?.then_some(messages))
        })
    }
}

/// Whether a stream has the entry of this place still, and so all that came after it.
async fn is_there(link: &Link, name: &str, offset: LogOffset) -> Result<bool, BoxError> {
    if offset != LogOffset::START {
        let at = offset.to_string();
        let mut command = cmd("XRANGE");
        command.arg(name).arg(&at).arg(&at);
        return Ok(!entry::entries(link.execute(Some(name), command).await?).is_empty());
    }
    let mut command = cmd("XINFO");
    command.arg("STREAM").arg(name);
    match link.execute(Some(name), command).await {
        Ok(info) => Ok(entry::is_whole(info)),
        // There is none yet.
        Err(LinkError::Refused(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Entries that are read at once for a client that returns, and how often more are read.
const RETURN_COUNT: usize = 1000;
const MAX_READS: usize = 100;

/// Reads the messages of a namespace after a place, up to the end.
async fn read(
    link: &Link,
    name: &str,
    namespace: &str,
    mut after: LogOffset,
) -> Result<Vec<LoggedMessage>, BoxError> {
    let mut messages = Vec::new();
    for _ in 0..MAX_READS {
        let entries = range(link, name, after).await?;
        let Some((last, _)) = entries.last() else { return Ok(messages) };
        after = *last;
        let written = entries.iter().filter_map(|(_, entry)| entry.as_ref());
        let of_namespace = written.filter(|entry| entry.namespace == namespace);
        let read = of_namespace.filter_map(|entry| {
            Some(LoggedMessage { offset: entry.offset, message: entry.message().ok()? })
        });
        messages.extend(read);
    }
    Err("the stream grows faster than it is read".into())
}

/// Some entries after a place; none at the end.
async fn range(
    link: &Link,
    name: &str,
    after: LogOffset,
) -> Result<Vec<(LogOffset, Option<Entry>)>, LinkError> {
    let mut command = cmd("XRANGE");
    command.arg(name).arg(format!("({after}")).arg("+").arg("COUNT").arg(RETURN_COUNT);
    Ok(entry::entries(link.execute(Some(name), command).await?))
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("target", &self.target)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
