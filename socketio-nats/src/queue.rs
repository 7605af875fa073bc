use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_nats::Subject;
use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::{Notify, watch};

/// What is to be done, in its order. Messages wait within a bound, and nobody waits to put one in.
#[derive(Debug)]
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    changed: Notify,
    /// Whether no more messages are taken.
    is_over: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    messages: usize,
    bytes: usize,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Listen to what is for a namespace.
    Open(ByteString),
    /// Listen no more.
    Close(ByteString),
    Publish(Publication),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Publication {
    pub(crate) namespace: ByteString,
    pub(crate) subject: Subject,
    pub(crate) payload: Bytes,
}

/// What an empty message takes.
const OVERHEAD: usize = 128;

/// From how many bytes on nothing more is done at once.
const MAX_BATCH_BYTES: usize = 256 * 1024;

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        let (state, changed) = (Mutex::default(), Notify::new());
        Self { limit, state, changed, is_over: watch::Sender::new(false) }
    }

    /// Puts a command at the end. Tells whether there was room, which there always is for those that
    /// are no messages: namespaces are bounded.
    pub(crate) fn push(&self, command: Command) -> bool {
        let mut state = self.lock();
        if let Command::Publish(publication) = &command {
            let bytes = state.bytes + publication.bytes();
            // One that is larger than the bound by itself goes through where nothing waits.
            if *self.is_over.borrow() || bytes > self.limit && state.messages > 0 {
                return false;
            }
            state.bytes = bytes;
            state.messages += 1;
        }
        state.commands.push_back(command);
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Waits until there is something to be done. Tells whether there ever will be.
    pub(crate) async fn filled(&self) -> bool {
        loop {
            let is_filled = !self.lock().commands.is_empty();
            if is_filled || *self.is_over.borrow() {
                return is_filled;
            }
            self.changed.notified().await;
        }
    }

    /// Takes what is to be done next.
    pub(crate) fn next_batch(&self) -> Vec<Command> {
        let mut state = self.lock();
        let (mut batch, before) = (Vec::new(), state.bytes);
        while before - state.bytes < MAX_BATCH_BYTES
            && let Some(command) = state.commands.pop_front()
        {
            if let Command::Publish(publication) = &command {
                state.bytes -= publication.bytes();
                state.messages -= 1;
            }
            batch.push(command);
        }
        if state.commands.is_empty() {
            // What an outage needed is not kept for ever.
            state.commands.shrink_to(1024);
        }
        batch
    }

    /// Takes no more messages.
    pub(crate) fn end(&self) {
        self.is_over.send_replace(true);
        self.changed.notify_one();
    }

    /// Takes no more messages, and drops those that wait: so many.
    pub(crate) fn close(&self) -> usize {
        self.end();
        std::mem::take(&mut *self.lock()).messages
    }

    /// Waits until no more messages are taken.
    pub(crate) async fn ended(&self) {
        let mut is_over = self.is_over.subscribe();
        is_over.wait_for(|is_over| *is_over).await.expect("this has the sender");
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().messages
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publication {
    fn bytes(&self) -> usize {
        self.subject.len() + self.payload.len() + OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Command {
        let (subject, payload) = ("s".into(), vec![b'x'; bytes].into());
        Command::Publish(Publication { namespace: "/".into(), subject, payload })
    }

    #[test]
    fn what_is_past_the_bound_is_refused_and_what_waits_keeps_its_order() {
        let queue = Queue::new(2 * (OVERHEAD + 1 + 10));
        assert!(queue.push(Command::Open("/".into())));
        assert!(queue.push(message(10)));
        assert!(queue.push(message(9)));
        assert!(!queue.push(message(2)));
        assert!(queue.push(Command::Close("/".into())), "it is no message");
        assert_eq!(queue.len(), 2);
        let batch = queue.next_batch();
        let all = [Command::Open("/".into()), message(10), message(9), Command::Close("/".into())];
        assert_eq!(batch, all);
        assert!(queue.push(message(1000)), "nothing else waits");
        assert_eq!(queue.close(), 1);
        assert!(!queue.push(message(1)));
    }

    #[test]
    fn a_batch_is_bounded() {
        let queue = Queue::new(usize::MAX);
        (0..3).for_each(|_| assert!(queue.push(message(MAX_BATCH_BYTES / 2))));
        assert_eq!(queue.next_batch().len(), 2);
        assert_eq!(queue.next_batch().len(), 1);
        assert_eq!(queue.next_batch(), []);
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_still_there() {
        let queue = Queue::new(1000);
        assert!(queue.push(message(1)));
        queue.end();
        queue.ended().await;
        assert!(queue.filled().await);
        assert_eq!(queue.next_batch().len(), 1);
        assert!(!queue.filled().await);
    }
}
