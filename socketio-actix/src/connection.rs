//! The connection under a request that was upgraded: what comes is the request's payload, what goes
//! is the response's body.
//!
//! With it a websocket is the same code as in every other framework. actix-ws has one of its own,
//! whose errors do not tell bad UTF-8, reserved bits and a message that is too long from each other:
//! the close code could not be right.

use std::{
    cell::RefCell,
    convert::Infallible,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    body::{BodySize, MessageBody},
    dev::Payload,
    error::PayloadError,
};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{MapErr, TryStreamExt};
use tokio::io::{AsyncWrite, Join, join};
use tokio_util::io::StreamReader;

/// Bytes that wait for actix-web to write them. More wait in the session, where they are counted.
const WRITE_BUFFER: usize = 64 * 1024;

type Incoming = MapErr<Payload, fn(PayloadError) -> io::Error>;

pub(crate) type Connection = Join<StreamReader<Incoming, Bytes>, Outgoing>;

/// The connection, and the body that carries what is written to it. Each ends with the other.
pub(crate) fn connection(payload: Payload) -> (Connection, impl MessageBody) {
    let incoming = payload.map_err(io::Error::other as fn(PayloadError) -> io::Error);
    let pipe = Rc::<RefCell<Pipe>>::default();
    let body = OutgoingBody(Rc::clone(&pipe));
    (join(StreamReader::new(incoming), Outgoing(pipe)), body)
}

/// What is written and not taken yet. Both ends are in one thread.
#[derive(Default)]
struct Pipe {
    bytes: BytesMut,
    is_closed: bool,
    /// Who waits for bytes, or for room.
    waker: Option<Waker>,
}

impl Pipe {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.wake();
    }
}

/// The websocket's end. Dropping it ends the body once that has all bytes.
pub(crate) struct Outgoing(Rc<RefCell<Pipe>>);

/// actix-web's end. Dropping it means that the client is gone.
struct OutgoingBody(Rc<RefCell<Pipe>>);

impl AsyncWrite for Outgoing {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.0.borrow_mut();
        if pipe.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let before = pipe.bytes.len();
        if before >= WRITE_BUFFER {
            pipe.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for slice in slices {
            let room = WRITE_BUFFER - pipe.bytes.len();
            pipe.bytes.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        if before == 0 {
            pipe.wake();
        }
        Poll::Ready(Ok(pipe.bytes.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.0.borrow_mut().close();
    }
}

impl MessageBody for OutgoingBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut pipe = self.0.borrow_mut();
        if !pipe.bytes.is_empty() {
            let bytes = mem::take(&mut pipe.bytes).freeze();
            pipe.wake();
            return Poll::Ready(Some(Ok(bytes)));
        }
        if pipe.is_closed {
            return Poll::Ready(None);
        }
        pipe.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for OutgoingBody {
    fn drop(&mut self) {
        self.0.borrow_mut().close();
    }
}
