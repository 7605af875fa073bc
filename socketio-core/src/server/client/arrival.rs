//! How a client comes into a namespace: it is looked for, and decides on the client.

use std::{
    sync::{Arc, Mutex},
    task::Context,
};

use arc_swap::Guard;
use bytestring::ByteString;

use super::{ClientRunner, Job, run};
use crate::{
    error::{ConnectError, Failure},
    proto::{DisconnectReason, client::Early},
    server::{
        context::ConnectContext,
        dynamic::NamespaceRequest,
        engine::Host,
        handler::Started,
        log::Former,
        namespace::{Handlers, Namespace},
        rooms::Retired,
        socket::Socket,
    },
    wire::{Encoded, Revision, encode_connect_error, encode_error_v4},
};

/// The namespace that a client asked for, and whose socket it has there.
pub(in crate::server) struct Found {
    pub(in crate::server) namespace: Namespace,
    pub(in crate::server) former: Former,
}

pub(in crate::server) type FoundSlot = Arc<Mutex<Option<Found>>>;

impl ClientRunner {
    pub(super) fn connect(
        &mut self,
        name: ByteString,
        auth: Option<ByteString>,
        cx: &mut Context<'_>,
    ) {
        let server = &self.client.server;
        if server.engine().is_closing() {
            return;
        }
        // Their own copies: a slice would keep the whole body it came in.
        let auth = auth.as_deref().map(ByteString::from);
        let namespace = server.namespaces.get(&name);
        let open = namespace.filter(|namespace| namespace.0.latch.is_open());
        let entered =
            open.filter(|namespace| !namespace.must_ask_log(&self.client, auth.as_deref()));
        let enter =
            |namespace: Namespace| namespace.enter(&self.client, auth.clone(), Former::Here).ok();
        let entered = entered.and_then(enter);
        match entered {
            Some(socket) => self.join(socket, Vec::new(), cx),
            None => {
                let (name, client) = (name.to_string().into(), Arc::clone(&self.client));
                self.find(NamespaceRequest { name, auth, client }, Vec::new(), cx);
            }
        }
    }

    /// Looks for a namespace that is not there, or was not when it was last looked for.
    fn find(&mut self, request: NamespaceRequest, early: Vec<Early>, cx: &mut Context<'_>) {
        self.client.machine().ask(request.name.clone());
        self.asked.get_or_insert_default().insert(request.name.clone(), early);
        let found = Arc::default();
        let server = Arc::clone(&self.client.server);
        let future = server.find(request.clone(), Arc::clone(&found));
        self.start(Job::Find { request, found }, Started::Pending(Box::pin(future)), cx);
    }

    pub(super) fn found(
        &mut self,
        request: NamespaceRequest,
        found: Option<Found>,
        cx: &mut Context<'_>,
    ) {
        let early = self.asked.as_mut().and_then(|asked| asked.remove(&request.name));
        self.asked.take_if(|asked| asked.is_empty());
        let is_closing = self.client.server.engine().is_closing();
        let (Some(early), false) = (early, is_closing) else {
            // The client has gone, and the namespace may be new.
            if let Some(Found { namespace, former }) = found {
                drop(former);
                request.io().clean_up(&namespace);
            }
            return;
        };
        let Some(Found { namespace, former }) = found else {
            self.client.machine().unask(&request.name);
            let refusal = encode_connect_error(&request.name, "Invalid namespace", None);
            return self.send_refusal(&request.name, refusal);
        };
        match namespace.enter(&self.client, request.auth.clone(), former) {
            Ok(socket) => self.join(socket, early, cx),
            Err(Retired) => self.find(request, early, cx),
        }
    }

    /// Has a socket go through what decides on it, and then its early events.
    fn join(&mut self, socket: Socket, early: Vec<Early>, cx: &mut Context<'_>) {
        self.client.machine().join(socket.namespace().shared_name(), socket.clone());
        self.hold(&socket, true);
        for Early { id, name, args, .. } in early {
            self.receive(socket.clone(), id, name, args, cx);
        }
        let future = connect(socket.clone(), Guard::into_inner(socket.namespace().handlers()));
        self.start(Job::Connect(socket), Started::Pending(Box::pin(future)), cx);
    }

    #[cold]
    pub(super) fn receive_early(&mut self, event: Early, cx: &mut Context<'_>) {
        let asked = self.asked.as_mut().and_then(|asked| asked.get_mut(&event.namespace));
        if let Some(early) = asked {
            return early.push(event);
        }
        // It waited for its turn, and the namespace was found meanwhile.
        let socket = self.client.machine().socket(&event.namespace).cloned();
        if let Some(socket) = socket {
            self.receive(socket, event.id, event.name, event.args, cx);
        }
    }

    /// The connect handler has returned.
    pub(super) fn connected(
        &mut self,
        socket: Socket,
        result: Result<(), Failure>,
        cx: &mut Context<'_>,
    ) {
        if let Err(failure) = result {
            self.refuse(&socket, failure);
        }
        self.resume(&socket, cx);
        self.run_disconnect(socket, cx);
    }

    fn refuse(&self, socket: &Socket, failure: Failure) {
        let error = match &failure {
            Failure::Refused(error) => error.clone(),
            Failure::Extract(error) => ConnectError::new(error.to_string()),
            _ => ConnectError::new("internal error"),
        };
        // A socket that ended meanwhile has nobody to refuse.
        if socket.shut(DisconnectReason::ServerNamespaceDisconnect) {
            let namespace = socket.namespace().shared_name();
            let (message, data) = error.parts();
            let refusal = match socket.revision() {
                Revision::V3 => encode_error_v4(&namespace, message, data),
                Revision::V4 => encode_connect_error(&namespace, message, data),
            };
            self.send_refusal(&namespace, refusal);
            self.client.machine().refuse(&namespace);
        }
        if !matches!(failure, Failure::Refused(_)) {
            socket.report("connect", failure);
        }
    }

    fn send_refusal(&self, namespace: &ByteString, refusal: Encoded) {
        let refusal = self.client.server.engine().codec().encode(namespace, refusal);
        // A client that is gone does not miss it.
        let _ = self.client.session.send(refusal);
    }
}

/// Runs what decides on a client that asks for a namespace, and what greets it.
async fn connect(socket: Socket, handlers: Arc<Handlers>) -> Result<(), Failure> {
    let context = ConnectContext { socket: socket.clone(), lets_in: false };
    let skips_middlewares = socket.is_recovered() && socket.io().skips_middlewares();
    for middleware in handlers.middlewares.iter().filter(|_| !skips_middlewares) {
        run(middleware, &context).await?;
    }
    if socket.disconnect_reason().is_some() {
        return Ok(());
    }
    for handler in &handlers.deciding {
        run(handler, &context).await?;
    }
    let context = ConnectContext { lets_in: true, ..context };
    for handler in &handlers.connect {
        let Err(failure) = run(handler, &context).await else {
            continue;
        };
        if !socket.is_opened() {
            return Err(failure);
        }
        if let Failure::Extract(_) = failure {
            // An earlier handler let it in, but this one would have refused it.
            socket.disconnect();
        }
        socket.report("connect", failure);
    }
    socket.admit();
    Ok(())
}
