use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use bytestring::ByteString;
use futures_util::stream::{FuturesUnordered, Stream};

use super::{ClusterHandle, MAX_SERVER_EVENTS, ServerEvent};
use crate::{
    error::{ErrorReport, Failure},
    server::{
        ack::Ack,
        context::ServerEventContext,
        handler::{Running, Started, call_caught, handled_by},
        io::{Server, SocketIo},
        namespace::Namespace,
        timer::Timer,
    },
};

/// Runs what a node does of itself: heartbeats, and the handlers of other nodes' events. An
/// [`Adapter`](crate::Adapter) spawns it; it ends when the server has closed, or is gone.
#[must_use = "a node is dead to the others unless its driver runs"]
pub struct ClusterDriver {
    cluster: Arc<ClusterHandle>,
    server: Weak<Server>,
    running: FuturesUnordered<Running<Job>>,
    timer: Timer,
}

/// What a handler was called for.
struct Job {
    io: SocketIo,
    namespace: Namespace,
    name: ByteString,
    ack: Ack,
}

impl ClusterDriver {
    pub(super) fn new(cluster: Arc<ClusterHandle>, server: Weak<Server>) -> Self {
        Self { cluster, server, running: FuturesUnordered::new(), timer: Timer::default() }
    }

    /// The next event of another node, unless too many are at work.
    fn next_event(&self) -> Option<(ServerEvent, SocketIo)> {
        if self.running.len() >= MAX_SERVER_EVENTS {
            return None;
        }
        let server = self.server.upgrade()?;
        let event = self.cluster.lock().events.pop_front()?;
        Some((event, SocketIo(server)))
    }

    fn handle_event(&mut self, event: ServerEvent, io: SocketIo, cx: &mut Context<'_>) {
        let ServerEvent { namespace, name, args, asker } = event;
        let ack = Ack::to_node(asker);
        let handlers = namespace.handlers();
        let Some(listeners) = handlers.listeners.server_events.get(&name) else {
            return ack.disarm();
        };
        let context = ServerEventContext { io, namespace: namespace.clone(), name, args, ack };
        for listener in listeners {
            let ServerEventContext { io, name, ack, .. } = context.clone();
            let job = Job { io, namespace: namespace.clone(), name, ack };
            match call_caught(&*listener.handler, &context) {
                Started::Done(result) => job.finish(result),
                Started::Pending(future) => {
                    let mut running = Running::new(future, job);
                    match Pin::new(&mut running).poll(cx) {
                        Poll::Ready((job, result)) => job.finish(result),
                        Poll::Pending => self.running.push(running),
                    }
                }
            }
        }
    }
}

impl Job {
    fn finish(self, result: Result<(), Failure>) {
        let Self { io, namespace, name, ack } = self;
        handled_by(&ack, result, |failure| {
            let (namespace, event) = (Some(namespace.shared_name()), Some(name));
            io.0.report(ErrorReport { namespace, socket: None, event, failure });
        });
    }
}

impl Future for ClusterDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let mut state = this.cluster.lock();
            let is_over = state.is_over;
            state.driver = Some(cx.waker().clone());
            drop(state);
            if !is_over {
                let now = this.cluster.clock.now();
                this.cluster.with(|state| state.machine.handle_timeout(now));
            }
            loop {
                if let Some((event, io)) = this.next_event() {
                    this.handle_event(event, io, cx);
                } else if let Poll::Ready(Some((job, result))) =
                    Pin::new(&mut this.running).poll_next(cx)
                {
                    job.finish(result);
                } else {
                    break;
                }
            }
            if is_over {
                return if this.running.is_empty() { Poll::Ready(()) } else { Poll::Pending };
            }
            let deadline = this.cluster.lock().machine.poll_timeout();
            std::task::ready!(this.timer.poll(|| &this.cluster.clock, deadline, cx));
        }
    }
}

impl fmt::Debug for ClusterDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterDriver")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
