//! Ways to mount a server, and what is left to the rest of the app.

#[macro_use]
mod support;

use actix_web::{App, HttpResponse, web};
use http::StatusCode;
use socketio_actix::{SocketIo, configure, middleware, service};

use support::{ECHO, POLLING, echo, echo_with};

async fn home() -> &'static str {
    "home"
}

async fn nothing() -> HttpResponse {
    HttpResponse::NotFound().body("nothing here")
}

#[tokio::test]
async fn a_service_is_the_path_and_what_is_below() {
    let io = echo();
    let server = serve!(
        App::new()
            .route("/", web::get().to(home))
            .service(service(&io))
            .default_service(web::to(nothing))
    );
    server.echoes_at("/socket.io").await;
    for path in ["/socket.io", "/socket.io/", "/socket.io/below/it"] {
        server.get(&format!("{path}?EIO=4&transport=polling")).await.sid();
    }
    assert_eq!(server.get("/").await.text(), "home");
    for path in ["/socket.iofoo", "/socket.io%2Ffoo", "/socket", "//socket.io/"] {
        assert_eq!(server.get(path).await.text(), "nothing here", "{path}");
    }
}

#[tokio::test]
async fn a_scope_adds_its_prefix() {
    let io = echo();
    let server = serve!(
        App::new()
            .service(web::scope("/api").route("/users", web::get().to(home)).service(service(&io)))
    );
    server.echoes_at("/api/socket.io").await;
    assert_eq!(server.get("/api/users").await.text(), "home");
    assert_eq!(server.get(POLLING).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_prefix_of_a_scope_may_hold_a_parameter() {
    let io = echo();
    let server = serve!(App::new().service(web::scope("/tenants/{tenant}").service(service(&io))));
    server.echoes_at("/tenants/a/socket.io").await;
    server.echoes_at("/tenants/b/socket.io").await;
}

#[tokio::test]
async fn a_middleware_lets_everything_else_through() {
    let io = echo();
    let server = serve!(
        App::new()
            .wrap(middleware(&io))
            .route("/", web::get().to(home))
            .route("/socket.iofoo", web::get().to(home))
            .default_service(web::to(nothing))
    );
    server.echoes_at("/socket.io").await;
    for path in ["/", "/socket.iofoo"] {
        assert_eq!(server.get(path).await.text(), "home", "{path}");
    }
    let other = server.get("/other").await;
    assert_eq!((other.status, other.text()), (StatusCode::NOT_FOUND, "nothing here"));
}

#[tokio::test]
async fn a_middleware_of_a_scope_has_the_scopes_prefix() {
    let io = echo();
    let server = serve!(
        App::new()
            .service(web::scope("/api").wrap(middleware(&io)).route("/users", web::get().to(home)))
    );
    server.echoes_at("/api/socket.io").await;
    assert_eq!(server.get("/api/users").await.text(), "home");
    assert_eq!(server.get(POLLING).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn configure_is_the_service_and_the_data() {
    async fn announce(io: web::Data<SocketIo>) -> HttpResponse {
        match io.emit("news", "hé") {
            Ok(()) => HttpResponse::Ok().finish(),
            Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
        }
    }
    let io = echo();
    let server =
        serve!(App::new().configure(configure(&io)).route("/announce", web::post().to(announce)));
    server.echoes_at("/socket.io").await;
    let polling = server.polling("/socket.io").await;
    assert_eq!(server.post("/announce", "").await.status, StatusCode::OK);
    assert_eq!(polling.get().await, r#"42["news","hé"]"#);
}

#[tokio::test]
async fn mounts_of_one_server_share_its_sessions() {
    let io = echo();
    let server =
        serve!(App::new().service(web::scope("/one").service(service(&io))).wrap(middleware(&io)));
    let polling = server.polling("/one/socket.io").await;
    let polling = polling.at("/socket.io");
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn two_servers_side_by_side() {
    let (io, other) = (echo(), echo_with(SocketIo::builder().path("/other/path")));
    let server = serve!(App::new().service(service(&io)).service(service(&other)));
    server.echoes_at("/socket.io").await;
    server.echoes_at("/other/path").await;
}
