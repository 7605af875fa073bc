//! WebSocket over hyper's upgrade, on real connections.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use socketio_tower::{
    Data, Endpoint, EngineIo, EngineSocket, RawArgs, Socket, SocketIo, SocketIoLayer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, protocol::frame::coding::CloseCode},
};
use tower::Layer;

/// A server on a free port, ended by dropping the runtime.
struct Server(SocketAddr);

impl Server {
    async fn start(endpoint: impl Into<Endpoint>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = SocketIoLayer::new(endpoint).layer(tower::service_fn(other));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(connection), service);
                tokio::spawn(async move { drop(connection.with_upgrades().await) });
            }
        });
        Self(address)
    }

    async fn connect(&self, path: &str) -> Result<Client, tungstenite::Error> {
        let uri = format!("ws://{}{path}/?EIO=4&transport=websocket", self.0);
        let (websocket, _) = tokio_tungstenite::connect_async(uri).await?;
        Ok(Client(websocket))
    }

    /// Sends raw bytes and gives what comes back until the server closes, or for a second.
    async fn raw(&self, request: &str) -> String {
        let mut connection = TcpStream::connect(self.0).await.expect("a connection");
        connection.write_all(request.as_bytes()).await.expect("written");
        let mut response = Vec::new();
        let read = connection.read_to_end(&mut response);
        // A connection that is kept alive is given a second.
        let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
        String::from_utf8_lossy(&response).into_owned()
    }
}

async fn other(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new("another route".into()))
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(5), self.0.next()).await;
        next.expect("a message in time").expect("an open connection").expect("a message")
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.expect("sent");
    }

    async fn join(&mut self) {
        assert!(self.text().await.starts_with("0{"));
        self.send("40").await;
        assert!(self.text().await.starts_with("40{"));
    }
}

fn io() -> SocketIo {
    let io = SocketIo::builder().max_payload(1000).build().expect("valid options");
    io.on("echo", |socket: Socket, args: RawArgs| socket.emit("back", &args));
    io
}

#[tokio::test]
async fn text_and_binary_come_back() {
    let server = Server::start(&io()).await;
    let mut client = server.connect("/socket.io").await.expect("a websocket");
    client.join().await;
    client.send(r#"42["echo","é"]"#).await;
    assert_eq!(client.text().await, r#"42["back","é"]"#);
    client.send(r#"451-["echo",{"_placeholder":true,"num":0}]"#).await;
    client.send(Bytes::from_static(&[1, 2, 3])).await;
    assert_eq!(client.text().await, r#"451-["back",{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.next().await, Message::binary(vec![1, 2, 3]));
}

#[tokio::test]
async fn a_message_over_the_limit_is_closed_with_its_code() {
    let server = Server::start(&io()).await;
    let mut client = server.connect("/socket.io").await.expect("a websocket");
    client.join().await;
    client.send("4".repeat(1_000_000)).await;
    match client.next().await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Size),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bare_engine_io_is_mounted_the_same_way() {
    let engine = EngineIo::builder().build_engine(|mut socket: EngineSocket| async move {
        while let Some(message) = socket.recv().await {
            let _ = socket.send(message);
        }
    });
    let server = Server::start(&engine.expect("valid options")).await;
    let mut client = server.connect("/engine.io").await.expect("a websocket");
    assert!(client.text().await.starts_with("0{"));
    client.send("4hello").await;
    assert_eq!(client.text().await, "4hello");
    client.send(Bytes::from_static(b"bytes")).await;
    assert_eq!(client.next().await, Message::binary(&b"bytes"[..]));
}

const HANDSHAKE: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_handshake_that_cannot_succeed_is_refused_before_the_101() {
    let io = SocketIo::builder().allowed_origins(["https://example.com"]).build();
    let server = Server::start(&io.expect("valid options")).await;
    let version = server.raw(&format!("{HANDSHAKE}Sec-WebSocket-Version: 8\r\n\r\n")).await;
    assert!(version.starts_with("HTTP/1.1 400"), "{version}");
    assert!(version.to_ascii_lowercase().contains("sec-websocket-version: 13"), "{version}");
    let origin = "Sec-WebSocket-Version: 13\r\nOrigin: https://example.org\r\n\r\n";
    let refused = server.raw(&format!("{HANDSHAKE}{origin}")).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert!(refused.ends_with("Forbidden"), "{refused}");
    let plain = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n\r\n";
    let plain = server.raw(plain).await;
    assert!(plain.ends_with(r#"{"code":3,"message":"Bad request"}"#), "{plain}");
}

#[tokio::test]
async fn closing_ends_the_clients_and_nothing_else() {
    let io = io();
    io.on("echo", |Data(()): Data<()>| {});
    let server = Server::start(&io).await;
    let mut client = server.connect("/socket.io").await.expect("a websocket");
    client.join().await;
    io.emit("last words", &()).expect("an event");
    tokio::time::timeout(Duration::from_secs(5), io.close()).await.expect("closed in time");
    assert_eq!(client.text().await, r#"42["last words"]"#);
    assert_eq!(client.next().await, Message::Close(None));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let refused = server.raw(&get("/socket.io/?EIO=4&transport=polling")).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(server.raw(&get("/")).await.ends_with("another route"));
}
