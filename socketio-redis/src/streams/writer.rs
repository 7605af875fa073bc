use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use redis::{ErrorKind, RedisError, ServerErrorKind, Value, from_redis_value};
use socketio_core::LogOffset;
use tokio::{select, time};

use super::{
    range,
    stream::{Stream, Written},
};
use crate::link::LinkError;

/// How long is waited before something is tried again that Redis refused for the time being.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes what is to be written, in its order. What a lost connection leaves open is looked up in the
/// stream, so nothing is lost or there twice.
pub(super) async fn write(stream: Arc<Stream>) {
    let mut is_ending = stream.is_ending.subscribe();
    let out_of_patience = async {
        // The stream itself has the sender.
        let _ = is_ending.wait_for(|is_ending| *is_ending).await;
        time::sleep(stream.settings.patience).await;
    };
    select! {
        () = write_on(&stream) => {}
        () = out_of_patience => stream.lose(stream.waiting()),
    }
}

async fn write_on(stream: &Stream) {
    let mut is_ending = stream.is_ending.subscribe();
    loop {
        let batch = stream.next_batch();
        if !batch.is_empty() {
            write_all(stream, batch).await;
            continue;
        }
        stream.report_lost();
        if *is_ending.borrow_and_update() {
            return;
        }
        select! {
            () = stream.filled.notified() => {}
            // The stream itself has the sender.
            _ = is_ending.changed() => {}
        }
    }
}

async fn write_all(stream: &Stream, mut batch: VecDeque<Written>) {
    while !batch.is_empty() {
        match write_some(stream, &mut batch).await {
            Ok(()) => {}
            Err(LinkError::Closed) => return stream.lose(batch.len()),
            Err(LinkError::Interrupted) => look_up(stream, &mut batch).await,
            Err(LinkError::Refused(error)) if !is_passing(&error) => {
                batch.pop_front();
                stream.lose(1);
                stream.report(LinkError::Refused(error));
            }
            Err(_) => time::sleep(PAUSE).await,
        }
    }
}

/// Has Redis take these, up to the first that it does not. What follows that is left out.
async fn write_some(stream: &Stream, batch: &mut VecDeque<Written>) -> Result<(), LinkError> {
    let execute = |written: &Written| {
        stream.running.link.execute(Some(&stream.name), written.command.clone())
    };
    let replies: Vec<_> = batch.iter().map(execute).collect();
    for reply in replies {
        let offset = offset(reply.await?).ok_or(LinkError::Interrupted)?;
        if let Some(written) = batch.pop_front() {
            stream.written(written.number, offset);
        }
    }
    Ok(())
}

/// Takes out what the stream has already, and what is not worth to be written any more.
async fn look_up(stream: &Stream, batch: &mut VecDeque<Written>) {
    let node = stream.running.node.id();
    let mut after = stream.last_written().unwrap_or(LogOffset::START);
    let mut found = HashSet::new();
    loop {
        match range(&stream.running.link, &stream.name, after).await {
            Ok(entries) => {
                let Some(last) = entries.last() else { break };
                after = last.offset;
                let own = entries.iter().filter(|entry| entry.from == *node);
                for entry in own {
                    if let Some(number) = entry.number {
                        found.insert(number);
                        stream.written(number, entry.offset);
                    }
                }
            }
            Err(LinkError::Closed) => break,
            Err(_) => time::sleep(PAUSE).await,
        }
    }
    let before = batch.len();
    batch.retain(|written| !found.contains(&written.number));
    let found = before - batch.len();
    batch.retain(|written| !written.is_volatile);
    let lost = before - found - batch.len();
    stream.lose(lost);
}

/// Whether Redis will take it once it has become what it is about to be.
fn is_passing(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain
        )
    )
}

fn offset(reply: Value) -> Option<LogOffset> {
    from_redis_value::<String>(reply).ok()?.parse().ok()
}
