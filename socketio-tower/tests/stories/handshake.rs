//! What handlers see of the first request, where the framework knows the client's address.

use socketio_core::{Data, Handshake, SocketIo};

use crate::support::{WEBSOCKET, serve_io};

#[tokio::test]
async fn the_address_is_the_clients() {
    let io = SocketIo::new();
    io.on("address", |handshake: Handshake| Data(handshake.address()));
    let server = serve_io(&io).await;
    let ask = r#"420["address"]"#;
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(ask).await, format!(r#"430["{}"]"#, polling.from));
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    assert_eq!(websocket.ask(ask).await, format!(r#"430["{}"]"#, websocket.from));
}

#[tokio::test]
async fn the_headers_and_the_query_are_as_they_came() {
    let io = SocketIo::new();
    io.on("request", |handshake: Handshake| {
        let names: Vec<String> = handshake
            .headers()
            .get_all("x-name")
            .iter()
            .map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned())
            .collect();
        let path = handshake.uri().path().to_owned();
        Data((path, handshake.query().collect::<Vec<_>>(), names))
    });
    let uri = format!("{WEBSOCKET}&room=a%20b&x=%C3%A9");
    let names = [("x-name", "one"), ("x-name", "zwöi")];
    let mut websocket = serve_io(&io).await.websocket_with(&uri, &names).await;
    websocket.join().await;
    let query = r#"[["EIO","4"],["transport","websocket"],["room","a b"],["x","é"]]"#;
    let told = format!(r#"430["/socket.io/",{query},["one","zwöi"]]"#);
    assert_eq!(websocket.ask(r#"420["request"]"#).await, told);
}
