use redis::RedisError;

/// What went wrong between a node and Redis. An application's error hook finds it in
/// [`Failure::Adapter`](socketio_core::Failure::Adapter).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The server that sends has closed.
    #[error("closed")]
    Closed,
    /// There is no connection to Redis. It is tried again until there is one, and this is reported
    /// once: at once, or where there was none before, or only just, when the next try fails as well.
    #[error("no connection to Redis: {0}")]
    Disconnected(RedisError),
    /// The connection was lost before Redis said that it took the message.
    #[error("the connection to Redis was lost before it answered")]
    Interrupted,
    /// So many messages were lost, because too many waited or because the connection was lost before
    /// Redis said that it took them. Reported once what waited has been sent.
    #[error("{messages} messages to other nodes are lost")]
    Lost {
        /// How many.
        messages: u64,
    },
    /// Redis answers something that makes no sense.
    #[error("unexpected answer of Redis: {0}")]
    Unexpected(RedisError),
    /// Too many messages wait for Redis already: [`queue_bytes`](crate::Target::queue_bytes).
    #[error("too many messages wait for Redis")]
    Overflow,
    /// A stream had forgotten what was to be read next, as more came than it
    /// [keeps](crate::RedisStreamsAdapterBuilder::max_len) while there was no connection: clients of
    /// this node may have missed events.
    #[error("more came than the stream keeps: events may be missed")]
    Trimmed,
    /// Redis does not take what it is sent, as where its user may not publish. Of messages it is
    /// reported once for each connection.
    #[error("Redis refuses: {0}")]
    Refused(RedisError),
}
