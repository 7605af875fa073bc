//! Long-polling and the upgrade from it, request by request.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use socketio_core::{
    Accept, Clock, Data, Endpoint, Frame, Limits, Socket, SocketIo, Transport,
    testing::{TestResponse, TestServer},
};

use self::support::{WebSocket, accept, head, upgrade};

/// A client that polls by hand.
struct Polling {
    server: TestServer,
    sid: String,
}

impl Polling {
    fn open(server: &TestServer) -> Self {
        let (status, body) = server.get("/socket.io/?EIO=4&transport=polling").take();
        assert_eq!(status, 200);
        let handshake: serde_json::Value =
            serde_json::from_str(body.strip_prefix('0').expect("an open packet")).expect("JSON");
        let sid = handshake["sid"].as_str().expect("a sid").to_owned();
        Self { server: server.clone(), sid }
    }

    fn connect(server: &TestServer) -> Self {
        let polling = Self::open(server);
        polling.post("40");
        let (status, body) = polling.get().take();
        assert_eq!(status, 200);
        assert!(body.starts_with("40{"), "{body}");
        polling
    }

    fn uri(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    fn get(&self) -> TestResponse {
        self.server.get(&self.uri())
    }

    fn post(&self, body: &str) {
        let answer = self.server.post(&self.uri(), body.to_owned()).take();
        assert_eq!(answer, (200, "ok".to_owned()));
    }
}

fn server() -> TestServer {
    let server = TestServer::new(SocketIo::builder());
    server.io().on("echo", |Data(n): Data<u32>| Data(n));
    server.io().on("bye-all", |socket: Socket| socket.disconnect_all());
    server
}

const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

#[test]
fn a_parked_get_is_answered_by_the_next_packet() {
    let server = server();
    let client = Polling::connect(&server);
    let mut get = client.get();
    assert!(get.try_take().is_none());
    server.io().emit("a", &1).expect("an event");
    assert_eq!(get.take(), (200, r#"42["a",1]"#.to_owned()));
    server.io().emit("b", &(1, Bytes::from_static(b"x"))).expect("an event");
    server.io().emit("c", &()).expect("an event");
    let expected = "451-[\"b\",1,{\"_placeholder\":true,\"num\":0}]\x1ebeA==\x1e42[\"c\"]";
    assert_eq!(client.get().take(), (200, expected.to_owned()));
}

#[test]
fn a_second_get_ends_the_session() {
    let server = server();
    let client = Polling::connect(&server);
    let first = client.get();
    assert_eq!(client.get().take().0, 400);
    assert_eq!(first.take(), (200, "1".to_owned()));
    assert_eq!(client.get().take(), (400, UNKNOWN.to_owned()));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn hanging_up_ends_the_session() {
    let server = server();
    let client = Polling::connect(&server);
    drop(client.get());
    assert_eq!(client.get().take(), (400, UNKNOWN.to_owned()));
    assert_eq!(server.io().sockets_count(), 0);
}

#[test]
fn hanging_up_when_the_body_is_here_is_no_harm() {
    let limits = Limits { handlers: 1, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    let clock = server.clock().clone();
    server.io().on("slow", move |socket: Socket, Data(n): Data<u32>| {
        let clock = clock.clone();
        async move {
            clock.sleep_until(clock.now() + Duration::from_secs(1)).await;
            let _ = socket.emit("done", &n);
        }
    });
    let client = Polling::connect(&server);
    // It is answered when the application has taken both, which it has not.
    let mut post = server.post(&client.uri(), "42[\"slow\",1]\x1e42[\"slow\",2]".to_owned());
    assert!(post.try_take().is_none());
    drop(post);
    for n in [1, 2] {
        server.advance(Duration::from_secs(1));
        assert_eq!(client.get().take(), (200, format!(r#"42["done",{n}]"#)));
    }
    client.post("42[\"slow\",3]");
}

#[test]
fn a_session_that_is_never_polled_is_not_kept() {
    let server = server();
    for _ in 0..100 {
        Polling::open(&server);
    }
    assert_eq!(server.io().clients_count(), 100);
    server.advance(Duration::from_secs(45));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn the_client_closes() {
    let server = server();
    let client = Polling::connect(&server);
    let get = client.get();
    client.post("1");
    assert_eq!(get.take(), (200, "6".to_owned()));
    assert_eq!(client.get().take().0, 400);
}

#[test]
fn a_poll_that_is_overtaken_by_the_close_packet_is_answered() {
    let server = server();
    let client = Polling::connect(&server);
    let mut post = server.post(&client.uri(), "1");
    assert_eq!(server.io().sockets_count(), 0);
    assert!(post.try_take().is_none());
    assert_eq!(client.get().take(), (200, "6".to_owned()));
    assert_eq!(post.take(), (200, "ok".to_owned()));
    assert_eq!(client.get().take(), (400, UNKNOWN.to_owned()));
    // One that does not come is not waited for.
    let client = Polling::connect(&server);
    let post = server.post(&client.uri(), "1");
    server.advance(Duration::from_millis(50));
    assert_eq!(post.take(), (200, "ok".to_owned()));
    assert_eq!(client.get().take(), (400, UNKNOWN.to_owned()));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn the_server_closes_after_what_is_queued() {
    let server = server();
    let client = Polling::connect(&server);
    client.post(r#"42["bye-all"]"#);
    assert_eq!(client.get().take(), (200, "41".to_owned()));
    assert_eq!(client.get().take(), (200, "6\x1e1".to_owned()));
    assert_eq!(client.get().take().0, 400);
    // One that does not come for it is not waited for.
    let client = Polling::connect(&server);
    client.post(r#"42["bye-all"]"#);
    server.advance(Duration::from_secs(30));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn nothing_behind_a_violation_is_handled() {
    let server = server();
    server.io().on_error(|report| assert!(report.failure.is_clients(), "{report}"));
    server.io().of("/other").on_connect(|| -> () { panic!("let in") });
    let client = Polling::connect(&server);
    let get = client.get();
    client.post("4abc\x1e40/other,\x1e420[\"echo\",7]");
    assert_eq!(get.take(), (200, "1".to_owned()));
    assert_eq!(server.io().sockets_count(), 0);
    assert_eq!(client.get().take().0, 400);
}

#[test]
fn an_upgrade_moves_everything_to_the_websocket() {
    let server = server();
    let client = Polling::connect(&server);
    let websocket = server.open_probe(&client.sid);
    websocket.send_text("2probe");
    assert_eq!(websocket.next_frame(), Some(Frame::Text("3probe".into())));
    // A client that has not read that yet polls again.
    for millis in [20, 100] {
        let mut get = client.get();
        server.advance(Duration::from_millis(millis - 1));
        assert!(get.try_take().is_none());
        server.advance(Duration::from_millis(1));
        assert_eq!(get.take(), (200, "6".to_owned()));
    }
    // What is emitted between the last poll and the upgrade waits, and comes once.
    server.io().emit("between", &()).expect("an event");
    assert_eq!(websocket.next_frame(), None);
    websocket.send_text("5");
    assert_eq!(websocket.next_frame(), Some(Frame::Text(r#"42["between"]"#.into())));
    assert_eq!(server.io().sockets()[0].transport(), Transport::WebSocket);
    websocket.send_text(r#"420["echo",7]"#);
    assert_eq!(websocket.next_frame(), Some(Frame::Text("430[7]".into())));
    assert_eq!(client.get().take().1, r#"{"code":3,"message":"Bad request"}"#);
    // The heartbeat goes on.
    server.advance(Duration::from_secs(3600));
    assert_eq!(server.io().clients_count(), 1);
    websocket.close();
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn a_server_that_closes_lets_an_upgrade_under_way_finish() {
    let server = server();
    let client = Polling::connect(&server);
    let websocket = server.open_probe(&client.sid);
    websocket.send_text("2probe");
    assert_eq!(websocket.next_frame(), Some(Frame::Text("3probe".into())));
    // The official client waits for the end of this poll, sends no other, and upgrades.
    let get = client.get();
    server.io().emit("last", &()).expect("an event");
    assert_eq!(get.take(), (200, r#"42["last"]"#.to_owned()));
    server.io().emit("goodbye", &()).expect("an event");
    let io = server.io().clone();
    server.spawn(async move { io.close().await });
    assert_eq!(websocket.next_frame(), None);
    websocket.send_text("5");
    assert_eq!(websocket.next_frame(), Some(Frame::Text(r#"42["goodbye"]"#.into())));
    assert_eq!(websocket.closed(), Some(None));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn an_upgrade_that_is_not_finished_while_the_server_closes_is_given_up() {
    let server = server();
    let client = Polling::connect(&server);
    let websocket = server.open_probe(&client.sid);
    websocket.send_text("2probe");
    assert_eq!(websocket.next_frame(), Some(Frame::Text("3probe".into())));
    client.post(r#"42["bye-all"]"#);
    server.advance(Duration::from_secs(10));
    assert_eq!(websocket.closed(), Some(None));
    assert_eq!(client.get().take(), (200, "41".to_owned()));
    assert_eq!(client.get().take(), (200, "6\x1e1".to_owned()));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn a_probe_sent_in_one_go_is_answered_before_anything_else() {
    let server = server();
    let client = Polling::connect(&server);
    server.io().emit("waiting", &()).expect("an event");
    let websocket = server.open_probe(&client.sid);
    websocket.send_all(["2probe", "5"]);
    let texts = ["3probe", r#"42["waiting"]"#].map(|text| Some(Frame::Text(text.into())));
    assert_eq!([websocket.next_frame(), websocket.next_frame()], texts);
}

#[test]
fn a_ping_outstanding_at_the_upgrade_still_has_to_be_answered() {
    let server = server();
    let client = Polling::connect(&server);
    server.advance(Duration::from_secs(25));
    assert_eq!(client.get().take(), (200, "2".to_owned()));
    let websocket = server.open_probe(&client.sid);
    websocket.answer_pings(false);
    websocket.send_all(["2probe", "5"]);
    assert_eq!(server.io().clients_count(), 1);
    // The probe counts as a sign of life, once.
    server.advance(Duration::from_secs(40));
    assert_eq!(server.io().clients_count(), 0);
}

#[test]
fn a_failed_probe_leaves_polling_unharmed() {
    let server = server();
    let client = Polling::connect(&server);
    for story in
        [&["abc"][..], &["2"], &["2probe", r#"42["echo",1]"#], &["2probe", "2probe"], &["5"]]
    {
        let websocket = server.open_probe(&client.sid);
        for text in story {
            websocket.send_text(text);
        }
        assert!(websocket.closed().is_some(), "{story:?}");
    }
    let lost = server.open_probe(&client.sid);
    lost.close();
    let silent = server.open_probe(&client.sid);
    server.advance(Duration::from_secs(10));
    assert!(silent.closed().is_some());
    client.post(r#"420["echo",7]"#);
    assert_eq!(client.get().take(), (200, "430[7]".to_owned()));
}

#[test]
fn of_two_upgrades_the_second_is_refused_and_the_first_unharmed() {
    let server = server();
    let client = Polling::connect(&server);
    let first = server.open_probe(&client.sid);
    let second = server.open_probe(&client.sid);
    assert!(second.closed().is_some());
    first.send_all(["2probe", "5"]);
    assert_eq!(first.next_frame(), Some(Frame::Text("3probe".into())));
    let third = server.open_probe(&client.sid);
    assert!(third.closed().is_some());
    first.send_text(r#"420["echo",7]"#);
    assert_eq!(first.next_frame(), Some(Frame::Text("430[7]".into())));
}

#[test]
fn what_one_post_brings_does_not_pile_up() {
    let limits = Limits { handlers: 2, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    server.io().on("wait", async || std::future::pending::<()>().await);
    let client = Polling::connect(&server);
    let body = [r#"42["wait"]"#; 5].join("\x1e");
    let mut post = server.post(&client.uri(), body);
    assert!(post.try_take().is_none(), "the client is not read on while its handlers are at work");
}

#[test]
fn a_post_while_another_waits_for_its_answer_is_refused() {
    let limits = Limits { handlers: 1, ..Limits::default() };
    let server = TestServer::new(SocketIo::builder().limits(limits));
    server.io().on("wait", async || std::future::pending::<()>().await);
    let client = Polling::connect(&server);
    client.post(r#"42["wait"]"#);
    let mut waiting = server.post(&client.uri(), r#"42["wait"]"#);
    assert!(waiting.try_take().is_none());
    assert_eq!(server.post(&client.uri(), r#"42["wait"]"#).take().0, 400);
    assert_eq!(server.io().sockets_count(), 0);
}

#[test]
fn a_small_auth_payload_does_not_keep_a_large_body() {
    struct Owner(Vec<u8>, Arc<AtomicBool>);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Owner {
        fn drop(&mut self) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    let server = server();
    let client = Polling::open(&server);
    let freed = Arc::new(AtomicBool::new(false));
    let body = format!("40{{}}\x1e{}6", "6\x1e".repeat(400_000)).into_bytes();
    let body = Bytes::from_owner(Owner(body, Arc::clone(&freed)));
    assert_eq!(server.post(&client.uri(), body).take().0, 200);
    assert_eq!(server.io().sockets_count(), 1);
    assert!(freed.load(Ordering::Relaxed));
}

#[test]
fn a_refused_websocket_does_not_touch_the_one_that_counts() {
    let server = server();
    let client = Polling::connect(&server);
    let websocket = server.open_probe(&client.sid);
    websocket.send_all(["2probe", "5"]);
    assert_eq!(websocket.next_frame(), Some(Frame::Text("3probe".into())));
    websocket.stop_reading(true);
    server.io().emit("kept", &()).expect("an event");
    server.run();
    assert!(server.open_probe(&client.sid).closed().is_some());
    server.io().volatile().emit("stale", &()).expect("dropping is no error");
    websocket.stop_reading(false);
    assert_eq!(websocket.next_frame(), Some(Frame::Text(r#"42["kept"]"#.into())));
    assert_eq!(websocket.next_frame(), None);
}

#[test]
fn a_poll_that_is_given_up_after_the_upgrade_does_no_harm() {
    let server = server();
    let client = Polling::connect(&server);
    // The framework does not get round to this one before the websocket is in charge.
    let endpoint = Endpoint::from(server.io());
    let poll = match accept(&endpoint, &head(&endpoint, "polling", Some(&client.sid))) {
        Accept::Poll(poll) => poll,
        other => panic!("no poll: {other:?}"),
    };
    let websocket = server.open_probe(&client.sid);
    websocket.send_all(["2probe", "5"]);
    assert_eq!(websocket.next_frame(), Some(Frame::Text("3probe".into())));
    drop(poll);
    websocket.send_text(r#"420["echo",7]"#);
    assert_eq!(websocket.next_frame(), Some(Frame::Text("430[7]".into())));
}

#[test]
fn a_probe_whose_websocket_takes_nothing_yet_waits_for_it() {
    let server = server();
    let client = Polling::connect(&server);
    let websocket = WebSocket::default();
    websocket.stall();
    websocket.send_text("2probe");
    let probe = upgrade(&Endpoint::from(server.io()), Some(&client.sid));
    server.spawn(probe.serve(websocket.clone()));
    assert_eq!(websocket.taken(), 0);
    websocket.take(1);
    server.run();
    assert_eq!(websocket.taken(), 1);
}
