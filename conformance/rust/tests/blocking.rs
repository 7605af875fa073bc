//! The client that blocks. It speaks as the other one does, so there is one story.

use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use conformance_rust::{Server, WAYS};
use rust_socketio::{ClientBuilder, Event, Payload};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn it_connects_talks_and_leaves() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let server = runtime.expect("a runtime").block_on(Server::start());
    for (way, transport) in WAYS {
        let (events, incoming) = channel();
        let connects = events.clone();
        let client = ClientBuilder::new(server.url())
            .transport_type(way)
            .namespace("/custom")
            .auth(json!({"token": "é"}))
            .on(Event::Connect, move |payload, _| {
                connects.send(("connect".to_owned(), payload)).expect("a story");
            })
            .on_any(move |event, payload, _| {
                events.send((event.to_string(), payload)).expect("a story");
            })
            .connect()
            .expect("a connection");
        next(&incoming, "connect");
        assert_eq!(next(&incoming, "auth"), text(json!([{"token": "é"}])));

        client.emit("message", json!({"a": [1, null]})).expect("a connection");
        assert_eq!(next(&incoming, "message-back"), text(json!([{"a": [1, null]}])));
        client.emit("message", vec![0, 1, 255]).expect("a connection");
        assert_eq!(next(&incoming, "message-back"), Payload::from(vec![0, 1, 255]));

        let (answers, answered) = channel();
        let answer = move |payload, _| answers.send(payload).expect("a story");
        client.emit_with_ack("whoami", json!(null), PATIENCE, answer).expect("a connection");
        let Ok(Payload::Text(args)) = answered.recv_timeout(PATIENCE) else {
            panic!("no answer");
        };
        assert_eq!(args[0][0]["transport"], transport);
        client.disconnect().expect("a connection");
    }
}

/// What comes with the next event, which must be that one.
fn next(incoming: &Receiver<(String, Payload)>, name: &str) -> Payload {
    let (event, payload) = incoming.recv_timeout(PATIENCE).expect("an event");
    assert_eq!(event, name);
    payload
}

fn text(args: Value) -> Payload {
    Payload::Text(args.as_array().expect("a list").clone())
}
