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

/// An event that is sent, if anyone listens. Showing it is the last thing to do, when no lock is
/// held.
#[must_use = "nobody hears of the event if it is not shown"]
pub(super) struct Audience(Option<Box<Shown>>);

/// The event, and whom it goes to.
struct Shown {
    name: ByteString,
    args: RawArgs,
    sockets: Vec<Socket>,
}

impl Audience {
    #[inline]
    pub(super) fn new(namespace: &Namespace, draft: &Draft) -> Self {
        Self(match namespace.is_observed() {
            true => Shown::read(draft),
            false => None,
        })
    }

    /// Whether anyone listens.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// The event goes to this socket.
    pub(super) fn add(&mut self, socket: &Socket) {
        if let Some(shown) = &mut self.0 {
            shown.sockets.push(socket.clone());
        }
    }

    #[inline]
    pub(super) fn show(self) {
        if let Some(shown) = self.0 {
            shown.show_all();
        }
    }
}

impl Shown {
    #[cold]
    fn read(draft: &Draft) -> Option<Box<Self>> {
        let (name, args) = draft.read()?;
        Some(Box::new(Self { name, args, sockets: Vec::new() }))
    }

    #[cold]
    fn show_all(&self) {
        self.sockets.iter().for_each(|socket| self.show(socket));
    }

    fn show(&self, socket: &Socket) {
        let handlers = socket.namespace().handlers();
        let own = socket.listeners();
        let (name, args) = (self.name.clone(), self.args.clone());
        let context = OutgoingContext { socket: socket.clone(), name, args };
        let listeners = both(&handlers.listeners, own.as_deref());
        for listener in listeners.flat_map(|listeners| &listeners.any_outgoing) {
            if let Started::Done(Err(failure)) = call_caught(&*listener.handler, &context) {
                socket.report(&self.name, failure);
            }
        }
    }
}
