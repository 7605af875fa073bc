//! One server in front of many workers: any of them answers any client.

mod support;

use std::{collections::HashSet, thread};

use actix_web::{App, HttpServer, dev::Service, http::header};
use http::HeaderValue;
use socketio_actix::service;

use support::{ECHO, POLLING, Server, echo, request};

const WORKERS: usize = 4;

/// Serves echoes, and says in each response which worker made it.
fn server() -> Server {
    let io = echo();
    io.on("all", |io: socketio_actix::SocketIo, args: socketio_actix::RawArgs| {
        io.emit("all", &args)
    });
    let app = move || {
        App::new()
            .wrap_fn(|request, service| {
                let response = service.call(request);
                async {
                    let mut response = response.await?;
                    let worker = format!("{:?}", thread::current().id());
                    let worker = header::HeaderValue::try_from(worker).expect("a header value");
                    let headers = response.headers_mut();
                    headers.insert(header::HeaderName::from_static("x-worker"), worker);
                    Ok(response)
                }
            })
            .service(service(&io))
    };
    support::listen(|listener| {
        let server = HttpServer::new(app).workers(WORKERS).disable_signals();
        server.listen(listener).expect("a listener").run()
    })
}

#[tokio::test]
async fn the_requests_of_a_polling_session_go_to_different_workers() {
    let server = server();
    let open = server.get(POLLING).await;
    let uri = format!("{POLLING}&sid={}", open.sid());
    let mut workers = HashSet::from([open.headers["x-worker"].clone()]);
    let mut send = async |method, body: &'static str| {
        let answer = server.send(request(method, &uri, &[]).map(|_| body.into())).await;
        workers.insert(answer.headers["x-worker"].clone());
        answer.text().to_owned()
    };
    assert_eq!(send("POST", "40").await, "ok");
    assert!(send("GET", "").await.starts_with("40{"));
    for _ in 0..2 * WORKERS {
        assert_eq!(send("POST", ECHO).await, "ok");
        assert_eq!(send("GET", "").await, ECHO);
    }
    assert_eq!(workers.len(), WORKERS, "{workers:?}");
}

#[tokio::test]
async fn a_session_is_upgraded_by_another_worker() {
    let server = server();
    let mut pairs = HashSet::<[HeaderValue; 2]>::new();
    for _ in 0..WORKERS {
        let open = server.get(POLLING).await;
        let uri = format!("/socket.io/?EIO=4&transport=websocket&sid={}", open.sid());
        let mut websocket = server.websocket_with(&uri, &[]).await;
        assert_eq!(websocket.ask("2probe").await, "3probe");
        websocket.send("5").await;
        assert!(websocket.ask("40").await.starts_with("40{"));
        assert_eq!(websocket.ask(ECHO).await, ECHO);
        pairs.insert([open.headers["x-worker"].clone(), websocket.headers["x-worker"].clone()]);
    }
    assert!(pairs.iter().any(|[opened, upgraded]| opened != upgraded), "{pairs:?}");
}

#[tokio::test]
async fn a_broadcast_reaches_the_clients_of_all_workers() {
    let server = server();
    let mut websockets = Vec::new();
    for _ in 0..2 * WORKERS {
        let mut websocket = server.websocket("/socket.io").await;
        websocket.join().await;
        websockets.push(websocket);
    }
    let workers: HashSet<_> =
        websockets.iter().map(|websocket| websocket.headers["x-worker"].clone()).collect();
    assert_eq!(workers.len(), WORKERS, "{workers:?}");
    let polling = server.polling("/socket.io").await;
    let event = r#"42["all","hé"]"#;
    websockets[0].send(event).await;
    for websocket in &mut websockets {
        assert_eq!(websocket.text().await, event);
    }
    assert_eq!(polling.get().await, event);
}
