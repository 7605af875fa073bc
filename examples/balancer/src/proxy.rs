//! One request on its way to a node, and what comes back.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode, Uri, Version, uri::Scheme};
use http_body_util::{BodyExt, Empty, Full, Limited, combinators::BoxBody};
use hyper::{
    body::Incoming,
    upgrade::{self, OnUpgrade},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::copy_bidirectional,
    time::{Instant, sleep, timeout},
};

use crate::{
    headers::{forward, is_websocket, strip},
    nodes::{Busy, Node, Nodes},
    sessions::Sessions,
};

/// How long a node may take to accept a connection before it counts as down.
const CONNECT: Duration = Duration::from_secs(1);

/// How long a node may take for an answer. A poll that nothing happens to takes a `ping_interval`.
const ANSWER: Duration = Duration::from_secs(60);

/// How often each node is asked whether it is up.
const CHECK: Duration = Duration::from_secs(1);

/// How long it may take to say so.
const CHECKED: Duration = Duration::from_secs(3);

/// The longest answer in which the id of a new session is looked for.
const HANDSHAKE: usize = 16 * 1024;

/// Which node an answer is from, for those who want to know.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

type Body = BoxBody<Bytes, hyper::Error>;

/// The balancer.
#[derive(Debug)]
pub(crate) struct Proxy {
    nodes: Nodes,
    sessions: Mutex<Sessions>,
    /// It keeps connections to the nodes for the next requests.
    client: Client<HttpConnector, Body>,
}

impl Proxy {
    pub(crate) fn new(nodes: Nodes) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        Self {
            nodes,
            sessions: Mutex::new(Sessions::new(Instant::now())),
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Answers a request with what a node answers.
    ///
    /// If the client hangs up meanwhile, hyper drops this future, and with it the request to the
    /// node, which notices.
    pub(crate) async fn handle(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let client = *request.extensions().get::<SocketAddr>().expect("the server puts it in");
        let session = session(request.uri()).map(str::to_owned);
        let opens_session = session.is_none() && is_engine(request.uri());
        let theirs = is_websocket(request.headers()).then(|| upgrade::on(&mut request));

        strip(request.headers_mut());
        forward(request.headers_mut(), client.ip());
        let (busy, mut response) = match self.send(request, session.as_deref()).await {
            Ok(answered) => answered,
            Err(status) => return Ok(answer(status)),
        };
        strip(response.headers_mut());
        response.headers_mut().insert(SERVED_BY, busy.node.name());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(theirs) = theirs
        {
            tokio::spawn(hand_through(theirs, upgrade::on(&mut response), busy));
            return Ok(response.map(BodyExt::boxed));
        }
        match opens_session && response.status() == StatusCode::OK {
            true => Ok(self.learn(&busy, response).await),
            false => Ok(response.map(BodyExt::boxed)),
        }
    }

    /// Sends a request to the node of its session, or else to the next one. A node that cannot be
    /// reached is down, and another is tried, unless there is a body: it is used up.
    async fn send(
        &self,
        request: Request<Incoming>,
        session: Option<&str>,
    ) -> Result<(Busy, Response<Incoming>), StatusCode> {
        let (mut head, body) = request.into_parts();
        let has_body = !hyper::body::Body::is_end_stream(&body);
        let mut body = Some(body.boxed());
        head.version = Version::HTTP_11;
        loop {
            let known = session.and_then(|session| self.sessions().find(Instant::now(), session));
            let busy = self.nodes.choose(known).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
            head.uri = at(&busy.node, &head.uri);
            let body = body.take().unwrap_or_else(empty);
            let sent = self.client.request(Request::from_parts(head.clone(), body));
            match timeout(ANSWER, sent).await {
                Ok(Ok(response)) => return Ok((busy, response)),
                Ok(Err(error)) if error.is_connect() => {
                    busy.node.set_up(false);
                    if has_body {
                        return Err(StatusCode::BAD_GATEWAY);
                    }
                }
                Ok(Err(_)) => return Err(StatusCode::BAD_GATEWAY),
                Err(_) => return Err(StatusCode::GATEWAY_TIMEOUT),
            }
        }
    }

    /// Notes which session a node has opened, and hands its answer on.
    async fn learn(&self, busy: &Busy, response: Response<Incoming>) -> Response<Body> {
        let (head, body) = response.into_parts();
        let Ok(body) = Limited::new(body, HANDSHAKE).collect().await else {
            return answer(StatusCode::BAD_GATEWAY);
        };
        let body = body.to_bytes();
        if let Some(id) = opened(&body) {
            self.sessions().insert(Instant::now(), id, busy.number);
        }
        Response::from_parts(head, full(body))
    }

    /// Asks all nodes whether they are up, again and again. Whatever a node answers will do.
    pub(crate) async fn check_nodes(&self) {
        loop {
            for node in self.nodes.iter() {
                let request = Request::head(at(node, &Uri::default())).body(empty());
                let answer = self.client.request(request.expect("a request"));
                node.set_up(matches!(timeout(CHECKED, answer).await, Ok(Ok(_))));
            }
            sleep(CHECK).await;
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies between a client and a node that have agreed on a websocket, until one of them ends it.
async fn hand_through(client: OnUpgrade, node: OnUpgrade, _busy: Busy) {
    if let (Ok(client), Ok(node)) = tokio::join!(client, node) {
        let (mut client, mut node) = (TokioIo::new(client), TokioIo::new(node));
        // Who broke it off is of no interest here: both connections end.
        let _ = copy_bidirectional(&mut client, &mut node).await;
    }
}

/// The same target at a node.
fn at(node: &Node, uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(node.address.to_string().parse().expect("an address is an authority"));
    parts.path_and_query.get_or_insert_with(|| "/".parse().expect("a path"));
    Uri::from_parts(parts).expect("all parts are there")
}

/// The session that a request belongs to.
fn session(uri: &Uri) -> Option<&str> {
    parameter(uri, "sid")
}

/// Whether a request is to Engine.IO, which has its version in the query.
fn is_engine(uri: &Uri) -> bool {
    parameter(uri, "transport").is_some()
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let parameters = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    parameters.filter(|(of, _)| *of == name).map(|(_, value)| value).next()
}

/// The id in the answer to a polling handshake: `0{"sid":"…",…}`. For old clients there is a length
/// in front, and for JSONP the whole of it is in a string, so that the quotes are escaped.
fn opened(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("sid")?;
    let rest = rest.trim_start_matches(['\\', '"', ':', ' ']);
    let end = rest.find(['\\', '"'])?;
    Some(&rest[..end])
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(format!("{status}\n").into()));
    *response.status_mut() = status;
    response
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_in_the_query() {
        let uri = Uri::from_static("/socket.io/?EIO=4&transport=polling&sid=a-b_c&t=1");
        assert_eq!(session(&uri), Some("a-b_c"));
        assert!(is_engine(&uri));
        assert_eq!(session(&Uri::from_static("/socket.io/?EIO=4&transport=polling")), None);
        assert!(!is_engine(&Uri::from_static("/chat.js?sid")));
    }

    #[test]
    fn the_id_of_a_new_session_is_in_the_answer() {
        for body in [
            r#"0{"sid":"a-b_c","upgrades":["websocket"],"pingInterval":25000}"#,
            r#"97:0{"sid":"a-b_c","upgrades":[]}"#,
            r#"___eio[0]("97:0{\"sid\":\"a-b_c\",\"upgrades\":[]}");"#,
        ] {
            assert_eq!(opened(body.as_bytes()), Some("a-b_c"), "{body}");
        }
        for body in [&b"hello"[..], br#"0{"sid":"#, b"sid\xff\"", b""] {
            assert_eq!(opened(body), None);
        }
    }

    #[test]
    fn a_request_goes_to_the_same_target_at_the_node() {
        let node = Node::new(([127, 0, 0, 1], 3001).into());
        let uri = Uri::from_static("/socket.io/?EIO=4");
        assert_eq!(at(&node, &uri), "http://127.0.0.1:3001/socket.io/?EIO=4");
        for text in ["/", "*", "example.com:443", "http://example.com"] {
            let uri: Uri = text.parse().expect("what a request may be for");
            let uri = at(&node, &uri);
            assert_eq!(uri.authority().map(|authority| authority.as_str()), Some("127.0.0.1:3001"));
        }
    }
}
