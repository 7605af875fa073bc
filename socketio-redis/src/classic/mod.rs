//! Node's `@socket.io/redis-adapter`: events are published, and so is all that nodes ask each other.

mod channels;
mod decode;
pub(crate) mod encode;
mod format;
mod legacy;
#[cfg(test)]
mod tests;

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use bytestring::ByteString;
use socketio_core::{
    Adapter, Clock, ClusterDriver, ClusterMessage, ClusterNode, Membership, NodeId, ServerGone,
};
use socketio_tokio::TokioClock;

pub(crate) use self::{
    channels::Channels,
    encode::{Channel, Written},
    format::{Body, Room},
};
use self::{
    decode::{Read, Unreadable},
    legacy::Asked,
};
use crate::{
    link::{Stats, Subscription, Target},
    running::{Running, Slot},
};

/// Servers that share a Redis are one: what one is told to do reaches the clients of all, those of
/// Node servers with `@socket.io/redis-adapter` among them.
///
/// ```no_run
/// use socketio_core::SocketIo;
/// use socketio_redis::{RedisAdapter, redis};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = redis::Client::open("redis://127.0.0.1/")?;
/// let io = SocketIo::builder().adapter(RedisAdapter::new(redis)).build()?;
/// # Ok(())
/// # }
/// ```
///
/// A clone of it is the same adapter, to ask for its [`stats`](Self::stats) once the server has it.
/// The server is built on a tokio runtime, which then does the work: elsewhere that panics, and so it
/// does if the adapter is another server's already.
///
/// What is published while Redis is away waits, up to [a bound](Target::queue_bytes); what the other
/// nodes publish meanwhile does not reach this one, nor does what they publish before they have Redis
/// again. Clients of this node get everything at once, whatever Redis does. How long other nodes'
/// answers are waited for is said by the server's options `request_timeout` and `ack_timeout`.
#[derive(Clone, Debug)]
pub struct RedisAdapter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    target: Target,
    channels: Channels,
    answers_each: bool,
    slot: Slot,
    asked: Asked,
}

/// The options of a [`RedisAdapter`], named as on Node.
///
/// # Options of Node that are not here
///
/// - `requestsTimeout`: the server's options `request_timeout` and `ack_timeout`, which are those of
///   every adapter.
/// - `parser`: nodes have to read each other, and all do as Node does by default.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct RedisAdapterBuilder {
    target: Target,
    key: ByteString,
    answers_each: bool,
}

impl RedisAdapter {
    /// With the options that Node has by default.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// With other options.
    ///
    /// ```
    /// # use socketio_redis::{RedisAdapter, Target};
    /// let redis = Target::server("redis://127.0.0.1/")?.queue_bytes(1024 * 1024);
    /// let adapter = RedisAdapter::builder(redis).key("game").build();
    /// # Ok::<(), socketio_redis::redis::RedisError>(())
    /// ```
    pub fn builder(target: impl Into<Target>) -> RedisAdapterBuilder {
        RedisAdapterBuilder { target: target.into(), key: DEFAULT_KEY.into(), answers_each: false }
    }

    /// What became of its messages, and whether it has Redis.
    pub fn stats(&self) -> Stats {
        self.0.slot.stats()
    }
}

/// What channels begin with.
pub(crate) const DEFAULT_KEY: &str = "socket.io";

impl RedisAdapterBuilder {
    /// What the names of all channels begin with, so that several applications can share a Redis.
    /// Default: `socket.io`.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into().into();
        self
    }

    /// Whether this node answers on a channel of the node that asks, rather than on one that all
    /// hear. All nodes listen to both. Default: `false`.
    pub fn publish_on_specific_response_channel(mut self, answers_each: bool) -> Self {
        self.answers_each = answers_each;
        self
    }

    /// Makes the adapter.
    pub fn build(self) -> RedisAdapter {
        RedisAdapter(Arc::new(Inner {
            target: self.target,
            channels: Channels::new(self.key),
            answers_each: self.answers_each,
            slot: Slot::default(),
            asked: Asked::default(),
        }))
    }
}

impl Adapter for RedisAdapter {
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
        let response: Reader = |_, payload| {
            decode::response(payload).map(|message| Read::Message { from: None, message })
        };
        let readers = [decode::broadcast, decode::request, response, response];
        for (subscription, read) in
            self.0.subscriptions(&running, namespace).into_iter().zip(readers)
        {
            self.listen(&running, namespace, subscription, read);
        }
    }

    fn close(&self, namespace: &str) {
        let Some(running) = self.0.slot.get() else { return };
        for subscription in self.0.subscriptions(&running, namespace) {
            running.link.unsubscribe(subscription);
        }
    }

    fn send(&self, namespace: &str, to: Option<&NodeId>, message: ClusterMessage) {
        let Some(running) = self.0.slot.get() else { return };
        if let Some(message) = self.0.asked.pass(message)
            && let Some(Written { channel, payload }) =
                encode::encode(running.node.id(), namespace, message)
        {
            self.0.publish(&running, namespace, to, &channel, &payload);
        }
    }

    fn count(&self, namespace: &str) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        let channel = self.0.channels.request(namespace);
        self.0.slot.count_others(Subscription::Channel(channel.into()))
    }

    fn stop(&self) {
        self.0.slot.stop();
    }
}

/// Reads what came for a namespace.
type Reader = fn(&str, &Bytes) -> Result<Read, Unreadable>;

impl RedisAdapter {
    fn listen(&self, running: &Running, namespace: &str, subscription: Subscription, read: Reader) {
        let (inner, namespace) = (Arc::downgrade(&self.0), ByteString::from(namespace));
        running.link.subscribe(subscription, move |channel, payload| {
            if let Some(inner) = inner.upgrade()
                && let Some(running) = inner.slot.get()
                && inner.is_for(&running, &namespace, channel, &payload)
                && let Ok(read) = read(&namespace, &payload)
            {
                // What comes for a server that is gone is passed over, as is what makes no sense.
                let _ = inner.receive(&running, &namespace, read);
            }
        });
    }
}

impl Inner {
    fn subscriptions(&self, running: &Running, namespace: &str) -> [Subscription; 4] {
        let node = running.node.id();
        [
            Subscription::Pattern(self.channels.pattern(namespace).into()),
            Subscription::Channel(self.channels.request(namespace).into()),
            Subscription::Channel(self.channels.response(namespace, None).into()),
            Subscription::Channel(self.channels.response(namespace, Some(node)).into()),
        ]
    }

    fn publish(
        &self,
        running: &Running,
        namespace: &str,
        to: Option<&NodeId>,
        channel: &Channel,
        payload: &[u8],
    ) {
        let to = to.filter(|_| self.answers_each);
        let channel = self.channels.of(channel, namespace, to);
        running.link.publish(&channel, payload);
    }

    /// Whether something could be for this node. Redis gives all events to all nodes, and to each its
    /// own: most need not be read.
    fn is_for(&self, running: &Running, namespace: &str, channel: &str, payload: &Bytes) -> bool {
        let room = self.channels.room(namespace, channel);
        room.is_none_or(|room| running.node.may_reach(namespace, room))
            && !decode::is_from(running.node.id(), payload)
    }

    fn receive(&self, running: &Running, namespace: &str, read: Read) -> Result<(), ServerGone> {
        match read {
            Read::Message { from, message } => {
                running.node.receive(namespace, from.as_ref(), message)
            }
            Read::Legacy { from, request, question } => {
                let answer = self.asked.answer(&running.node, namespace, &request, question)?;
                if let Some(answer) = answer {
                    let channel = Channel::Response;
                    self.publish(running, namespace, from.as_ref(), &channel, answer.as_bytes());
                }
                Ok(())
            }
        }
    }
}
