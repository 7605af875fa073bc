//! The way to Redis that the adapters and emitters share: what waits to be sent, what is subscribed
//! to, and connections that come back by themselves.

mod backoff;
mod cluster;
mod error;
mod lane;
mod queue;
mod slots;
mod stats;
mod subscriptions;
mod target;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use redis::{
    AsyncConnectionConfig, Client, Cmd, RedisResult, Value, aio::MultiplexedConnection, cmd,
};
use tokio::{sync::oneshot, time};

pub(crate) use self::{
    backoff::Backoff,
    queue::{MAX_BATCH, MAX_BATCH_BYTES, size},
    subscriptions::Subscription,
};
use self::{
    cluster::Cluster,
    lane::{Lane, io_error},
    queue::Outgoing,
    stats::Counters,
    subscriptions::Handlers,
    target::{Options, Place},
};
pub use self::{error::LinkError, stats::Stats, target::Target};

/// The connections of one node to Redis. They end when it is dropped, after what waits was sent if
/// that can be.
///
/// Nothing here waits but the futures that are given back. What is sent keeps its order, but for
/// channels of shards that lie on different servers.
pub(crate) struct Link {
    shared: Arc<Shared>,
    servers: Arc<Servers>,
    /// How many subscribers a channel had when Redis was last asked.
    counts: Arc<Counts>,
}

/// When to ask again how many listen, where Redis never told.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What the connections lead to.
enum Servers {
    One(Arc<Lane>),
    Cluster(Arc<Cluster>),
}

/// What all connections of a link have in common.
struct Shared {
    options: Options,
    counters: Counters,
    handlers: Handlers,
    report: Box<dyn Fn(LinkError) + Send + Sync>,
}

impl Link {
    /// Begins to connect. `report` is told of each outage, and of what was lost.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn start(
        target: &Target,
        report: impl Fn(LinkError) + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            options: target.options.clone(),
            counters: Counters::default(),
            handlers: Handlers::default(),
            report: Box::new(report),
        });
        let servers = match target.place.clone() {
            Place::One(endpoint) => Servers::One(Lane::start(endpoint, None, &shared)),
            Place::Cluster(nodes) => Servers::Cluster(Cluster::start(nodes, &shared)),
        };
        Self { shared, servers: Arc::new(servers), counts: Arc::default() }
    }

    /// Publishes to a channel: `PUBLISH`. It is lost where too much waits already.
    pub(crate) fn publish(&self, channel: &str, payload: &[u8]) {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(payload);
        self.servers.send(None, Outgoing::new(command, None));
    }

    /// As [`publish`](Self::publish), for who waits until Redis has it. What nobody waits for any more
    /// when its turn comes is not sent.
    pub(crate) fn publish_for_reply(
        &self,
        channel: &str,
        payload: &[u8],
    ) -> impl Future<Output = Result<Value, LinkError>> + Send + use<> {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(payload);
        self.execute(None, command)
    }

    /// Publishes to a channel of a shard: `SPUBLISH`. It is lost where too much waits already.
    pub(crate) fn publish_to_shard(&self, channel: &str, payload: &[u8]) {
        let mut command = cmd("SPUBLISH");
        command.arg(channel).arg(payload);
        self.servers.send(Some(channel), Outgoing::new(command, None));
    }

    /// Counts messages that were lost before they came here.
    pub(crate) fn lose(&self, messages: u64) {
        self.shared.counters.lost(messages);
    }

    /// Counts a message that came by a [connection](Self::connection) of its own.
    pub(crate) fn received(&self) {
        self.shared.counters.received();
    }

    pub(crate) fn max_reconnect_delay(&self) -> Duration {
        self.shared.options.max_reconnect_delay
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        self.shared.options.response_timeout
    }

    /// Sends a command that is about one key, or about none, in its turn with all else that is sent.
    /// It is on its way when this returns; what Redis says to it is there for who waits. One for
    /// which nobody waits any more may be left out.
    pub(crate) fn execute(
        &self,
        key: Option<&str>,
        command: Cmd,
    ) -> impl Future<Output = Result<Value, LinkError>> + Send + use<> {
        let (reply, receiver) = oneshot::channel();
        self.servers.send(key, Outgoing::new(command, Some(reply)));
        async move { receiver.await.unwrap_or(Err(LinkError::Closed)) }
    }

    /// Listens: `handler` takes what comes, with the name of the channel, on the task that reads from
    /// Redis. Who listens twice to the same is to end it twice; the first handler takes what comes.
    pub(crate) fn subscribe(
        &self,
        subscription: Subscription,
        handler: impl Fn(&str, Bytes) + Send + Sync + 'static,
    ) {
        if self.shared.handlers.insert(subscription.clone(), handler) {
            self.servers.want(subscription, true);
        }
    }

    /// Listens no more.
    pub(crate) fn unsubscribe(&self, subscription: Subscription) {
        if self.shared.handlers.remove(&subscription) {
            self.counts.forget(&subscription);
            self.servers.want(subscription, false);
        }
    }

    /// How many others listen to a channel to which this node does. Where Redis cannot tell, it is
    /// as many as there were; if it never could, this waits until it can.
    pub(crate) fn count_others(
        &self,
        subscription: Subscription,
    ) -> impl Future<Output = usize> + Send + use<> {
        let (command, channel) = match &subscription {
            Subscription::Shard(channel) => ("SHARDNUMSUB", channel),
            Subscription::Channel(channel) | Subscription::Pattern(channel) => ("NUMSUB", channel),
        };
        let mut question = cmd("PUBSUB");
        question.arg(command).arg(&channel[..]);
        let (servers, counts) = (Arc::clone(&self.servers), Arc::clone(&self.counts));
        let mut answers = servers.ask(&subscription, &question);
        async move {
            loop {
                let mut sum = (!answers.is_empty()).then_some(0);
                for answer in answers {
                    let count = answer.await.ok().as_ref().and_then(subscribers);
                    sum = sum.zip(count).map(|(sum, count)| sum + count);
                }
                // This node is one of them.
                let others = sum.map(|sum| sum.saturating_sub(1));
                if let Some(others) = counts.update(&subscription, others) {
                    return others;
                }
                time::sleep(ASK_AGAIN).await;
                answers = servers.ask(&subscription, &question);
            }
        }
    }

    /// A connection of its own, for commands that block. It does not come back by itself.
    pub(crate) async fn connection(&self, key: &str) -> RedisResult<MultiplexedConnection> {
        let timeout = self.shared.options.connection_timeout;
        let client = time::timeout(timeout, self.servers.client(key)).await;
        let client = client.map_err(|_| io_error("connecting took too long"))??;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(None);
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    pub(crate) fn stats(&self) -> Stats {
        self.shared.counters.stats(self.servers.is_connected(), self.servers.queued())
    }
}

impl Servers {
    /// Sends what belongs to a key, or to none.
    fn send(&self, key: Option<&str>, outgoing: Outgoing) {
        match self {
            Self::One(lane) => lane.send(outgoing),
            Self::Cluster(cluster) => cluster.send(key, outgoing),
        }
    }

    fn want(&self, subscription: Subscription, is_wanted: bool) {
        match self {
            Self::One(lane) => lane.want(subscription, is_wanted),
            Self::Cluster(cluster) => cluster.want(subscription, is_wanted),
        }
    }

    /// Asks something about a subscription, of all servers that may know of it.
    fn ask(&self, subscription: &Subscription, question: &Cmd) -> Vec<oneshot::Receiver<Value>> {
        match self {
            Self::One(lane) => vec![lane.ask(question.clone())],
            Self::Cluster(cluster) => cluster.ask(subscription, question),
        }
    }

    async fn client(&self, key: &str) -> RedisResult<Client> {
        match self {
            Self::One(lane) => lane.client().await,
            Self::Cluster(cluster) => cluster.client(key).await,
        }
    }

    fn is_connected(&self) -> bool {
        match self {
            Self::One(lane) => lane.is_connected(),
            Self::Cluster(cluster) => cluster.is_connected(),
        }
    }

    fn queued(&self) -> usize {
        match self {
            Self::One(lane) => lane.queued(),
            Self::Cluster(cluster) => cluster.queued(),
        }
    }
}

/// The last counts that are known.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<Subscription, usize>>);

impl Counts {
    /// Takes what Redis tells, if it does, and gives what is known then.
    fn update(&self, subscription: &Subscription, count: Option<usize>) -> Option<usize> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match count {
            Some(count) => drop(counts.insert(subscription.clone(), count)),
            None => return counts.get(subscription).copied(),
        }
        count
    }

    fn forget(&self, subscription: &Subscription) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(subscription);
    }
}

/// The number in `[channel, number]`.
fn subscribers(reply: &Value) -> Option<usize> {
    let number = match reply {
        Value::Array(items) => items.get(1)?,
        // As RESP3 may have it.
        Value::Map(entries) => &entries.first()?.1,
        _ => return None,
    };
    match number {
        Value::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        match &*self.servers {
            Servers::One(lane) => lane.end(),
            Servers::Cluster(cluster) => cluster.end(),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("stats", &self.stats())
            .field("handlers", &self.shared.handlers)
            .finish_non_exhaustive()
    }
}
