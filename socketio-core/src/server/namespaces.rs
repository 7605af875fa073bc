//! The namespaces of a server, and how more are made.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytestring::ByteString;

use super::{
    client::{Found, FoundSlot},
    dynamic::{Dynamic, NamespaceRequest},
    handler::panicked,
    io::Server,
    namespace::{MadeBy, Namespace},
};
use crate::{
    error::{ErrorReport, Failure},
    wire::packet::ROOT,
};

/// What is called for a new namespace.
pub(super) type Hook = Arc<dyn Fn(&Namespace) + Send + Sync>;

#[derive(Default)]
pub(super) struct Namespaces {
    table: RwLock<Table>,
    dynamic: RwLock<Vec<Arc<Dynamic>>>,
    hooks: RwLock<Vec<Hook>>,
}

#[derive(Default)]
struct Table {
    /// The names of dynamic ones come from clients, so the hasher is one that resists collisions.
    by_name: HashMap<ByteString, Namespace>,
    /// How many of them are dynamic.
    dynamic: usize,
}

impl Namespaces {
    pub(super) fn new(root: &Namespace) -> Self {
        let namespaces = Self::default();
        namespaces.table().by_name.insert(ROOT, root.clone());
        namespaces
    }

    pub(super) fn add_dynamic(&self, dynamic: Arc<Dynamic>) {
        self.dynamic.write().unwrap_or_else(PoisonError::into_inner).push(dynamic);
    }

    pub(super) fn add_hook(&self, hook: Hook) {
        self.hooks.write().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(super) fn get(&self, name: &str) -> Option<Namespace> {
        self.read().by_name.get(name).cloned()
    }

    pub(super) fn all(&self) -> Vec<Namespace> {
        self.read().by_name.values().cloned().collect()
    }

    /// Those that were made by one of the dynamic ones.
    pub(super) fn of_dynamic(&self, dynamic: &Arc<Dynamic>) -> Vec<Namespace> {
        let table = self.read();
        let made = table.by_name.values().filter(|namespace| namespace.0.is_of(dynamic));
        made.cloned().collect()
    }

    /// Removes a namespace if nobody is in it.
    pub(super) fn remove_empty(&self, namespace: &Namespace) {
        let mut table = self.table();
        if namespace.rooms().retire() {
            table.by_name.remove(namespace.name());
            table.dynamic -= usize::from(namespace.0.is_dynamic());
            if let Some(cluster) = namespace.cluster() {
                cluster.close(&namespace.shared_name());
            }
        }
    }

    /// The dynamic ones, in the order of their registration.
    fn candidates(&self) -> Vec<Arc<Dynamic>> {
        self.dynamic.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hooks(&self) -> Vec<Hook> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// The namespace of this name, which is made if there is none: by one of the patterns, if it
    /// fits one.
    pub(super) fn namespace(&self, name: ByteString) -> Namespace {
        if let Some(namespace) = self.namespaces.get(&name) {
            return namespace;
        }
        let candidates = self.namespaces.candidates();
        let made_by = candidates.into_iter().find_map(|dynamic| {
            let params = dynamic.params(&name)?;
            Some(MadeBy { dynamic, params })
        });
        match self.make(name.clone(), made_by, usize::MAX) {
            Ok(namespace) => namespace,
            Err(failure) => panic!("the set-up of {name}: {failure}"),
        }
    }

    /// Finds the namespace that a client asks for, or makes it if one of the dynamic ones accepts
    /// the wish. Who comes while it is set up waits.
    pub(super) async fn find(
        self: Arc<Self>,
        request: NamespaceRequest,
        found: FoundSlot,
    ) -> Result<(), Failure> {
        let namespace = match self.namespaces.get(&request.name) {
            Some(namespace) => Some(namespace),
            None => self.find_dynamic(&request).await,
        };
        if let Some(namespace) = namespace {
            namespace.0.latch.opened().await;
            let former = namespace.ask_log(&request.client, request.auth.as_deref()).await;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            *found = Some(Found { namespace, former });
        }
        Ok(())
    }

    async fn find_dynamic(&self, request: &NamespaceRequest) -> Option<Namespace> {
        for dynamic in self.namespaces.candidates() {
            let made = match dynamic.accepts(request).await {
                Ok(None) => continue,
                Ok(Some(params)) => {
                    let limit = self.engine.config().limits.dynamic_namespaces;
                    self.make(request.name.clone(), Some(MadeBy { dynamic, params }), limit)
                }
                Err(failure) => Err(failure),
            };
            match made {
                Ok(namespace) => return Some(namespace),
                Err(failure) => self.report_namespace(&request.name, failure),
            }
        }
        None
    }

    /// Makes a namespace and sets it up, unless another has been first; then its namespace is the
    /// one, which may be yet to be set up.
    fn make(
        &self,
        name: ByteString,
        made_by: Option<MadeBy>,
        limit: usize,
    ) -> Result<Namespace, Failure> {
        let dynamic = made_by.as_ref().map(|made_by| Arc::clone(&made_by.dynamic));
        let mut table = self.namespaces.table();
        if let Some(namespace) = table.by_name.get(&name) {
            return Ok(namespace.clone());
        }
        if dynamic.is_some() && table.dynamic >= limit {
            return Err(Failure::TooManyNamespaces);
        }
        let namespace = Namespace::new(name.clone(), made_by, &self.engine);
        if let Some(cluster) = namespace.cluster() {
            cluster.open(&name);
        }
        table.by_name.insert(name, namespace.clone());
        table.dynamic += usize::from(dynamic.is_some());
        drop(table);
        let result = dynamic.map_or(Ok(()), |dynamic| dynamic.set_up(&namespace));
        match &result {
            Ok(()) => self.announce(&namespace),
            Err(_) => self.namespaces.remove_empty(&namespace),
        }
        namespace.0.latch.open();
        result.map(|()| namespace)
    }

    /// Calls the hooks for new namespaces.
    fn announce(&self, namespace: &Namespace) {
        for hook in self.namespaces.hooks() {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| hook(namespace))) {
                self.report_namespace(namespace.name(), panicked(&*panic));
            }
        }
    }

    fn report_namespace(&self, name: &str, failure: Failure) {
        let namespace = Some(name.into());
        self.report(ErrorReport { namespace, socket: None, event: None, failure });
    }
}
