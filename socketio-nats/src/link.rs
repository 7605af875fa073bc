//! The task that sends, and what it is told.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use async_nats::{Client, PublishErrorKind, Statistics, connection::State};
use bytestring::ByteString;
use socketio_core::{ClusterNode, NodeId};
use tokio::{select, task::AbortHandle, time};

use crate::{
    NatsError, Stats,
    listener::Listener,
    queue::{Command, Publication, Queue},
    stats::Counters,
    subjects::Subjects,
};

/// A node's way to the others. It ends when it is dropped, after what waits was sent if that can be.
#[derive(Debug)]
pub(crate) struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    node: ClusterNode,
    subjects: Subjects,
    queue: Queue,
    counters: Arc<Counters>,
    statistics: Arc<Statistics>,
    /// How often the client had connected when this began.
    first_connection: u64,
}

/// How long NATS may take nothing before the application hears of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it is waited for when the server has closed.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

impl Link {
    /// Begins.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn start(
        client: Client,
        node: ClusterNode,
        subjects: Subjects,
        queue_bytes: usize,
    ) -> Self {
        let statistics = client.statistics();
        let shared = Arc::new(Shared {
            first_connection: statistics.connects.load(Relaxed).max(1),
            client,
            node,
            subjects,
            queue: Queue::new(queue_bytes),
            counters: Arc::default(),
            statistics,
        });
        tokio::spawn(Sender { shared: Arc::clone(&shared), listeners: HashMap::new() }.run());
        Self(shared)
    }

    /// Listens to what is for a namespace.
    pub(crate) fn open(&self, namespace: &str) {
        self.0.queue.push(Command::Open(namespace.into()));
    }

    /// Listens no more.
    pub(crate) fn close(&self, namespace: &str) {
        self.0.queue.push(Command::Close(namespace.into()));
    }

    /// The name of this node.
    pub(crate) fn id(&self) -> &NodeId {
        self.0.node.id()
    }

    /// Sends to all other nodes that have the namespace, or to one. It is lost where too much waits.
    pub(crate) fn send(&self, namespace: &str, to: Option<&NodeId>, payload: Vec<u8>) {
        let subject = match to {
            Some(node) => self.0.subjects.one(namespace, node),
            None => self.0.subjects.all(namespace),
        };
        let (namespace, payload) = (namespace.into(), payload.into());
        let publication = Publication { namespace, subject, payload };
        if !self.0.queue.push(Command::Publish(publication)) {
            self.0.counters.lost(1);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let connections = self.0.connections();
        Stats {
            is_connected: self.0.is_connected(),
            reconnects: connections.saturating_sub(self.0.first_connection),
            queued: self.0.queue.len(),
            ..self.0.counters.stats()
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.queue.end();
    }
}

impl Shared {
    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn connections(&self) -> u64 {
        self.statistics.connects.load(Relaxed)
    }

    /// What was handed to the client is on its way when this returns, and there is a connection.
    async fn flush(&self) -> Result<(), End> {
        self.client.flush().await.map_err(|_| End::Client)
    }

    /// Waits for what needs NATS. The application hears of it if that takes long.
    async fn patiently<T>(&self, work: impl Future<Output = Result<T, End>>) -> Result<T, End> {
        let patience = if self.is_connected() { PATIENCE } else { Duration::ZERO };
        let complain = async {
            time::sleep(patience).await;
            self.node.report(None, NatsError::Disconnected);
            pending().await
        };
        let give_up = async {
            self.queue.ended().await;
            time::sleep(LAST_PATIENCE).await;
        };
        select! {
            biased;
            result = work => result,
            () = give_up => Err(End::Server),
            never = complain => never,
        }
    }
}

/// What there is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

struct Sender {
    shared: Arc<Shared>,
    /// By their namespaces.
    listeners: HashMap<ByteString, AbortHandle>,
}

impl Sender {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut end = End::Server;
        while shared.queue.filled().await {
            if let Err(early) = self.work().await {
                end = early;
                break;
            }
        }
        shared.counters.lost_and_reported(shared.queue.close() as u64);
        self.listeners.into_values().for_each(|listener| listener.abort());
        if end == End::Client {
            shared.node.report(None, NatsError::Closed);
        }
    }

    /// Does what waits, once there is a connection.
    async fn work(&mut self) -> Result<(), End> {
        let shared = Arc::clone(&self.shared);
        if !shared.is_connected() {
            shared.patiently(shared.flush()).await?;
        }
        let connection = shared.connections();
        let batch = shared.queue.next_batch();
        let is_message = |command: &&Command| matches!(command, Command::Publish(_));
        let messages = batch.iter().filter(is_message).count() as u64;
        let sent = match shared.patiently(self.hand_over(batch)).await {
            Ok(sent) => sent,
            Err(end) => {
                shared.counters.lost_and_reported(messages);
                return Err(end);
            }
        };
        // The client drops what it was about to write when it loses its connection.
        match shared.connections() == connection {
            true => shared.counters.published(sent),
            false => shared.counters.lost(sent),
        }
        if shared.queue.len() == 0 {
            match shared.counters.take_unreported() {
                0 => {}
                messages => shared.node.report(None, NatsError::Lost { messages }),
            }
        }
        Ok(())
    }

    /// Gives how many messages the client took.
    async fn hand_over(&mut self, batch: Vec<Command>) -> Result<u64, End> {
        let mut sent = 0;
        for command in batch {
            match command {
                Command::Open(namespace) => self.listen(namespace).await?,
                Command::Close(namespace) => {
                    self.listeners.remove(&namespace).into_iter().for_each(|it| it.abort());
                }
                Command::Publish(publication) => sent += self.publish(publication).await?,
            }
        }
        self.shared.flush().await?;
        Ok(sent)
    }

    async fn listen(&mut self, namespace: ByteString) -> Result<(), End> {
        let Shared { client, subjects, node, counters, .. } = &*self.shared;
        let own = subjects.one(&namespace, node.id());
        let subscribe = async |subject| client.subscribe(subject).await;
        let closed = |_| End::Client;
        let listener = Listener {
            node: node.clone(),
            counters: Arc::clone(counters),
            from_one: subscribe(own.clone()).await.map_err(closed)?,
            from_all: subscribe(subjects.all(&namespace)).await.map_err(closed)?,
            own,
            namespace: namespace.clone(),
        };
        self.listeners.insert(namespace, tokio::spawn(listener.run()).abort_handle());
        Ok(())
    }

    /// Gives how many messages the client took: one or none.
    async fn publish(&self, publication: Publication) -> Result<u64, End> {
        let Shared { client, subjects, node, counters, .. } = &*self.shared;
        let Publication { namespace, subject, payload } = publication;
        let (bytes, reply) = (payload.len(), subjects.one(&namespace, node.id()));
        match client.publish_with_reply(subject, reply, payload).await.map_err(|error| error.kind())
        {
            Ok(()) => Ok(1),
            Err(PublishErrorKind::MaxPayloadExceeded) => {
                counters.lost_and_reported(1);
                let limit = client.max_payload();
                node.report(Some(&*namespace), NatsError::TooLarge { bytes, limit });
                Ok(0)
            }
            Err(_) => Err(End::Client),
        }
    }
}
