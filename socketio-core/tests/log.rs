//! What is logged without an error hook: a client cannot fill the log with errors.

use std::sync::{Arc, Mutex};

use socketio_core::{
    Auth, Context, Data, ExtractError, FromContext, RawArgs, Socket, SocketIo, State,
    testing::TestServer,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
    subscriber::with_default,
};

/// The levels of what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Level>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        self.0.lock().expect("no panic").push(*event.metadata().level());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Runs a story and gives the levels of what was logged.
fn levels(story: impl FnOnce(&TestServer)) -> Vec<Level> {
    let log = Log::default();
    with_default(log.clone(), || story(&TestServer::new(SocketIo::builder())));
    log.0.lock().expect("no panic").clone()
}

#[test]
fn what_a_client_sends_wrongly_is_for_debugging() {
    struct Language;

    impl<C: Context> FromContext<C> for Language {
        fn from_context(_: &C) -> Result<Self, ExtractError> {
            Err(ExtractError::clients("no language"))
        }
    }

    let levels = levels(|server| {
        let io = server.io();
        io.of("/members").on_connect(|_: Auth<u32>| {});
        io.on("data", |_: Data<u32>| {});
        io.on("custom", |_: Language| {});
        io.on("result", |number: Result<Data<u32>, ExtractError>| number);
        io.on("raw", |args: RawArgs| args.parse::<u32>().map(Data));
        io.on("ask", async |socket: Socket| {
            socket.emit_with_ack::<u32>("number", &()).await.map(Data)
        });
        let client = server.connect();
        for event in ["data", "custom", "result", "raw", "ask"] {
            client.emit(event, "x");
        }
        client.acknowledge(&client.expect_event("number"), "x");
        client.connection().join("/members", &serde_json::json!({})).expect_err("no number");
        client.connection().send_text("4abc");
    });
    assert_eq!(levels, [Level::DEBUG; 7]);
}

#[test]
fn what_the_application_does_wrongly_is_an_error() {
    let levels = levels(|server| {
        server.io().on("state", |_: State<u32>| {});
        server.io().on("error", || Err::<(), _>("did not work"));
        server.io().on("panic", || -> () { panic!("a bug") });
        let client = server.connect();
        for event in ["state", "error", "panic"] {
            client.emit(event, "x");
        }
    });
    assert_eq!(levels, [Level::ERROR; 3]);
}
