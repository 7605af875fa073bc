//! How a session begins, as the options have it: the cookie, the first packet, upgrades, and how
//! many there may be.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use socketio_core::{
    Accept, Builder, ConfigError, Cookie, Endpoint, EngineIo, EngineSocket, Message, SocketIo,
    Transport,
    testing::{TestClock, TestResponse, TestServer},
};

use self::support::{accept, head};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

fn server(options: impl FnOnce(Builder) -> Builder) -> TestServer {
    TestServer::new(options(SocketIo::builder()))
}

fn response(mut response: TestResponse) -> Response<Bytes> {
    response.try_take().expect("a response")
}

/// What the OPEN packet says.
fn handshake(response: &Response<Bytes>) -> serde_json::Value {
    let packet = response.body().strip_prefix(b"0").expect("an open packet");
    serde_json::from_slice(packet).expect("JSON")
}

fn sid(response: &Response<Bytes>) -> String {
    handshake(response)["sid"].as_str().expect("a sid").to_owned()
}

fn upgrade(server: &TestServer, uri: &str) -> Response<Bytes> {
    let request = Request::get(uri)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    response(server.request(request.body(Bytes::new()).expect("a request")))
}

#[test]
fn only_the_first_answer_to_a_polling_client_has_the_cookie() {
    let server = server(|options| options.cookie(Cookie::default()));
    let opened = response(server.get(POLLING));
    let sid = sid(&opened);
    let cookie = format!("io={sid}; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(opened.headers()[header::SET_COOKIE], cookie);
    let polling = format!("{POLLING}&sid={sid}");
    for later in [
        response(server.post(&polling, "40")),
        response(server.get(&polling)),
        upgrade(&server, &format!("{WEBSOCKET}&sid={sid}")),
        upgrade(&server, WEBSOCKET),
    ] {
        assert_eq!(later.headers().get(header::SET_COOKIE), None, "{}", later.status());
    }
}

#[test]
fn without_being_asked_for_there_is_no_cookie() {
    let opened = response(server(|options| options).get(POLLING));
    assert_eq!(opened.headers().get(header::SET_COOKIE), None);
}

#[test]
fn a_hook_may_set_cookies_beside_it() {
    let server = server(|options| {
        options.cookie(Cookie::default()).initial_headers(|headers: &mut HeaderMap, _| {
            headers.append(header::SET_COOKIE, HeaderValue::from_static("theme=dark"));
        })
    });
    let opened = response(server.get(POLLING));
    assert_eq!(opened.headers().get_all(header::SET_COOKIE).iter().count(), 2);
}

#[test]
fn where_upgrades_are_not_allowed_a_client_is_not_told_of_them_and_refused() {
    let server = server(|options| options.allow_upgrades(false));
    let opened = response(server.get(POLLING));
    assert_eq!(handshake(&opened)["upgrades"], serde_json::json!([]));
    let sid = sid(&opened);
    assert_eq!(upgrade(&server, &format!("{WEBSOCKET}&sid={sid}")).status(), 400);
    // It goes on polling, and others may begin by websocket.
    assert_eq!(server.post(&format!("{POLLING}&sid={sid}"), "40").take().0, 200);
    assert!(server.connect().is_connected());
}

#[test]
fn where_they_are_it_is_told() {
    let told = |server: TestServer| handshake(&response(server.get(POLLING)))["upgrades"].clone();
    assert_eq!(told(server(|options| options)), serde_json::json!(["websocket"]));
    let polling = server(|options| options.transports([Transport::Polling]));
    assert_eq!(told(polling), serde_json::json!([]));
}

#[test]
fn past_the_number_of_sessions_new_ones_are_refused() {
    let server = server(|options| options.max_sessions(2));
    let polling = format!("{POLLING}&sid={}", sid(&response(server.get(POLLING))));
    let client = server.connect();
    let (status, body) = server.get(POLLING).take();
    assert_eq!((status, body.as_str()), (503, r#"{"code":4,"message":"Too many sessions"}"#));
    assert_eq!(upgrade(&server, WEBSOCKET).status(), 503);
    // Those that are there stay, and make room when they leave.
    assert_eq!(server.post(&polling, "40").take().0, 200);
    client.connection().close();
    assert_eq!(server.get(POLLING).take().0, 200);
    assert_eq!(server.io().clients_count(), 2);
}

/// An Engine.IO server that sends this first, and then what the client sends.
fn greeting(message: impl Into<Message>) -> EngineIo {
    EngineIo::builder()
        .clock(Arc::new(TestClock::default()))
        .initial_packet(message)
        .build_engine(async |mut socket: EngineSocket| while socket.recv().await.is_some() {})
        .expect("valid options")
}

#[test]
fn an_initial_packet_follows_the_handshake() {
    for (message, record) in
        [(Message::from("hello"), "4hello"), (Bytes::from_static(&[1, 2, 3]).into(), "bAQID")]
    {
        let engine = greeting(message);
        let endpoint = Endpoint::from(&engine);
        let (opened, _driver) = match accept(&endpoint, &head(&endpoint, "polling", None)) {
            Accept::Open(response, driver) => (response, driver),
            other => panic!("no session: {other:?}"),
        };
        let body = String::from_utf8_lossy(opened.body()).into_owned();
        let (handshake, first) = body.split_once('\u{1e}').expect("two packets");
        assert!(handshake.starts_with("0{"), "{handshake}");
        assert_eq!(first, record);
    }
}

#[test]
fn also_by_websocket() {
    let engine = greeting("hello");
    let websocket = support::WebSocket::default();
    let serve = support::upgrade(&Endpoint::from(&engine), None).serve(websocket.clone());
    assert_eq!(serve.now_or_never(), None, "the session goes on");
    assert_eq!(websocket.taken(), 2);
}

#[test]
fn a_socket_io_server_has_none() {
    let error = SocketIo::builder().initial_packet("hello").build().expect_err("a wrong option");
    assert!(matches!(error, ConfigError::InitialPacket));
}
