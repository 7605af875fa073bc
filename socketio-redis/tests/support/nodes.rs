use std::{
    cell::RefCell,
    ops::Index,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use socketio_core::{
    Adapter, Builder, FromArgs, SocketIo,
    testing::{TestClient, TestServer},
};

use super::eventually;

/// Servers with adapters on one Redis. Their clients are in memory and their clock is the test's; what
/// the adapters do is done by other threads, in real time, so that tests of it have a runtime with
/// several.
#[derive(Default)]
pub(crate) struct Nodes {
    servers: Vec<TestServer>,
    /// What their error hooks were told.
    reports: Arc<Mutex<Vec<String>>>,
}

impl Nodes {
    /// One node for each of these adapters.
    pub(crate) fn with(adapters: impl IntoIterator<Item = impl Adapter>) -> Self {
        let mut nodes = Self::default();
        adapters.into_iter().for_each(|adapter| nodes.add(adapter));
        nodes
    }

    /// Adds a node.
    pub(crate) fn add(&mut self, adapter: impl Adapter) {
        self.add_with(SocketIo::builder(), adapter);
    }

    /// Adds a node that has options.
    pub(crate) fn add_with(&mut self, builder: Builder, adapter: impl Adapter) {
        let builder = builder.adapter(adapter);
        let server = match self.servers.first() {
            Some(first) => first.beside(builder),
            None => TestServer::new(builder),
        };
        let reports = Arc::clone(&self.reports);
        server
            .io()
            .on_error(move |report| reports.lock().expect("no panic").push(report.to_string()));
        self.servers.push(server);
    }

    /// What was reported first, of what was not asked for yet.
    pub(crate) fn next_report(&self) -> Option<String> {
        let mut reports = self.reports.lock().expect("no panic");
        (!reports.is_empty()).then(|| reports.remove(0))
    }

    /// What was reported since this was last asked.
    pub(crate) fn reports(&self) -> Vec<String> {
        std::mem::take(&mut *self.reports.lock().expect("no panic"))
    }

    /// Waits until something is so, with all nodes at work.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        eventually(what, || {
            self.servers.iter().for_each(TestServer::run);
            look()
        })
    }

    /// Waits for an event, which is to be the client's next.
    #[track_caller]
    pub(crate) fn expect<T: FromArgs>(&self, client: &TestClient, event: &str) -> T {
        let next = self.until(event, || client.next_event());
        assert_eq!(next.name, event, "{next:?}");
        T::from_args(&next.args).expect("arguments that fit")
    }

    /// Starts something on the nodes' thread.
    pub(crate) fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> Pending<T> {
        let slot = Rc::new(RefCell::new(None));
        let filled = Rc::clone(&slot);
        self.servers[0].spawn(async move { drop(filled.replace(Some(future.await))) });
        Pending(slot)
    }

    /// Waits for what comes of something, without that the servers' time passes.
    #[track_caller]
    pub(crate) fn wait<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let pending = self.spawn(future);
        self.until("it is over", || pending.take())
    }

    /// Lets the servers' time pass.
    pub(crate) fn advance(&self, duration: Duration) {
        self.servers[0].advance(duration);
    }
}

impl Index<usize> for Nodes {
    type Output = TestServer;

    fn index(&self, index: usize) -> &TestServer {
        &self.servers[index]
    }
}

/// What will come of something.
pub(crate) struct Pending<T>(Rc<RefCell<Option<T>>>);

impl<T> Pending<T> {
    pub(crate) fn take(&self) -> Option<T> {
        self.0.take()
    }
}
