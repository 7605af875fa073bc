use std::{sync::Arc, time::Duration};

use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection, cmd};
use socketio_core::{LogOffset, LoggedMessage, ServerGone};
use tokio::{select, time};

use super::{
    entry::{self, Entry},
    stream::Stream,
};
use crate::link::{Backoff, LinkError};

/// Reads a stream from its end on, and goes on where it was when a connection is lost.
pub(super) async fn read(stream: Arc<Stream>) {
    let mut is_ending = stream.is_ending.subscribe();
    select! {
        ServerGone = read_on(&stream) => {}
        // The stream itself has the sender.
        _ = is_ending.wait_for(|is_ending| *is_ending) => {}
    }
}

async fn read_on(stream: &Stream) -> ServerGone {
    let mut backoff = Backoff::new(stream.running.link.max_reconnect_delay());
    let mut last = None;
    loop {
        if let Ok(connection) = stream.running.link.connection(&stream.name).await
            && let Ok(begin) = begin(stream, connection.clone(), last).await
        {
            last = Some(begin);
            backoff.reset();
            let end = read_all(stream, connection, last.get_or_insert(begin)).await;
            stream.set_read(false);
            if let Err(Ended::ServerGone(gone)) = end {
                return gone;
            }
        }
        time::sleep(backoff.next()).await;
    }
}

/// Why there is nothing more to read from a connection.
enum Ended {
    Lost,
    ServerGone(ServerGone),
}

/// Where to read on: at the end, at first, and where Redis has come back with less than it had. What
/// follows then may have places before the last one, by a clock that is behind.
async fn begin(
    stream: &Stream,
    mut connection: MultiplexedConnection,
    last: Option<LogOffset>,
) -> RedisResult<LogOffset> {
    let end = edge(stream, &mut connection, "XREVRANGE", "+", "-").await?;
    let Some(last) = last.filter(|last| *last <= end) else {
        stream.begin_at(end);
        return Ok(end);
    };
    let first = edge(stream, &mut connection, "XRANGE", "-", "+").await?;
    let is_there = last == LogOffset::START || first <= last;
    // One that is whole has begun since.
    if is_there || is_whole(stream, &mut connection).await? {
        return Ok(last);
    }
    stream.report(LinkError::Trimmed);
    let before = before(first);
    stream.begin_at(before);
    Ok(before)
}

/// Whether a stream has forgotten nothing.
async fn is_whole(stream: &Stream, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let mut command = cmd("XINFO");
    command.arg("STREAM").arg(&stream.name);
    Ok(entry::is_whole(query(stream, connection, &command, Duration::ZERO).await?))
}

/// The place of the entry at one end of a stream.
async fn edge(
    stream: &Stream,
    connection: &mut MultiplexedConnection,
    command: &str,
    from: &str,
    to: &str,
) -> RedisResult<LogOffset> {
    let mut command = cmd(command);
    command.arg(&stream.name).arg(from).arg(to).arg("COUNT").arg(1);
    let reply = query(stream, connection, &command, Duration::ZERO).await?;
    Ok(entry::entries(reply).first().map_or(LogOffset::START, |(offset, _)| *offset))
}

/// The last place before another, which is not the first of all.
fn before(LogOffset { major, minor }: LogOffset) -> LogOffset {
    match minor.checked_sub(1) {
        Some(minor) => LogOffset { major, minor },
        None => LogOffset { major: major.saturating_sub(1), minor: u64::MAX },
    }
}

/// Until the connection is lost.
async fn read_all(
    stream: &Stream,
    mut connection: MultiplexedConnection,
    last: &mut LogOffset,
) -> Result<(), Ended> {
    let settings = &stream.settings;
    let block = settings.block_time;
    stream.set_read(true);
    loop {
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(settings.read_count).arg("BLOCK").arg(block.as_millis() as u64);
        command.arg("STREAMS").arg(&stream.name).arg(last.to_string());
        let reply = select! {
            reply = query(stream, &mut connection, &command, block) => reply,
            () = stream.stalled.notified() => return Err(Ended::Lost),
        };
        for (offset, entry) in entry::new_entries(reply.map_err(|_| Ended::Lost)?) {
            if let Some(entry) = entry {
                deliver(stream, &entry).map_err(Ended::ServerGone)?;
            }
            *last = offset;
        }
    }
}

fn deliver(stream: &Stream, entry: &Entry) -> Result<(), ServerGone> {
    let node = &stream.running.node;
    let Entry { offset, from, namespace, number, .. } = entry;
    stream.running.link.received();
    if from == node.id() {
        let logged = number.and_then(|number| stream.landed(number));
        return node.landed(namespace, logged, *offset);
    }
    // What makes no sense is passed over.
    match entry.message() {
        Ok(message) => {
            let message = LoggedMessage { offset: *offset, message };
            node.receive_logged(namespace, Some(from), message)
        }
        Err(_) => Ok(()),
    }
}

/// Asks something that Redis may take some time for.
async fn query(
    stream: &Stream,
    connection: &mut MultiplexedConnection,
    command: &Cmd,
    block: Duration,
) -> RedisResult<Value> {
    let patience = block + stream.running.link.response_timeout();
    let reply = time::timeout(patience, command.query_async(connection)).await;
    reply.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}
