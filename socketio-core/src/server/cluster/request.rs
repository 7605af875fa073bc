use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::ClusterHandle;
use crate::{
    id,
    proto::{
        after,
        cluster::{Answer, Membership, MissingNodes, Question, RequestId},
    },
    server::{namespace::Namespace, timer::Timer},
};

/// What was asked of the other nodes, and the way to their answers. It is forgotten when it is
/// dropped.
pub(in crate::server) struct Request {
    cluster: Arc<ClusterHandle>,
    id: RequestId,
    deadline: Instant,
    timer: Timer,
    /// How many nodes are to answer, where the transport tells.
    count: Option<Pin<Box<dyn Future<Output = usize> + Send>>>,
}

impl Request {
    pub(super) fn new(
        cluster: &Arc<ClusterHandle>,
        namespace: &Namespace,
        question: Question,
        timeout: Duration,
    ) -> Self {
        let id = RequestId::new(id::hexadecimal());
        let deadline = after(cluster.clock.now(), timeout);
        let name = namespace.shared_name();
        cluster.lock().machine.ask(id.clone(), &name, question, deadline);
        let is_counted = cluster.adapter.membership() == Membership::Counted;
        let count = is_counted.then(|| cluster.adapter.count(&name));
        Self { cluster: Arc::clone(cluster), id, deadline, timer: Timer::default(), count }
    }

    pub(super) fn id(&self) -> &RequestId {
        &self.id
    }

    /// Waits so long from now on.
    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        self.deadline = after(self.cluster.clock.now(), timeout);
        self.cluster.lock().machine.set_deadline(&self.id, self.deadline);
    }

    /// The next answer. `None` when no more are to come, or it is too late.
    pub(in crate::server) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        if let Some(count) = &mut self.count
            && let Poll::Ready(nodes) = count.as_mut().poll(cx)
        {
            self.count = None;
            self.cluster.lock().machine.expect(&self.id, nodes);
        }
        loop {
            let clock = &self.cluster.clock;
            if self.deadline <= clock.now() {
                self.cluster.with(|state| state.machine.handle_timeout(clock.now()));
            }
            let mut state = self.cluster.lock();
            match state.machine.poll_answer(&self.id) {
                (Some(answer), _) => return Poll::Ready(Some(answer)),
                (None, true) => return Poll::Ready(None),
                (None, false) => {
                    state.wakers.insert(self.id.clone(), cx.waker().clone());
                }
            }
            drop(state);
            std::task::ready!(self.timer.poll(|| clock, Some(self.deadline), cx));
        }
    }

    /// The next answer.
    pub(in crate::server) async fn next(&mut self) -> Option<Answer> {
        std::future::poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// Who has not answered, and how many acknowledgements that were announced have not come.
    pub(in crate::server) fn missing(&self) -> (MissingNodes, usize) {
        self.cluster.lock().machine.missing(&self.id)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.cluster.lock();
        state.machine.forget(&self.id);
        let waker = state.wakers.remove(&self.id);
        drop(state);
        drop(waker);
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.id).finish()
    }
}
