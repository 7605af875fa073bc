//! Events as types, with nothing but this crate in sight.

mod support;

use axum::Router;
use serde::{Deserialize, Serialize};
use socketio_axum::{Data, EmitError, Event, Socket, SocketIo, layer};

use support::serve;

#[derive(Event, Deserialize)]
#[event(name = "say", ack = usize)]
struct Message {
    text: String,
}

#[derive(socketio_axum::Event, Serialize)]
struct Said<'a>(&'a str);

/// Where the crate goes by another name.
mod renamed {
    pub(crate) use socketio_axum as sio;

    #[derive(sio::Event, serde::Serialize)]
    #[event(crate = sio)]
    pub(crate) struct Over;
}

#[tokio::test]
async fn go_both_ways() {
    let io = SocketIo::new();
    io.on_event(async |socket: Socket, Data(Message { text }): Data<Message>| {
        socket.emit_event(&Said(&text))?;
        socket.emit_event(&renamed::Over)?;
        Ok::<_, EmitError>(Data(text.len()))
    });
    let server = serve(Router::new().layer(layer(&io))).await;
    let mut client = server.websocket("/socket.io").await;
    client.join().await;
    client.send(r#"427["say",{"text":"hi"}]"#).await;
    assert_eq!(client.text().await, r#"42["said","hi"]"#);
    assert_eq!(client.text().await, r#"42["over"]"#);
    assert_eq!(client.text().await, "437[2]");
}
