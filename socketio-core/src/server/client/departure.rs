//! How a socket ends, and what is waited for then.

use std::{
    sync::{Arc, OnceLock},
    task::Context,
    time::Instant,
};

use super::{ClientRunner, Job};
use crate::{
    proto::DisconnectReason,
    server::{
        context::DisconnectContext,
        engine::Host,
        handler::{Started, call_caught},
        listeners::{Listener, both},
        recovery::Place,
        socket::Socket,
    },
};

impl ClientRunner {
    /// The socket was shut.
    pub(super) fn ended(&mut self, socket: Socket, cx: &mut Context<'_>) {
        // Otherwise it is the connect handler's turn first.
        if !self.waiting.get(socket.id()).is_some_and(|backlog| backlog.is_connecting) {
            self.run_disconnect(socket.clone(), cx);
        }
        if let Some(until) = socket.place().and_then(Place::until) {
            self.expect(socket, until, self.client.session.now(), cx);
        }
    }

    pub(super) fn run_disconnect(&mut self, socket: Socket, cx: &mut Context<'_>) {
        let Some((reason, own)) = socket.finish() else {
            if let Some(reason) = socket.forfeit() {
                self.run_expire(&socket, reason, cx);
            }
            return;
        };
        let handlers = socket.namespace().handlers();
        let both = both(&handlers.listeners, own.as_deref());
        let listeners = both.flat_map(|listeners| &listeners.disconnect);
        self.start_ends(&socket, reason, listeners, cx);
    }

    fn start_ends<'a>(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        listeners: impl IntoIterator<Item = &'a Listener<DisconnectContext>>,
        cx: &mut Context<'_>,
    ) {
        let context = DisconnectContext { socket: socket.clone(), reason };
        for listener in listeners {
            let started = call_caught(&*listener.handler, &context);
            self.start(Job::Disconnect(socket.clone()), started, cx);
        }
    }

    /// Waits for a socket to come back, or gives it up.
    pub(super) fn expect(
        &mut self,
        socket: Socket,
        until: Instant,
        now: Instant,
        cx: &mut Context<'_>,
    ) {
        let is_closing = self.client.server.engine().is_closing();
        if until > now && !is_closing && socket.may_return(now) {
            self.expected.push((until, socket));
        } else if let Some((log, key)) = socket.left_in_log() {
            if is_closing {
                // Its client may come back to another node still.
                socket.expire();
                return;
            }
            let is_left = Arc::<OnceLock<bool>>::default();
            let (answer, namespace) = (Arc::clone(&is_left), socket.namespace().clone());
            let ask = async move {
                let _ = answer.set(namespace.take_left(&log, &key).await);
                Ok(())
            };
            let job = Job::Expire { socket, is_left };
            self.start(job, Started::Pending(Box::pin(ask)), cx);
        } else if let Some(reason) = socket.expire() {
            self.run_expire(&socket, reason, cx);
        }
    }

    pub(super) fn run_expire(
        &mut self,
        socket: &Socket,
        reason: DisconnectReason,
        cx: &mut Context<'_>,
    ) {
        let handlers = socket.namespace().handlers();
        self.start_ends(socket, reason, &handlers.listeners.expired, cx);
    }
}
