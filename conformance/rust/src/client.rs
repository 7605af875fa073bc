use std::collections::{HashMap, VecDeque};

use futures_util::FutureExt;
use rust_socketio::{
    Event, Payload, TransportType,
    asynchronous::{self, ClientBuilder},
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::{PATIENCE, Server};

/// How a client connects.
#[derive(Clone, Debug)]
pub struct Options {
    pub namespace: &'static str,
    pub auth: Option<Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self { namespace: "/", auth: None }
    }
}

/// A client in one namespace. What it receives waits until a story asks for it.
pub struct Client {
    client: asynchronous::Client,
    incoming: UnboundedReceiver<(String, Payload)>,
    waiting: HashMap<String, VecDeque<Payload>>,
}

impl Client {
    /// Connects to `/`.
    pub async fn connect(server: &Server, way: TransportType) -> Self {
        Self::connect_with(server, way, Options::default()).await
    }

    /// Connects, and is let in.
    pub async fn connect_with(server: &Server, way: TransportType, options: Options) -> Self {
        let mut client = Self::begin(server, way, options).await;
        client.next("connect").await;
        client
    }

    /// Connects, and does not wait for what the namespace says.
    pub async fn begin(server: &Server, way: TransportType, options: Options) -> Self {
        let (events, incoming) = unbounded_channel();
        let mut builder = ClientBuilder::new(server.url())
            .transport_type(way)
            .namespace(options.namespace)
            .reconnect_delay(20, 20);
        for event in [Event::Connect, Event::Close, Event::Error] {
            let events = events.clone();
            builder = builder.on(event.clone(), move |payload, _| {
                // A story that has ended is not interested.
                let _ = events.send((event.to_string(), payload));
                async {}.boxed()
            });
        }
        builder = builder.on_any(move |event, payload, _| {
            let _ = events.send((event.to_string(), payload));
            async {}.boxed()
        });
        if let Some(auth) = options.auth {
            builder = builder.auth(auth);
        }
        let client = builder.connect().await.expect("a connection");
        Self { client, incoming, waiting: HashMap::new() }
    }

    /// Emits an event with some arguments, or with one attachment.
    pub async fn emit(&self, event: &str, payload: impl Into<Payload>) {
        self.client.emit(event, payload).await.expect("a connection");
    }

    /// Emits an event, and gives the arguments of its acknowledgement.
    pub async fn ask(&self, event: &str, args: Value) -> Value {
        let (answers, mut answered) = unbounded_channel();
        let answer = move |payload, _| {
            let _ = answers.send(payload);
            async {}.boxed()
        };
        self.client.emit_with_ack(event, args, PATIENCE, answer).await.expect("a connection");
        let answer = timeout(PATIENCE, answered.recv()).await;
        text(answer.expect("an answer in time").expect("an answer"))
    }

    /// Leaves, and closes the connection.
    pub async fn disconnect(&self) {
        self.client.disconnect().await.expect("a connection");
    }

    /// The payload of the next such event, also of one that came before it was asked for.
    pub async fn next(&mut self, name: &str) -> Payload {
        let next = async {
            loop {
                if let Some(payload) = self.waiting.get_mut(name).and_then(VecDeque::pop_front) {
                    return payload;
                }
                let (event, payload) = self.incoming.recv().await.expect("a client");
                self.waiting.entry(event).or_default().push_back(payload);
            }
        };
        timeout(PATIENCE, next).await.unwrap_or_else(|_| panic!("{name} does not come"))
    }

    /// The arguments of the next such event.
    pub async fn next_text(&mut self, name: &str) -> Value {
        text(self.next(name).await)
    }

    /// Whether none such event came so far.
    pub fn has_none(&mut self, name: &str) -> bool {
        while let Ok((event, payload)) = self.incoming.try_recv() {
            self.waiting.entry(event).or_default().push_back(payload);
        }
        self.waiting.get(name).is_none_or(VecDeque::is_empty)
    }
}

fn text(payload: Payload) -> Value {
    match payload {
        Payload::Text(args) => json!(args),
        other => panic!("{other:?} is no text"),
    }
}
