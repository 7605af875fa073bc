//! Sockets that are asked for with all that is known of them, and what is done to them then.

mod support;

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use serde_json::json;
use socketio_core::{
    AckError, Data, PeerAddr, RemoteSocket, Socket, SocketIo,
    testing::{TestClient, TestServer},
};

use self::support::Log;

fn server() -> TestServer {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    server
}

fn member(server: &TestServer, rooms: &[&str]) -> TestClient {
    let client = server.connect();
    rooms.iter().for_each(|room| client.emit("join", room));
    client
}

fn ids(sockets: &[RemoteSocket]) -> Vec<&str> {
    let mut ids: Vec<_> = sockets.iter().map(RemoteSocket::id).collect();
    ids.sort_unstable();
    ids
}

/// The sockets in a room.
fn fetch(server: &TestServer, room: &str) -> Vec<RemoteSocket> {
    server.io().to(room).fetch_sockets().now_or_never().expect("at hand").expect("one node")
}

#[test]
fn those_that_are_selected_are_found() {
    let server = server();
    let (a, b) = (member(&server, &["blue", "red"]), member(&server, &["blue"]));
    let mut all = [a.id(), b.id()];
    all.sort_unstable();
    let everyone = server.io().fetch_sockets().now_or_never().expect("at hand").expect("one node");
    assert_eq!(ids(&everyone), all);
    assert_eq!(ids(&fetch(&server, "blue")), all);
    assert_eq!(ids(&fetch(&server, "red")), [a.id()]);
    let other =
        server.io().to("blue").except("red").fetch_sockets().now_or_never().expect("at hand");
    assert_eq!(ids(&other.expect("one node")), [b.id()]);
    let no_rooms: [&str; 0] = [];
    let nobody = server.io().to(no_rooms).fetch_sockets().now_or_never().expect("at hand");
    assert_eq!(ids(&nobody.expect("one node")), [""; 0]);
}

#[test]
fn each_comes_with_its_handshake_its_rooms_and_its_data() {
    let server = server();
    server.io().on_connect(|socket: Socket| {
        socket.data().set("name", "Ada").expect("JSON");
    });
    let mut request = Request::new(Bytes::new());
    let headers = request.headers_mut();
    headers.insert("origin", "https://example.com".parse().expect("a value"));
    headers.append("accept", "a".parse().expect("a value"));
    headers.append("accept", "b".parse().expect("a value"));
    let address: SocketAddr = "192.0.2.1:4711".parse().expect("an address");
    request.extensions_mut().insert(PeerAddr(address));
    let connection = server.open_with(request);
    let client = connection.join("/", &json!({ "token": 1 })).expect("let in");
    client.emit("join", "blue");

    let [socket] = &fetch(&server, client.id())[..] else { panic!("one socket") };
    assert_eq!(socket.id(), client.id());
    assert_eq!(socket.rooms(), [client.id(), "blue"]);
    assert_eq!(socket.data::<String>("name").as_deref(), Some("Ada"));
    assert_eq!(socket.data::<u32>("name"), None);
    assert_eq!(socket.data_value(), &json!({ "name": "Ada" }));
    let handshake = socket.handshake();
    assert_eq!(handshake.auth, json!({ "token": 1 }));
    assert_eq!(handshake.address, "192.0.2.1");
    assert_eq!(handshake.headers["accept"], "a, b");
    assert_eq!(handshake.query["transport"], "websocket");
    assert_eq!(handshake.url, "/socket.io/?EIO=4&transport=websocket");
    assert!(handshake.is_cross_domain && !handshake.is_secure);
    let issued = Duration::from_millis(handshake.issued);
    let since = server.io().sockets()[0].handshake().time();
    assert_eq!(
        since.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis(),
        issued.as_millis()
    );
}

#[test]
fn what_is_done_to_one_is_done_to_it_alone() {
    let server = server();
    let (a, b) = (member(&server, &["all"]), member(&server, &["all"]));
    let socket = fetch(&server, a.id()).remove(0);
    socket.emit("hello", &1).expect("an event");
    assert_eq!(a.expect::<u32>("hello"), 1);
    socket.join(["one", "two"]);
    socket.leave("all");
    assert_eq!([ids(&fetch(&server, "two")), ids(&fetch(&server, "all"))], [[a.id()], [b.id()]]);
    socket.disconnect(false);
    assert!(!a.is_connected() && a.connection().closed().is_none());
    assert!(b.is_connected());
    b.expect_nothing();
    fetch(&server, b.id())[0].disconnect(true);
    assert!(b.connection().closed().is_some());
}

#[test]
fn one_answers_or_says_why_it_did_not() {
    let (server, log) = (server(), Log::default());
    let ask = |socket: RemoteSocket| {
        let answers = log.clone();
        server.spawn(async move {
            let socket = socket.timeout(Duration::from_secs(3));
            let answer = socket.emit_with_ack::<u32>("count", &()).await;
            answers.add(format!("{answer:?}"));
        });
    };
    let client = server.connect();
    let socket = fetch(&server, client.id()).remove(0);
    ask(socket.clone());
    let question = client.expect_event("count");
    client.acknowledge(&question, &7);
    server.run();
    assert_eq!(log.take(), ["Ok(7)"]);
    ask(socket.clone());
    server.advance(Duration::from_secs(3));
    assert_eq!(log.take(), [format!("{:?}", Err::<u32, _>(AckError::Timeout))]);
    client.disconnect();
    ask(socket);
    assert_eq!(log.take(), [format!("{:?}", Err::<u32, _>(AckError::Disconnected))]);
}

#[test]
fn a_namespace_moves_and_ends_all_its_sockets() {
    let server = server();
    let clients = [server.connect(), server.connect()];
    server.io().join("everyone");
    assert_eq!(fetch(&server, "everyone").len(), 2);
    server.io().leave("everyone");
    assert_eq!(fetch(&server, "everyone").len(), 0);
    server.io().disconnect(true);
    assert!(clients.iter().all(|client| client.connection().closed().is_some()));
}
