use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::{Sink, Stream};
use socketio_core::{Frame, WebSocketError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame as RawFrame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

/// tungstenite zero-fills its read buffer before every read, so it is kept small.
const READ_BUFFER: usize = 4096;

/// A connection that speaks WebSocket, as the core takes it: what [`Upgrade::serve`] is given.
///
/// [`Upgrade::serve`]: socketio_core::Upgrade::serve
#[derive(Debug)]
pub struct WebSocket<C> {
    stream: WebSocketStream<C>,
    /// The peer broke the rules: what it still sends is not looked at.
    is_rejected: bool,
}

impl<C: AsyncRead + AsyncWrite + Unpin> WebSocket<C> {
    /// The server's side of a connection whose handshake is done. A message may have `max_payload`
    /// bytes.
    pub async fn new(connection: C, max_payload: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(max_payload))
            .max_frame_size(Some(max_payload));
        let stream = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
        Self { stream, is_rejected: false }
    }

    /// Reads to the end without looking.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = Pin::new(self.stream.get_mut()).poll_read(cx, &mut buffer);
            if ready!(read).is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<C> {
    type Item = Result<Frame, WebSocketError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_rejected {
            return self.poll_discard(cx).map(|()| None);
        }
        loop {
            let message = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    let error = convert(&error);
                    self.is_rejected = error != WebSocketError::Io;
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(None),
            };
            let frame = match message {
                Message::Text(text) => {
                    Frame::Text(ByteString::try_from(Bytes::from(text)).unwrap_or_default())
                }
                Message::Binary(bytes) => Frame::Binary(bytes),
                Message::Close(frame) => Frame::Close(frame.map(|frame| frame.code.into())),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for WebSocket<C> {
    type Error = WebSocketError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.stream).poll_ready(cx).map_err(|error| convert(&error))
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), Self::Error> {
        let message = match frame {
            // The text is known to be UTF-8; a message of it would be checked once more.
            Frame::Text(text) => {
                let opcode = OpCode::Data(Data::Text);
                Message::Frame(RawFrame::message(text.into_bytes(), opcode, true))
            }
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Close(code) => Message::Close(code.map(|code| CloseFrame {
                code: CloseCode::from(code),
                reason: Default::default(),
            })),
        };
        Pin::new(&mut self.stream).start_send(message).map_err(|error| convert(&error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.stream).poll_flush(cx).map_err(|error| convert(&error))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.stream).poll_close(cx).map_err(|error| convert(&error))
    }
}

fn convert(error: &Error) -> WebSocketError {
    let code = match error {
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Protocol(error) => {
            use tokio_tungstenite::tungstenite::error::ProtocolError;
            if matches!(error, ProtocolError::ResetWithoutClosingHandshake) {
                return WebSocketError::Io;
            }
            CloseCode::Protocol
        }
        _ => return WebSocketError::Io,
    };
    WebSocketError::Rejected { code: code.into() }
}
