use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{server::TestServer, websocket::Wire};
use crate::{
    error::ConnectError,
    server::WebSocketError,
    wire::{
        AckId, Args, Assembler, AssemblerLimits, Encoded, Frame, Framing, FromArgs, Message,
        Packet, RawArgs, Revision, encode_ack, encode_event, engine,
    },
};

/// A client's connection, with all its namespaces.
#[derive(Clone, Debug)]
pub struct TestConnection(Rc<Connection>);

#[derive(Debug)]
struct Connection {
    server: TestServer,
    wire: Wire,
    /// Answers pings, as clients do.
    answers_pings: Cell<bool>,
    inbox: RefCell<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    frames: VecDeque<Frame>,
    assembler: Assembler,
    packets: VecDeque<Packet>,
    close: Option<Option<u16>>,
}

impl TestConnection {
    pub(super) fn new(server: TestServer, wire: Wire) -> Self {
        let connection = Self::bare(server, wire);
        match connection.next_frame() {
            Some(Frame::Text(text)) if text.starts_with("0{") => connection,
            other => panic!("no handshake: {other:?}"),
        }
    }

    /// Without a handshake.
    pub(super) fn bare(server: TestServer, wire: Wire) -> Self {
        let limits = AssemblerLimits { attachments: 10, bytes: usize::MAX };
        let inbox = Inbox {
            frames: VecDeque::new(),
            assembler: Assembler::new(limits),
            packets: VecDeque::new(),
            close: None,
        };
        let connection =
            Connection { server, wire, answers_pings: Cell::new(true), inbox: RefCell::new(inbox) };
        let connection = Self(Rc::new(connection));
        connection.0.server.attend(connection.downgrade());
        connection
    }

    /// Joins a namespace with an auth payload, a JSON object or `()`.
    ///
    /// # Errors
    /// The server refused it.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn join(&self, namespace: &str, auth: &impl Serialize) -> Result<TestClient, ConnectError> {
        self.request_join(namespace, auth);
        self.expect_join(namespace)
    }

    /// Sends the wish to join a namespace.
    pub fn request_join(&self, namespace: &str, auth: &impl Serialize) {
        let auth = match serde_json::to_value(auth) {
            Ok(Value::Null) => String::new(),
            Ok(auth) => auth.to_string(),
            Err(error) => panic!("auth payload: {error}"),
        };
        self.send_text(&format!("40{},{auth}", namespace));
    }

    /// The server's answer to the wish to join a namespace.
    ///
    /// # Errors
    /// The server refused it.
    ///
    /// # Panics
    /// If it did not answer.
    pub fn expect_join(&self, namespace: &str) -> Result<TestClient, ConnectError> {
        self.take_join(namespace).expect("an answer to the connect")
    }

    /// The server's answer to the wish to join a namespace, if it has come: who joined, or the error
    /// with which it was refused.
    pub fn take_join(&self, namespace: &str) -> Option<Result<TestClient, ConnectError>> {
        #[derive(Deserialize)]
        struct Accepted {
            sid: String,
            pid: Option<String>,
        }
        #[derive(Deserialize)]
        struct Refused {
            message: String,
            data: Option<Value>,
        }
        match self.take_answer(namespace) {
            Some(Packet::Connect { auth: Some(data), .. }) => {
                let accepted: Accepted = serde_json::from_str(&data).expect("an answer");
                Some(Ok(TestClient {
                    connection: self.clone(),
                    namespace: namespace.into(),
                    id: accepted.sid,
                    recovery_id: accepted.pid,
                    next_ack: Rc::default(),
                }))
            }
            Some(Packet::ConnectError { data, .. }) => {
                let refused: Refused = serde_json::from_str(&data).expect("a refusal");
                let error = ConnectError::new(refused.message);
                Some(Err(match refused.data {
                    Some(data) => error.data(data),
                    None => error,
                }))
            }
            _ => None,
        }
    }

    /// Sends a text frame as it is.
    pub fn send_text(&self, text: &str) {
        self.0.wire.send(Ok(Frame::Text(text.into())));
        self.0.server.run();
    }

    /// Sends text frames that arrive together.
    pub fn send_all<'a>(&self, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.0.wire.send(Ok(Frame::Text(text.into())));
        }
        self.0.server.run();
    }

    /// Sends a frame as it is.
    pub fn send(&self, frame: Frame) {
        self.0.wire.send(Ok(frame));
        self.0.server.run();
    }

    /// Breaks the rules of WebSocket.
    pub fn break_rules(&self, error: WebSocketError) {
        self.0.wire.send(Err(error));
        self.0.server.run();
    }

    /// Whether pings are answered, as by default they are.
    pub fn answer_pings(&self, answer: bool) {
        self.0.answers_pings.set(answer);
    }

    /// Stops reading what the server sends, or goes on.
    pub fn stop_reading(&self, stop: bool) {
        self.0.wire.set_stuck(stop);
        self.0.server.run();
    }

    /// Closes the connection without a word.
    pub fn close(&self) {
        self.0.wire.cut();
        self.0.server.run();
    }

    /// Whether the server has closed the connection, with the code of its close frame.
    pub fn closed(&self) -> Option<Option<u16>> {
        self.0.server.run();
        self.read();
        self.0.inbox.borrow().close.or_else(|| self.0.wire.is_done().then_some(None))
    }

    /// The next frame that is neither a ping nor the close frame.
    pub fn next_frame(&self) -> Option<Frame> {
        self.0.server.run();
        self.read();
        self.0.inbox.borrow_mut().frames.pop_front()
    }

    /// Takes what has come, and answers pings.
    pub(super) fn read(&self) {
        while let Some(frame) = self.0.wire.receive() {
            match frame {
                Frame::Text(text) if text == "2" => {
                    if self.0.answers_pings.get() {
                        self.send_text("3");
                    }
                }
                Frame::Close(code) => self.0.inbox.borrow_mut().close = Some(code),
                frame => self.0.inbox.borrow_mut().frames.push_back(frame),
            }
        }
    }

    fn downgrade(&self) -> WeakConnection {
        WeakConnection(Rc::downgrade(&self.0))
    }

    /// The answer to the wish to join a namespace.
    fn take_answer(&self, namespace: &str) -> Option<Packet> {
        self.pump();
        let packets = &mut self.0.inbox.borrow_mut().packets;
        // The end of an earlier stay is not the answer.
        packets.retain(|packet| {
            !matches!(packet, Packet::Disconnect { .. }) || packet.namespace() != namespace
        });
        let index = packets.iter().position(|packet| {
            let is_answer = matches!(packet, Packet::Connect { .. } | Packet::ConnectError { .. });
            is_answer && packet.namespace() == namespace
        })?;
        packets.remove(index)
    }

    fn pump(&self) {
        while let Some(frame) = self.next_frame() {
            let message = match engine::Packet::from_frame(frame, Revision::V4) {
                Some(Ok(engine::Packet::Message(message))) => message,
                other => panic!("unexpected: {other:?}"),
            };
            let mut inbox = self.0.inbox.borrow_mut();
            let packet = match message {
                Message::Binary(bytes) => inbox.assembler.binary(bytes),
                Message::Text(text) => inbox.assembler.text(&text),
            };
            inbox.packets.extend(packet.expect("the server keeps to the protocol"));
        }
    }

    fn send_encoded(&self, encoded: Encoded) {
        for frame in encoded.into_frames(Framing::default()) {
            self.0.wire.send(Ok(frame));
        }
        self.0.server.run();
    }
}

/// A connection as the server under test remembers it.
#[derive(Debug)]
pub(super) struct WeakConnection(Weak<Connection>);

impl WeakConnection {
    pub(super) fn upgrade(&self) -> Option<TestConnection> {
        self.0.upgrade().map(TestConnection)
    }
}

/// A client in one namespace.
#[derive(Clone, Debug)]
pub struct TestClient {
    connection: TestConnection,
    namespace: ByteString,
    id: String,
    recovery_id: Option<String>,
    next_ack: Rc<Cell<u64>>,
}

/// An event that the server sent.
#[derive(Clone, Debug)]
pub struct TestEvent {
    /// The event's name.
    pub name: String,
    /// Its arguments.
    pub args: RawArgs,
    id: Option<AckId>,
}

impl TestEvent {
    /// What connection state recovery has put behind the arguments.
    ///
    /// # Panics
    /// If that is nothing.
    pub fn offset(&self) -> String {
        let last = self.args.skip(self.args.len().saturating_sub(1));
        last.parse().expect("an offset")
    }
}

impl TestClient {
    /// The socket's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// With what the client comes back after its connection broke, as `pid` in its auth payload.
    ///
    /// # Panics
    /// If connection state recovery is off.
    pub fn recovery_id(&self) -> &str {
        self.recovery_id.as_deref().expect("a server with connection state recovery")
    }

    /// The connection under it.
    pub fn connection(&self) -> &TestConnection {
        &self.connection
    }

    /// Sends an event.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn emit(&self, event: &str, args: &(impl Args + ?Sized)) {
        let encoded = encode_event(&self.namespace, event, None, args).expect("an event");
        self.connection.send_encoded(encoded);
    }

    /// Sends an event and asks for an acknowledgement, which [`take_ack`](Self::take_ack) takes.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn emit_with_ack(&self, event: &str, args: &(impl Args + ?Sized)) -> AckId {
        let id = AckId(self.next_ack.replace(self.next_ack.get() + 1));
        let encoded = encode_event(&self.namespace, event, Some(id), args).expect("an event");
        self.connection.send_encoded(encoded);
        id
    }

    /// Sends an event and gives the acknowledgement.
    ///
    /// # Panics
    /// If there is none, or it does not fit.
    pub fn ask<T: FromArgs>(&self, event: &str, args: &(impl Args + ?Sized)) -> T {
        let id = self.emit_with_ack(event, args);
        let args = self.take_ack(id).unwrap_or_else(|| panic!("no acknowledgement of {event}"));
        T::from_args(&args).expect("an acknowledgement that fits")
    }

    /// The acknowledgement with this id, if it has come.
    pub fn take_ack(&self, id: AckId) -> Option<RawArgs> {
        self.connection.pump();
        let packets = &mut self.connection.0.inbox.borrow_mut().packets;
        let index = packets.iter().position(|packet| match packet {
            Packet::Ack { namespace, id: acked, .. } => {
                *namespace == self.namespace && *acked == Some(id)
            }
            _ => false,
        })?;
        match packets.remove(index) {
            Some(Packet::Ack { args, .. }) => Some(args),
            _ => None,
        }
    }

    /// The next event, if one has come.
    pub fn next_event(&self) -> Option<TestEvent> {
        self.connection.pump();
        let packets = &mut self.connection.0.inbox.borrow_mut().packets;
        let index = packets.iter().position(|packet| {
            matches!(packet, Packet::Event { namespace, .. } if *namespace == self.namespace)
        })?;
        match packets.remove(index) {
            Some(Packet::Event { name, args, id, .. }) => {
                Some(TestEvent { name: name.to_string(), args, id })
            }
            _ => None,
        }
    }

    /// The next event, which is to have this name.
    ///
    /// # Panics
    /// If none has come, it is another, or its arguments do not fit.
    pub fn expect<T: FromArgs>(&self, event: &str) -> T {
        let next = self.expect_event(event);
        T::from_args(&next.args).expect("arguments that fit")
    }

    /// The next event, which is to have this name, with what it takes to answer it.
    ///
    /// # Panics
    /// If none has come, or it is another.
    pub fn expect_event(&self, event: &str) -> TestEvent {
        let next = self.next_event().unwrap_or_else(|| panic!("no event, expected {event}"));
        assert_eq!(next.name, event, "{next:?}");
        next
    }

    /// Checks that no event has come.
    ///
    /// # Panics
    /// If one has.
    pub fn expect_nothing(&self) {
        if let Some(event) = self.next_event() {
            panic!("unexpected: {event:?}");
        }
    }

    /// Acknowledges an event.
    ///
    /// # Panics
    /// If the server did not ask for it.
    pub fn acknowledge(&self, event: &TestEvent, args: &(impl Args + ?Sized)) {
        let id = event.id.expect("an event that is to be acknowledged");
        let encoded = encode_ack(&self.namespace, id, args).expect("an acknowledgement");
        self.connection.send_encoded(encoded);
    }

    /// Leaves the namespace.
    pub fn disconnect(&self) {
        self.connection.send_text(&format!("41{},", self.namespace));
    }

    /// Whether neither side has ended it.
    pub fn is_connected(&self) -> bool {
        self.connection.pump();
        let is_closed = self.connection.closed().is_some();
        let inbox = self.connection.0.inbox.borrow();
        let is_disconnect = |packet: &Packet| matches!(packet, Packet::Disconnect { namespace } if *namespace == self.namespace);
        !is_closed && !inbox.packets.iter().any(is_disconnect)
    }
}
