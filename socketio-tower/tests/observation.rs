//! Layers in front that watch or mark requests: what they see, and what handlers see of them.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use socketio_tower::{Data, Extension, Handshake, SocketIoLayer};
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use tracing::Span;

use support::{ECHO, POLLING, echo, inner, serve};

#[tokio::test]
async fn tracing_sees_every_request_and_its_status() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let trace = TraceLayer::new_for_http().on_response(
        move |response: &Response<_>, _: Duration, _: &Span| {
            log.lock().expect("no panic").push(response.status().as_u16());
        },
    );
    let service =
        ServiceBuilder::new().layer(trace).layer(SocketIoLayer::new(&echo())).service_fn(inner);
    let server = serve(service).await;
    server.get(POLLING).await.sid();
    server.get("/socket.io/").await;
    server.get("/elsewhere").await;
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(*seen.lock().expect("no panic"), [200, 400, 200, 101]);
}

/// Numbers requests from 1.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl MakeRequestId for Count {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Some(RequestId::new(HeaderValue::from(id)))
    }
}

#[tokio::test]
async fn a_request_has_its_id_in_the_handler_and_in_the_response() {
    let io = echo();
    io.on("request id", |handshake: Handshake, Extension(id): Extension<RequestId>| {
        let of_header = handshake.headers()["x-request-id"].to_str().unwrap_or_default().to_owned();
        let of_extension = id.header_value().to_str().unwrap_or_default().to_owned();
        Data((of_header, of_extension))
    });
    let service = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(Count::default()))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SocketIoLayer::new(&io))
        .service_fn(inner);
    let server = serve(service).await;
    assert_eq!(server.get("/").await.headers["x-request-id"], "1");
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(r#"420["request id"]"#).await, r#"430["2","2"]"#);
    let mut websocket = server.websocket("/socket.io").await;
    assert_eq!(websocket.headers["x-request-id"], "7");
    websocket.join().await;
    assert_eq!(websocket.ask(r#"420["request id"]"#).await, r#"430["7","7"]"#);
}
