//! The load fixture on socketioxide and axum, written as its documentation recommends.
//!
//! Environment: `PORT` on 127.0.0.1, and `THREADS`, the number of worker threads.

use std::{env, net::Ipv4Addr};

use axum::{Router, serve::ListenerExt};
use rmpv::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};
use tokio::net::TcpListener;

fn main() {
    let runtime = runtime(number("THREADS")).enable_all().build().expect("a runtime");
    runtime.block_on(serve(number("PORT").expect("PORT is set to a port")));
}

/// As of the conformance servers.
fn runtime(threads: Option<u16>) -> tokio::runtime::Builder {
    match threads {
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        Some(threads) => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads.into());
            runtime
        }
        None => tokio::runtime::Builder::new_multi_thread(),
    }
}

async fn serve(port: u16) {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
    let listener = listener.tap_io(|connection| {
        // Without it a slow peer's acknowledgements hold small frames back.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, Router::new().layer(layer)).await.expect("axum serves for ever");
}

/// `Value` is rmpv's: of the dynamic types it is the one that keeps binary data binary.
async fn on_connect(socket: SocketRef, Data(auth): Data<Value>) {
    // Only a socket that is gone, or that does not read, misses what is sent to it.
    let _ = socket.emit("auth", &auth);
    socket.on("message", async |socket: SocketRef, Data::<Value>(data)| {
        let _ = socket.emit("message-back", &data);
    });
    socket.on("message-with-ack", async |Data::<Value>(data), ack: AckSender| {
        let _ = ack.send(&data);
    });
    socket.on("broadcast", async |io: SocketIo, Data::<Value>(data)| {
        let _ = io.emit("broadcast", &data).await;
    });
    socket.on("join", async |socket: SocketRef, Data::<String>(room), ack: AckSender| {
        socket.join(room);
        let _ = ack.send(&());
    });
    socket.on("room-emit", async |socket: SocketRef, Data::<(String, Value)>((room, data))| {
        let _ = socket.within(room).emit("room-emit", &data).await;
    });
}

fn number(name: &str) -> Option<u16> {
    env::var(name).ok()?.parse().ok()
}
