//! A node of a cluster, with the same handlers as `conformance/cluster/node-server.js`.

mod emitter;
mod operations;
mod selection;

use std::time::Duration;

use clap::ValueEnum;
use socketio_core::{Builder, Namespace, NamespaceRequest, SocketIo};
use socketio_redis::{RedisAdapter, RedisEmitter, ShardedRedisAdapter, SubscriptionMode, Target};

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
}

/// The adapters, by the names that they have on Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Adapter {
    Classic,
    Sharded,
}

/// The subscription modes, by the names that they have on Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Dynamic,
    DynamicPrivate,
    Static,
}

const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A node that is known by its port.
pub(crate) fn server(options: &NodeOptions, port: u16) -> SocketIo {
    let redis = options.redis().expect("the address of Redis");
    let builder = SocketIo::builder().request_timeout(REQUEST_TIMEOUT);
    let io = options.connect(builder, &redis).build().expect("valid options");
    io.insert_state(operations::Port(port));
    io.insert_state(RedisEmitter::new(redis));
    io.on_error(|report| eprintln!("{report}"));
    for name in ["/", "/custom"] {
        add(&io.of(name));
    }
    let is_story = |request: NamespaceRequest| request.name().starts_with("/story-");
    io.of_dynamic(is_story, add);
    io
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
        }
    }
}

fn add(namespace: &Namespace) {
    operations::add(namespace);
    emitter::add(namespace);
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
