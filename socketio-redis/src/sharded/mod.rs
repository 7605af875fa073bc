//! The sharded adapter of Node's `@socket.io/redis-adapter`: `createShardedAdapter`.

mod channels;
mod joined;

use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytestring::ByteString;
use socketio_core::{
    Adapter, Clock, ClusterDriver, ClusterMessage, ClusterNode, Membership, NodeId,
    cluster::Envelope,
};
use socketio_tokio::TokioClock;

pub use self::channels::SubscriptionMode;
use self::{channels::Channels, joined::JoinedRooms};
use crate::{
    classic::DEFAULT_KEY,
    link::{Stats, Subscription, Target},
    running::{Running, Slot},
};

/// Servers that share a Redis 7, or a Redis Cluster, are one, as with a
/// [`RedisAdapter`](crate::RedisAdapter); Node servers with `createShardedAdapter` of
/// `@socket.io/redis-adapter` can be among them. It uses sharded pub/sub, where a Redis Cluster
/// carries a message only through the nodes that have to do with its channel, and an event for a
/// room reaches only the servers that have somebody there.
///
/// ```no_run
/// use socketio_core::SocketIo;
/// use socketio_redis::{ShardedRedisAdapter, Target};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Target::cluster(["redis://10.0.0.1/", "redis://10.0.0.2/"])?;
/// let io = SocketIo::builder().adapter(ShardedRedisAdapter::new(redis)).build()?;
/// # Ok(())
/// # }
/// ```
///
/// It is one server's. A clone of it is the same adapter, to ask for its [`stats`](Self::stats) once
/// the server has it. The server is to be built on a tokio runtime, which then does the work.
///
/// # Rooms
///
/// With the [modes](SubscriptionMode) that are dynamic a server listens to what is for a room from
/// when somebody is in it, or may come back to it by connection state recovery, until nobody is or
/// may. Joining does not wait for that: what another server sends to a room that was empty here does
/// not arrive in the time that Redis takes to be told of it, which is as a rule less than a
/// millisecond. Who is told by another server to join, as with `io.to(id).join("room")`, misses
/// nothing that this server then sends to the room.
///
/// # Order
///
/// What a server sends arrives in its order, if there is one Redis. In a Redis Cluster that goes for
/// each channel: events for different rooms, and events for a room and for all, may overtake each
/// other.
///
/// # When Redis is away
///
/// It is as with a [`RedisAdapter`](crate::RedisAdapter). In a Redis Cluster, the masters that are
/// still there go on meanwhile, and their replicas are found once they take over.
#[derive(Clone, Debug)]
pub struct ShardedRedisAdapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    target: Target,
    channels: Channels,
    slot: Slot,
    /// The namespaces, and the channels of their rooms that are listened to.
    rooms: Mutex<HashMap<ByteString, HashSet<ByteString>>>,
    joined: JoinedRooms,
}

/// The options of a [`ShardedRedisAdapter`], named as on Node.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShardedRedisAdapterBuilder {
    target: Target,
    channel_prefix: String,
    subscription_mode: SubscriptionMode,
}

impl ShardedRedisAdapter {
    /// With the options that Node has by default.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// With other options.
    ///
    /// ```
    /// # use socketio_redis::{ShardedRedisAdapter, SubscriptionMode, Target};
    /// let redis = Target::server("redis://127.0.0.1/")?;
    /// let adapter = ShardedRedisAdapter::builder(redis)
    ///     .channel_prefix("game")
    ///     .subscription_mode(SubscriptionMode::DynamicPrivate)
    ///     .build();
    /// # Ok::<(), socketio_redis::redis::RedisError>(())
    /// ```
    pub fn builder(target: impl Into<Target>) -> ShardedRedisAdapterBuilder {
        ShardedRedisAdapterBuilder {
            target: target.into(),
            channel_prefix: DEFAULT_KEY.into(),
            subscription_mode: SubscriptionMode::default(),
        }
    }

    /// What became of its messages, and whether it has Redis.
    pub fn stats(&self) -> Stats {
        self.0.slot.stats()
    }
}

impl ShardedRedisAdapterBuilder {
    /// What the names of all channels begin with, so that several applications can share a Redis.
    /// Default: `socket.io`.
    pub fn channel_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.channel_prefix = prefix.into();
        self
    }

    /// Which rooms have channels of their own. Default: [`SubscriptionMode::Dynamic`].
    pub fn subscription_mode(mut self, mode: SubscriptionMode) -> Self {
        self.subscription_mode = mode;
        self
    }

    /// Makes the adapter.
    pub fn build(self) -> ShardedRedisAdapter {
        ShardedRedisAdapter(Arc::new(Inner {
            target: self.target,
            channels: Channels { prefix: self.channel_prefix, mode: self.subscription_mode },
            slot: Slot::default(),
            rooms: Mutex::default(),
            joined: JoinedRooms::default(),
        }))
    }
}

impl Adapter for ShardedRedisAdapter {
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
        self.0.rooms().insert(namespace.into(), HashSet::new());
        for channel in self.0.channels.of_namespace(namespace, running.node.id()) {
            listen(&running, channel);
        }
    }

    fn close(&self, namespace: &str) {
        let Some(running) = self.0.slot.get() else { return };
        let rooms = self.0.rooms().remove(namespace);
        let others = self.0.channels.of_namespace(namespace, running.node.id());
        for channel in rooms.into_iter().flatten().chain(others) {
            running.link.unsubscribe(Subscription::Shard(channel));
        }
    }

    fn open_room(&self, namespace: &str, room: &str) {
        let Some(channel) = self.0.channels.room(namespace, room) else { return };
        let Some(running) = self.0.slot.get() else { return };
        let mut rooms = self.0.rooms();
        if rooms.get_mut(namespace).is_some_and(|rooms| rooms.insert(channel.clone())) {
            listen(&running, channel);
        }
    }

    fn close_room(&self, namespace: &str, room: &str) {
        let Some(channel) = self.0.channels.room(namespace, room) else { return };
        let Some(running) = self.0.slot.get() else { return };
        let mut rooms = self.0.rooms();
        if rooms.get_mut(namespace).is_some_and(|rooms| rooms.remove(&channel)) {
            running.link.unsubscribe(Subscription::Shard(channel));
        }
    }

    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let Some(running) = self.0.slot.get() else { return };
        let channel = match to {
            Some(node) => self.0.channels.answers(namespace, node),
            None => self.0.channel_of(namespace, &message),
        };
        let from = running.node.id().clone();
        let envelope = Envelope { namespace: namespace.into(), from, message };
        let payload = match envelope.has_bytes() {
            true => envelope.to_msgpack(),
            false => envelope.to_json().into_bytes(),
        };
        running.link.publish_to_shard(&channel, &payload);
    }

    fn count(&self, namespace: &str) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        let channel = self.0.channels.namespace(namespace);
        self.0.slot.count_others(Subscription::Shard(channel))
    }

    fn stop(&self) {
        self.0.slot.stop();
    }
}

impl Inner {
    /// By which channel a message reaches all who have to do with it. What is for a room may always
    /// go by that of its namespace, too.
    fn channel_of(&self, namespace: &str, message: &ClusterMessage) -> ByteString {
        if let ClusterMessage::SocketsJoin { rooms, .. } = message {
            let channels = rooms.iter().filter_map(|room| self.channels.room(namespace, room));
            channels.for_each(|channel| self.joined.insert(channel, TokioClock.now()));
        }
        match self.channels.room_of(namespace, message) {
            Some(channel) if !self.joined.contains(&channel, TokioClock.now()) => channel,
            _ => self.channels.namespace(namespace),
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<ByteString, HashSet<ByteString>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(running: &Running, channel: ByteString) {
    let node = running.node.clone();
    running.link.subscribe(Subscription::Shard(channel), move |_, payload| {
        // What makes no sense is passed over, and so is what comes when the server is gone. A channel
        // can be that of a room and that of another namespace, so its name says nothing.
        if let Ok(Envelope { namespace, from, message }) = Envelope::decode(&payload) {
            let _ = node.receive(&namespace, Some(&from), message);
        }
    });
}
