use socketio_core::cluster::DecodeError;

/// What went wrong between a node and the others. An application's error hook finds it in
/// [`Failure::Adapter`](socketio_core::Failure::Adapter).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// The client was closed, or gave up to connect: its
    /// [`max_reconnects`](async_nats::ConnectOptions::max_reconnects). This server is a node of its
    /// own from now on.
    #[error("the NATS client is closed")]
    Closed,
    /// There is no connection to NATS, or it takes nothing for 5 s. It is tried until it does; this is
    /// reported once.
    #[error("no connection to NATS")]
    Disconnected,
    /// The adapter is another server's already. This one is a node of its own.
    #[error("the adapter is another server's already")]
    InUse,
    /// So many messages were lost, because too many waited or because the connection was lost before
    /// they were surely sent. Reported once what waited has been sent.
    #[error("{messages} messages to other nodes are lost")]
    Lost {
        /// How many.
        messages: u64,
    },
    /// A message is larger than NATS takes, which is its option `max_payload`, 1 MiB by default. It is
    /// lost. Beside large events it may be what a node answers to
    /// [`fetch_sockets`](socketio_core::BroadcastOperator::fetch_sockets): a socket is about 1 KiB.
    #[error("a message of {bytes} bytes is lost, as NATS takes no more than {limit}")]
    TooLarge {
        /// The length of the message.
        bytes: usize,
        /// What NATS takes.
        limit: usize,
    },
    /// Something came that is no message of a node.
    #[error("no message of a node: {0}")]
    Unreadable(#[from] DecodeError),
}
