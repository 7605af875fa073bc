//! What comes for a namespace.

use std::sync::Arc;

use async_nats::{Message, Subject, Subscriber};
use bytestring::ByteString;
use futures_util::StreamExt;
use socketio_core::{ClusterNode, ServerGone, cluster::Envelope};
use tokio::select;

use crate::{NatsError, stats::Counters};

pub(crate) struct Listener {
    pub(crate) node: ClusterNode,
    pub(crate) counters: Arc<Counters>,
    pub(crate) namespace: ByteString,
    /// The subject of what is for this node alone, which is also where its messages say that they
    /// come from.
    pub(crate) own: Subject,
    pub(crate) from_one: Subscriber,
    pub(crate) from_all: Subscriber,
}

impl Listener {
    /// Ends with the client, or with the server.
    pub(crate) async fn run(mut self) {
        loop {
            // An answer first, as the node that gave it may have left since.
            let message = select! {
                biased;
                message = self.from_one.next() => message,
                message = self.from_all.next() => message,
            };
            let Some(message) = message else { return };
            if self.receive(message).is_err() {
                return;
            }
        }
    }

    fn receive(&self, message: Message) -> Result<(), ServerGone> {
        // With a status it is NATS that says that a node which was sent something is gone.
        if message.status.is_some() || message.reply.as_ref() == Some(&self.own) {
            return Ok(());
        }
        self.counters.received();
        match Envelope::decode(&message.payload) {
            // Others may share a subject: long names of namespaces are not all in it.
            Ok(envelope) if envelope.namespace == self.namespace => {
                self.node.receive(&self.namespace, Some(&envelope.from), envelope.message)
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.node.report(Some(&*self.namespace), NatsError::Unreadable(error));
                Ok(())
            }
        }
    }
}
