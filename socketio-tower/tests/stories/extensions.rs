//! Handlers read what is found out about the first request in front of the server. `crate::server`
//! serves behind what makes a [`User`] of a header like [`ALICE`].

use socketio_core::{Data, Extension, SocketIo};

use crate::{
    server,
    support::{Server, WEBSOCKET},
};

pub(crate) const ALICE: (&str, &str) = ("x-user", "alice");
pub(crate) const WHO: &str = r#"420["who"]"#;

#[derive(Clone)]
pub(crate) struct User(pub(crate) String);

/// A server that tells a client who it is.
pub(crate) fn io() -> SocketIo {
    let io = SocketIo::new();
    io.on("who", |user: Option<Extension<User>>| Data(user.map(|user| user.0.0)));
    io
}

#[tokio::test]
async fn an_extension_of_the_first_request_is_the_sessions() {
    knows_alice(server(&io()).await).await;
}

pub(crate) async fn knows_alice(server: Server) {
    let alice = server.polling_with("/socket.io", &[ALICE]).await;
    assert_eq!(alice.ask(WHO).await, r#"430["alice"]"#);
    let nobody = server.polling("/socket.io").await;
    assert_eq!(nobody.ask(WHO).await, "430[null]");
    let mut alice = server.websocket_with(WEBSOCKET, &[ALICE]).await;
    alice.join().await;
    assert_eq!(alice.ask(WHO).await, r#"430["alice"]"#);
}
