//! Handlers read what other filters found out about the first request.

#[path = "../../socketio-tower/tests/stories/extensions.rs"]
mod stories;
#[macro_use]
mod support;

use http::StatusCode;
use socketio_warp::{Data, Extension, SocketIo, filter, filter_with};
use warp::{Filter, Rejection};

use stories::{ALICE, User, WHO, io};
use support::{POLLING, Server};

/// Takes the user's name from a header, as a real filter would from a cookie or a token.
fn user() -> impl Filter<Extract = (User,), Error = Rejection> + Copy {
    warp::header("x-user").map(User)
}

/// Who has no header is nobody, and goes on to a mount that does not ask.
async fn server(io: &SocketIo) -> Server {
    serve!(filter_with(io, user()).or(filter(io)))
}

#[tokio::test]
async fn who_is_rejected_does_not_reach_the_server() {
    let io = io();
    let server = serve!(filter_with(&io, user()));
    assert_eq!(server.get(POLLING).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(io.clients_count(), 0);
}

#[tokio::test]
async fn an_optional_extension_rejects_nobody() {
    let user = user().map(Some).or(warp::any().map(|| None)).unify();
    let io = SocketIo::new();
    io.on("who", |Extension(user): Extension<Option<User>>| Data(user.map(|user| user.0)));
    let server = serve!(filter_with(&io, user));
    let alice = server.polling_with("/socket.io", &[ALICE]).await;
    assert_eq!(alice.ask(WHO).await, r#"430["alice"]"#);
    let nobody = server.polling("/socket.io").await;
    assert_eq!(nobody.ask(WHO).await, "430[null]");
}

#[tokio::test]
async fn other_paths_do_not_run_the_filter() {
    let home = warp::path::end().map(|| "home");
    let server = serve!(filter_with(&io(), user()).or(home));
    assert_eq!(server.get("/").await.text(), "home");
    assert_eq!(server.get("/other").await.status, StatusCode::NOT_FOUND);
}
