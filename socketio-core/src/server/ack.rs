use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::{
    cluster::NodeAsker,
    socket::{Outgoing, Socket},
};
use crate::{
    error::EmitError,
    wire::{AckId, Args, RawArgs, encode_ack},
};

/// The answer that an event asks for, in the hands of its handler.
///
/// Taking it as an argument means to answer by hand; otherwise the handler's return value does.
/// Only the first answer is sent.
#[derive(Clone)]
pub struct Ack(Option<Arc<Inner>>);

struct Inner {
    asker: Asker,
    state: AtomicU8,
}

/// Who waits for the answer.
enum Asker {
    Client(Socket, AckId),
    /// Boxed, as most answers are clients'.
    Node(Box<NodeAsker>),
}

/// Nobody has answered: once all handlers have returned, an empty answer goes out.
const OPEN: u8 = 0;
/// A handler took it and answers by hand, or does not.
const TAKEN: u8 = 1;
const SENT: u8 = 2;

impl Ack {
    pub(super) fn new(socket: &Socket, id: Option<AckId>) -> Self {
        Self::to(id.map(|id| Asker::Client(socket.clone(), id)))
    }

    /// The answer to another node, if it wants one.
    pub(super) fn to_node(node: Option<NodeAsker>) -> Self {
        Self::to(node.map(|node| Asker::Node(Box::new(node))))
    }

    fn to(asker: Option<Asker>) -> Self {
        let inner = |asker| Inner { asker, state: AtomicU8::new(OPEN) };
        Self(asker.map(|asker| Arc::new(inner(asker))))
    }

    /// Whether an answer was asked for. If not, sending one does nothing.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Answers: a tuple is [several arguments](Args), anything else is one.
    ///
    /// # Errors
    /// The value cannot be written, or who asked is gone.
    pub fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        match &self.0 {
            Some(inner) => inner.send(args),
            None => Ok(()),
        }
    }

    /// Answers that the handler failed.
    pub(super) fn send_error(&self, message: &str) {
        // It is a courtesy; the error itself went to the hook.
        let _ = self.send(&serde_json::json!({ "error": message }));
    }

    /// Nobody handles the event, so nobody answers.
    pub(super) fn disarm(&self) {
        let _ = self.take();
    }

    pub(super) fn take(&self) -> Self {
        if let Some(inner) = &self.0 {
            let _ = inner.state.compare_exchange(OPEN, TAKEN, Ordering::AcqRel, Ordering::Acquire);
        }
        self.clone()
    }
}

impl Inner {
    fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        match &self.asker {
            Asker::Client(socket, id) => {
                let encoded = encode_ack(socket.namespace_name(), *id, args)?;
                if self.is_first() { socket.push(Outgoing::Packet(encoded)) } else { Ok(()) }
            }
            Asker::Node(node) => {
                let answer = RawArgs::new(args)?;
                if self.is_first() {
                    node.answer(&answer);
                }
                Ok(())
            }
        }
    }

    fn is_first(&self) -> bool {
        self.state.swap(SENT, Ordering::AcqRel) != SENT
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.state.get_mut() == OPEN {
            // The client may be gone, which is no loss.
            let _ = self.send(&());
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}
