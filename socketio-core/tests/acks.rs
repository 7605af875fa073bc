//! Acknowledgements, both ways.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use socketio_core::{
    Ack, AckError, Data, RawArgs, Socket, SocketIo,
    testing::{TestClient, TestServer},
};

fn server() -> TestServer {
    TestServer::new(SocketIo::builder())
}

#[test]
fn the_return_value_is_the_acknowledgement() {
    let server = server();
    server.io().on("sum", async |Data((a, b)): Data<(i64, i64)>| Data(a + b));
    server.io().on("pair", || Data((1, "two")));
    server.io().on("nothing", || ());
    server.io().on("raw", |args: RawArgs| args);
    let client = server.connect();
    assert_eq!(client.ask::<i64>("sum", &(1, 2)), 3);
    assert_eq!(client.ask::<(i64, String)>("pair", &()), (1, "two".into()));
    assert!(client.ask::<RawArgs>("nothing", &()).is_empty());
    let bytes = bytes::Bytes::from_static(b"x");
    assert_eq!(client.ask::<(i64, bytes::Bytes)>("raw", &(1, &bytes)), (1, bytes));
}

#[test]
fn no_handler_no_acknowledgement() {
    let client = server().connect();
    let id = client.emit_with_ack("unknown", &());
    assert!(client.take_ack(id).is_none());
}

#[test]
fn a_handler_that_takes_ack_answers_by_hand_once() {
    let server = server();
    server.io().on("twice", |ack: Ack| {
        ack.send(&1)?;
        ack.send(&2)
    });
    server.io().on("never", |_: Ack| {});
    let client = server.connect();
    let id = client.emit_with_ack("twice", &());
    assert_eq!(client.take_ack(id).expect("an answer").as_json(), "1");
    assert!(client.take_ack(id).is_none());
    let id = client.emit_with_ack("never", &());
    assert!(client.take_ack(id).is_none());
}

#[test]
fn of_several_handlers_the_first_that_says_something_answers() {
    let server = server();
    server.io().on("ask", || ());
    server.io().on("ask", || Data("second"));
    server.io().on("ask", || Data("third"));
    let client = server.connect();
    assert_eq!(client.ask::<String>("ask", &()), "second");
    client.expect_nothing();
}

#[test]
fn what_goes_wrong_goes_into_the_acknowledgement() {
    let server = server();
    server.io().on("error", || Err::<(), _>("did not work"));
    server.io().on("panic", || -> Data<u8> { panic!("internals") });
    server.io().on("number", |Data(n): Data<u32>| Data(n));
    let client = server.connect();
    assert_eq!(client.ask::<Value>("error", &()), json!({"error": "did not work"}));
    assert_eq!(client.ask::<Value>("panic", &()), json!({"error": "internal error"}));
    let answer = client.ask::<Value>("number", "x");
    assert!(answer["error"].as_str().is_some_and(|error| error.starts_with("bad argument")));
    assert_eq!(client.ask::<u32>("number", &7), 7);
}

type Answers<T> = Arc<Mutex<Vec<T>>>;

/// Has the server ask the client whenever that emits `go`; gives what came of it.
fn asking(server: &TestServer) -> Answers<Result<i64, AckError>> {
    let answers = Answers::default();
    let kept = Arc::clone(&answers);
    server.io().on("go", move |socket: Socket| {
        let kept = Arc::clone(&kept);
        async move {
            let answer =
                socket.timeout(Duration::from_secs(2)).emit_with_ack("question", &()).await;
            kept.lock().expect("no panic").push(answer);
        }
    });
    answers
}

fn ask(client: &TestClient) -> socketio_core::testing::TestEvent {
    client.emit("go", &());
    client.expect_event("question")
}

#[test]
fn the_server_asks_a_client() {
    let server = server();
    let answers = asking(&server);
    let client = server.connect();
    let question = ask(&client);
    client.acknowledge(&question, &7);
    client.acknowledge(&question, &8);
    assert_eq!(*answers.lock().expect("no panic"), [Ok(7)]);
}

#[test]
fn a_client_that_does_not_answer_is_not_waited_for() {
    let server = server();
    let answers = asking(&server);
    let client = server.connect();
    let question = ask(&client);
    server.advance(Duration::from_millis(1999));
    assert!(answers.lock().expect("no panic").is_empty());
    server.advance(Duration::from_millis(1));
    assert_eq!(*answers.lock().expect("no panic"), [Err(AckError::Timeout)]);
    // What comes too late changes nothing.
    client.acknowledge(&question, &7);
    assert_eq!(answers.lock().expect("no panic").len(), 1);
    let question = ask(&client);
    client.acknowledge(&question, "no number");
    assert!(matches!(answers.lock().expect("no panic")[1], Err(AckError::Args(_))));
    ask(&client);
    client.connection().close();
    assert_eq!(answers.lock().expect("no panic")[2], Err(AckError::Disconnected));
}

#[test]
fn a_single_emit_has_a_default_timeout() {
    let server = TestServer::new(SocketIo::builder().ack_timeout(Duration::from_secs(3)));
    let answers = Answers::default();
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    let kept = Arc::clone(&answers);
    server.spawn(async move {
        let answer = socket.emit_with_ack::<i64>("question", &()).await;
        kept.lock().expect("no panic").push(answer);
    });
    client.expect_event("question");
    server.advance(Duration::from_secs(3));
    assert_eq!(*answers.lock().expect("no panic"), [Err(AckError::Timeout)]);
}

#[test]
fn a_broadcast_gathers_what_comes_and_says_who_is_missing() {
    let server = server();
    let clients = [server.connect(), server.connect(), server.connect()];
    let replies = server
        .io()
        .timeout(Duration::from_secs(1))
        .emit_with_ack::<i64>("vote", "tea?")
        .expect("an event");
    let outcome = Answers::default();
    let kept = Arc::clone(&outcome);
    server.spawn(async move {
        let outcome = replies.await;
        kept.lock().expect("no panic").push(outcome);
    });
    let votes = [0, 1, 2].map(|index| clients[index].expect_event("vote"));
    clients[0].acknowledge(&votes[0], &10);
    clients[2].connection().close();
    server.advance(Duration::from_secs(1));
    let outcome = outcome.lock().expect("no panic").remove(0).expect_err("some are missing");
    assert_eq!(outcome.replies, [10]);
    let mut missing: Vec<_> = outcome
        .missing
        .iter()
        .map(|(id, error)| (id.expect("of this node").to_string(), error.clone()))
        .collect();
    missing.sort_by_key(|(_, error)| error.to_string());
    assert_eq!(
        missing,
        [
            (clients[2].id().to_owned(), AckError::Disconnected),
            (clients[1].id().to_owned(), AckError::Timeout),
        ]
    );
}

#[test]
fn a_broadcast_without_a_timeout_has_the_default_one() {
    let server = TestServer::new(SocketIo::builder().ack_timeout(Duration::from_secs(3)));
    let client = server.connect();
    let replies = server.io().emit_with_ack::<i64>("vote", &()).expect("an event");
    let outcome = Answers::default();
    let kept = Arc::clone(&outcome);
    server.spawn(async move {
        let replies = replies.await;
        kept.lock().expect("no panic").push(replies);
    });
    server.advance(Duration::from_secs(2));
    assert!(outcome.lock().expect("no panic").is_empty());
    let vote = client.expect_event("vote");
    client.acknowledge(&vote, &1);
    assert_eq!(*outcome.lock().expect("no panic"), [Ok(vec![1])]);
}

#[test]
fn a_broadcast_is_written_once_for_all() {
    let server = server();
    let connections = [server.open(), server.open()];
    let clients = connections.each_ref().map(|open| open.join("/", &()).expect("let in"));
    let replies = server.io().emit_with_ack::<i64>("vote", &()).expect("an event");
    let frames = connections.each_ref().map(|open| open.next_frame());
    assert_eq!(frames[0], frames[1]);
    drop((clients, replies));
}

#[test]
fn a_broadcast_to_nobody_is_answered_at_once() {
    let server = server();
    let outcome = Answers::default();
    let kept = Arc::clone(&outcome);
    let replies = server.io().emit_with_ack::<i64>("vote", &()).expect("an event");
    server.spawn(async move {
        let outcome = replies.await;
        kept.lock().expect("no panic").push(outcome);
    });
    assert_eq!(*outcome.lock().expect("no panic"), [Ok(vec![])]);
}

#[test]
fn a_timeout_may_be_endless() {
    let server = server();
    let client = server.connect();
    let socket = server.io().sockets().remove(0);
    let answer = socket.timeout(Duration::MAX).emit_with_ack::<i64>("question", &());
    let replies = server.io().timeout(Duration::MAX).emit_with_ack::<i64>("vote", &());
    let question = client.expect_event("question");
    client.acknowledge(&question, &7);
    assert!(client.is_connected());
    drop((answer, replies));
}
