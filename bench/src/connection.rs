use std::io::{self, ErrorKind, Read, Write};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{Result, caller::Caller};

/// A raw connection that never waits.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// The start of a reply whose end has not come.
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(caller: Caller, registry: &Registry, token: usize) -> Result<Self> {
        let Caller { stream, unread } = caller;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, Token(token), both)?;
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

    /// Reads into a buffer that all connections share, and has `take` take complete replies from
    /// its start. The rest is kept for the next time.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(&mut Self, &mut &[u8]) -> Result<()>,
    ) -> Result<()> {
        loop {
            let unread = self.unread.len();
            buffer[..unread].copy_from_slice(&self.unread);
            let count = match self.stream.read(&mut buffer[unread..]) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let mut bytes = &buffer[..unread + count];
            take(self, &mut bytes)?;
            self.unread.clear();
            self.unread.extend_from_slice(bytes);
            // A read that does not fill the buffer has taken all there was.
            if unread + count < buffer.len() {
                return Ok(());
            }
        }
    }
}
