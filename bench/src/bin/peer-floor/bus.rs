use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream as Blocking},
    process,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{find, number};

/// The way to other nodes, by Redis: one channel, to which each node publishes what the others are
/// to send, and to which all subscribe.
pub(crate) struct Bus {
    publisher: TcpStream,
    subscriber: TcpStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    /// What this node's messages start with.
    id: [u8; 4],
}

/// In place of a room.
const EVERYBODY: u32 = u32::MAX;

/// What a message starts with.
const HEAD: &[u8] = b"*3\r\n$7\r\nmessage\r\n$5\r\nfloor\r\n$";

impl Bus {
    pub(crate) fn connect(url: &str, registry: &Registry, tokens: [Token; 2]) -> io::Result<Self> {
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let address: SocketAddr = address.parse().map_err(io::Error::other)?;
        let mut subscriber = Blocking::connect(address)?;
        subscriber.write_all(b"SUBSCRIBE floor\r\n")?;
        // The answer: from now on all messages come.
        subscriber.read_exact(&mut [0; b"*3\r\n$9\r\nsubscribe\r\n$5\r\nfloor\r\n:1\r\n".len()])?;
        let streams = [Blocking::connect(address)?, subscriber];
        let [publisher, subscriber] = streams.map(|stream| {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            io::Result::Ok(TcpStream::from_std(stream))
        });
        let (mut publisher, mut subscriber) = (publisher?, subscriber?);
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut publisher, tokens[0], both)?;
        registry.register(&mut subscriber, tokens[1], Interest::READABLE)?;
        let id = process::id().to_be_bytes();
        Ok(Self { publisher, subscriber, unread: Vec::new(), unsent: Vec::new(), id })
    }

    /// Queues a text for the members of a room on other nodes, or for all.
    pub(crate) fn publish(&mut self, room: Option<usize>, parts: &[&[u8]]) {
        let room = room.map_or(EVERYBODY, |room| room as u32).to_be_bytes();
        let len = parts.iter().map(|part| part.len()).sum::<usize>() + self.id.len() + room.len();
        // Writing to a vector does not fail.
        let _ = write!(self.unsent, "*3\r\n$7\r\nPUBLISH\r\n$5\r\nfloor\r\n${len}\r\n");
        self.unsent.extend_from_slice(&self.id);
        self.unsent.extend_from_slice(&room);
        parts.iter().for_each(|part| self.unsent.extend_from_slice(part));
        self.unsent.extend_from_slice(b"\r\n");
    }

    /// Sends what the kernel takes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.publisher.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads how many subscribers each message had, which is of no interest.
    pub(crate) fn skip_answers(&mut self, buffer: &mut [u8]) {
        while self.publisher.read(buffer).is_ok_and(|count| count == buffer.len()) {}
    }

    /// Reads what came, and gives `take` the room and the text of each message of another node.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(Option<usize>, &[u8]),
    ) -> io::Result<()> {
        loop {
            match self.subscriber.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            let mut rest = self.unread.as_slice();
            while let Some((message, len)) = message(rest) {
                rest = &rest[len..];
                if let Some(([id, room], text)) = fields(message)
                    && *id != self.id
                {
                    let room = u32::from_be_bytes(*room);
                    take((room != EVERYBODY).then_some(room as usize), text);
                }
            }
            let taken = self.unread.len() - rest.len();
            self.unread.drain(..taken);
        }
    }
}

/// Who published it, the room, and the text.
fn fields(message: &[u8]) -> Option<([&[u8; 4]; 2], &[u8])> {
    let (id, rest) = message.split_first_chunk()?;
    let (room, text) = rest.split_first_chunk()?;
    Some(([id, room], text))
}

/// The message at the start of `bytes` if it is all there, and where it ends.
fn message(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let rest = bytes.strip_prefix(HEAD)?;
    let start = HEAD.len() + find(rest, b"\r\n")? + 2;
    let end = start + number(rest);
    (end + 2 <= bytes.len()).then(|| (&bytes[start..end], end + 2))
}
