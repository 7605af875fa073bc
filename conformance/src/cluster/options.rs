use clap::ValueEnum;
use socketio_core::{Builder, Recovery};
use socketio_redis::{
    RedisAdapter, RedisEmitter, RedisStreamsAdapter, RedisStreamsAdapterBuilder,
    ShardedRedisAdapter, SubscriptionMode, Target,
};

/// How to be a node: the options of the mode `cluster`, which are those of `node-server.js`. Without
/// Redis the mode `bench` is of a server that is alone.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeOptions {
    /// What connects the nodes.
    #[arg(long, env = "ADAPTER")]
    adapter: Option<Adapter>,
    /// The address of Redis.
    #[arg(long, env = "REDIS")]
    redis: Option<String>,
    /// That of a node of a Redis Cluster, in place of it.
    #[arg(long)]
    redis_cluster: Option<String>,
    /// Answers come on a channel of the node that asked. For `classic`.
    #[arg(long)]
    own_response_channel: bool,
    /// Which rooms have channels of their own. For `sharded`.
    #[arg(long, default_value = "dynamic")]
    subscription_mode: Mode,
    /// What nodes ask each other goes by sharded channels. For `streams`.
    #[arg(long)]
    sharded_pubsub: bool,
    /// Clients that come back are who they were. For `streams`.
    #[arg(long)]
    recovery: bool,
}

/// The adapters, by the names that they have on Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Adapter {
    Classic,
    Sharded,
    Streams,
}

/// The subscription modes, by the names that they have on Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Dynamic,
    DynamicPrivate,
    Static,
}

impl NodeOptions {
    /// Redis, if there is one.
    pub(crate) fn redis(&self) -> Option<Target> {
        let redis = match (&self.redis, &self.redis_cluster) {
            (_, Some(node)) => Target::cluster([&node[..]]),
            (Some(server), None) => Target::server(&server[..]),
            (None, None) => return None,
        };
        Some(redis.expect("the address of Redis"))
    }

    /// Makes a server a node.
    pub(crate) fn connect(&self, builder: Builder, redis: &Target) -> Builder {
        let builder = match self.recovery {
            true => builder.recovery(Recovery::default()),
            false => builder,
        };
        match self.adapter.expect("an adapter") {
            Adapter::Classic => builder.adapter(
                RedisAdapter::builder(redis.clone())
                    .publish_on_specific_response_channel(self.own_response_channel)
                    .build(),
            ),
            Adapter::Sharded => builder.adapter(
                ShardedRedisAdapter::builder(redis.clone())
                    .subscription_mode(self.subscription_mode.into())
                    .build(),
            ),
            Adapter::Streams => builder.adapter(self.streams(redis).build()),
        }
    }

    /// What sends to the nodes without being one. There is none for the sharded adapter.
    pub(super) fn emitter(&self, redis: &Target) -> RedisEmitter {
        match self.adapter {
            Some(Adapter::Streams) => RedisEmitter::for_streams(self.streams(redis)),
            _ => RedisEmitter::new(redis.clone()),
        }
    }

    fn streams(&self, redis: &Target) -> RedisStreamsAdapterBuilder {
        RedisStreamsAdapter::builder(redis.clone()).use_sharded_pub_sub(self.sharded_pubsub)
    }
}

impl From<Mode> for SubscriptionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Dynamic => Self::Dynamic,
            Mode::DynamicPrivate => Self::DynamicPrivate,
            Mode::Static => Self::Static,
        }
    }
}
