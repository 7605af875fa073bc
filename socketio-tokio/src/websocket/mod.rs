mod decoder;
mod encoder;
mod opcode;
mod spare;
#[cfg(test)]
mod tests;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use socketio_core::{Frame, WebSocketError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use self::{
    decoder::{Decoder, Item},
    encoder::Encoder,
};

/// Bytes that wait to be written before more are taken.
const HIGH_WATER: usize = 64 * 1024;

/// A frame that lacks more than this is read to where it will be, without a buffer in between.
const DIRECT: usize = 16 * 1024;

/// A connection that speaks WebSocket, as the core takes it: what [`Upgrade::serve`] is given.
///
/// While nothing goes over it, it holds no buffers.
///
/// [`Upgrade::serve`]: socketio_core::Upgrade::serve
#[derive(Debug)]
pub struct WebSocket<C> {
    connection: C,
    decoder: Decoder,
    encoder: Encoder,
    /// The payload of the last ping, if its answer has to wait.
    pong: Option<Bytes>,
    /// The close frame is on its way; nothing may follow it.
    is_closed: bool,
    reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Messages.
    Open,
    /// Nothing more: the peer has closed.
    Closed,
    /// To the end, without looking: the peer broke the rules.
    Rejected,
}

impl<C: AsyncRead + AsyncWrite + Unpin> WebSocket<C> {
    /// The server's side of a connection whose handshake is done. A message may have `max_payload`
    /// bytes.
    pub fn new(connection: C, max_payload: usize) -> Self {
        Self {
            connection,
            decoder: Decoder::new(max_payload),
            encoder: Encoder::default(),
            pong: None,
            is_closed: false,
            reading: Reading::Open,
        }
    }

    /// Reads what there is. Gives the number of bytes, which is 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let missing = self.decoder.missing();
        let input = self.decoder.input();
        let mut connection = Pin::new(&mut self.connection);
        if missing > DIRECT {
            // Not all at once: the peer may never send what it announced.
            input.reserve(missing.min(HIGH_WATER));
            return poll_read_buf(connection, cx, input);
        }
        spare::with_read_buffer(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(connection.as_mut().poll_read(cx, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    /// Reads to the end without looking.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        spare::with_read_buffer(|buffer| {
            loop {
                let mut buffer = ReadBuf::new(buffer);
                let read = Pin::new(&mut self.connection).poll_read(cx, &mut buffer);
                if ready!(read).is_err() || buffer.filled().is_empty() {
                    return Poll::Ready(());
                }
            }
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.push_pong();
            ready!(self.encoder.poll_write(Pin::new(&mut self.connection), cx))?;
            if self.pong.is_none() {
                break;
            }
        }
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    /// While much waits to be written a pong waits too, and only the last is kept: they cannot pile
    /// up.
    fn push_pong(&mut self) {
        let has_room = self.encoder.len() < HIGH_WATER;
        if let Some(payload) = self.pong.take_if(|_| has_room) {
            self.encoder.push(opcode::PONG, payload);
        }
    }

    fn close(&mut self, code: Option<u16>) {
        if !self.is_closed {
            self.is_closed = true;
            self.pong = None;
            let payload = code.map(|code| Bytes::copy_from_slice(&code.to_be_bytes()));
            self.encoder.push(opcode::CLOSE, payload.unwrap_or_default());
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<C> {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.reading {
                Reading::Open => {}
                Reading::Closed => return self.poll_write(cx).map(|_| None),
                Reading::Rejected => return self.poll_discard(cx).map(|()| None),
            }
            match self.decoder.decode() {
                Ok(Some(Item::Frame(frame))) => {
                    if let Frame::Close(code) = frame {
                        self.reading = Reading::Closed;
                        self.close(code);
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Ok(Some(Item::Ping(payload))) => {
                    self.pong = (!self.is_closed).then_some(payload);
                    self.push_pong();
                }
                Ok(None) => {
                    // Who only listens gets its pongs as well.
                    if self.encoder.len() > 0 && matches!(self.poll_write(cx), Poll::Ready(Err(_)))
                    {
                        return Poll::Ready(Some(Err(WebSocketError::Io)));
                    }
                    match ready!(self.poll_read(cx)) {
                        Ok(0) => return Poll::Ready(None),
                        Ok(_) => {}
                        Err(_) => return Poll::Ready(Some(Err(WebSocketError::Io))),
                    }
                }
                Err(error) => {
                    self.reading = Reading::Rejected;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for WebSocket<C> {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.encoder.len() < HIGH_WATER {
            true => Poll::Ready(Ok(())),
            false => self.poll_flush(cx),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), Self::Error> {
        let (opcode, payload) = match frame {
            Frame::Text(text) => (opcode::TEXT, text.into_bytes()),
            Frame::Binary(bytes) => (opcode::BINARY, bytes),
            Frame::Close(code) => {
                self.close(code);
                return Ok(());
            }
        };
        if !self.is_closed {
            self.encoder.push(opcode, payload);
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_write(cx).map_err(|_| WebSocketError::Io)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.connection).poll_shutdown(cx).map_err(|_| WebSocketError::Io)
    }
}
