//! The load fixture with nothing around it: one thread and one epoll loop that believes what it
//! reads, and knows only what the load generator sends. Hardly a server does less for the same bytes.
//!
//! Environment: `PORT` on 127.0.0.1; `REDIS`, the URL of a server that takes broadcasts to other
//! nodes.

mod bus;

use std::{
    env,
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Ipv4Addr, SocketAddr},
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

use self::bus::Bus;

const LISTENER: Token = Token(usize::MAX);
const PUBLISHER: Token = Token(usize::MAX - 1);
const SUBSCRIBER: Token = Token(usize::MAX - 2);
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const SEPARATOR: u8 = 0x1e;

fn main() -> io::Result<()> {
    let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).expect("a port");
    let mut floor = Floor::listen((Ipv4Addr::LOCALHOST, port).into())?;
    if let Ok(url) = env::var("REDIS") {
        floor.bus = Some(Bus::connect(&url, floor.poll.registry(), [PUBLISHER, SUBSCRIBER])?);
    }
    floor.serve()
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    bus: Option<Bus>,
    connections: Slots<Connection>,
    sessions: Slots<Session>,
    everybody: Vec<usize>,
    rooms: Vec<Vec<usize>>,
    /// Sessions that have something to send at the end of the turn.
    dirty: Vec<usize>,
}

struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    /// Of a websocket.
    session: Option<usize>,
}

#[derive(Default)]
struct Session {
    websocket: Option<usize>,
    /// The connection whose poll waits for an answer.
    parked: Option<usize>,
    /// Records for the next poll.
    payload: Vec<u8>,
    is_dirty: bool,
}

impl Floor {
    fn listen(address: SocketAddr) -> io::Result<Self> {
        let (poll, mut listener) = (Poll::new()?, TcpListener::bind(address)?);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            bus: None,
            connections: Slots::default(),
            sessions: Slots::default(),
            everybody: Vec::new(),
            rooms: Vec::new(),
            dirty: Vec::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 1 << 18]);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    PUBLISHER => self.bus.iter_mut().for_each(|bus| bus.skip_answers(&mut buffer)),
                    SUBSCRIBER => self.receive(&mut buffer)?,
                    Token(index) => {
                        if event.is_readable() && self.read(index, &mut buffer).is_none() {
                            self.close(index);
                        } else {
                            self.write(index);
                        }
                    }
                }
            }
            self.flush();
            if let Some(bus) = &mut self.bus {
                bus.flush()?;
            }
        }
    }

    /// Takes what other nodes have for clients of this one.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Some(mut bus) = self.bus.take() else { return Ok(()) };
        bus.read(buffer, |room, text| self.send_all(room, &[text]))?;
        self.bus = Some(bus);
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let (unread, unsent) = (Vec::new(), Vec::new());
            let connection = Connection { stream, unread, unsent, session: None };
            let index = self.connections.add(connection);
            let stream = &mut self.connections.at(index).stream;
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(stream, Token(index), both)?;
        }
        Ok(())
    }

    /// `None` if the connection is over.
    fn read(&mut self, index: usize, buffer: &mut [u8]) -> Option<()> {
        loop {
            // An event may be for a connection that was closed in this turn.
            let connection = self.connections.find(index)?;
            let unread = connection.unread.len();
            buffer[..unread].copy_from_slice(&connection.unread);
            let count = match connection.stream.read(&mut buffer[unread..]) {
                Ok(0) => return None,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(()),
                Err(_) => return None,
            };
            connection.unread = Vec::new();
            let mut rest = &mut buffer[..unread + count];
            loop {
                let taken = match self.connections.at(index).session {
                    Some(session) => self.frame(index, session, rest)?,
                    None => self.request(index, rest)?,
                };
                if taken == 0 {
                    break;
                }
                rest = &mut rest[taken..];
            }
            self.connections.at(index).unread.extend_from_slice(rest);
            if unread + count < buffer.len() {
                return Some(());
            }
        }
    }

    /// Serves the request at the start of `bytes`. Gives its length, 0 if it is not all there.
    fn request(&mut self, index: usize, bytes: &[u8]) -> Option<usize> {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Some(0);
        };
        let (head, body) = bytes.split_at(end + 4);
        let session = find(head, b"&sid=").map(|at| number(&head[at + 5..]));
        if head.starts_with(b"POST") {
            let len = find(head, b"Content-Length: ").map(|at| number(&head[at + 16..]))?;
            let Some(body) = body.get(..len) else { return Some(0) };
            for record in body.split(|byte| *byte == SEPARATOR) {
                self.text(index, session?, record);
            }
            respond(self.connections.at(index), b"ok");
            return Some(head.len() + len);
        }
        if find(head, b"transport=websocket").is_some() {
            // The answer to the one key that all clients have.
            let switch = b"HTTP/1.1 101 Switching Protocols\r\n\
                Connection: Upgrade\r\n\
                Upgrade: websocket\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            self.connections.at(index).unsent.extend_from_slice(switch);
            let is_new = session.is_none();
            let session = session.unwrap_or_else(|| self.sessions.add(Session::default()));
            self.connections.at(index).session = Some(session);
            if is_new {
                self.sessions.at(session).websocket = Some(index);
                self.send(session, &[&handshake(session)]);
            }
        } else if let Some(session) = session {
            self.sessions.at(session).parked = Some(index);
            self.mark(session);
        } else {
            let session = self.sessions.add(Session::default());
            respond(self.connections.at(index), &handshake(session));
        }
        Some(head.len())
    }

    /// Takes the frame at the start of `bytes`. Gives its length, 0 if it is not all there.
    fn frame(&mut self, index: usize, session: usize, bytes: &mut [u8]) -> Option<usize> {
        let Some((opcode, start, end)) = unmask(bytes) else {
            return Some(0);
        };
        let payload = &bytes[start..end];
        match opcode & 0xf {
            TEXT => self.text(index, session, payload),
            BINARY => {
                frame(&mut self.connections.at(index).unsent, BINARY, &[payload]);
                self.mark(session);
            }
            _ => {
                frame(&mut self.connections.at(index).unsent, CLOSE, &[payload]);
                return None;
            }
        }
        Some(end)
    }

    fn text(&mut self, index: usize, session: usize, text: &[u8]) {
        if let Some(rest) = text.strip_prefix(br#"42["message","#) {
            self.send(session, &[br#"42["message-back","#, rest]);
        } else if let Some(rest) = text.strip_prefix(br#"451-["message","#) {
            self.send(session, &[br#"451-["message-back","#, rest]);
        } else if let Some(rest) = text.strip_prefix(br#"42["room-emit","room-"#) {
            self.emit(Some(number(rest)), &[br#"42["room-emit","#, &rest[5..]]);
        } else if text.starts_with(br#"42["broadcast","#) {
            self.emit(None, &[text]);
        } else if text.starts_with(b"42") {
            self.acknowledge(session, &text[2..]);
        } else if text.starts_with(b"40") {
            self.everybody.push(session);
            let connect = format!(r#"40{{"sid":"{session:020}"}}"#);
            self.send(session, &[connect.as_bytes()]);
            self.send(session, &[br#"42["auth",{}]"#]);
        } else if text == b"2probe" {
            frame(&mut self.connections.at(index).unsent, TEXT, &[b"3probe"]);
            if let Some(parked) = self.sessions.at(session).parked.take() {
                respond(self.connections.at(parked), b"6");
                self.write(parked);
            }
        } else if text == b"5" {
            self.sessions.at(session).websocket = Some(index);
        }
    }

    fn acknowledge(&mut self, session: usize, event: &[u8]) {
        let (id, args) = event.split_at(find(event, b"[").unwrap_or(0));
        if let Some(rest) = args.strip_prefix(br#"["message-with-ack","#) {
            self.send(session, &[b"43", id, b"[", rest]);
        } else if let Some(rest) = args.strip_prefix(br#"["join","room-"#) {
            let room = number(rest);
            self.rooms.resize_with(self.rooms.len().max(room + 1), Vec::new);
            self.rooms[room].push(session);
            self.send(session, &[b"43", id, b"[]"]);
        }
    }

    /// Queues a text.
    fn send(&mut self, session: usize, parts: &[&[u8]]) {
        let target = self.sessions.at(session);
        match target.websocket {
            Some(index) => frame(&mut self.connections.at(index).unsent, TEXT, parts),
            None => {
                if !target.payload.is_empty() {
                    target.payload.push(SEPARATOR);
                }
                parts.iter().for_each(|part| target.payload.extend_from_slice(part));
            }
        }
        self.mark(session);
    }

    /// Queues a text for the members of a room on all nodes, or for all.
    fn emit(&mut self, room: Option<usize>, parts: &[&[u8]]) {
        self.send_all(room, parts);
        if let Some(bus) = &mut self.bus {
            bus.publish(room, parts);
        }
    }

    /// Queues a text for the websockets in a room here, or for all.
    fn send_all(&mut self, room: Option<usize>, parts: &[&[u8]]) {
        let place = match room {
            Some(room) => self.rooms.get_mut(room),
            None => Some(&mut self.everybody),
        };
        // A room of another node.
        let Some(members) = place.filter(|members| !members.is_empty()).map(mem::take) else {
            return;
        };
        let mut bytes = Vec::new();
        frame(&mut bytes, TEXT, parts);
        for member in &members {
            if let Some(index) = self.sessions.at(*member).websocket {
                self.connections.at(index).unsent.extend_from_slice(&bytes);
                self.mark(*member);
            }
        }
        match room {
            Some(room) => self.rooms[room] = members,
            None => self.everybody = members,
        }
    }

    fn mark(&mut self, session: usize) {
        if !mem::replace(&mut self.sessions.at(session).is_dirty, true) {
            self.dirty.push(session);
        }
    }

    /// Sends what was queued in a turn.
    fn flush(&mut self) {
        let mut dirty = mem::take(&mut self.dirty);
        for session in dirty.drain(..) {
            // It may have ended in this turn.
            let Some(session) = self.sessions.find(session) else { continue };
            session.is_dirty = false;
            let index = match (session.websocket, session.parked) {
                (Some(index), _) => index,
                (None, Some(index)) if !session.payload.is_empty() => {
                    session.parked = None;
                    respond(self.connections.at(index), &mem::take(&mut session.payload));
                    index
                }
                _ => continue,
            };
            self.write(index);
        }
        self.dirty = dirty;
    }

    /// Sends what the kernel takes. A broken connection is found when it is read.
    fn write(&mut self, index: usize) {
        let Some(Connection { stream, unsent, .. }) = self.connections.find(index) else {
            return;
        };
        if unsent.is_empty() {
            return;
        }
        match stream.write(unsent) {
            Ok(count) if count == unsent.len() => *unsent = Vec::new(),
            Ok(count) => drop(unsent.drain(..count)),
            Err(_) => {}
        }
    }

    fn close(&mut self, index: usize) {
        self.write(index);
        let Some(Connection { session, .. }) = self.connections.remove(index) else { return };
        let Some(session) = session else { return };
        self.sessions.remove(session);
        for members in self.rooms.iter_mut().chain([&mut self.everybody]) {
            if let Some(at) = members.iter().position(|member| *member == session) {
                members.swap_remove(at);
            }
        }
    }
}

/// Values at places that are used again.
struct Slots<T> {
    values: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    fn add(&mut self, value: T) -> usize {
        if let Some(index) = self.free.pop() {
            self.values[index] = Some(value);
            return index;
        }
        self.values.push(Some(value));
        self.values.len() - 1
    }

    fn at(&mut self, index: usize) -> &mut T {
        self.find(index).expect("a client that says the truth")
    }

    fn find(&mut self, index: usize) -> Option<&mut T> {
        self.values.get_mut(index)?.as_mut()
    }

    fn remove(&mut self, index: usize) -> Option<T> {
        let value = self.values.get_mut(index)?.take()?;
        self.free.push(index);
        Some(value)
    }
}

fn handshake(session: usize) -> Vec<u8> {
    let rest =
        r#""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000"#;
    format!(r#"0{{"sid":"{session:020}",{rest}}}"#).into()
}

fn respond(connection: &mut Connection, body: &[u8]) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: ";
    // Writing to a vector does not fail.
    let _ = write!(connection.unsent, "{head}{}\r\n\r\n", body.len());
    connection.unsent.extend_from_slice(body);
}

fn frame(bytes: &mut Vec<u8>, opcode: u8, parts: &[&[u8]]) {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    bytes.reserve(10 + len);
    match len {
        0..126 => bytes.extend_from_slice(&[0x80 | opcode, len as u8]),
        126..=0xffff => {
            bytes.extend_from_slice(&[0x80 | opcode, 126]);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.extend_from_slice(&[0x80 | opcode, 127]);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

/// The first byte of a frame, and where its payload starts and ends, if it is all there.
fn unmask(bytes: &mut [u8]) -> Option<(u8, usize, usize)> {
    let (key, len) = match *bytes {
        [_, 0xfe, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
        [_, 0xff, a, b, c, d, e, f, g, h, ..] => {
            (10, u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize)
        }
        [_, 0xfe | 0xff, ..] => return None,
        [_, len, ..] => (2, usize::from(len & 0x7f)),
        _ => return None,
    };
    let end = key + 4 + len;
    let (key, payload) = bytes.get_mut(key..end)?.split_first_chunk_mut::<4>()?;
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        (0..4).for_each(|at| word[at] ^= key[at]);
    }
    rest.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= *key);
    Some((bytes[0], end - len, end))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The number that these bytes start with.
fn number(bytes: &[u8]) -> usize {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unmasks_every_length() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let mut bytes = Vec::new();
            frame(&mut bytes, TEXT, &[&payload]);
            bytes[1] |= 0x80;
            let head = bytes.len() - len;
            let masked = payload.iter().enumerate().map(|(at, byte)| byte ^ (at % 4) as u8);
            let masked: Vec<u8> =
                bytes[..head].iter().copied().chain([0, 1, 2, 3]).chain(masked).collect();
            for cut in 0..head + 4 {
                assert_eq!(
                    unmask(&mut masked[..cut].to_vec()),
                    (len == 0 && cut == 6).then_some((0x81, 6, 6))
                );
            }
            let mut whole = masked.clone();
            assert_eq!(unmask(&mut whole), Some((0x81, head + 4, whole.len())));
            assert_eq!(whole[head + 4..], payload);
        }
    }

    #[test]
    fn reads_numbers() {
        assert_eq!(number(b"00042&x"), 42);
        assert_eq!(number(b""), 0);
    }
}
