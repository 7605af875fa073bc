//! Clients of the versions 1.x and 2.x: Engine.IO 3, and what differs in Socket.IO over it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use socketio_core::{
    Auth, Builder, ConnectError, Data, Frame, RawArgs, Recovery, Socket, SocketIo,
    testing::{TestConnection, TestResponse, TestServer},
};

const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

/// A client that polls by hand.
struct Polling {
    server: TestServer,
    query: String,
}

impl Polling {
    /// Opens a session and gives the payload that it began with.
    fn open(server: &TestServer, query: &str) -> (Self, String) {
        let query = format!("transport=polling&{query}");
        let (status, opening) = server.get(&format!("/socket.io/?{query}")).take();
        assert_eq!(status, 200, "{opening}");
        let opening = opening.replace("\\\"", "\"");
        let sid = opening.split('"').skip_while(|text| *text != "sid").nth(2).expect("a sid");
        (Self { server: server.clone(), query: format!("{query}&sid={sid}") }, opening)
    }

    /// One that is in `/`.
    fn connect(server: &TestServer, query: &str) -> Self {
        let polling = Self::open(server, query).0;
        let (_, body) = polling.get().take();
        assert!(body.contains("2:40"), "{body}");
        polling
    }

    fn uri(&self) -> String {
        format!("/socket.io/?{}", self.query)
    }

    fn get(&self) -> TestResponse {
        self.server.get(&self.uri())
    }

    /// The body of a GET and its type.
    fn get_typed(&self) -> (Bytes, String) {
        let response = self.get().try_take().expect("a response");
        let content_type = response.headers()["content-type"].to_str().expect("text").to_owned();
        (response.into_body(), content_type)
    }

    fn post(&self, content_type: &str, body: impl Into<Bytes>) {
        let request = Request::post(self.uri()).header("content-type", content_type);
        let request = request.body(body.into()).expect("a request");
        assert_eq!(self.server.request(request).take(), (200, "ok".to_owned()));
    }
}

fn server_of(builder: Builder) -> TestServer {
    let server = TestServer::new(builder.allow_eio3(true));
    server.io().on("message", |socket: Socket, args: RawArgs| socket.emit("back", &args));
    server.io().on("echo", |args: RawArgs| args);
    server.io().on("id", |socket: Socket| Data((*socket.id(), socket.protocol())));
    server
}

fn server() -> TestServer {
    server_of(SocketIo::builder())
}

/// A client by websocket that is in `/`.
fn connect(server: &TestServer) -> TestConnection {
    let client = server.open_query("EIO=3");
    expect(&client, "40");
    client
}

fn expect(client: &TestConnection, text: &str) {
    assert_eq!(client.next_frame(), Some(Frame::Text(text.into())));
}

fn bytes(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

#[test]
fn old_clients_are_let_in_only_where_that_is_wanted() {
    let strict = TestServer::new(SocketIo::builder());
    for query in ["EIO=3&", "EIO=5&", "EIO=4&EIO=3&", ""] {
        let uri = format!("/socket.io/?{query}transport=polling");
        assert_eq!(strict.get(&uri).take(), (400, UNSUPPORTED.to_owned()));
        let (status, opening) = server().get(&uri).take();
        assert_eq!(status, 200);
        let (length, packet) = opening.split_once(':').expect("a length");
        assert!(packet.starts_with("0{\"sid\":"), "{opening}");
        assert_eq!(length.parse(), Ok(packet.len()));
    }
    assert_eq!(server().connect().ask::<(u32, String)>("echo", &(1, "v4")), (1, "v4".into()));
}

#[test]
fn a_session_keeps_to_one_revision() {
    let server = server();
    let v3 = Polling::open(&server, "EIO=3").0.uri();
    let v4 = Polling::open(&server, "EIO=4").0.uri();
    for other in [v3.replace("EIO=3", "EIO=4"), v4.replace("EIO=4", "EIO=3")] {
        assert_eq!(server.get(&other).take(), (400, BAD_REQUEST.to_owned()));
        assert_eq!(server.post(&other, "1:1").take(), (400, BAD_REQUEST.to_owned()));
        assert_eq!(server.io().clients_count(), 2);
    }
}

#[test]
fn the_root_is_joined_by_coming() {
    let server = server();
    server.io().on_connect(|socket: Socket, Auth(auth): Auth<Value>| socket.emit("auth", &auth));
    let client = connect(&server);
    expect(&client, r#"42["auth",{}]"#);
    client.send_text(r#"427["echo",1,"é"]"#);
    expect(&client, r#"437[1,"é"]"#);
    let id = *server.io().sockets()[0].id();
    client.send_text(r#"420["id"]"#);
    expect(&client, &format!(r#"430["{id}",3]"#));
    client.send_text("41");
    assert_eq!(server.io().sockets_count(), 0);
}

#[test]
fn a_packet_right_behind_the_handshake_finds_the_root_joined() {
    let server = server();
    let client = server.open_query("EIO=3");
    client.send_all([r#"42["message",1]"#, r#"42["message",2]"#]);
    expect(&client, "40");
    expect(&client, r#"42["back",1]"#);
    expect(&client, r#"42["back",2]"#);
}

#[test]
fn asking_for_the_root_once_more_is_a_violation() {
    let server = server();
    let client = server.open_query("EIO=3");
    client.send_all(["40", "40"]);
    assert!(client.closed().is_some());
    assert_eq!(server.io().sockets_count(), 0);
}

#[test]
fn a_namespace_has_its_query_for_auth() {
    let server = server();
    server.io().of("/n").on_connect(|socket: Socket, Auth(auth): Auth<Value>| {
        socket.emit("auth", &(auth, socket.namespace().name()))
    });
    let client = connect(&server);
    client.send_text("40/n?token=a%20b&token=c+d,");
    expect(&client, "40/n,");
    expect(&client, r#"42/n,["auth",{"token":"c d"},"/n"]"#);
    client.send_text("41/n");
    client.send_text("40/n");
    expect(&client, "40/n,");
    expect(&client, r#"42/n,["auth",{},"/n"]"#);
    client.send_text("40/n?other=1,");
    assert!(client.closed().is_some(), "one connect to a namespace, whatever its query");
}

#[test]
fn a_refusal_is_its_data_or_its_message() {
    let server = server();
    server.io().of("/n").middleware(|Auth(auth): Auth<Value>| match auth["is"].as_str() {
        Some("data") => Err(ConnectError::new("no").data(json!({"code": 1}))),
        Some("text") => Err(ConnectError::new("\"no\"")),
        _ => Ok(()),
    });
    let client = connect(&server);
    client.send_text("40/n?is=data,");
    expect(&client, r#"44/n,{"code":1}"#);
    client.send_text("40/n?is=text,");
    expect(&client, r#"44/n,"\"no\"""#);
    client.send_text("40/unknown?is=data,");
    expect(&client, r#"44/unknown,{"message":"Invalid namespace"}"#);
    client.send_text("40/n,");
    expect(&client, "40/n,");
}

#[test]
fn one_who_is_refused_at_the_root_may_stay_for_another_namespace() {
    let server = server();
    server.io().of("/n");
    server.io().middleware(|| Err(ConnectError::new("not here")));
    let client = server.open_query("EIO=3");
    expect(&client, r#"44"not here""#);
    client.send_text("40/n,");
    expect(&client, "40/n,");
    let late = server.open_query("EIO=3");
    expect(&late, r#"44"not here""#);
    for _ in 0..3 {
        server.advance(Duration::from_secs(15));
        client.send_text("2");
        expect(&client, "3");
        late.send_text("2");
    }
    assert!(late.closed().is_some(), "it joined nothing in time");
    assert!(client.closed().is_none());
}

#[test]
fn the_server_ends_a_namespace() {
    let server = server();
    server.io().of("/n");
    let client = connect(&server);
    client.send_text("40/n,");
    expect(&client, "40/n,");
    server.io().of("/n").sockets()[0].disconnect();
    expect(&client, "41/n,");
    server.io().sockets()[0].disconnect();
    expect(&client, "41");
    client.send_text("40");
    expect(&client, "40");
}

#[test]
fn the_client_pings() {
    let server = server();
    let client = connect(&server);
    for _ in 0..5 {
        server.advance(Duration::from_secs(44));
        client.send_text("2");
        expect(&client, "3");
    }
    server.advance(Duration::from_secs(44));
    assert!(client.closed().is_none());
    server.advance(Duration::from_secs(1));
    assert!(client.closed().is_some());
    assert_eq!(client.next_frame(), None);
}

#[test]
fn everyone_receives_a_broadcast_in_their_own_framing() {
    let server = server();
    let v4 = server.connect();
    let v4_base64 = server.open_query("EIO=4&b64=1");
    v4_base64.send_text("40");
    v4_base64.next_frame();
    let v3 = connect(&server);
    let v3_base64 = server.open_query("EIO=3&b64=1");
    expect(&v3_base64, "40");
    let polling = Polling::connect(&server, "EIO=3");
    let polling_base64 = Polling::connect(&server, "EIO=3&b64=1");
    polling_base64.post("text/plain", r#"17:42["nothing","€"]"#);

    server.io().emit("binback", &(bytes(&[1, 2, 3]), "€")).expect("an event");

    assert_eq!(v4.expect::<(Bytes, String)>("binback"), (bytes(&[1, 2, 3]), "€".into()));
    let text = r#"451-["binback",{"_placeholder":true,"num":0},"€"]"#;
    for (client, attachment) in [
        (&v4_base64, Frame::Text("bAQID".into())),
        (&v3, Frame::Binary(bytes(&[4, 1, 2, 3]))),
        (&v3_base64, Frame::Text("b4AQID".into())),
    ] {
        expect(client, text);
        assert_eq!(client.next_frame(), Some(attachment));
    }
    let expected = [b"\x00\x05\x01\xff", text.as_bytes(), b"\x01\x04\xff\x04\x01\x02\x03"];
    assert_eq!(polling.get_typed(), (expected.concat().into(), "application/octet-stream".into()));
    let expected = format!("49:{text}6:b4AQID");
    assert_eq!(polling_base64.get_typed(), (expected.into(), "text/plain; charset=UTF-8".into()));
}

#[test]
fn binary_comes_in_every_form() {
    let server = server();
    let text = r#"451-["message",{"_placeholder":true,"num":0},"€"]"#;
    let back = text.replace("message", "back");
    let back_body = |length: &[u8]| -> Bytes {
        [&[0], length, &[0xff], back.as_bytes(), b"\x01\x04\xff\x04\x01\x02\x03"].concat().into()
    };
    let client = Polling::connect(&server, "EIO=3");
    client.post("text/plain;charset=UTF-8", format!("49:{text}6:b4AQID"));
    assert_eq!(client.get_typed().0, back_body(&[4, 8]));
    let body = [b"\x00\x05\x01\xff", text.as_bytes(), b"\x01\x04\xff\x04\x01\x02\x03"].concat();
    client.post("application/octet-stream", body);
    assert_eq!(client.get_typed().0, back_body(&[4, 8]));

    for frame in [Frame::Binary(bytes(&[4, 1, 2, 3])), Frame::Text("b4AQID".into())] {
        let client = connect(&server);
        client.send_text(text);
        client.send(frame);
        expect(&client, &back);
        assert_eq!(client.next_frame(), Some(Frame::Binary(bytes(&[4, 1, 2, 3]))));
    }
}

#[test]
fn junk_ends_the_session() {
    let server = server();
    for body in ["1:b", "2:bb", "99:4x", "", "4"] {
        let client = Polling::connect(&server, "EIO=3");
        client.post("text/plain", body);
        assert_eq!(client.get().take().0, 400, "{body}");
    }
    for frame in [Frame::Binary(bytes(&[])), Frame::Binary(bytes(&[9])), Frame::Text("b".into())] {
        let client = connect(&server);
        client.send(frame);
        assert!(client.closed().is_some());
    }
    assert_eq!(server.io().clients_count(), 0);
}

/// A 1.x client takes the characters of a text payload for bytes. It sends none if it can send bytes.
#[test]
fn text_beyond_ascii_goes_as_bytes_to_those_that_may_not_read_it_otherwise() {
    let server = server();
    let binary = "application/octet-stream";
    let old = Polling::connect(&server, "EIO=3");
    old.post(binary, [b"\x00\x01\x08\xff", "42[\"message\",\"é\"]".as_bytes()].concat());
    assert_eq!(old.get_typed().1, binary);
    let newer = Polling::connect(&server, "EIO=3");
    newer.post("text/plain", "17:42[\"message\",\"é\"]");
    let expected = "14:42[\"back\",\"é\"]";
    assert_eq!(newer.get_typed(), (expected.into(), "text/plain; charset=UTF-8".into()));

    let unknown = Polling::connect(&server, "EIO=3");
    server.io().emit("hello", "é").expect("an event");
    assert_eq!(unknown.get_typed().1, binary);
}

/// Where it can send no bytes, it sends text like that.
#[test]
fn without_bytes_clients_are_answered_in_their_own_way_of_text() {
    let server = server();
    let get = |client: &Polling| String::from_utf8(client.get_typed().0.into()).expect("text");
    let old = Polling::connect(&server, "EIO=3&b64=1");
    let newer = Polling::connect(&server, "EIO=3&b64=1");
    server.io().emit("hello", "é").expect("an event");
    assert_eq!(get(&old), "20:42[\"hello\",\"\\u00e9\"]");
    assert_eq!(get(&newer), "20:42[\"hello\",\"\\u00e9\"]");
    old.post("text/plain", "18:42[\"message\",\"Ã©\"]");
    newer.post("text/plain", "17:42[\"message\",\"é\"]");
    assert_eq!(get(&old), "15:42[\"back\",\"Ã©\"]");
    assert_eq!(get(&newer), "14:42[\"back\",\"é\"]");
    server.io().emit("hello", "é").expect("an event");
    assert_eq!(get(&old), "16:42[\"hello\",\"Ã©\"]");
    assert_eq!(get(&newer), "15:42[\"hello\",\"é\"]");
}

#[test]
fn a_session_goes_over_to_a_websocket() {
    let server = server();
    let client = Polling::connect(&server, "EIO=3");
    let parked = client.get();
    let websocket = server.open_probe_query(&client.query.replace("transport=polling&", ""));
    websocket.send_text("2probe");
    expect(&websocket, "3probe");
    server.advance(Duration::from_millis(100));
    assert_eq!(parked.take(), (200, "1:6".to_owned()));
    websocket.send_text("5");
    websocket.send_text("2");
    expect(&websocket, "3");
    websocket.send_text(r#"42["message",1]"#);
    expect(&websocket, r#"42["back",1]"#);
}

#[test]
fn jsonp() {
    let server = server();
    for (query, root) in [("EIO=3&j=7", "2:40"), ("EIO=4&j=7", "")] {
        let (client, opening) = Polling::open(&server, query);
        assert!(opening.starts_with("___eio[7](\""), "{opening}");
        assert!(opening.ends_with("\");"), "{opening}");
        if root.is_empty() {
            client.post("application/x-www-form-urlencoded", "d=40");
        }
        let (body, content_type) = client.get_typed();
        assert!(body.starts_with(b"___eio[7](\""), "{body:?}");
        assert_eq!(content_type, "text/plain; charset=UTF-8");
    }
    let client = Polling::connect(&server, "EIO=3&j=0");
    let event = r#"451-["message","a\\nb\u2028",{"_placeholder":true,"num":0}]"#;
    let payload = format!("{}:{event}6:b4AQID", event.len());
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("d", &payload.replace("\\n", "\\\\n"))
        .finish();
    client.post("application/x-www-form-urlencoded", form);
    let (body, _) = client.get_typed();
    let script = String::from_utf8(body.to_vec()).expect("text");
    let json = script.strip_prefix("___eio[0](").and_then(|rest| rest.strip_suffix(");"));
    let payload: String = serde_json::from_str(json.expect("a call")).expect("a string");
    let back = event.replace("message", "back");
    assert_eq!(payload, format!("{}:{back}6:b4AQID", back.len()));
}

#[test]
fn jsonp_tells_no_origin_and_is_refused_where_that_counts() {
    let server = server_of(SocketIo::builder().allowed_origins(["https://example.com"]));
    let refused = server.get("/socket.io/?EIO=3&transport=polling&j=0").take();
    assert_eq!(refused, (403, r#"{"code":4,"message":"Forbidden"}"#.to_owned()));
    assert_eq!(server.get("/socket.io/?EIO=3&transport=polling").take().0, 200);
}

#[test]
fn connection_state_recovery_adds_nothing_to_what_they_get() {
    let server = server_of(SocketIo::builder().recovery(Recovery::default()));
    let v4 = server.connect();
    let v3 = server.open_query("EIO=3");
    expect(&v3, "40");
    server.io().emit("news", &(1, bytes(&[7]))).expect("an event");
    expect(&v3, r#"451-["news",1,{"_placeholder":true,"num":0}]"#);
    assert_eq!(v3.next_frame(), Some(Frame::Binary(bytes(&[4, 7]))));
    server.io().volatile().emit("news", &2).expect("an event");
    expect(&v3, r#"42["news",2]"#);
    v3.send_text(r#"42["message",3]"#);
    expect(&v3, r#"42["back",3]"#);
    let (_, _, offset) = v4.expect::<(u32, Bytes, Option<String>)>("news");
    assert!(offset.is_some());
    v3.close();
    assert_eq!(server.io().clients_count(), 1);
}
