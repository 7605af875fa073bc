use std::{env, fs, net::SocketAddr, path::PathBuf, process, sync::LazyLock, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use socketio_core::{Builder, RawArgs, Socket, SocketIo};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

/// How long anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a polling session where the path is the default.
pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Opens a websocket session where the path is the default.
pub(crate) const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// What makes a request a good websocket handshake.
pub(crate) const UPGRADE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A server as its clients see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server(pub(crate) SocketAddr);

/// A whole response, and the client's end of the connection that it came by.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) from: SocketAddr,
}

/// A polling session that has joined `/`.
#[derive(Debug)]
pub(crate) struct Polling {
    server: Server,
    pub(crate) uri: String,
    /// Where the first request came from.
    pub(crate) from: SocketAddr,
}

/// An open websocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    /// The headers of the 101.
    pub(crate) headers: HeaderMap,
    pub(crate) from: SocketAddr,
}

impl Server {
    /// Sends a request on a connection of its own.
    pub(crate) async fn send(self, request: Request<Full<Bytes>>) -> Answer {
        within("a response", async {
            let connection = TcpStream::connect(self.0).await.expect("a connection");
            let from = connection.local_addr().expect("an address");
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(connection)).await.expect("a connection");
            tokio::spawn(connection);
            let (head, body) = sender.send_request(request).await.expect("a response").into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            Answer { status: head.status, headers: head.headers, body, from }
        })
        .await
    }

    pub(crate) async fn get(self, uri: &str) -> Answer {
        self.send(request("GET", uri, &[])).await
    }

    pub(crate) async fn post(self, uri: &str, body: impl Into<Bytes>) -> Answer {
        self.send(request("POST", uri, &[]).map(|_| Full::new(body.into()))).await
    }

    /// Opens a polling session at a path and joins `/`.
    pub(crate) async fn polling(self, path: &str) -> Polling {
        self.polling_with(path, &[]).await
    }

    /// As [`polling`](Self::polling), with headers on the first request.
    pub(crate) async fn polling_with(self, path: &str, headers: &[(&str, &str)]) -> Polling {
        let uri = format!("{path}/?EIO=4&transport=polling");
        let answer = self.send(request("GET", &uri, headers)).await;
        let uri = format!("{uri}&sid={}", answer.sid());
        let polling = Polling { server: self, uri, from: answer.from };
        polling.post("40").await;
        let joined = polling.get().await;
        assert!(joined.starts_with("40{"), "{joined}");
        polling
    }

    /// Connects at a path by both transports and has something echoed.
    pub(crate) async fn echoes_at(self, path: &str) {
        assert_eq!(self.polling(path).await.ask(ECHO).await, ECHO, "{path}");
        let mut websocket = self.websocket(path).await;
        websocket.join().await;
        assert_eq!(websocket.ask(ECHO).await, ECHO, "{path}");
    }

    /// Opens a websocket of its own at a path.
    pub(crate) async fn websocket(self, path: &str) -> WebSocket {
        self.websocket_with(&format!("{path}/?EIO=4&transport=websocket"), &[]).await
    }

    /// Opens a websocket with these headers besides those it needs.
    pub(crate) async fn websocket_with(self, uri: &str, headers: &[(&str, &str)]) -> WebSocket {
        let uri = format!("ws://{}{uri}", self.0);
        let mut request = uri.into_client_request().expect("a request");
        add_headers(request.headers_mut(), headers);
        within("a websocket", async {
            let connection = TcpStream::connect(self.0).await.expect("a connection");
            let from = connection.local_addr().expect("an address");
            let (stream, response) =
                tokio_tungstenite::client_async(request, connection).await.expect("a websocket");
            WebSocket { stream, headers: response.into_parts().0.headers, from }
        })
        .await
    }
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The session that this opened.
    pub(crate) fn sid(&self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let handshake = self.text().strip_prefix('0').expect("an open packet");
        let handshake: Value = serde_json::from_str(handshake).expect("a handshake");
        handshake["sid"].as_str().expect("a sid").to_owned()
    }
}

impl Polling {
    /// The same session by another mount of its server.
    pub(crate) fn at(&self, path: &str) -> Self {
        let (_, query) = self.uri.split_once('?').expect("a query");
        Self { uri: format!("{path}/?{query}"), ..*self }
    }

    pub(crate) async fn get(&self) -> String {
        let answer = self.server.get(&self.uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.text().to_owned()
    }

    pub(crate) async fn post(&self, body: impl Into<Bytes>) {
        let answer = self.server.post(&self.uri, body).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "ok"));
    }

    /// Sends an event and gives what there is to receive then.
    pub(crate) async fn ask(&self, event: &'static str) -> String {
        self.post(event).await;
        self.get().await
    }

    /// Goes on by websocket, which another mount of the server may take.
    pub(crate) async fn upgrade(self, path: &str) -> WebSocket {
        let (_, sid) = self.uri.split_once("&sid=").expect("a sid");
        let uri = format!("{path}/?EIO=4&transport=websocket&sid={sid}");
        let mut websocket = self.server.websocket_with(&uri, &[]).await;
        assert_eq!(websocket.ask("2probe").await, "3probe");
        websocket.send("5").await;
        websocket
    }
}

impl WebSocket {
    pub(crate) async fn next(&mut self) -> Message {
        let next = within("a message", self.stream.next()).await;
        next.expect("an open websocket").expect("a message")
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?} is no text"),
        }
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.stream.send(message.into()).await.expect("an open websocket");
    }

    pub(crate) async fn ask(&mut self, message: impl Into<Message>) -> String {
        self.send(message).await;
        self.text().await
    }

    /// Reads the handshake and joins `/`.
    pub(crate) async fn join(&mut self) {
        let handshake = self.text().await;
        assert!(handshake.starts_with("0{"), "{handshake}");
        let joined = self.ask("40").await;
        assert!(joined.starts_with("40{"), "{joined}");
    }
}

/// A request without a body.
pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(uri).header("host", "localhost");
    let mut request = request.body(Full::default()).expect("a request");
    add_headers(request.headers_mut(), headers);
    request
}

fn add_headers(map: &mut HeaderMap, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a header name");
        map.append(name, HeaderValue::try_from(*value).expect("a header value"));
    }
}

/// Waits for what should come soon.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} takes too long"),
    }
}

/// A server that sends every `echo` back.
pub(crate) fn echo() -> SocketIo {
    echo_with(SocketIo::builder())
}

/// As [`echo`], with options.
pub(crate) fn echo_with(options: Builder) -> SocketIo {
    let io = options.build().expect("valid options");
    io.on("echo", |socket: Socket, args: RawArgs| socket.emit("echo", &args));
    io
}

/// The browser client's files and their source maps, each with its name in its first line.
static CLIENT_FILES: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = format!("client-files-{}", process::id());
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(directory);
    fs::create_dir_all(&directory).expect("a directory");
    for kind in ["", ".min", ".esm.min", ".msgpack.min"] {
        for map in ["", ".map"] {
            let name = format!("socket.io{kind}.js{map}");
            let content = format!("// {name}\n{}", "code ".repeat(1000));
            fs::write(directory.join(name), content).expect("a file");
        }
    }
    directory
});

/// Options with the browser client's files.
pub(crate) fn with_client_files() -> Builder {
    SocketIo::builder().client_files(&*CLIENT_FILES)
}

/// What a client sends to a server that echoes, and what it gets back.
pub(crate) const ECHO: &str = r#"42["echo","hé"]"#;
