use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::{HeaderMap, Response, StatusCode, header};

use super::{BadRequest, ConnectionError, OCTET_STREAM, ResponseHooks, empty, with_body};
use crate::{
    server::Session,
    wire::{Revision, payload::Payload},
};

/// A POST: read its body. Dropping it before that is here means that the client hung up, which ends
/// the session.
#[derive(Debug)]
#[must_use = "a POST is answered only by reading its body"]
pub struct Receive {
    session: Arc<Session>,
    is_binary: bool,
    /// The body is here.
    received: bool,
    pub(super) hooks: Option<Box<ResponseHooks>>,
}

impl Receive {
    pub(super) fn new(session: Arc<Session>, headers: &HeaderMap) -> Result<Self, ConnectionError> {
        let is_binary = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == OCTET_STREAM);
        if is_binary && session.revision() != Revision::V3 {
            session.with(|connection| connection.handle_post_failed());
            return Err(BadRequest::InvalidContent.into());
        }
        match session.with_now(|connection, now| connection.handle_post(now)) {
            Ok(()) => Ok(Self { session, is_binary, received: false, hooks: None }),
            Err(_) => Err(BadRequest::Overlap.into()),
        }
    }

    /// Reads the body, hands its packets to the session, and gives the response once the
    /// application has taken them.
    ///
    /// A body over the limit is refused with 413 and leaves the session as it was. One that breaks
    /// off or takes too long ends the session.
    pub async fn collect<B, E>(mut self, body: B) -> Response<Bytes>
    where
        B: Stream<Item = Result<Bytes, E>>,
    {
        let mut response = self.read(body).await;
        if let Some(hooks) = &self.hooks {
            hooks.apply(&mut response);
        }
        response
    }

    async fn read<B, E>(&mut self, body: B) -> Response<Bytes>
    where
        B: Stream<Item = Result<Bytes, E>>,
    {
        let limit = self.session.host().engine().config().max_payload;
        let mut body = pin!(body);
        let mut parts = Parts::default();
        let mut received = 0;
        loop {
            let chunk = poll_fn(|cx| match self.session.poll_closed(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => body.as_mut().poll_next(cx).map(Some),
            });
            match chunk.await {
                Some(Some(Ok(chunk))) => {
                    received += chunk.len();
                    if received <= limit {
                        parts.push(chunk);
                    } else if received / 2 > limit {
                        // What is a little too long is read to its end, for the client to see the
                        // answer; of the rest it may see a reset instead.
                        break;
                    }
                }
                Some(None) => break,
                Some(Some(Err(_))) | None => return empty(StatusCode::BAD_REQUEST),
            }
        }
        if received > limit {
            self.received = true;
            return empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let payload = match self.is_binary {
            true => Payload::Binary(parts.into_bytes()),
            false => Payload::Text(parts.into_bytes()),
        };
        self.received = true;
        self.session.with_now(|connection, now| connection.handle_payload(now, payload));
        poll_fn(|cx| self.session.poll_received(cx)).await;
        with_body(StatusCode::OK, "text/html", "ok")
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        self.session.with(|connection| match self.received {
            true => connection.handle_post_done(),
            false => connection.handle_post_failed(),
        });
    }
}

/// A body as it comes: most are one chunk, which is taken as it is.
#[derive(Default)]
struct Parts {
    first: Bytes,
    more: BytesMut,
}

impl Parts {
    fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() && self.more.is_empty() {
            self.first = chunk;
        } else {
            if self.more.is_empty() {
                self.more.extend_from_slice(&self.first);
            }
            self.more.extend_from_slice(&chunk);
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.more.freeze() }
    }
}
