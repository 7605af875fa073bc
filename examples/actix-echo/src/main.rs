//! Sends everything back, in actix-web.

use actix_web::{App, HttpServer, web};
use examples_common as common;
use socketio_actix::{RawArgs, Socket, SocketIo};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    // One server for all workers, so it is made here and not in the closure.
    let io = SocketIo::new();
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message", &args));
    // What a handler returns is the acknowledgement.
    io.on("ask", |args: RawArgs| args);

    let served = io.clone();
    let server = HttpServer::new(move || {
        App::new()
            .route("/", web::get().to(async || "up"))
            .service(socketio_actix::service(&served))
    })
    // A client that hangs up while it waits is noticed at once.
    .h1_allow_half_closed(false)
    .disable_signals();

    let listener = common::listener()?;
    common::greet("echo", format_args!("http://{}", listener.local_addr()?), &[]);
    let server = server.listen(listener.into_std()?)?.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        common::stopped().await;
        io.close().await;
        handle.stop(true).await;
    });
    Ok(server.await?)
}
