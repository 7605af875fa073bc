//! The chat in actix-web.

use std::future::ready;

use actix_web::{App, HttpResponse, HttpServer, web};
use examples_common::{self as common, Asset};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let io = chat::builder()?.build()?;
    chat::attach(&io, "actix-chat");
    let served = io.clone();
    let server = HttpServer::new(move || {
        App::new().service(socketio_actix::service(&served)).configure(pages)
    })
    // A client that hangs up while it waits is noticed at once.
    .h1_allow_half_closed(false)
    .disable_signals();

    let listener = common::listener()?;
    chat::greet(listener.local_addr()?);
    let server = server.listen(listener.into_std()?)?.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        common::stopped().await;
        io.close().await;
        handle.stop(true).await;
    });
    Ok(server.await?)
}

fn pages(config: &mut web::ServiceConfig) {
    for &Asset { path, content_type, body } in chat::ASSETS {
        let page = move || ready(HttpResponse::Ok().content_type(content_type).body(body));
        config.route(path, web::get().to(page));
    }
}
