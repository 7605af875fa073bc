//! Events as types, both ways.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketio_core::{
    AckError, AckOf, Data, EmitError, Event, RawArgs, Socket, SocketIo, State, testing::TestServer,
};
use std::future::IntoFuture;

#[derive(Event, Serialize, Deserialize)]
struct UserJoined {
    name: String,
}

#[derive(Event, Serialize, Deserialize)]
struct Upload(String, Bytes);

#[derive(Event, Serialize, Deserialize)]
#[event(name = "are you there?", ack = ())]
struct Ping;

#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(ack = Answer)]
struct Question(String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    text: String,
}

fn answer(text: &str) -> Answer {
    Answer { text: text.into() }
}

#[derive(Event, Serialize)]
struct Borrowed<'a, T> {
    values: &'a [T],
}

fn server() -> TestServer {
    TestServer::new(SocketIo::builder())
}

#[test]
fn names_are_in_camel_case_or_given() {
    assert_eq!(UserJoined::NAME, "userJoined");
    assert_eq!(Ping::NAME, "are you there?");
    assert_eq!(Borrowed::<u8>::NAME, "borrowed");
}

#[test]
fn fields_are_the_arguments() {
    let server = server();
    server.io().on_event(|socket: Socket, Data(joined): Data<UserJoined>| {
        socket.emit_event(&joined)?;
        socket.emit_event(&Borrowed { values: &[1, 2] })
    });
    server.io().on_event(|socket: Socket, Data(upload): Data<Upload>| socket.emit_event(&upload));
    let client = server.connect();
    client.emit("userJoined", &json!({ "name": "Ada" }));
    assert_eq!(client.expect::<Value>("userJoined"), json!({ "name": "Ada" }));
    assert_eq!(client.expect::<Value>("borrowed"), json!({ "values": [1, 2] }));
    let bytes = Bytes::from_static(b"x");
    client.emit("upload", &("a.jpg", &bytes));
    assert_eq!(client.expect::<(String, Bytes)>("upload"), ("a.jpg".into(), bytes));
}

#[test]
fn the_return_value_is_the_acknowledgement() {
    let server = server();
    server.io().on_event(|Data(Ping): Data<Ping>| ());
    server.io().on_event(async |Data(Question(text)): Data<Question>| match text.as_str() {
        "" => Err("no question"),
        text => Ok(Data(answer(text))),
    });
    let client = server.connect();
    assert!(client.ask::<RawArgs>("are you there?", &()).is_empty());
    assert_eq!(client.ask::<Answer>("question", "blue?"), answer("blue?"));
    assert_eq!(client.ask::<Value>("question", ""), json!({ "error": "no question" }));
    let error = &client.ask::<Value>("question", &7)["error"];
    assert!(error.as_str().is_some_and(|error| error.starts_with("bad argument")));
}

#[test]
fn one_socket_has_typed_handlers_of_its_own() {
    let server = server();
    server.io().once_event(|socket: Socket, _: Data<UserJoined>| {
        socket.on_event(|Data(Question(_)): Data<Question>| Data(answer("always")));
        socket.once_event(|socket: Socket, Data(Ping): Data<Ping>| socket.disconnect());
    });
    let (a, b) = (server.connect(), server.connect());
    a.emit("userJoined", &json!({ "name": "Ada" }));
    b.emit("userJoined", &json!({ "name": "Bo" }));
    assert_eq!(a.ask::<Answer>("question", "blue?"), answer("always"));
    let id = b.emit_with_ack("question", "blue?");
    assert!(b.take_ack(id).is_none());
    a.emit("are you there?", &());
    assert!(!a.is_connected());
}

#[test]
fn a_handler_answers_by_hand() {
    let server = server();
    let kept = Arc::<Mutex<Vec<AckOf<Question>>>>::default();
    server.io().insert_state(kept.clone());
    type Kept = State<Arc<Mutex<Vec<AckOf<Question>>>>>;
    server.io().on_event(|State(kept): Kept, _: Data<Question>, ack: AckOf<Question>| {
        kept.lock().expect("no panic").push(ack);
    });
    let client = server.connect();
    let id = client.emit_with_ack("question", "blue?");
    assert!(client.take_ack(id).is_none());
    let ack = kept.lock().expect("no panic").remove(0);
    assert!(ack.is_wanted());
    ack.send(&answer("later")).expect("the client is there");
    let args = client.take_ack(id).expect("an answer");
    assert_eq!(args.parse::<Answer>(), Ok(answer("later")));
}

#[test]
fn the_server_asks() {
    let server = server();
    server.io().on("start", async |socket: Socket| {
        let question = Question("blue?".into());
        let Answer { text } = socket.emit_event_with_ack(&question).await?;
        socket.volatile().emit_event(&UserJoined { name: text })?;
        Ok::<_, AckError>(())
    });
    let client = server.connect();
    client.emit("start", &());
    let asked = client.expect_event("question");
    assert_eq!(asked.args.parse(), Ok(Question("blue?".into())));
    client.acknowledge(&asked, &answer("yes"));
    assert_eq!(client.expect::<Value>("userJoined"), json!({ "name": "yes" }));
}

#[test]
fn everyone_is_told_and_asked() -> Result<(), EmitError> {
    let server = server();
    let (a, b) = (server.connect(), server.connect());
    server.io().emit_event(&UserJoined { name: "Ada".into() })?;
    server.io().to("nobody").emit_event(&UserJoined { name: "Bo".into() })?;
    let found = server.io().fetch_sockets().now_or_never().expect("one node");
    for socket in found.expect("one node") {
        socket.emit_event(&UserJoined { name: "Cy".into() })?;
    }
    let replies = server.io().emit_event_with_ack(&Question("blue?".into()))?;
    for client in [&a, &b] {
        assert_eq!(client.expect::<Value>("userJoined"), json!({ "name": "Ada" }));
        assert_eq!(client.expect::<Value>("userJoined"), json!({ "name": "Cy" }));
        client.acknowledge(&client.expect_event("question"), &answer("yes"));
    }
    server.run();
    let replies = replies.into_future().now_or_never().expect("all have answered");
    assert_eq!(replies, Ok(vec![answer("yes"), answer("yes")]));
    Ok(())
}
