//! The connection under a request that was upgraded: what comes is the request's payload, what goes
//! is the response's body.
//!
//! With it a websocket is the same code as in every other framework. actix-ws has one of its own,
//! whose errors do not tell bad UTF-8, reserved bits and a message that is too long from each other:
//! the close code could not be right.

use std::io;

use actix_web::{
    body::{BodyStream, MessageBody},
    dev::Payload,
    error::PayloadError,
};
use bytes::Bytes;
use futures_util::stream::{MapErr, TryStreamExt};
use tokio::io::{DuplexStream, Join, duplex, join};
use tokio_util::io::{ReaderStream, StreamReader};

/// Bytes that wait for actix-web to write them. More wait in the session, where they are counted.
const WRITE_BUFFER: usize = 64 * 1024;

type Incoming = MapErr<Payload, fn(PayloadError) -> io::Error>;

pub(crate) type Connection = Join<StreamReader<Incoming, Bytes>, DuplexStream>;

/// The connection, and the body that carries what is written to it. Each ends with the other.
pub(crate) fn connection(payload: Payload) -> (Connection, impl MessageBody) {
    let incoming = payload.map_err(io::Error::other as fn(PayloadError) -> io::Error);
    let (outgoing, body) = duplex(WRITE_BUFFER);
    let body = BodyStream::new(ReaderStream::new(body));
    (join(StreamReader::new(incoming), outgoing), body)
}
