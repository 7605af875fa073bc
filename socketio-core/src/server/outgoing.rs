//! Events on their way out, as listeners see them.

use bytestring::ByteString;

use super::{
    context::OutgoingContext,
    handler::{Started, call_caught},
    listeners::both,
    namespace::Namespace,
    socket::Socket,
};
use crate::wire::{Draft, RawArgs};

/// An event that is sent, for the listeners of those it goes to. Calling them is the last thing to
/// do, when no lock is held.
#[must_use = "nobody hears of the event if it is not shown"]
pub(super) struct Audience {
    /// Present if anyone listens.
    event: Option<(ByteString, RawArgs)>,
    sockets: Vec<Socket>,
}

impl Audience {
    pub(super) fn new(namespace: &Namespace, draft: &Draft) -> Self {
        let event = match namespace.is_observed() {
            true => draft.read(namespace.shared_name()),
            false => None,
        };
        Self { event, sockets: Vec::new() }
    }

    /// The event goes to this socket.
    pub(super) fn add(&mut self, socket: &Socket) {
        if self.event.is_some() {
            self.sockets.push(socket.clone());
        }
    }

    pub(super) fn show(self) {
        let Some((name, args)) = self.event else {
            return;
        };
        for socket in self.sockets {
            let handlers = socket.namespace().handlers();
            let own = socket.listeners();
            let context =
                OutgoingContext { socket: socket.clone(), name: name.clone(), args: args.clone() };
            for listener in both(&handlers.listeners, own.as_deref()).flat_map(|l| &l.any_outgoing)
            {
                if let Started::Done(Err(failure)) = call_caught(&*listener.handler, &context) {
                    socket.report(&name, failure);
                }
            }
        }
    }
}
