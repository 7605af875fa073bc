//! HTTP handlers that have the server as state emit to its clients.

mod support;

use axum::{
    Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    routing::{get, post},
};
use socketio_axum::{RouterExt, Socket, SocketIo, layer};

use support::{ECHO, echo, serve};

async fn announce(State(io): State<SocketIo>, text: String) -> StatusCode {
    match io.emit("news", &text) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[tokio::test]
async fn to_everyone() {
    let io = echo();
    let app =
        Router::new().route("/announce", post(announce)).with_state(io.clone()).layer(layer(&io));
    let server = serve(app).await;
    let polling = server.polling("/socket.io").await;
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    assert_eq!(server.post("/announce", "lunch").await.status, StatusCode::NO_CONTENT);
    assert_eq!(websocket.text().await, r#"42["news","lunch"]"#);
    assert_eq!(polling.get().await, r#"42["news","lunch"]"#);
}

/// A state of which the server is a part.
#[derive(Clone)]
struct App {
    io: SocketIo,
    greeting: &'static str,
}

impl FromRef<App> for SocketIo {
    fn from_ref(app: &App) -> Self {
        app.io.clone()
    }
}

#[tokio::test]
async fn to_a_room_with_the_server_as_part_of_a_state() {
    async fn greet(
        State(io): State<SocketIo>,
        State(app): State<App>,
        Path(room): Path<String>,
    ) -> Result<(), StatusCode> {
        io.to(room).emit("greeting", app.greeting).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
    let io = echo();
    io.on("join", |socket: Socket| {
        socket.join("news");
        socket.emit("joined", &())
    });
    let app = Router::new().route("/greet/{room}", get(greet)).socketio(&io);
    let server = serve(app.with_state(App { io, greeting: "hello" })).await;
    let mut inside = server.websocket("/socket.io").await;
    inside.join().await;
    assert_eq!(inside.ask(r#"42["join"]"#).await, r#"42["joined"]"#);
    let outside = server.polling("/socket.io").await;
    for room in ["elsewhere", "news"] {
        assert_eq!(server.get(&format!("/greet/{room}")).await.status, StatusCode::OK);
    }
    assert_eq!(inside.text().await, r#"42["greeting","hello"]"#);
    assert_eq!(outside.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn and_waits_for_the_answer() {
    async fn vote(State(io): State<SocketIo>) -> Result<String, StatusCode> {
        let votes = io.emit_with_ack("vote", "tea?").map_err(|_| StatusCode::BAD_GATEWAY)?;
        let votes: Vec<bool> = votes.await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)?;
        Ok(format!("{votes:?}"))
    }
    let io = echo();
    let app = Router::new().route("/vote", get(vote)).with_state(io.clone()).layer(layer(&io));
    let server = serve(app).await;
    let mut voter = server.websocket("/socket.io").await;
    voter.join().await;
    let votes = server.get("/vote");
    let answer = async {
        let question = voter.text().await;
        let id =
            question.strip_prefix("42").and_then(|rest| rest.strip_suffix(r#"["vote","tea?"]"#));
        voter.send(format!("43{}[true]", id.expect("a question"))).await;
    };
    let (votes, ()) = tokio::join!(votes, answer);
    assert_eq!(votes.text(), "[true]");
}
