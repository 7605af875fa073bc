use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use mio::net::TcpStream as Stream;

use crate::{
    Result,
    frame::{self, TEXT},
};

/// A heartbeat of the server, and the answer.
pub(crate) const PING: &[u8] = &[0x81, 1, b'2'];
pub(crate) const PONG: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

/// A client on a raw connection: connected to `/` by websocket, and greeted.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// The start of a reply whose end has not come.
    pub(crate) unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    /// Shakes hands, waiting for each answer.
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut unread = Vec::new();
        upgrade(&mut stream, &mut unread)?;
        expect(&mut stream, &mut unread, "0{")?;
        stream.write_all(&frame::request(TEXT, "40{}"))?;
        expect(&mut stream, &mut unread, "40{")?;
        expect(&mut stream, &mut unread, r#"42["auth","#)?;
        stream.set_nonblocking(true)?;
        let stream = Stream::from_std(stream);
        Ok(Self { stream, unread, unsent: Vec::new() })
    }

    /// Puts bytes behind what waits to be sent.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Sends what the kernel takes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }
}

fn upgrade(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<()> {
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
         Host: {}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        stream.peer_addr()?
    );
    stream.write_all(request.as_bytes())?;
    loop {
        receive(stream, unread)?;
        let end = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let Some(end) = end else { continue };
        if !unread.starts_with(b"HTTP/1.1 101 ") {
            return Err(String::from_utf8_lossy(unread).into());
        }
        unread.drain(..end + 4);
        return Ok(());
    }
}

/// Waits for a text frame that starts like this.
fn expect(stream: &mut TcpStream, unread: &mut Vec<u8>, start: &str) -> Result<()> {
    loop {
        let mut bytes = unread.as_slice();
        let Some(text) = frame::take_text(&mut bytes)? else {
            receive(stream, unread)?;
            continue;
        };
        let is_found = text.starts_with(start.as_bytes());
        if !is_found && text != b"2" {
            let text = String::from_utf8_lossy(text);
            return Err(format!("expected {start}, got {text}").into());
        }
        let len = unread.len() - bytes.len();
        unread.drain(..len);
        if is_found {
            return Ok(());
        }
        // Some servers send their first heartbeat at once.
        stream.write_all(PONG)?;
    }
}

fn receive(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<()> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer)? {
        0 => Err("the server closed the connection".into()),
        count => {
            unread.extend_from_slice(&buffer[..count]);
            Ok(())
        }
    }
}
