use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::{
    Accept, BadRequest, ConnectionError, OCTET_STREAM, ResponseHooks, set_header, with_body,
};
use crate::{
    proto::engine::Fifo,
    server::{Driver, PollingDriver, Session},
    wire::{
        Encoded, Framing,
        payload::{self, Payload},
    },
};

/// A parked GET: resolves to its response when there are packets. Dropping it earlier means that
/// the client hung up, which ends the session.
#[derive(Debug)]
#[must_use = "a GET is answered only by this future"]
pub struct PollRequest {
    session: Option<Arc<Session>>,
    pub(super) hooks: Option<Box<ResponseHooks>>,
}

impl PollRequest {
    pub(super) fn new(session: Arc<Session>) -> Result<Self, ConnectionError> {
        match session.with(|connection| connection.handle_get()) {
            Ok(()) => Ok(Self { session: Some(session), hooks: None }),
            Err(_) => Err(BadRequest::Overlap.into()),
        }
    }
}

impl Future for PollRequest {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        let session = self.session.as_ref().expect("polled after the response");
        let (framing, packets) = std::task::ready!(session.poll_get(cx));
        self.session = None;
        let mut response = respond(&packets, framing);
        if let Some(hooks) = &self.hooks {
            hooks.apply(&mut response);
        }
        Poll::Ready(response)
    }
}

impl Drop for PollRequest {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.with(|connection| connection.handle_get_dropped());
        }
    }
}

/// Answers the first request of a session with the handshake.
pub(super) fn open(driver: Driver, headers: &HeaderMap) -> Accept {
    let (framing, packets) = driver.session().with(|connection| {
        // Nothing else knows the session yet, so nothing overlaps.
        let _ = connection.handle_get();
        (connection.framing(), connection.poll_get().unwrap_or_default())
    });
    let mut response = respond(&packets, framing);
    let session = driver.session();
    if let Some(cookie) = &session.host().engine().config().cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie.header(session.id()));
    }
    let agent = headers.get(header::USER_AGENT).map(|agent| agent.as_bytes()).unwrap_or_default();
    let has = |word: &[u8]| agent.windows(word.len()).any(|part| part == word);
    if has(b";MSIE") || has(b"Trident/") {
        set_header(&mut response, header::X_XSS_PROTECTION, "0");
    }
    Accept::Open(response, PollingDriver::new(driver))
}

fn respond(packets: &Fifo<Encoded>, framing: Framing) -> Response<Bytes> {
    let (content_type, body) = match payload::encode(packets.iter(), framing) {
        Payload::Binary(body) => (OCTET_STREAM, body),
        Payload::Text(body) => ("text/plain; charset=UTF-8", body),
    };
    let mut response = with_body(StatusCode::OK, content_type, body);
    set_header(&mut response, header::CACHE_CONTROL, "no-store");
    response
}
