use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request::Parts};

use crate::server::Host;

/// A request whose response is yet to be shown to the hooks. Without hooks there is none.
#[derive(Debug)]
pub(super) struct ResponseHooks {
    host: Arc<dyn Host>,
    head: Parts,
    opens_session: bool,
}

impl ResponseHooks {
    pub(super) fn new(
        host: &Arc<dyn Host>,
        head: &Parts,
        opens_session: bool,
    ) -> Option<Box<Self>> {
        let hooks = &host.engine().options().hooks;
        let is_wanted =
            hooks.headers.is_some() || (opens_session && hooks.initial_headers.is_some());
        let host = Arc::clone(host);
        is_wanted.then(|| Box::new(Self { host, head: head.clone(), opens_session }))
    }

    pub(super) fn apply(&self, response: &mut Response<Bytes>) {
        let hooks = &self.host.engine().options().hooks;
        let initial = hooks.initial_headers.as_ref().filter(|_| self.opens_session);
        for hook in [initial, hooks.headers.as_ref()].into_iter().flatten() {
            hook(response.headers_mut(), &self.head);
        }
    }
}
