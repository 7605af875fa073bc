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
    OpenPolling,
    Post(u8, List<Junk, 3>),
    PostBytes(u8, List<u8, 30>),
    Probe(u8),
    ProbeProperly(u8),
    Request(u8, Junk, List<u8, 10>),
    StopReading(u8, bool),
    Text(u8, Junk),
}

/// Nothing panics, a client that keeps to the protocol is not harmed, and when all others are gone
/// nothing of them is left.
pub fn check(input: &Input) {
    let server = TestServer::new(SocketIo::builder().max_payload(200).limits(Limits {
        attachments: 2,
        attachment_bytes: 50,
        handlers: 3,
        namespaces: 3,
        outgoing_bytes: 2000,
        ..Limits::default()
    }));
    handlers(&server);
    let witness = server.connect();
    let mut world = World { server, connections: Vec::new(), sids: Vec::new(), gets: Vec::new() };
    for (index, operation) in input.0.0.iter().enumerate() {
        world.apply(operation);
        // It does not read much, but it reads.
        while witness.next_event().is_some() {}
        if index % 8 == 0 {
            assert_eq!(witness.ask::<usize>("number", &index), index);
        }
    }
    let World { server, connections, sids: _, gets } = world;
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
    io.of_dynamic(|name| name.starts_with("/dyn-"), |_| {});
    io.on_error(|_| {});
}

struct World {
    server: TestServer,
    connections: Vec<TestConnection>,
    /// Sessions that began by polling.
    sids: Vec<String>,
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
                if let Some(sid) = pick(&self.sids, *n) {
                    self.gets.push(server.get(&polling(sid)));
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
            Operation::OpenPolling => {
                let (status, body) = server.get("/socket.io/?EIO=4&transport=polling").take();
                assert_eq!(status, 200, "{body}");
                self.sids.extend(body.split('"').nth(3).map(Into::into));
            }
            Operation::Post(n, records) => {
                let records: Vec<_> = records.0.iter().map(|record| &*record.0).collect();
                self.post(*n, records.join("\u{1e}"));
            }
            Operation::PostBytes(n, bytes) => self.post(*n, bytes.0.clone()),
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

    fn post(&self, n: u8, body: impl Into<Bytes>) {
        if let Some(sid) = pick(&self.sids, n) {
            let _ = self.server.post(&polling(sid), body).try_take();
        }
    }

    /// Begins an upgrade, if the session still is.
    fn probe(&mut self, n: u8) -> Option<&TestConnection> {
        let sid = pick(&self.sids, n)?;
        // A method that is not allowed changes nothing, and its answer tells.
        let request = Request::put(polling(sid)).body(Bytes::new()).expect("a request");
        if self.server.request(request).take().1.contains("\"code\":1") {
            return None;
        }
        self.connections.push(self.server.open_probe(sid));
        self.connections.last()
    }
}

fn polling(sid: &str) -> String {
    format!("/socket.io/?EIO=4&transport=polling&sid={sid}")
}

fn pick<T>(all: &[T], n: u8) -> Option<&T> {
    all.get(usize::from(n) % all.len().max(1))
}
