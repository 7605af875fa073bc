use std::{
    future::ready,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use socketio_core::{ClusterDriver, ClusterNode};
use tokio::runtime::Handle;

use crate::{
    Stats, Target,
    link::{Link, Subscription},
};

/// A server among the others, while it runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) node: ClusterNode,
    pub(crate) link: Link,
    /// That on which the server was built: what is called later may be called anywhere.
    pub(crate) runtime: Handle,
}

/// Where an adapter keeps it: an adapter is made before its server is, and may outlive it.
#[derive(Debug, Default)]
pub(crate) struct Slot(RwLock<Option<Arc<Running>>>);

impl Slot {
    /// A server begins. Panics if another one has.
    pub(crate) fn start(&self, target: &Target, node: ClusterNode, driver: ClusterDriver) {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        assert!(slot.is_none(), "the adapter is another server's already");
        tokio::spawn(driver);
        let reporting = node.clone();
        let link = Link::start(target, move |error| reporting.report(None, error));
        *slot = Some(Arc::new(Running { node, link, runtime: Handle::current() }));
    }

    pub(crate) fn get(&self) -> Option<Arc<Running>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many other nodes listen to what each listens to once.
    pub(crate) fn count_others(
        &self,
        subscription: Subscription,
    ) -> Pin<Box<dyn Future<Output = usize> + Send>> {
        match self.get() {
            Some(running) => Box::pin(running.link.count_others(subscription)),
            None => Box::pin(ready(0)),
        }
    }

    /// Ends the link, once what waits is sent if that can be.
    pub(crate) fn stop(&self) {
        let running = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(running);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.get().map(|running| running.link.stats()).unwrap_or_default()
    }
}
