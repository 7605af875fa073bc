//! The boundary to HTTP frameworks: a request head goes in, what to do with the request comes out.
//!
//! An adapter is one `match` over [`Accept`]. Every check of a request, every status, header and
//! body is decided here, so that all frameworks answer alike.

mod error;
mod poll;
mod query;
mod receive;
mod response_hooks;
mod upgrade;

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{self, HeaderName},
    request::Parts,
};

pub use self::{
    error::{BadRequest, ConnectionError},
    poll::PollRequest,
    receive::Receive,
    upgrade::{Serve, Upgrade},
};
use self::{query::Query, response_hooks::ResponseHooks};
use crate::{
    clock::Clock,
    proto::engine::Transport,
    server::{Engine, EngineIo, Handshake, Host, PollingDriver, SocketIo},
    wire::Revision,
};

/// The type of a binary payload.
const OCTET_STREAM: &str = "application/octet-stream";

/// What is to be done with a request. Each value is consumed by doing it; dropping it instead tells
/// the session that the client hung up.
#[derive(Debug)]
#[must_use = "a request is answered only by doing what this says"]
pub enum Accept {
    /// Answer now.
    Respond(Response<Bytes>),
    /// A polling session began: answer, and spawn the driver.
    Open(Response<Bytes>, PollingDriver),
    /// Wait for packets: a future of the response.
    Poll(PollRequest),
    /// Read the body; that gives the response.
    Receive(Receive),
    /// Shake hands as a websocket, then serve it.
    Upgrade(Upgrade),
}

/// A server as adapters see it: a cheap handle to a [`SocketIo`] or an [`EngineIo`].
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<dyn Host>);

impl From<&SocketIo> for Endpoint {
    fn from(io: &SocketIo) -> Self {
        Self(io.host())
    }
}

impl From<&EngineIo> for Endpoint {
    fn from(io: &EngineIo) -> Self {
        Self(io.host())
    }
}

impl Endpoint {
    /// Gives the server a clock. It keeps the first one.
    pub fn use_clock(&self, clock: Arc<dyn Clock>) {
        self.0.engine().use_clock(clock);
    }

    /// The path that the server is meant to be mounted at, without a `/` at its end.
    pub fn path(&self) -> &str {
        &self.0.engine().options().path
    }

    /// Whether a request to this path is for the server: its own path or anything below it.
    pub fn matches(&self, path: &str) -> bool {
        path.strip_prefix(self.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a request asks for a new session. Only then do handlers get to see it, so only then
    /// need an adapter add what it knows to its extensions.
    pub fn begins_session(&self, head: &Parts) -> bool {
        Query::parse(head.uri.query().unwrap_or_default()).sid.is_none()
    }

    /// Decides on a request. Only its head is looked at; whether its path is the server's was
    /// decided by whoever routed it here.
    pub async fn accept(&self, head: &Parts) -> Accept {
        if let Some(response) = self.client_file(head) {
            return Accept::Respond(response);
        }
        let is_upgrade = is_upgrade(&head.headers);
        match self.try_accept(head, is_upgrade).await {
            Ok(accept) => self.with_hooks(head, accept),
            Err(error) => {
                match &self.0.engine().options().hooks.connection_error {
                    Some(hook) => hook(&error, head),
                    None => tracing::debug!("refused a request: {error}"),
                }
                let response = match is_upgrade {
                    true => error.to_upgrade_response(),
                    false => error.to_response(),
                };
                self.with_hooks(head, Accept::Respond(response))
            }
        }
    }

    /// Has the hooks see the response, now or when there is one.
    fn with_hooks(&self, head: &Parts, mut accept: Accept) -> Accept {
        let opens_session = match &accept {
            Accept::Open(..) => true,
            Accept::Upgrade(upgrade) => upgrade.opens_session(),
            Accept::Respond(_) | Accept::Poll(_) | Accept::Receive(_) => false,
        };
        if let Some(hooks) = ResponseHooks::new(&self.0, head, opens_session) {
            match &mut accept {
                Accept::Respond(response) | Accept::Open(response, _) => hooks.apply(response),
                Accept::Poll(poll) => poll.hooks = Some(hooks),
                Accept::Receive(receive) => receive.hooks = Some(hooks),
                Accept::Upgrade(upgrade) => upgrade.hooks = Some(hooks),
            }
        }
        accept
    }

    async fn try_accept(&self, head: &Parts, is_upgrade: bool) -> Result<Accept, ConnectionError> {
        let engine = self.0.engine();
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let transport = query
            .transport
            .filter(|transport| engine.config().transports.contains(transport))
            .ok_or_else(|| ConnectionError::UnknownTransport {
                transport: parameter(head, "transport"),
            })?;
        let origin = check_origin(&head.headers, engine, query.framing.jsonp.is_some())?;
        match query.sid {
            Some(sid) => {
                let session = engine.session(&sid).ok_or(ConnectionError::UnknownSession)?;
                let is_get = head.method == Method::GET && !is_upgrade;
                let (current, is_closed) = session.with_now(|connection, _| {
                    let is_expected = is_get && connection.awaits_get();
                    (connection.transport(), connection.is_closed() && !is_expected)
                });
                if is_closed {
                    return Err(ConnectionError::UnknownSession);
                }
                if is_upgrade != (transport == Transport::WebSocket) {
                    return Err(BadRequest::TransportHandshake.into());
                }
                if query.framing.revision != session.revision() {
                    return Err(BadRequest::ProtocolMismatch.into());
                }
                if is_upgrade {
                    if !engine.config().allow_upgrades {
                        return Err(BadRequest::UpgradeNotAllowed.into());
                    }
                    origin?;
                    upgrade::check(head)?;
                    return Ok(Accept::Upgrade(Upgrade::probe(session, query.framing)));
                }
                if current != transport {
                    return Err(BadRequest::TransportMismatch { transport, current }.into());
                }
                match head.method {
                    Method::GET => PollRequest::new(session).map(Accept::Poll),
                    Method::POST => Receive::new(session, &head.headers).map(Accept::Receive),
                    _ => Ok(Accept::Respond(empty(StatusCode::INTERNAL_SERVER_ERROR))),
                }
            }
            None => {
                if head.method != Method::GET {
                    return Err(ConnectionError::BadHandshakeMethod {
                        method: head.method.clone(),
                    });
                }
                if is_upgrade != (transport == Transport::WebSocket) {
                    return Err(BadRequest::TransportHandshake.into());
                }
                if engine.is_closing() {
                    return Err(ConnectionError::Closing);
                }
                origin?;
                if let Some(allow) = &engine.options().hooks.allow_request {
                    allow(head).await.map_err(|message| ConnectionError::Forbidden { message })?;
                }
                let framing = query.framing;
                if framing.revision == Revision::V3 && !engine.config().allow_eio3 {
                    let protocol = parameter(head, "EIO");
                    return Err(ConnectionError::UnsupportedProtocol { protocol });
                }
                if engine.is_full() {
                    return Err(ConnectionError::TooManySessions);
                }
                let handshake = Handshake::new(head, engine.clock().time());
                if transport == Transport::Polling {
                    let driver = engine.open(&self.0, framing, transport, handshake);
                    return Ok(poll::open(driver, &head.headers));
                }
                upgrade::check(head)?;
                Ok(Accept::Upgrade(Upgrade::open(Arc::clone(&self.0), framing, handshake)))
            }
        }
    }

    /// Answers a request for one of the browser client's files.
    fn client_file(&self, head: &Parts) -> Option<Response<Bytes>> {
        let files = &self.0.engine().options().client_files;
        if files.is_empty() || !matches!(head.method, Method::GET | Method::HEAD) {
            return None;
        }
        let (_, name) = head.uri.path().rsplit_once('/')?;
        let file = files.iter().find(|file| file.name == name)?;
        let content_type = match name.ends_with(".map") {
            true => "application/json; charset=utf-8",
            false => "application/javascript; charset=utf-8",
        };
        let is_known = head.headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            let mut tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
            tags.any(|tag| tag == "*" || file.etag == tag.trim_start_matches("W/"))
        });
        let mut response = match is_known {
            true => empty(StatusCode::NOT_MODIFIED),
            false => with_body(StatusCode::OK, content_type, file.body.clone()),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        headers.insert(header::ETAG, file.etag.clone());
        Some(response)
    }
}

/// Whether this asks for a websocket.
fn is_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
}

/// Whether a header that is a list has this among its values.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// A parameter of the query as the client wrote it.
fn parameter(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    let parameters = form_urlencoded::parse(query.as_bytes());
    let named = parameters.filter(|(other, _)| other == name).last();
    named.map(|(_, value)| value.into_owned())
}

/// The outer error is for an `Origin` that is none, the inner for one that is not let in.
fn check_origin(
    headers: &HeaderMap,
    engine: &Engine,
    is_jsonp: bool,
) -> Result<Result<(), ConnectionError>, ConnectionError> {
    let origin = headers.get(header::ORIGIN);
    let invalid = |origin: &HeaderValue| BadRequest::InvalidOrigin { origin: origin.clone() };
    let origin = origin.map(|origin| origin.to_str().map_err(|_| invalid(origin))).transpose()?;
    let is_allowed = match (&engine.config().allowed_origins, origin) {
        (None, _) => true,
        (Some(allowed), Some(origin)) => {
            allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
        }
        // The one request of a page that does not say whose it is.
        (Some(_), None) => !is_jsonp,
    };
    let refusal = || ConnectionError::Forbidden { message: "Forbidden".to_owned() };
    Ok(is_allowed.then_some(()).ok_or_else(refusal))
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

fn with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    set_header(&mut response, header::CONTENT_TYPE, content_type);
    response
}

fn set_header(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
