//! Hooks of the application around requests: which were refused and why, and headers of responses.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use socketio_core::{
    BadRequest, Builder, ConnectionError, SocketIo, Transport,
    testing::{TestResponse, TestServer},
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// What is written down by hooks, to be taken.
#[derive(Clone)]
struct Notes<T>(Arc<Mutex<Vec<T>>>);

impl<T> Notes<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn add(&self, note: T) {
        self.0.lock().expect("no panic").push(note);
    }

    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

fn request(method: Method, uri: &str, headers: &[(&str, &[u8])]) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).expect("a request")
}

/// A good websocket handshake.
fn handshake(uri: &str) -> Request<Bytes> {
    let headers: [(&str, &[u8]); 4] = [
        ("connection", b"Upgrade"),
        ("upgrade", b"websocket"),
        ("sec-websocket-version", b"13"),
        ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    request(Method::GET, uri, &headers)
}

fn open(server: &TestServer) -> String {
    let (status, body) = server.get(POLLING).take();
    assert_eq!(status, 200);
    let handshake: serde_json::Value = serde_json::from_str(&body[1..]).expect("JSON");
    format!("&sid={}", handshake["sid"].as_str().expect("a sid"))
}

/// A server that writes down what it refuses, and why.
fn server(options: Builder) -> (TestServer, Notes<ConnectionError>) {
    let refused = Notes::new();
    let notes = refused.clone();
    let options = options.on_connection_error(move |error, _| notes.add(error.clone()));
    (TestServer::new(options), refused)
}

#[test]
fn each_refused_request_is_reported_with_its_reason() {
    let (server, refused) = server(SocketIo::builder().allowed_origins(["https://a.example"]));
    let sid = open(&server);
    let text = |text: &str| Some(text.to_owned());
    let origin = HeaderValue::from_bytes(b"\xff").expect("a header value");
    let mut no_key = handshake(WEBSOCKET);
    no_key.headers_mut().remove(header::SEC_WEBSOCKET_KEY);
    let stories = [
        (
            request(Method::GET, "/socket.io/?EIO=4&transport=pigeon", &[]),
            ConnectionError::UnknownTransport { transport: text("pigeon") },
            0,
        ),
        (
            request(Method::GET, "/socket.io/", &[]),
            ConnectionError::UnknownTransport { transport: None },
            0,
        ),
        (
            request(Method::GET, &format!("{POLLING}&sid=unknown"), &[]),
            ConnectionError::UnknownSession,
            1,
        ),
        (
            request(Method::DELETE, POLLING, &[]),
            ConnectionError::BadHandshakeMethod { method: Method::DELETE },
            2,
        ),
        (
            request(Method::GET, POLLING, &[("origin", b"\xff")]),
            BadRequest::InvalidOrigin { origin }.into(),
            3,
        ),
        (request(Method::GET, WEBSOCKET, &[]), BadRequest::TransportHandshake.into(), 3),
        (handshake(&format!("{POLLING}{sid}")), BadRequest::TransportHandshake.into(), 3),
        (no_key, BadRequest::WebSocketHandshake { header: "Sec-WebSocket-Key" }.into(), 3),
        (
            request(
                Method::POST,
                &format!("{POLLING}{}", open(&server)),
                &[("content-type", b"application/octet-stream")],
            ),
            BadRequest::InvalidContent.into(),
            3,
        ),
        (
            request(Method::GET, POLLING, &[("origin", b"https://b.example")]),
            ConnectionError::Forbidden { message: "Forbidden".to_owned() },
            4,
        ),
        (
            request(Method::GET, "/socket.io/?EIO=%35&transport=polling", &[]),
            ConnectionError::UnsupportedProtocol { protocol: text("5") },
            5,
        ),
    ];
    for (request, expected, code) in stories {
        let uri = request.uri().clone();
        let (status, body) = server.request(request).take();
        assert_eq!(refused.take(), std::slice::from_ref(&expected), "{uri}");
        assert_eq!(expected.code(), code, "{uri}");
        assert!(status >= 400 && body.contains(&expected.message()), "{uri}: {status} {body}");
    }
}

#[test]
fn a_second_poll_and_one_after_the_upgrade_are_reported() {
    let (server, refused) = server(SocketIo::builder());
    let polling = format!("{POLLING}{}", open(&server));
    let _first = server.get(&polling);
    server.get(&polling);
    assert_eq!(refused.take(), [BadRequest::Overlap.into()]);

    let sid = open(&server);
    let websocket = server.open_probe(&sid["&sid=".len()..]);
    websocket.send_all(["2probe", "5"]);
    server.get(&format!("{POLLING}{sid}"));
    let (transport, current) = (Transport::Polling, Transport::WebSocket);
    assert_eq!(refused.take(), [BadRequest::TransportMismatch { transport, current }.into()]);
}

#[test]
fn the_application_sees_the_request_that_it_refused_itself() {
    let refused = Notes::new();
    let notes = refused.clone();
    let errors = Notes::new();
    let options = SocketIo::builder()
        .allow_request(|_| async { Err("no robots".to_owned()) })
        .on_connection_error(move |error, head| {
            notes.add((error.clone(), head.headers["user-agent"].clone()));
        });
    let server = TestServer::new(options);
    let notes = errors.clone();
    server.io().on_error(move |report| notes.add(report.to_string()));
    server.request(request(Method::GET, POLLING, &[("user-agent", b"robot")]));
    let message = "no robots".to_owned();
    let expected = (ConnectionError::Forbidden { message }, HeaderValue::from_static("robot"));
    assert_eq!(refused.take(), [expected]);
    assert_eq!(errors.take(), [""; 0], "nothing went wrong in a handler");
}

#[test]
fn a_server_that_closes_reports_whom_it_refuses() {
    let (server, refused) = server(SocketIo::builder());
    let io = server.io().clone();
    server.spawn(async move { io.close().await });
    assert_eq!(server.get(POLLING).take().0, 503);
    assert_eq!(refused.take(), [ConnectionError::Closing]);
}

/// The marks that [`marked`] leaves.
fn marks(mut response: TestResponse) -> (u16, Vec<HeaderValue>) {
    let response = response.try_take().expect("a response");
    let marks = response.headers().get_all("x-mark").iter().cloned().collect();
    (response.status().as_u16(), marks)
}

/// A server that marks all responses, and first ones twice.
fn marked() -> TestServer {
    fn mark(headers: &mut HeaderMap, name: &'static str) {
        headers.append("x-mark", HeaderValue::from_static(name));
    }
    let options = SocketIo::builder()
        .max_payload(10)
        .headers(|headers, _| mark(headers, "every"))
        .initial_headers(|headers, _| mark(headers, "first"));
    TestServer::new(options)
}

#[test]
fn every_response_has_the_headers_and_first_ones_more() {
    let server = marked();
    let first = ["first", "every"].map(HeaderValue::from_static);
    let every = ["every"].map(HeaderValue::from_static);
    assert_eq!(marks(server.get(POLLING)), (200, first.to_vec()));
    assert_eq!(marks(server.request(handshake(WEBSOCKET))), (101, first.to_vec()));

    let sid = open(&server);
    let polling = format!("{POLLING}{sid}");
    assert_eq!(marks(server.post(&polling, "40")), (200, every.to_vec()));
    assert_eq!(marks(server.get(&polling)), (200, every.to_vec()));
    assert_eq!(marks(server.post(&polling, "4".repeat(11))), (413, every.to_vec()));
    let put = request(Method::PUT, &polling, &[]);
    assert_eq!(marks(server.request(put)), (500, every.to_vec()));
    let upgrade = handshake(&format!("{WEBSOCKET}{sid}"));
    assert_eq!(marks(server.request(upgrade)), (101, every.to_vec()));
    assert_eq!(marks(server.get("/socket.io/")), (400, every.to_vec()));
}

#[test]
fn a_hook_sees_the_request_and_what_the_response_has_already() {
    let options = SocketIo::builder().headers(|headers, head| {
        headers.remove(header::CACHE_CONTROL);
        if let Some(id) = head.headers.get("x-request-id") {
            headers.insert("x-request-id", id.clone());
        }
    });
    let server = TestServer::new(options);
    let polling = format!("{POLLING}{}", open(&server));
    let mut get = server.request(request(Method::GET, &polling, &[("x-request-id", b"7")]));
    assert!(get.try_take().is_none(), "nothing to send yet");
    server.post(&polling, "40");
    let response = get.try_take().expect("a response");
    assert_eq!(response.headers()["x-request-id"], "7");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=UTF-8");
    assert_eq!(response.headers().get(header::CACHE_CONTROL), None);
}
