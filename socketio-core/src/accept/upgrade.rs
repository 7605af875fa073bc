use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use http::{Method, Response, Version, header, request::Parts};

use super::{BadRequest, ConnectionError, ResponseHooks};
use crate::{
    proto::{
        DisconnectReason,
        engine::{Transport, WebSocketId},
    },
    server::{Handshake, Host, Pump, Session, WebSocketError},
    wire::{Frame, Framing},
};

/// A websocket that may begin: shake hands, then [`serve`](Self::serve).
/// Dropping it gives up the upgrade; the session then goes on polling.
#[derive(Debug)]
#[must_use = "a websocket works only while it is served"]
pub struct Upgrade {
    host: Arc<dyn Host>,
    /// As this request has it: a client may take bytes by websocket but not by polling.
    framing: Framing,
    begin: Option<Begin>,
    pub(super) hooks: Option<Box<ResponseHooks>>,
}

#[derive(Debug)]
enum Begin {
    /// A session of its own.
    Open(Handshake),
    /// A session that polls so far.
    Probe(Arc<Session>, WebSocketId),
}

impl Upgrade {
    pub(super) fn open(host: Arc<dyn Host>, framing: Framing, handshake: Handshake) -> Self {
        Self { host, framing, begin: Some(Begin::Open(handshake)), hooks: None }
    }

    /// A session that has a websocket already gets no second one: as on Node, it is closed as soon
    /// as it is open.
    pub(super) fn probe(session: Arc<Session>, framing: Framing) -> Self {
        let id = session.with_now(|connection, now| connection.handle_upgrade(now));
        let host = Arc::clone(session.host());
        let begin = Begin::Probe(session, id.unwrap_or(WebSocketId::REFUSED));
        Self { host, framing, begin: Some(begin), hooks: None }
    }

    pub(super) fn opens_session(&self) -> bool {
        matches!(self.begin, Some(Begin::Open(_)))
    }

    /// Makes the 101 what it is to be: with the headers that the application adds to it.
    pub fn respond(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        if let Some(hooks) = &self.hooks {
            hooks.apply(&mut response);
        }
        response
    }

    /// Bytes that one message may have. A longer one is to be a [`WebSocketError::Rejected`] with code 1009.
    pub fn max_payload(&self) -> usize {
        self.host.engine().config().max_payload
    }

    /// Runs the websocket until its end. Spawn it, or await it where the framework runs a future
    /// for the connection.
    pub fn serve<W>(self, websocket: W) -> Serve<W>
    where
        W: Stream<Item = Result<Frame, WebSocketError>> + Sink<Frame, Error = WebSocketError>,
    {
        Serve { stage: Stage::Begin(self), websocket: Some(websocket) }
    }

    fn begin(mut self) -> Stage {
        let framing = self.framing;
        Stage::Run(match self.begin.take() {
            Some(Begin::Open(handshake)) => {
                let engine = self.host.engine();
                let driver = engine.open(&self.host, framing, Transport::WebSocket, handshake);
                let session = Arc::clone(driver.session());
                Pump::new(session, WebSocketId::default(), framing, Some(driver))
            }
            Some(Begin::Probe(session, id)) => Pump::new(session, id, framing, None),
            None => return Stage::Over,
        })
    }
}

/// A websocket that is served: resolves at its end. Dropping it earlier drops the connection.
///
/// A future of its own and not that of an `async fn`, which would hold the websocket twice.
#[pin_project::pin_project]
#[derive(Debug)]
#[must_use = "a websocket works only while it is served"]
pub struct Serve<W> {
    stage: Stage,
    #[pin]
    websocket: Option<W>,
}

#[derive(Debug)]
enum Stage {
    Begin(Upgrade),
    Run(Pump),
    Over,
}

impl<W> Future for Serve<W>
where
    W: Stream<Item = Result<Frame, WebSocketError>> + Sink<Frame, Error = WebSocketError>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Stage::Begin(_) = this.stage
            && let Stage::Begin(upgrade) = mem::replace(this.stage, Stage::Over)
        {
            *this.stage = upgrade.begin();
        }
        match this.stage {
            Stage::Run(pump) => pump.poll(this.websocket, cx),
            Stage::Begin(_) | Stage::Over => Poll::Ready(()),
        }
    }
}

impl Drop for Upgrade {
    fn drop(&mut self) {
        if let Some(Begin::Probe(session, id)) = self.begin.take() {
            let reason = DisconnectReason::TransportClose;
            session.with(|connection| connection.handle_websocket_closed(id, reason));
        }
    }
}

/// Checks the opening handshake of RFC 6455, section 4.2.1.
pub(super) fn check(head: &Parts) -> Result<(), ConnectionError> {
    if head.method != Method::GET || head.version < Version::HTTP_11 {
        return Err(BadRequest::TransportHandshake.into());
    }
    // Servers do not agree on whether a body ends before the websocket begins.
    let has_body = match head.headers.get(header::CONTENT_LENGTH) {
        Some(length) => length != "0",
        None => head.headers.contains_key(header::TRANSFER_ENCODING),
    };
    if has_body {
        return Err(BadRequest::TransportHandshake.into());
    }
    let has = |name, expected: &[u8]| {
        head.headers.get(name).is_some_and(|value| value.as_bytes() == expected)
    };
    if !has(header::SEC_WEBSOCKET_VERSION, b"13") {
        return Err(BadRequest::WebSocketHandshake { header: "Sec-WebSocket-Version" }.into());
    }
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY).map(|key| STANDARD.decode(key));
    if !key.is_some_and(|key| key.is_ok_and(|key| key.len() == 16)) {
        return Err(BadRequest::WebSocketHandshake { header: "Sec-WebSocket-Key" }.into());
    }
    Ok(())
}
