//! What takes the place of a network below a websocket.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection in memory. Clones are the same: one is the server's end, one the client's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection(Rc<RefCell<Bytes>>);

#[derive(Debug, Default)]
struct Bytes {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

impl Connection {
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.0.borrow_mut().to_server.extend_from_slice(bytes);
    }

    /// Takes what has come. Tells whether it is this.
    pub(crate) fn receives(&self, expected: &[u8]) -> bool {
        let received = &mut self.0.borrow_mut().to_client;
        let is_expected = received == expected;
        received.clear();
        is_expected
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = &mut self.0.borrow_mut().to_server;
        if bytes.is_empty() {
            return Poll::Pending;
        }
        // All of it has room in every buffer that is read into here.
        buffer.put_slice(bytes);
        bytes.clear();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().to_client.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
