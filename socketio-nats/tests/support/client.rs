use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http::Request;
use serde::de::DeserializeOwned;
use serde_json::Value;
use socketio_core::{
    Accept, Args, Endpoint, Frame, SocketIo, WebSocketError,
    wire::{
        Assembler, AssemblerLimits, Encoded, Framing, Message, Packet, RawArgs, Revision,
        encode_ack, encode_event, engine,
    },
};
use tokio::time;

/// A client that has joined a namespace, by a websocket in memory.
pub(crate) struct TestClient {
    namespace: String,
    id: String,
    frames: UnboundedReceiver<Frame>,
    sender: UnboundedSender<Frame>,
    assembler: Assembler,
}

/// How long it waits for what is to come.
const PATIENCE: Duration = Duration::from_secs(10);

impl TestClient {
    pub(crate) async fn connect(io: &SocketIo, namespace: &str) -> Self {
        let request = Request::get("/socket.io/?EIO=4&transport=websocket")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let Accept::Upgrade(upgrade) = Endpoint::from(io).accept(&head).await else {
            panic!("no websocket");
        };
        let (sender, to_server) = unbounded();
        let (to_client, frames) = unbounded();
        tokio::spawn(upgrade.serve(WebSocket { to_server, to_client }));
        let limits = AssemblerLimits { attachments: 10, bytes: usize::MAX };
        let assembler = Assembler::new(limits);
        let namespace = namespace.to_owned();
        let mut client = Self { namespace, id: String::new(), frames, sender, assembler };
        client.send([Frame::Text(format!("40{},", client.namespace).into())]);
        let Some(Packet::Connect { auth: Some(answer), .. }) = client.next_packet().await else {
            panic!("refused");
        };
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        client.id = answer["sid"].as_str().expect("an id").to_owned();
        client
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) {
        self.send_packet(encode_event(&self.namespace, event, None, args).expect("an event"));
    }

    /// The next event, which has to be this one: its arguments.
    pub(crate) async fn expect<T: DeserializeOwned>(&mut self, event: &str) -> T {
        match self.next_packet().await {
            Some(Packet::Event { name, args, .. }) if name == event => {
                args.parse().expect("what was expected")
            }
            other => panic!("not {event}: {other:?}"),
        }
    }

    /// The next event, which has to be this one, is acknowledged.
    pub(crate) async fn acknowledge<T: Args + ?Sized>(&mut self, event: &str, answer: &T) {
        match self.next_packet().await {
            Some(Packet::Event { name, id: Some(id), .. }) if name == event => {
                self.send_packet(encode_ack(&self.namespace, id, answer).expect("an answer"));
            }
            other => panic!("no question {event}: {other:?}"),
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> (String, RawArgs) {
        match self.next_packet().await {
            Some(Packet::Event { name, args, .. }) => (name.to_string(), args),
            other => panic!("no event: {other:?}"),
        }
    }

    /// Waits for the end of its socket.
    pub(crate) async fn closed(&mut self) {
        loop {
            match self.next_packet().await {
                None | Some(Packet::Disconnect { .. }) => return,
                Some(_) => {}
            }
        }
    }

    fn send_packet(&self, packet: Encoded) {
        self.send(packet.into_frames(Framing::default()));
    }

    fn send(&self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            // The server may have closed the connection.
            let _ = self.sender.unbounded_send(frame);
        }
    }

    /// The next packet, unless the connection has ended.
    async fn next_packet(&mut self) -> Option<Packet> {
        loop {
            let frame = time::timeout(PATIENCE, self.frames.next()).await.expect("a frame")?;
            let packet = engine::Packet::from_frame(frame, Revision::V4)?.expect("a packet");
            let packet = match packet {
                engine::Packet::Message(Message::Text(text)) => self.assembler.text(&text),
                engine::Packet::Message(Message::Binary(part)) => self.assembler.binary(part),
                engine::Packet::Ping(_) => {
                    self.send([Frame::Text("3".into())]);
                    continue;
                }
                _ => continue,
            };
            if let Some(packet) = packet.expect("a packet") {
                return Some(packet);
            }
        }
    }
}

/// The server's end.
struct WebSocket {
    to_server: UnboundedReceiver<Frame>,
    to_client: UnboundedSender<Frame>,
}

impl Stream for WebSocket {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.to_server.poll_next_unpin(cx).map(|frame| frame.map(Ok))
    }
}

macro_rules! forward {
    ($($method:ident => $to:ident;)*) => {$(
        fn $method(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Result<(), WebSocketError>> {
            self.to_client.$to(cx).map_err(|_| WebSocketError::Io)
        }
    )*};
}

impl Sink<Frame> for WebSocket {
    type Error = WebSocketError;

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), WebSocketError> {
        self.to_client.unbounded_send(frame).map_err(|_| WebSocketError::Io)
    }

    forward! {
        poll_ready => poll_ready_unpin;
        poll_flush => poll_flush_unpin;
        poll_close => poll_close_unpin;
    }
}
