//! One operation, done a number of times in memory, for a tool that counts instructions:
//! `operations NAME COUNT`. Without arguments it prints the names.
//!
//! Every reply is compared with what it must be.

mod connection;

use std::{
    env,
    pin::{Pin, pin},
    process::ExitCode,
    task::Context,
};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, Stream, StreamExt, stream, task::noop_waker_ref};
use http::Method;
use operations::{
    Client, accept, bus::Bus, echo_frames, head, memory::Task, node, payload, server, text,
};
use socketio_core::{Accept, Frame, SocketIo};
use socketio_tokio::WebSocket;

use self::connection::Connection;

/// Each does something so many times.
type Operation = fn(usize);

const OPERATIONS: [(&str, Operation); 10] = [
    ("ack", ack),
    ("broadcast-1000", broadcast_1000),
    ("cluster-away", cluster_away),
    ("cluster-publish", cluster_publish),
    ("cluster-receive", cluster_receive),
    ("connect-disconnect", connect_disconnect),
    ("echo", echo),
    ("echo-16", echo_16),
    ("polling", polling),
    ("websocket", websocket),
];

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (name, count) = (args.next(), args.next().and_then(|count| count.parse().ok()));
    let Some(name) = name else {
        OPERATIONS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let operation = OPERATIONS.iter().find(|(known, _)| *known == name);
    let (Some((_, operation)), Some(count)) = (operation, count) else {
        eprintln!("operations NAME COUNT");
        return ExitCode::FAILURE;
    };
    operation(count);
    ExitCode::SUCCESS
}

/// An event of 64 bytes is acknowledged.
fn ack(count: usize) {
    let (endpoint, _io) = server();
    let mut client = Client::connect(&endpoint);
    let event = text(&format!(r#"4212["message-with-ack","{}"]"#, payload()));
    let reply = text(&format!(r#"4312["{}"]"#, payload()));
    for _ in 0..count {
        client.send(&event);
        assert_eq!(client.receive(), reply);
    }
}

/// A broadcast of 64 bytes is delivered. Each is to 1000 clients, so it is done 1000 times at once.
fn broadcast_1000(count: usize) {
    const MEMBERS: usize = 1000;
    let (endpoint, io) = server();
    let mut clients: Vec<_> = (0..MEMBERS).map(|_| Client::connect(&endpoint)).collect();
    let payload = payload();
    let event = text(&format!(r#"42["broadcast","{payload}"]"#));
    for _ in 0..count.div_ceil(MEMBERS) {
        io.emit("broadcast", &payload).expect("an event");
        for client in &mut clients {
            client.task.run();
            assert_eq!(client.receive(), event);
        }
    }
}

/// An event of 64 bytes for a room of other nodes comes from another node.
fn cluster_away(count: usize) {
    let (_endpoint, io, bus) = node();
    let event = published(&io, &bus);
    for _ in 0..count {
        bus.receive(&event);
    }
}

/// An event of 64 bytes is sent to a room of other nodes.
fn cluster_publish(count: usize) {
    let (_endpoint, io, bus) = node();
    for _ in 0..count {
        published(&io, &bus);
    }
}

/// An event of 64 bytes for a room with one client here comes from another node.
fn cluster_receive(count: usize) {
    let (endpoint, io, bus) = node();
    let event = published(&io, &bus);
    let mut client = Client::connect(&endpoint);
    io.join(ROOM);
    let frame = text(&format!(r#"42["event","{}"]"#, payload()));
    for _ in 0..count {
        bus.receive(&event);
        client.task.run();
        assert_eq!(client.receive(), frame);
    }
}

const ROOM: &str = "room";

/// What other nodes are told of an event for a room.
fn published(io: &SocketIo, bus: &Bus) -> Bytes {
    io.to(ROOM).emit("event", &payload()).expect("an event");
    bus.take().expect("a message")
}

/// A client opens a websocket, joins, and goes.
fn connect_disconnect(count: usize) {
    let (endpoint, io) = server();
    for _ in 0..count {
        let mut client = Client::connect(&endpoint);
        client.leave();
    }
    assert_eq!(io.clients_count(), 0);
}

/// An event of 64 bytes is answered with an event, one after the other.
fn echo(count: usize) {
    let (endpoint, _io) = server();
    let mut client = Client::connect(&endpoint);
    let [event, reply] = echo_frames();
    for _ in 0..count {
        client.send(&event);
        assert_eq!(client.receive(), reply);
    }
}

/// The same with 16 that arrive together.
fn echo_16(count: usize) {
    const TOGETHER: usize = 16;
    let (endpoint, _io) = server();
    let mut client = Client::connect(&endpoint);
    let [event, reply] = echo_frames();
    for _ in 0..count.div_ceil(TOGETHER) {
        (0..TOGETHER).for_each(|_| client.wire.send(event.clone()));
        client.task.run();
        (0..TOGETHER).for_each(|_| assert_eq!(client.receive(), reply));
    }
}

/// A client that polls POSTs an event of 64 bytes and GETs its answer.
fn polling(count: usize) {
    let (endpoint, _io) = server();
    let (mut session, handshake) = match accept(&endpoint, &head(Method::GET, "polling", None)) {
        Accept::Open(response, driver) => (Task::new(driver), response.into_body()),
        other => panic!("no session: {other:?}"),
    };
    let handshake = str::from_utf8(&handshake).expect("text");
    let sid = handshake.split('"').nth(3).expect("an id");
    let [get, post] = [Method::GET, Method::POST].map(|method| head(method, "polling", Some(sid)));
    let mut send = |body: Bytes| {
        let Accept::Receive(receive) = accept(&endpoint, &post) else {
            panic!("no POST");
        };
        let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let mut response = pin!(receive.collect(body));
        // It is answered when the session has taken it.
        assert!(response.as_mut().now_or_never().is_none());
        session.run();
        assert_eq!(response.now_or_never().expect("an answer").body(), "ok");
    };
    let receive = || {
        let Accept::Poll(poll) = accept(&endpoint, &get) else {
            panic!("no GET");
        };
        poll.now_or_never().expect("something to take").into_body()
    };
    send(Bytes::from_static(b"40"));
    assert!(receive().starts_with(b"40{"));
    let [event, reply] = echo_frames().map(|frame| match frame {
        Frame::Text(text) => text.into_bytes(),
        other => panic!("no text: {other:?}"),
    });
    for _ in 0..count {
        send(event.clone());
        assert_eq!(receive(), reply);
    }
}

/// A frame of 64 bytes comes over a connection, and the same goes back.
fn websocket(count: usize) {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    const TEXT: u8 = 0x81;
    let payload = payload();
    let masked = payload.bytes().zip(KEY.into_iter().cycle()).map(|(byte, key)| byte ^ key);
    let head = [TEXT, 0x80 | payload.len() as u8];
    let incoming: Vec<u8> = head.into_iter().chain(KEY).chain(masked).collect();
    let outgoing = [&[TEXT, payload.len() as u8], payload.as_bytes()].concat();
    let connection = Connection::default();
    let mut server = WebSocket::new(connection.clone(), 1_000_000);
    let mut cx = Context::from_waker(noop_waker_ref());
    for _ in 0..count {
        connection.send(&incoming);
        let frame = server.next().now_or_never().flatten().expect("an item").expect("a frame");
        server.send(frame).now_or_never().expect("room").expect("a connection");
        assert!(connection.receives(&outgoing));
        // As the server does, it looks whether there is more.
        assert!(Pin::new(&mut server).poll_next(&mut cx).is_pending());
    }
}
