//! Ways to mount a server, and what is left to other filters.

#[macro_use]
mod support;

use std::convert::Infallible;

use http::StatusCode;
use socketio_warp::{SocketIo, SocketIoLayer, filter};
use tower_layer::Layer;
use warp::{Filter, Rejection, Reply};

use support::{ECHO, POLLING, Server, echo, echo_with};

#[tokio::test]
async fn a_filter_is_the_path_and_what_is_below() {
    let home = warp::path::end().map(|| "home");
    let server = serve!(filter(&echo()).or(home));
    server.echoes_at("/socket.io").await;
    for path in ["/socket.io", "/socket.io/", "/socket.io/below/it"] {
        server.get(&format!("{path}?EIO=4&transport=polling")).await.sid();
    }
    assert_eq!(server.get("/").await.text(), "home");
    for path in ["/socket.iofoo", "/socket", "//socket.io/"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn it_may_come_after_others() {
    let home = warp::path::end().map(|| "home");
    let server = serve!(home.or(filter(&echo())));
    server.echoes_at("/socket.io").await;
    assert_eq!(server.get("/").await.text(), "home");
}

#[tokio::test]
async fn a_path_in_front_is_a_prefix() {
    let api = warp::path("api").and(filter(&echo()).or(warp::path("users").map(|| "alice")));
    let server = serve!(api);
    server.echoes_at("/api/socket.io").await;
    assert_eq!(server.get("/api/users").await.text(), "alice");
    assert_eq!(server.get(POLLING).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rejections_go_to_who_recovers() {
    async fn recover(rejection: Rejection) -> Result<impl Reply, Infallible> {
        let status = if rejection.is_not_found() { "nothing here" } else { "something else" };
        Ok(warp::reply::with_status(status, StatusCode::NOT_FOUND))
    }
    let server = serve!(filter(&echo()).recover(recover));
    server.echoes_at("/socket.io").await;
    assert_eq!(server.get("/other").await.text(), "nothing here");
}

#[tokio::test]
async fn a_log_sees_every_request() {
    let (seen, requests) = std::sync::mpsc::channel();
    let log = warp::log::custom(move |info| {
        let line = format!("{} {} {}", info.method(), info.path(), info.status().as_u16());
        seen.send(line).expect("a test that waits");
    });
    let server = serve!(filter(&echo()).with(log));
    server.echoes_at("/socket.io").await;
    let requests: Vec<String> = requests.try_iter().collect();
    let websocket = "GET /socket.io/ 101".to_owned();
    assert!(requests.contains(&websocket), "{requests:?}");
    assert!(requests.contains(&"POST /socket.io/ 200".to_owned()), "{requests:?}");
}

#[tokio::test]
async fn mounts_of_one_server_share_its_sessions() {
    let io = echo();
    let server = serve!(filter(&io).or(warp::path("one").and(filter(&io))));
    let polling = server.polling("/one/socket.io").await;
    let polling = polling.at("/socket.io");
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("/one/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn two_servers_side_by_side() {
    let other = echo_with(SocketIo::builder().path("/other/path"));
    let server = serve!(filter(&echo()).or(filter(&other)));
    server.echoes_at("/socket.io").await;
    server.echoes_at("/other/path").await;
}

#[tokio::test]
async fn a_tower_layer_stands_in_front_of_warps_service() {
    let home = warp::path::end().map(|| "home");
    let service = SocketIoLayer::new(&echo()).layer(warp::service(home));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server(listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = hyper_util::service::TowerToHyperService::new(service.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(hyper_util::rt::TokioIo::new(connection), service)
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    server.echoes_at("/socket.io").await;
    assert_eq!(server.get("/").await.text(), "home");
}
