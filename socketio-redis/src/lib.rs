//! Several servers as one, over Redis: what one of them is told to do reaches the clients of all.
//!
//! ```no_run
//! use socketio_core::{Data, Socket, SocketIo};
//! use socketio_redis::{RedisAdapter, redis};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let redis = redis::Client::open("redis://127.0.0.1/")?;
//! let io = SocketIo::builder().adapter(RedisAdapter::new(redis)).build()?;
//! io.on("message", async |socket: Socket, Data(text): Data<String>| {
//!     socket.broadcast().emit("message", &text)
//! });
//! # Ok(())
//! # }
//! ```
//!
//! - [`RedisAdapter`] is Node's `@socket.io/redis-adapter`, and Node servers with it can be among the
//!   nodes.
//! - [`ShardedRedisAdapter`] is that package's sharded adapter, for Redis 7: in a Redis Cluster, not
//!   every node carries every message, and an event for a room goes only to servers that have
//!   somebody there.
//! - [`RedisStreamsAdapter`] is Node's `@socket.io/redis-streams-adapter`: events are kept in a stream
//!   for a while, so that no node misses one, and clients are recovered on any node.
//! - [`RedisEmitter`] is Node's `@socket.io/redis-emitter`: it sends to their clients from programs
//!   that are no server.
//! - [`Target`] is one Redis, a Redis Cluster, or what Sentinel watches over, and says how the
//!   connections to it are kept.
//!
//! Clients that poll still have to reach the same node with all their requests: a load balancer has to
//! see to that. [More than one server] has configurations, and says which adapter is for what.
//!
//! [More than one server]: https://github.com/socketio-rs/socketio/blob/main/docs/scaling.md
//!
//! # When Redis is away
//!
//! Clients get what their own node sends at once, whatever Redis does. What is for other nodes waits,
//! within a [bound](Target::queue_bytes), and goes out when Redis is back; the connections come back
//! by themselves. Requests end at their time-out with what has come and how many nodes did not
//! answer. An application's error hook hears of each outage, and of what was lost, as
//! [`LinkError`]; [`Stats`] has the numbers.
//!
//! ```no_run
//! # use socketio_core::{Failure, SocketIo};
//! # use socketio_redis::{RedisAdapter, Target};
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let adapter = RedisAdapter::new(Target::server("redis://127.0.0.1/")?);
//! let io = SocketIo::builder().adapter(adapter.clone()).build()?;
//! io.on_error(move |report| {
//!     if let Failure::Adapter(error) = &report.failure {
//!         eprintln!("{error}: {:?}", adapter.stats());
//!     }
//! });
//! # Ok(())
//! # }
//! ```
//!
//! Pub/sub delivers to who listens at that moment. What a node publishes before another one has Redis
//! again does not reach that one, and nobody is told.

mod classic;
mod emitter;
mod link;
mod running;
mod sharded;
mod streams;

pub use redis;

pub use self::{
    classic::{RedisAdapter, RedisAdapterBuilder},
    emitter::{EmitterError, EmitterOperator, RedisEmitter},
    link::{LinkError, Stats, Target},
    sharded::{ShardedRedisAdapter, ShardedRedisAdapterBuilder, SubscriptionMode},
    streams::{RedisStreamsAdapter, RedisStreamsAdapterBuilder},
};
