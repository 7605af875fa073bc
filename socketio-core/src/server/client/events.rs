//! The way of an event through what hears it, in its turn.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    task::Context,
};

use bytestring::ByteString;
use rustc_hash::FxHashMap;

use super::{Backlog, ClientRunner, Job, run};
use crate::{
    error::Failure,
    server::{
        ack::Ack,
        context::{EventContext, EventMiddlewareContext, Verdict},
        handler::{Started, call_caught, handled_by},
        listeners::{Listener, Listeners, both},
        socket::Socket,
    },
    wire::{AckId, RawArgs},
};

impl ClientRunner {
    #[inline]
    pub(super) fn receive(
        &mut self,
        socket: Socket,
        id: Option<AckId>,
        name: ByteString,
        args: RawArgs,
        cx: &mut Context<'_>,
    ) {
        let ack = Ack::new(&socket, id);
        let event = EventContext { socket, name, args, ack };
        match self.waiting.get_mut(event.socket.id()) {
            Some(backlog) => backlog.events.push_back(event),
            None => self.dispatch(&event, cx),
        }
    }

    /// Runs what hears an event, if the socket is still there: what its namespace has registered,
    /// then what it has itself.
    fn dispatch(&mut self, event: &EventContext, cx: &mut Context<'_>) {
        if !event.socket.is_connected() {
            return event.ack.disarm();
        }
        let handlers = event.socket.namespace().handlers();
        let own = event.socket.listeners();
        let (listeners, own) = (&handlers.listeners, own.as_deref());
        if listeners.intercepts() || own.is_some_and(Listeners::intercepts) {
            return self.intercept(event, listeners, own, cx);
        }
        self.listen(event, listeners, own, cx);
    }

    /// Runs what comes before the handlers of an event.
    #[cold]
    fn intercept(
        &mut self,
        event: &EventContext,
        listeners: &Listeners,
        own: Option<&Listeners>,
        cx: &mut Context<'_>,
    ) {
        let mut middlewares = Vec::new();
        for listeners in both(listeners, own) {
            self.call_all(&listeners.any, event, cx);
            middlewares.extend_from_slice(&listeners.middlewares);
        }
        if middlewares.is_empty() {
            return self.listen(event, listeners, own, cx);
        }
        self.hold(&event.socket, false);
        let passed = Arc::default();
        let future = pass(event.clone(), middlewares, Arc::clone(&passed));
        let job = Job::Middleware { event: event.clone(), passed };
        self.start(job, Started::Pending(Box::pin(future)), cx);
    }

    /// The middlewares of an event have returned.
    pub(super) fn passed(
        &mut self,
        event: EventContext,
        args: Option<RawArgs>,
        result: Result<(), Failure>,
        cx: &mut Context<'_>,
    ) {
        match args {
            Some(args) if event.socket.is_connected() => {
                let event = EventContext { args, ..event };
                let handlers = event.socket.namespace().handlers();
                let own = event.socket.listeners();
                self.listen(&event, &handlers.listeners, own.as_deref(), cx);
            }
            _ => {
                handled(&event.socket, &event.name, &event.ack, result);
                event.ack.disarm();
            }
        }
    }

    /// Runs the handlers of an event itself.
    fn listen(
        &mut self,
        event: &EventContext,
        listeners: &Listeners,
        own: Option<&Listeners>,
        cx: &mut Context<'_>,
    ) {
        let mut is_heard = self.call_all(listeners.of(&event.name), event, cx);
        if let Some(own) = own {
            is_heard |= self.call_all(own.of(&event.name), event, cx);
        }
        if !is_heard {
            event.ack.disarm();
        }
    }

    /// Has events of a socket wait, from the next one on.
    pub(super) fn hold(&mut self, socket: &Socket, is_connecting: bool) {
        let backlog = Backlog { socket: socket.clone(), is_connecting, events: VecDeque::new() };
        self.waiting.insert(*socket.id(), backlog);
    }

    /// Gives the events that waited their turn.
    pub(super) fn resume(&mut self, socket: &Socket, cx: &mut Context<'_>) {
        let backlog = self.waiting.remove(socket.id());
        if self.waiting.is_empty() {
            // As a rule it stays so.
            self.waiting = FxHashMap::default();
        }
        let mut events = backlog.map(|backlog| backlog.events).unwrap_or_default();
        while let Some(event) = events.pop_front() {
            self.dispatch(&event, cx);
            if let Some(backlog) = self.waiting.get_mut(socket.id()) {
                // It has a middleware that is pending; nothing came since.
                backlog.events = events;
                return;
            }
        }
    }

    /// Calls handlers of an event. Tells whether there are any.
    fn call_all(
        &mut self,
        listeners: &[Listener<EventContext>],
        event: &EventContext,
        cx: &mut Context<'_>,
    ) -> bool {
        for listener in listeners {
            match call_caught(&*listener.handler, event) {
                Started::Done(Ok(())) => {}
                Started::Done(result) => handled(&event.socket, &event.name, &event.ack, result),
                started => {
                    let EventContext { socket, name, ack, .. } = event.clone();
                    self.start(Job::Event { socket, name, ack }, started, cx);
                }
            }
        }
        !listeners.is_empty()
    }
}

/// The handler of an event has returned.
pub(super) fn handled(socket: &Socket, name: &str, ack: &Ack, result: Result<(), Failure>) {
    handled_by(ack, result, |failure| socket.report(name, failure));
}

/// Runs the middlewares of an event, and keeps the arguments with which it has passed them.
async fn pass(
    mut event: EventContext,
    middlewares: Vec<Listener<EventMiddlewareContext>>,
    passed: Arc<OnceLock<RawArgs>>,
) -> Result<(), Failure> {
    for middleware in middlewares {
        let context = EventMiddlewareContext::new(event.clone());
        run(&middleware.handler, &context).await?;
        match context.verdict() {
            None => {}
            Some(Verdict::Replace(args)) => event.args = args,
            Some(Verdict::Stop) => return Ok(()),
        }
    }
    let _ = passed.set(event.args);
    Ok(())
}
