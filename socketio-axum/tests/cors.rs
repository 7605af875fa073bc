//! CORS with credentials, by tower-http's layer over the whole router.

mod support;

use axum::{
    Router,
    http::{HeaderValue, Method, StatusCode, header},
    routing::get,
};
use socketio_axum::{RouterExt, layer};
use tower_http::cors::{AllowOrigin, CorsLayer};

use support::{ECHO, POLLING, Server, WEBSOCKET, echo, request, serve};

const PAGE: (&str, &str) = ("origin", "https://page.example");
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");

async fn server(app: Router) -> Server {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list([HeaderValue::from_static(PAGE.1)]))
        .allow_methods([Method::GET, Method::POST])
        .allow_credentials(true);
    serve(app.layer(cors)).await
}

#[tokio::test]
async fn a_page_may_poll_with_its_cookies() {
    let layered = Router::new().layer(layer(&echo()));
    let routed = Router::new().socketio(&echo());
    for app in [layered, routed] {
        let server = server(app).await;
        let open = server.send(request("GET", POLLING, &[PAGE])).await;
        assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
        assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        let uri = format!("{POLLING}&sid={}", open.sid());
        let post = server.send(request("POST", &uri, &[PAGE]).map(|_| "40".into())).await;
        assert_eq!(post.text(), "ok");
        assert_eq!(post.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
    }
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let server = server(Router::new().layer(layer(&echo()))).await;
    let headers = [PAGE, ("access-control-request-method", "POST")];
    let answer = server.send(request("OPTIONS", POLLING, &headers)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE.1);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_named() {
    let server = server(Router::new().layer(layer(&echo()))).await;
    let open = server.send(request("GET", POLLING, &[STRANGER])).await;
    assert_eq!(open.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

#[tokio::test]
async fn websockets_and_other_routes_go_on() {
    let app = Router::new().route("/", get(async || "home")).layer(layer(&echo()));
    let server = server(app).await;
    let mut websocket = server.websocket_with(WEBSOCKET, &[PAGE]).await;
    websocket.join().await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
    assert_eq!(server.get("/").await.text(), "home");
}
