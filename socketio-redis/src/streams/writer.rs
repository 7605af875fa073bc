use std::{
    collections::{HashSet, VecDeque},
    mem,
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
    let mut has_refused = false;
    loop {
        let messages = stream.next_batch();
        if !messages.is_empty() {
            Batch { stream, messages }.write_all(&mut has_refused).await;
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

/// Messages that are written at once. Those that are not when it is dropped are lost.
struct Batch<'a> {
    stream: &'a Stream,
    messages: VecDeque<Written>,
}

impl Batch<'_> {
    async fn write_all(mut self, has_refused: &mut bool) {
        while !self.messages.is_empty() {
            match self.write(has_refused).await {
                Ok(()) => {}
                Err(LinkError::Closed) => return,
                Err(error) => {
                    if !matches!(error, LinkError::Interrupted) {
                        time::sleep(PAUSE).await;
                    }
                    self.look_up().await;
                }
            }
        }
    }

    /// Has Redis take these, but for those that it refuses. At the first of which that is open it
    /// ends: those behind may be on their way, or are left out.
    async fn write(&mut self, has_refused: &mut bool) -> Result<(), LinkError> {
        let stream = self.stream;
        let execute = |written: &Written| {
            stream.running.link.execute(Some(&stream.name), written.command.clone())
        };
        let replies: Vec<_> = self.messages.iter().map(execute).collect();
        for reply in replies {
            let reply = match reply.await {
                Ok(reply) => Ok(offset(reply).ok_or(LinkError::Interrupted)?),
                Err(LinkError::Refused(error)) if !is_passing(&error) => Err(error),
                Err(error) => return Err(error),
            };
            let Some(written) = self.messages.pop_front() else { break };
            match reply {
                Ok(offset) => {
                    *has_refused = false;
                    stream.written(written.number, offset);
                }
                Err(error) => {
                    stream.lost(written);
                    if !mem::replace(has_refused, true) {
                        stream.report(LinkError::Refused(error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes out what the stream has already, and what is not worth to be written any more.
    async fn look_up(&mut self) {
        let stream = self.stream;
        let node = stream.running.node.id();
        let mut after = stream.last_written().unwrap_or(LogOffset::START);
        let mut found = HashSet::new();
        loop {
            match range(&stream.running.link, &stream.name, after).await {
                Ok(entries) => {
                    let Some((last, _)) = entries.last() else { break };
                    after = *last;
                    let written = entries.iter().filter_map(|(_, entry)| entry.as_ref());
                    for entry in written.filter(|entry| entry.from == *node) {
                        if let Some(number) = entry.number {
                            found.insert(number);
                            stream.written(number, entry.offset);
                        }
                    }
                }
                Err(LinkError::Closed) => return,
                Err(_) => time::sleep(PAUSE).await,
            }
        }
        for _ in 0..self.messages.len() {
            let Some(written) = self.messages.pop_front() else { break };
            if found.contains(&written.number) {
                continue;
            }
            match written.is_volatile {
                true => stream.lost(written),
                false => self.messages.push_back(written),
            }
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.messages.drain(..).for_each(|written| self.stream.lost(written));
    }
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
