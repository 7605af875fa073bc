//! A server, its clients and the time, in memory.

use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{Method, Request};
use socketio_core::{
    Data, Frame, Limits, RawArgs, Socket, SocketIo, WebSocketError,
    testing::{TestConnection, TestResponse, TestServer},
};

use crate::input::{Junk, List};

/// What happens.
#[derive(Arbitrary, Clone, Debug)]
pub struct Input(List<Operation, 60>);

/// A client is named by a number, modulo those that there are.
#[derive(Arbitrary, Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    Advance { ten_ms: u16 },
    AnswerPings(u8, bool),
    Ask,
    Binary(u8, List<u8, 30>),
    BreakRules(u8),
    Broadcast(List<u8, 30>),
    Close(u8),
    CloseFrame(u8, Option<u16>),
    Get(u8),
    HangUp(u8),
    Join(u8, bool),
    Kick(bool),
    Message(u8, Junk),
    Open,
    OpenOld,
    OpenPolling(Kind),
    Post(u8, List<Junk, 3>),
    PostBytes(u8, List<u8, 30>),
    PostOld(u8, Junk),
    Probe(u8),
    ProbeProperly(u8),
    Request(u8, Junk, List<u8, 10>),
    StopReading(u8, bool),
    Text(u8, Junk),
}

/// What a polling client is like.
#[derive(Arbitrary, Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Current,
    CurrentJsonp,
    Old,
    OldBase64,
    OldJsonp,
}

impl Kind {
    fn query(self) -> &'static str {
        match self {
            Kind::Current => "EIO=4",
            Kind::CurrentJsonp => "EIO=4&j=0",
            Kind::Old => "EIO=3",
            Kind::OldBase64 => "EIO=3&b64=1",
            Kind::OldJsonp => "EIO=3&j=0",
        }
    }
}

/// Nothing panics, a client that keeps to the protocol is not harmed, and when all others are gone
/// nothing of them is left.
pub fn check(input: &Input) {
    let builder = SocketIo::builder().allow_eio3(true).max_payload(200);
    let server = TestServer::new(builder.limits(Limits {
        attachments: 2,
        attachment_bytes: 50,
        handlers: 3,
        namespaces: 3,
        outgoing_bytes: 2000,
        ..Limits::default()
    }));
    handlers(&server);
    let witness = server.connect();
    let mut world =
        World { server, connections: Vec::new(), sessions: Vec::new(), gets: Vec::new() };
    for (index, operation) in input.0.0.iter().enumerate() {
        world.apply(operation);
        // It does not read much, but it reads.
        while witness.next_event().is_some() {}
        if index % 8 == 0 {
            assert_eq!(witness.ask::<usize>("number", &index), index);
        }
    }
    let World { server, connections, sessions: _, gets } = world;
    drop(gets);
    connections.iter().for_each(TestConnection::close);
    server.advance(Duration::from_secs(600));
    while witness.next_event().is_some() {}
    assert_eq!(witness.ask::<usize>("number", &7), 7);
    assert_eq!(server.io().clients_count(), 1);
    assert_eq!(server.io().sockets_count(), 1);
    assert_eq!(server.io().of("/n").sockets_count(), 0);
}

fn handlers(server: &TestServer) {
    let io = server.io();
    io.on("message", |socket: Socket, args: RawArgs| {
        socket.join("room");
        socket.emit("back", &args)
    });
    io.on("number", |Data(n): Data<usize>| Data(n));
    io.on("ask", async |socket: Socket, args: RawArgs| {
        let answer = socket.emit_with_ack::<RawArgs>("ask", &args).await;
        answer.unwrap_or_default()
    });
    io.of("/n").on("message", |socket: Socket| socket.disconnect());
    io.of_dynamic("/dyn-{name}", |_| {});
    io.on_error(|_| {});
}

struct World {
    server: TestServer,
    connections: Vec<TestConnection>,
    /// How clients name their sessions that began by polling.
    sessions: Vec<String>,
    gets: Vec<TestResponse>,
}

impl World {
    fn apply(&mut self, operation: &Operation) {
        let (server, io) = (&self.server, self.server.io());
        match operation {
            Operation::Advance { ten_ms } => {
                server.advance(Duration::from_millis(10 * u64::from(*ten_ms)));
            }
            Operation::AnswerPings(n, answer) => {
                self.with(*n, |connection| connection.answer_pings(*answer));
            }
            Operation::Ask => {
                let replies =
                    io.timeout(Duration::from_secs(1)).emit_with_ack::<RawArgs>("ask", &1);
                server.spawn(async move {
                    // That some did not answer is as it should be.
                    if let Ok(replies) = replies {
                        let _ = replies.await;
                    }
                });
            }
            Operation::Binary(n, bytes) => {
                self.send(*n, Frame::Binary(bytes.0.clone().into()));
            }
            Operation::BreakRules(n) => {
                let error = WebSocketError::Rejected { code: 1002 };
                self.with(*n, |connection| connection.break_rules(error));
            }
            Operation::Broadcast(bytes) => {
                io.emit("news", &Bytes::from(bytes.0.clone())).expect("bytes can be sent");
                server.run();
            }
            Operation::Close(n) => self.with(*n, TestConnection::close),
            Operation::CloseFrame(n, code) => self.send(*n, Frame::Close(*code)),
            Operation::Get(n) => {
                if let Some(session) = pick(&self.sessions, *n) {
                    self.gets.push(server.get(&polling(session)));
                }
            }
            Operation::HangUp(n) => {
                if !self.gets.is_empty() {
                    self.gets.swap_remove(usize::from(*n) % self.gets.len());
                }
            }
            Operation::Join(n, is_root) => {
                let namespace = if *is_root { "/" } else { "/n" };
                self.with(*n, |connection| connection.request_join(namespace, &()));
            }
            Operation::Kick(all) => {
                io.to("room").disconnect(*all);
                server.run();
            }
            Operation::Message(n, text) => {
                self.send(*n, Frame::Text(format!("42[\"message\",{}", text.0).into()));
            }
            Operation::Open => self.connections.push(server.open()),
            Operation::OpenOld => self.connections.push(server.open_query("EIO=3")),
            Operation::OpenPolling(kind) => {
                let query = kind.query();
                let (status, body) = server.get(&polling(query)).take();
                assert_eq!(status, 200, "{body}");
                let sid = body.split(['"', '\\']).skip_while(|text| *text != "sid");
                let sid = sid.filter(|text| !text.is_empty() && *text != ":").nth(1);
                self.sessions.push(format!("{query}&sid={}", sid.expect("a session id")));
            }
            Operation::Post(n, records) => {
                let records: Vec<_> = records.0.iter().map(|record| &*record.0).collect();
                self.post(*n, "text/plain", records.join("\u{1e}"));
            }
            Operation::PostBytes(n, bytes) => {
                self.post(*n, "application/octet-stream", bytes.0.clone());
            }
            Operation::PostOld(n, record) => {
                let units = record.0.encode_utf16().count();
                self.post(*n, "text/plain", format!("{units}:{}", record.0));
            }
            Operation::Probe(n) => {
                self.probe(*n);
            }
            Operation::ProbeProperly(n) => {
                if let Some(connection) = self.probe(*n) {
                    connection.send_text("2probe");
                    connection.send_text("5");
                }
            }
            Operation::Request(method, uri, body) => {
                let methods = [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD];
                let method = methods[usize::from(*method) % methods.len()].clone();
                let uri = format!("/socket.io/?EIO=4&transport=polling{}", uri.0);
                let request = Request::builder().method(method).uri(uri);
                if let Ok(request) = request.body(body.0.clone().into()) {
                    let _ = server.request(request).try_take();
                }
            }
            Operation::StopReading(n, stop) => {
                self.with(*n, |connection| connection.stop_reading(*stop));
            }
            Operation::Text(n, text) => self.send(*n, Frame::Text(text.0.as_str().into())),
        }
    }

    fn with(&self, n: u8, change: impl FnOnce(&TestConnection)) {
        if let Some(connection) = pick(&self.connections, n) {
            change(connection);
        }
    }

    fn send(&self, n: u8, frame: Frame) {
        self.with(n, |connection| connection.send(frame));
    }

    fn post(&self, n: u8, content_type: &str, body: impl Into<Bytes>) {
        if let Some(session) = pick(&self.sessions, n) {
            let request = Request::post(polling(session)).header("content-type", content_type);
            let request = request.body(body.into()).expect("a request");
            let _ = self.server.request(request).try_take();
        }
    }

    /// Begins an upgrade, if the session still is.
    fn probe(&mut self, n: u8) -> Option<&TestConnection> {
        let session = pick(&self.sessions, n)?;
        // A method that is not allowed changes nothing, and its answer tells.
        let request = Request::put(polling(session)).body(Bytes::new()).expect("a request");
        if self.server.request(request).take().1.contains("\"code\":1") {
            return None;
        }
        self.connections.push(self.server.open_probe_query(session));
        self.connections.last()
    }
}

fn polling(query: &str) -> String {
    format!("/socket.io/?transport=polling&{query}")
}

fn pick<T>(all: &[T], n: u8) -> Option<&T> {
    all.get(usize::from(n) % all.len().max(1))
}
