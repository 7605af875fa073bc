//! What other nodes want done here.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use bytestring::ByteString;

use super::{ClusterHandle, MAX_SERVER_EVENTS, ServerEvent, ServerGone};
use crate::{
    id::SocketId,
    proto::cluster::{ClusterMessage, LogOffset, NodeId, RequestId},
    server::{broadcast::BroadcastOperator, io::Server, namespace::Namespace, socket::Socket},
    wire::RawArgs,
};

/// A node that asked something, and what.
#[derive(Clone, Debug)]
pub(in crate::server) struct NodeAsker {
    pub(super) cluster: Arc<ClusterHandle>,
    pub(super) namespace: ByteString,
    pub(super) node: Option<NodeId>,
    pub(super) request: RequestId,
}

impl NodeAsker {
    /// Answers an event with the first of these arguments.
    pub(in crate::server) fn answer(&self, args: &RawArgs) {
        let request = self.request.clone();
        let answer = args.first();
        self.send(ClusterMessage::ServerSideEmitResponse { request, answer });
    }

    fn send(&self, message: ClusterMessage) {
        self.cluster.adapter.send(&self.namespace, self.node.as_ref(), message);
    }
}

/// Acknowledgements of clients on their way to the node that asked for them.
#[derive(Debug)]
pub(in crate::server) struct Relay {
    asker: NodeAsker,
    /// Those that came before it was said how many clients were asked.
    early: Mutex<Option<Vec<ClusterMessage>>>,
}

impl Relay {
    pub(in crate::server) fn new(asker: NodeAsker) -> Arc<Self> {
        Arc::new(Self { asker, early: Mutex::new(Some(Vec::new())) })
    }

    /// So many clients were asked.
    pub(in crate::server) fn announce(&self, count: usize) {
        let request = self.asker.request.clone();
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        self.asker.send(ClusterMessage::BroadcastClientCount { request, count });
        for message in mem::take(&mut *early).into_iter().flatten() {
            self.asker.send(message);
        }
    }

    /// A client acknowledged.
    pub(in crate::server) fn pass(&self, socket: SocketId, args: &RawArgs) {
        let request = self.asker.request.clone();
        let answer = args.first();
        let message = ClusterMessage::BroadcastAck { request, socket: Some(socket), answer };
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *early {
            Some(early) => early.push(message),
            None => self.asker.send(message),
        }
    }
}

impl Server {
    pub(super) fn receive(
        self: &Arc<Self>,
        namespace: &str,
        from: Option<&NodeId>,
        message: ClusterMessage,
        offset: Option<LogOffset>,
    ) -> Result<(), ServerGone> {
        let cluster = self.cluster().ok_or(ServerGone)?;
        let message = cluster.with(|state| {
            if state.is_over {
                return Err(ServerGone);
            }
            Ok(state.machine.handle_message(cluster.clock.now(), namespace, from, message))
        })?;
        if let (Some(message), Some(namespace)) = (message, self.namespaces.get(namespace)) {
            cluster.execute(&namespace, from, message, offset);
        }
        Ok(())
    }
}

impl ClusterHandle {
    fn execute(
        self: &Arc<Self>,
        namespace: &Namespace,
        from: Option<&NodeId>,
        message: ClusterMessage,
        offset: Option<LogOffset>,
    ) {
        let here = |options| BroadcastOperator::of_options(namespace.clone(), options);
        let asker = |request| NodeAsker {
            cluster: Arc::clone(self),
            namespace: namespace.shared_name(),
            node: from.cloned(),
            request,
        };
        match message {
            ClusterMessage::Broadcast { options, name, args, request } => {
                let operator = here(options);
                let result = match request {
                    // Most of what is for rooms is for none of this node's.
                    None if !operator.may_reach() => Ok(()),
                    None => operator.deliver(&name, &args, offset),
                    Some(request) => operator.relay(&name, &args, asker(request)),
                };
                if let Err(error) = result {
                    tracing::debug!("an event of another node: {error}");
                }
            }
            ClusterMessage::SocketsJoin { options, rooms } => here(options).join(rooms),
            ClusterMessage::SocketsLeave { options, rooms } => here(options).leave(rooms),
            ClusterMessage::DisconnectSockets { options, close } => here(options).disconnect(close),
            ClusterMessage::FetchSockets { options, request } => {
                let sockets = here(options).sockets().iter().map(Socket::describe).collect();
                let message =
                    ClusterMessage::FetchSocketsResponse { request: request.clone(), sockets };
                asker(request).send(message);
            }
            ClusterMessage::ServerSideEmit { name, args, request } => {
                let asker = request.map(asker);
                self.queue(ServerEvent { namespace: namespace.clone(), name, args, asker });
            }
            // The rest is between the machines.
            _ => {}
        }
    }

    fn queue(&self, event: ServerEvent) {
        let mut state = self.lock();
        if state.is_over {
            return;
        }
        if state.events.len() < MAX_SERVER_EVENTS {
            state.events.push_back(event);
        } else {
            tracing::warn!("too many events of other nodes: {:?} is lost", event.name);
        }
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
