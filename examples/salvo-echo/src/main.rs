//! Sends everything back, in salvo: as in any framework that takes tower services.

use examples_common as common;
use salvo::{
    Router, Server,
    conn::TcpListener,
    handler,
    http::ReqBody,
    prelude::{Listener, TowerServiceCompat},
};
use socketio_tower::{RawArgs, Socket, SocketIo, SocketIoService};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = SocketIo::new();
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message", &args));
    // What a handler returns is the acknowledgement.
    io.on("ask", |args: RawArgs| args);

    // The router has decided on the path, so the server is a service and not a layer.
    let socketio = TowerServiceCompat::<ReqBody, _, _, _>::compat(SocketIoService::new(&io));
    let router = Router::new().get(up).push(Router::with_path("socket.io/{**rest}").goal(socketio));

    let address = common::address()?;
    let server = Server::new(TcpListener::new(address).try_bind().await?);
    common::greet("echo", format_args!("http://{address}"), &[]);
    let handle = server.handle();
    tokio::spawn(async move {
        common::stopped().await;
        io.close().await;
        handle.stop_graceful(None);
    });
    server.try_serve(router).await?;
    Ok(())
}

#[handler]
async fn up() -> &'static str {
    "up"
}
