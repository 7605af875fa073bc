//! A server and its clients in memory: no network, no runtime, a clock that stands. What is left is
//! what the server itself costs.

pub mod bus;
pub mod memory;

use std::sync::Arc;

use bytestring::ByteString;
use futures_util::FutureExt;
use http::{HeaderValue, Method, header, request::Parts};
use socketio_core::{Accept, Endpoint, Frame, Namespace, RawArgs, Socket, SocketIo};

use self::{
    bus::Bus,
    memory::{Standing, Task, Wire},
};

/// A server that answers in the namespace `/`.
pub fn server() -> (Endpoint, SocketIo) {
    let io = SocketIo::builder().clock(Arc::new(Standing::now())).build().expect("valid options");
    answer(&io);
    (Endpoint::from(&io), io)
}

/// A server as [`server`] makes it, but one node of a cluster whose bus is held by the hand.
pub fn node() -> (Endpoint, SocketIo, Bus) {
    let bus = Bus::default();
    let io = SocketIo::builder().adapter(bus.clone()).build().expect("valid options");
    answer(&io);
    (Endpoint::from(&io), io, bus)
}

/// Has the events `message` and `message-with-ack` answered with what they bring.
pub fn answer(namespace: &Namespace) {
    namespace.on("message", |socket: Socket, args: RawArgs| socket.emit("message-back", &args));
    namespace.on("message-with-ack", |args: RawArgs| args);
}

/// A client on a websocket, and the server's task for it.
#[derive(Debug)]
pub struct Client {
    /// The client's end of the websocket.
    pub wire: Wire,
    /// The server's task.
    pub task: Task,
}

impl Client {
    /// Opens a websocket and joins the namespace `/`.
    pub fn connect(endpoint: &Endpoint) -> Self {
        Self::connect_to(endpoint, &Frame::Text(ByteString::from_static("40")))
    }

    /// Opens a websocket and joins the namespace that a CONNECT packet names.
    pub fn connect_to(endpoint: &Endpoint, packet: &Frame) -> Self {
        let wire = Wire::default();
        let task = match accept(endpoint, &head(Method::GET, "websocket", None)) {
            Accept::Upgrade(upgrade) => Task::new(upgrade.serve(wire.clone())),
            other => panic!("no websocket: {other:?}"),
        };
        let mut client = Self { wire, task };
        client.send(packet);
        let open = client.receive();
        assert!(matches!(&open, Frame::Text(text) if text.starts_with("0{")), "{open:?}");
        client.joined(packet);
        client
    }

    /// Joins one more namespace, which a CONNECT packet names.
    pub fn join(&mut self, packet: &Frame) {
        self.send(packet);
        self.joined(packet);
    }

    fn joined(&self, packet: &Frame) {
        let answer = self.receive();
        let (Frame::Text(packet), Frame::Text(text)) = (packet, &answer) else {
            panic!("no text: {answer:?}");
        };
        let data = text.strip_prefix(&**packet);
        assert!(data.is_some_and(|data| data.starts_with('{')), "{text}");
    }

    /// Sends a frame, and lets the server do what there is to do.
    pub fn send(&mut self, frame: &Frame) {
        self.wire.send(frame.clone());
        self.task.run();
    }

    /// Takes what the server has sent.
    pub fn receive(&self) -> Frame {
        self.wire.receive().expect("a frame")
    }

    /// Closes the connection.
    pub fn leave(&mut self) {
        self.wire.cut();
        self.task.run();
        assert!(self.task.is_done());
    }
}

/// What the server makes of a request.
pub fn accept(endpoint: &Endpoint, head: &Parts) -> Accept {
    endpoint.accept(head).now_or_never().expect("nothing to wait for")
}

/// The head of a client's request.
pub fn head(method: Method, transport: &str, sid: Option<&str>) -> Parts {
    let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
    let uri = format!("/socket.io/?EIO=4&transport={transport}{sid}");
    let request = http::Request::builder().method(method).uri(uri).body(()).expect("a request");
    let (mut head, ()) = request.into_parts();
    if transport == "websocket" {
        for (name, value) in [
            (header::CONNECTION, "Upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            head.headers.insert(name, HeaderValue::from_static(value));
        }
    }
    head
}

/// 64 bytes of text.
pub fn payload() -> String {
    "x".repeat(64)
}

/// The event `message` and what answers it.
pub fn echo_frames() -> [Frame; 2] {
    ["message", "message-back"].map(|name| text(&format!(r#"42["{name}","{}"]"#, payload())))
}

/// A frame in memory that is shared, as it is when it has come from a network.
pub fn text(text: &str) -> Frame {
    let frame = Frame::Text(text.into());
    // The first clone makes it so.
    let _ = frame.clone();
    frame
}
