//! Handlers read what actix-web and its middleware know of the first request.

#[path = "../../socketio-tower/tests/stories/extensions.rs"]
mod stories;
#[macro_use]
mod support;

use std::any::Any;

use actix_web::{
    App, Error, HttpMessage, HttpServer,
    body::MessageBody,
    dev::{ConnectionInfo, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    rt::net::TcpStream,
};
use socketio_actix::{Data, Extension, SocketIo, middleware, service};

use stories::{ALICE, User, WHO, io, knows_alice};
use support::Server;

/// Takes the user's name from a header, as real middleware would from a cookie or a token.
async fn sign_in<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let name = request.headers().get(ALICE.0).and_then(|name| name.to_str().ok());
    if let Some(name) = name.map(str::to_owned) {
        request.extensions_mut().insert(User(name));
    }
    next.call(request).await
}

async fn server(io: &SocketIo) -> Server {
    let io = io.clone();
    serve!(App::new().wrap(from_fn(sign_in)).service(service(&io).extension::<User>()))
}

#[tokio::test]
async fn also_where_the_server_is_a_middleware() {
    let io = io();
    // What is wrapped last runs first.
    knows_alice(serve!(
        App::new().wrap(middleware(&io).extension::<User>()).wrap(from_fn(sign_in))
    ))
    .await;
}

#[tokio::test]
async fn a_type_that_is_not_named_stays_behind() {
    let io = io();
    let server = serve!(App::new().wrap(from_fn(sign_in)).service(service(&io)));
    let alice = server.polling_with("/socket.io", &[ALICE]).await;
    assert_eq!(alice.ask(WHO).await, "430[null]");
}

#[tokio::test]
async fn what_the_connection_was_given_is_there_too() {
    let io = io();
    let server = support::listen(|listener| {
        let app = move || App::new().service(service(&io).extension::<User>());
        let server = HttpServer::new(app).on_connect(|connection: &dyn Any, extensions| {
            let connection = connection.downcast_ref::<TcpStream>().expect("a connection");
            let port = connection.peer_addr().expect("an address").port();
            extensions.insert(User(port.to_string()));
        });
        server.disable_signals().listen(listener).expect("a listener").run()
    });
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(WHO).await, format!(r#"430["{}"]"#, polling.from.port()));
}

#[tokio::test]
async fn the_connection_info_is_what_a_proxy_says() {
    let io = SocketIo::new();
    io.on("info", |Extension(info): Extension<ConnectionInfo>| {
        Data((
            info.scheme().to_owned(),
            info.host().to_owned(),
            info.realip_remote_addr().map(str::to_owned),
        ))
    });
    let server = serve!(App::new().service(service(&io)));
    let forwarded = ("forwarded", "for=192.0.2.1;proto=https;host=chat.example");
    let polling = server.polling_with("/socket.io", &[forwarded]).await;
    let told = r#"430["https","chat.example","192.0.2.1"]"#;
    assert_eq!(polling.ask(r#"420["info"]"#).await, told);
}
