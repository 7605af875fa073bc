//! The conformance server on actix-web.

use actix_cors::Cors;
use actix_web::{App, HttpServer, middleware::Condition};
use conformance::{HEADER, METHODS, Server};
use tokio::net::TcpListener;

fn main() {
    conformance::main(async |listener: TcpListener, server: Server| {
        let threads = server.threads;
        let app = move || {
            App::new()
                .wrap(Condition::new(server.has_cors, cors()))
                .service(socketio_actix::service(server.endpoint.clone()))
        };
        let mut http = HttpServer::new(app).h1_allow_half_closed(false).disable_signals();
        if let Some(threads) = threads {
            http = http.workers(threads);
        }
        let listener = listener.into_std().expect("a listener");
        let http = http.listen(listener).expect("a listener");
        http.run().await.expect("actix-web serves for ever");
    });
}

fn cors() -> Cors {
    Cors::default()
        .allowed_origin_fn(|origin, _| conformance::is_local(origin.as_bytes()))
        .supports_credentials()
        .allowed_methods(METHODS)
        .allowed_header(HEADER)
}
