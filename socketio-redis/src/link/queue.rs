use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redis::{Arg, Cmd, Value};
use tokio::sync::{Notify, oneshot};

use super::LinkError;

/// What waits to be sent, in its order and within a bound. Nobody waits to put something in.
#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    state: Mutex<State>,
    pub(super) filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Outgoing>,
    bytes: usize,
    is_closed: bool,
}

/// A command, and who waits for what Redis says to it.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) command: Cmd,
    pub(super) reply: Option<oneshot::Sender<Result<Value, LinkError>>>,
    /// In a Redis Cluster, the slot that it belongs to, and how often another master had that.
    pub(super) slot: u16,
    pub(super) redirects: u8,
}

/// What an empty command takes.
const OVERHEAD: usize = 128;

/// Commands that are sent at once, and from how many bytes on no more are added.
pub(crate) const MAX_BATCH: usize = 512;
pub(crate) const MAX_BATCH_BYTES: usize = 512 * 1024;

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), filled: Notify::new() }
    }

    /// Puts a command at the end. Tells whether there was room; who waits is told otherwise.
    pub(super) fn push(&self, outgoing: Outgoing) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            outgoing.fail(LinkError::Closed);
            return false;
        }
        let bytes = outgoing.bytes();
        // One that is larger than the bound by itself goes through where nothing waits.
        if state.bytes + bytes > self.limit && !state.commands.is_empty() {
            outgoing.fail(LinkError::Overflow);
            return false;
        }
        state.bytes += bytes;
        state.commands.push_back(outgoing);
        drop(state);
        self.filled.notify_one();
        true
    }

    /// Takes what is to be sent next. What nobody waits for any more is passed over.
    pub(super) fn next_batch(&self) -> Vec<Outgoing> {
        let mut state = self.lock();
        let (mut batch, mut batch_bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH && batch_bytes < MAX_BATCH_BYTES {
            let Some(outgoing) = state.commands.pop_front() else { break };
            let bytes = outgoing.bytes();
            state.bytes -= bytes;
            if outgoing.reply.as_ref().is_none_or(|reply| !reply.is_closed()) {
                batch_bytes += bytes;
                batch.push(outgoing);
            }
        }
        if state.commands.is_empty() {
            // What an outage needed is not kept for ever.
            state.commands.shrink_to(MAX_BATCH);
        }
        batch
    }

    /// Takes out what is meant, in its order.
    pub(super) fn take_if(&self, is_meant: impl Fn(&Outgoing) -> bool) -> Vec<Outgoing> {
        let mut state = self.lock();
        let all = mem::take(&mut state.commands);
        let (meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
        state.commands = others.into();
        state.bytes -= meant.iter().map(Outgoing::bytes).sum::<usize>();
        meant
    }

    /// Gives all that waits.
    pub(super) fn take(&self) -> VecDeque<Outgoing> {
        let mut state = self.lock();
        state.bytes = 0;
        mem::take(&mut state.commands)
    }

    /// Takes nothing more, and gives what still waits.
    pub(super) fn close(&self) -> VecDeque<Outgoing> {
        self.lock().is_closed = true;
        self.take()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().commands.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outgoing {
    pub(super) fn new(
        command: Cmd,
        reply: Option<oneshot::Sender<Result<Value, LinkError>>>,
    ) -> Self {
        Self { command, reply, slot: 0, redirects: 0 }
    }

    fn bytes(&self) -> usize {
        size(&self.command)
    }

    pub(super) fn fail(self, error: LinkError) {
        if let Some(reply) = self.reply {
            // Nobody may wait for it.
            let _ = reply.send(Err(error));
        }
    }
}

/// Bytes that a command takes while it waits.
pub(crate) fn size(command: &Cmd) -> usize {
    let bytes = command.args_iter().map(|arg| match arg {
        Arg::Simple(bytes) => bytes.len(),
        _ => 0,
    });
    bytes.sum::<usize>() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use redis::cmd;

    use super::*;

    fn message(bytes: usize) -> Outgoing {
        let mut command = cmd("PUBLISH");
        command.arg("c").arg(vec![b'x'; bytes]);
        Outgoing::new(command, None)
    }

    #[test]
    fn what_is_past_the_bound_is_refused_and_what_waits_keeps_its_order() {
        let queue = Queue::new(2 * (OVERHEAD + 8 + 10));
        assert!(queue.push(message(10)));
        assert!(queue.push(message(9)));
        let (reply, mut waiting) = oneshot::channel();
        assert!(!queue.push(Outgoing { reply: Some(reply), ..message(2) }));
        assert!(matches!(waiting.try_recv(), Ok(Err(LinkError::Overflow))));
        let sizes: Vec<_> = queue.next_batch().iter().map(Outgoing::bytes).collect();
        assert_eq!(sizes, [OVERHEAD + 18, OVERHEAD + 17]);
        assert!(queue.push(message(1000)), "nothing else waits");
        assert_eq!(queue.close().len(), 1);
        assert!(!queue.push(message(1)));
    }

    #[test]
    fn a_batch_is_bounded_and_leaves_out_what_nobody_waits_for() {
        let queue = Queue::new(usize::MAX);
        let (reply, waiting) = oneshot::channel();
        drop(waiting);
        assert!(queue.push(Outgoing { reply: Some(reply), ..message(1) }));
        (0..MAX_BATCH + 1).for_each(|_| assert!(queue.push(message(1))));
        assert_eq!(queue.next_batch().len(), MAX_BATCH);
        assert_eq!(queue.next_batch().len(), 1);
        (0..3).for_each(|_| assert!(queue.push(message(MAX_BATCH_BYTES))));
        assert_eq!(queue.next_batch().len(), 1);
        assert_eq!(queue.len(), 2);
    }
}
