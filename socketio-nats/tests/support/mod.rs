//! Nodes over a NATS of the test's own, and their clients.

#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

mod client;
mod server;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socketio_core::{Builder, Data, Socket, SocketIo};
use socketio_nats::{NatsAdapter, NatsAdapterBuilder, async_nats::Client};
use tokio::time;

pub(crate) use self::{
    client::TestClient,
    server::{Gate, NatsServer},
};

/// Waits that long, where something is to become so.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server among the others.
pub(crate) struct Node {
    pub(crate) io: SocketIo,
    pub(crate) adapter: NatsAdapter,
    /// What its error hook heard.
    pub(crate) errors: Errors,
}

#[derive(Clone, Default)]
pub(crate) struct Errors(Arc<Mutex<Vec<String>>>);

impl Node {
    pub(crate) async fn start(nats: &NatsServer) -> Self {
        Self::with(nats.connect().await, |adapter| adapter, SocketIo::builder())
    }

    pub(crate) fn with(
        client: Client,
        options: impl FnOnce(NatsAdapterBuilder) -> NatsAdapterBuilder,
        builder: Builder,
    ) -> Self {
        let adapter = options(NatsAdapter::builder(client)).build();
        let io = builder.adapter(adapter.clone()).build().expect("valid options");
        let errors = Errors::default();
        let heard = errors.clone();
        io.on_error(move |report| heard.lock().push(report.to_string().replace("adapter: ", "")));
        io.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
        io.on_server_event("present", || Data(true));
        Self { io, adapter, errors }
    }

    /// So many nodes that know of each other.
    pub(crate) async fn cluster<const N: usize>(nats: &NatsServer) -> [Self; N] {
        let mut nodes = Vec::new();
        for _ in 0..N {
            nodes.push(Self::start(nats).await);
        }
        let nodes: [Self; N] = nodes.try_into().unwrap_or_else(|_| unreachable!());
        Self::meet(&nodes).await;
        nodes
    }

    /// Waits until all know of each other.
    pub(crate) async fn meet(nodes: &[Self]) {
        for node in nodes {
            until(async || node.others().await == nodes.len() - 1).await;
        }
    }

    /// How many other nodes answer.
    pub(crate) async fn others(&self) -> usize {
        let present = self.io.server_side_emit_with_ack::<bool>("present", &()).expect("sent");
        present.timeout(Duration::from_secs(1)).await.map_or(0, |answers| answers.len())
    }

    pub(crate) async fn client(&self) -> TestClient {
        TestClient::connect(&self.io, "/").await
    }
}

impl Errors {
    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().clone()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.lock().iter().filter(|error| error.contains(text)).count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until something is so.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(PATIENCE, wait).await.expect("it is so at last");
}
