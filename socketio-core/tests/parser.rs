//! Parsers of the application's choice.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use serde_json::json;
use socketio_core::{
    Args, Auth, ConnectError, Data, Frame, MsgPack, RawArgs, Recovery, Socket, SocketIo,
    testing::{TestConnection, TestServer},
    wire::{AckId, AssemblerLimits, Decoder, Encoded, Framing, Message, Packet, Parser},
};

/// A client that speaks `MessagePack`.
struct Client(TestConnection);

impl Client {
    fn open(server: &TestServer) -> Self {
        Self(server.open())
    }

    fn send(&self, packet: Packet) {
        for frame in MsgPack.encode(packet).into_frames(Framing::default()) {
            self.0.send(frame);
        }
    }

    fn connect(&self, auth: serde_json::Value) -> Packet {
        let auth = Some(auth.to_string().into());
        self.send(Packet::Connect { namespace: "/".into(), auth });
        self.next().expect("an answer")
    }

    fn emit(&self, name: &str, id: Option<AckId>, args: &impl Args) {
        let args = arguments(args);
        self.send(Packet::Event { namespace: "/".into(), id, name: name.into(), args });
    }

    fn next(&self) -> Option<Packet> {
        let Frame::Binary(bytes) = self.0.next_frame()? else {
            panic!("text");
        };
        let limits = AssemblerLimits { attachments: 10, bytes: usize::MAX };
        MsgPack.decoder(limits).decode(Message::Binary(bytes)).expect("a packet")
    }

    fn next_event(&self) -> Option<(String, String, usize)> {
        match self.next()? {
            Packet::Event { name, args, .. } => {
                Some((name.to_string(), args.as_json().to_owned(), args.attachments().len()))
            }
            other => panic!("no event: {other:?}"),
        }
    }
}

fn arguments(args: &impl Args) -> RawArgs {
    RawArgs::new(args).expect("arguments")
}

#[test]
fn handlers_see_no_difference() {
    let server = TestServer::new(SocketIo::builder().parser(MsgPack));
    server.io().on_connect(|socket: Socket, Auth(auth): Auth<serde_json::Value>| {
        socket.emit("auth", &auth)
    });
    server.io().on("file", |socket: Socket, Data((name, body)): Data<(String, Bytes)>| {
        socket.emit("stored", &(name, body.len(), body))
    });
    server.io().on("sum", |Data((a, b)): Data<(i64, i64)>| Data(a + b));
    server.io().on("echo", |args: RawArgs| args);
    let client = Client::open(&server);
    assert!(matches!(client.connect(json!({ "token": 1 })), Packet::Connect { .. }));
    assert_eq!(client.next_event(), Some(("auth".into(), r#"{"token":1}"#.into(), 0)));
    client.emit("file", None, &("a.txt", Bytes::from("abc")));
    let stored = r#""a.txt",3,{"_placeholder":true,"num":0}"#;
    assert_eq!(client.next_event(), Some(("stored".into(), stored.into(), 1)));
    for (name, args) in [("sum", arguments(&(1, 2))), ("echo", arguments(&(Bytes::from("x"), "y")))]
    {
        client.emit(name, Some(AckId(7)), &args);
        let expected = if name == "sum" { arguments(&3) } else { args };
        let answer = Packet::Ack { namespace: "/".into(), id: Some(AckId(7)), args: expected };
        assert_eq!(client.next(), Some(answer));
    }
}

#[test]
fn the_server_asks_and_broadcasts() {
    let server = TestServer::new(SocketIo::builder().parser(MsgPack));
    let (one, other) = (Client::open(&server), Client::open(&server));
    one.connect(json!({}));
    other.connect(json!({}));
    server.io().emit("news", &(1, Bytes::from("x"))).expect("sent");
    for client in [&one, &other] {
        let news = r#"1,{"_placeholder":true,"num":0}"#;
        assert_eq!(client.next_event(), Some(("news".into(), news.into(), 1)));
    }
    let replies = server.io().emit_with_ack::<u8>("vote", &"tea?").expect("sent");
    for (client, vote) in [(&one, 1), (&other, 2)] {
        let Some(Packet::Event { id, .. }) = client.next() else {
            panic!("no question");
        };
        client.send(Packet::Ack { namespace: "/".into(), id, args: arguments(&vote) });
    }
    assert_eq!(futures_executor::block_on(replies.into_future()), Ok(vec![1, 2]));
    server.io().local().disconnect(false);
    assert_eq!(one.next(), Some(Packet::Disconnect { namespace: "/".into() }));
}

#[test]
fn a_client_of_another_parser_is_closed() {
    let server = TestServer::new(SocketIo::builder().parser(MsgPack));
    let client = server.open();
    client.send_text("40");
    assert_eq!(client.closed(), Some(None));
}

#[test]
fn who_comes_back_gets_what_it_missed() {
    let builder = SocketIo::builder().parser(MsgPack).recovery(Recovery::default());
    let server = TestServer::new(builder);
    let client = Client::open(&server);
    let Packet::Connect { auth: Some(answer), .. } = client.connect(json!({})) else {
        panic!("refused");
    };
    client.0.close();
    server.io().emit("missed", &Bytes::from("x")).expect("sent");
    let words: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let back = Client::open(&server);
    back.send(Packet::Connect {
        namespace: "/".into(),
        auth: Some(json!({ "pid": words["pid"] }).to_string().into()),
    });
    let missed = r#"{"_placeholder":true,"num":0},"1""#;
    assert_eq!(back.next_event(), Some(("missed".into(), missed.into(), 1)));
    let connect = Packet::Connect { namespace: "/".into(), auth: Some(answer) };
    assert_eq!(back.next(), Some(connect));
}

#[test]
fn old_clients_get_no_offset() {
    let builder = SocketIo::builder().parser(MsgPack).recovery(Recovery::default());
    let server = TestServer::new(builder.allow_eio3(true));
    let (old, new) = (server.open_query("EIO=3"), Client::open(&server));
    new.connect(json!({}));
    let limits = AssemblerLimits { attachments: 10, bytes: usize::MAX };
    let next = || match old.next_frame() {
        Some(Frame::Binary(bytes)) => {
            MsgPack.decoder(limits).decode(Message::Binary(bytes.slice(1..))).expect("a packet")
        }
        other => panic!("no packet: {other:?}"),
    };
    assert_eq!(next(), Some(Packet::Connect { namespace: "/".into(), auth: None }));
    server.io().emit("news", &1).expect("sent");
    assert_eq!(new.next_event(), Some(("news".into(), r#"1,"1""#.into(), 0)));
    let (namespace, name) = ("/".into(), "news".into());
    assert_eq!(next(), Some(Packet::Event { namespace, id: None, name, args: arguments(&1) }));
}

#[test]
fn an_application_that_writes_what_looks_like_a_placeholder_harms_nobody() {
    let server = TestServer::new(SocketIo::builder().parser(MsgPack));
    let client = Client::open(&server);
    client.connect(json!({}));
    let fake = json!({ "_placeholder": true, "num": 9 });
    server.io().emit("e", &(fake.clone(), Bytes::from("x"))).expect("sent");
    let both = format!(r#"{fake},{{"_placeholder":true,"num":0}}"#);
    assert_eq!(client.next_event(), Some(("e".into(), both, 1)));
}

#[test]
fn a_namespace_may_have_any_name() {
    let server = TestServer::new(SocketIo::builder().parser(MsgPack));
    server.io().of_dynamic("/a{rest}", |_| {});
    let client = Client::open(&server);
    client.connect(json!({}));
    for namespace in ["/b", "/b,c", "b", "", "5", "/\u{0}\""] {
        client.send(Packet::Connect { namespace: namespace.into(), auth: None });
        let data = r#"{"message":"Invalid namespace"}"#.into();
        let refusal = Packet::ConnectError { namespace: namespace.into(), data };
        assert_eq!(client.next(), Some(refusal));
    }
    let namespace = || "/a,b-1[".into();
    client.send(Packet::Connect { namespace: namespace(), auth: None });
    assert!(
        matches!(client.next(), Some(Packet::Connect { namespace: a, .. }) if a == namespace())
    );
    server.io().of("/a,b-1[").emit("news", &Bytes::from("x")).expect("sent");
    let news = (namespace(), r#"{"_placeholder":true,"num":0}"#);
    match client.next() {
        Some(Packet::Event { namespace, args, .. }) => {
            assert_eq!((namespace, args.as_json()), news);
        }
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn an_old_client_may_be_refused_with_any_data() {
    for data in [json!(401), json!([1]), json!(null), json!({ "code": 401 }), json!("no")] {
        let server = TestServer::new(SocketIo::builder().parser(MsgPack).allow_eio3(true));
        let kept = data.clone();
        server.io().middleware(move || Err::<(), _>(ConnectError::new("no").data(&kept)));
        let old = server.open_query("EIO=3");
        let Some(Frame::Binary(bytes)) = old.next_frame() else {
            panic!("no refusal");
        };
        let limits = AssemblerLimits { attachments: 10, bytes: usize::MAX };
        let refusal = MsgPack.decoder(limits).decode(Message::Binary(bytes.slice(1..)));
        let data = data.to_string().into();
        assert_eq!(refusal, Ok(Some(Packet::ConnectError { namespace: "/".into(), data })));
    }
}

/// `MessagePack` that counts the events it writes.
#[derive(Debug, Default)]
struct Counting(Arc<AtomicUsize>);

impl Parser for Counting {
    fn encode(&self, packet: Packet) -> Encoded {
        let is_event = matches!(packet, Packet::Event { .. });
        self.0.fetch_add(usize::from(is_event), Ordering::Relaxed);
        MsgPack.encode(packet)
    }

    fn decoder(&self, limits: AssemblerLimits) -> Box<dyn Decoder> {
        MsgPack.decoder(limits)
    }
}

#[test]
fn an_event_is_written_once_for_all_who_missed_it() {
    let parser = Counting::default();
    let written = Arc::clone(&parser.0);
    let builder = SocketIo::builder().parser(parser).recovery(Recovery::default());
    let server = TestServer::new(builder);
    let pids = [(); 3].map(|()| {
        let client = Client::open(&server);
        let Packet::Connect { auth: Some(answer), .. } = client.connect(json!({})) else {
            panic!("refused");
        };
        client.0.close();
        serde_json::from_str::<serde_json::Value>(&answer).expect("JSON")["pid"].clone()
    });
    server.io().emit("missed", &1).expect("sent");
    for pid in pids {
        let client = Client::open(&server);
        let event = client.connect(json!({ "pid": pid }));
        assert!(matches!(event, Packet::Event { name, .. } if name == "missed"));
    }
    assert_eq!(written.load(Ordering::Relaxed), 1);
}
