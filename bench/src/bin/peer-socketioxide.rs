//! The load fixture on socketioxide and axum, written as its documentation recommends.
//!
//! Environment: `PORT` on 127.0.0.1; `THREADS`, the number of worker threads; `REDIS`, the URL of a
//! server that takes broadcasts to other nodes.

use std::{env, net::Ipv4Addr};

use axum::{Router, serve::ListenerExt};
use rmpv::Value;
use socketioxide::{
    SocketIo,
    adapter::Adapter,
    extract::{AckSender, Data, SocketRef},
    layer::SocketIoLayer,
};
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr, drivers::redis::redis_client::Client};
use tokio::net::TcpListener;

fn main() {
    let runtime = runtime(number("THREADS")).enable_all().build().expect("a runtime");
    let port = number("PORT").expect("PORT is set to a port");
    runtime.block_on(async {
        match env::var("REDIS") {
            Ok(url) => serve(port, node(&url).await).await,
            Err(_) => serve(port, single()).await,
        }
    });
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

/// A server that is alone.
fn single() -> SocketIoLayer {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    layer
}

/// One of several servers.
async fn node(url: &str) -> SocketIoLayer<impl Adapter> {
    let client = Client::open(format!("{url}?protocol=resp3")).expect("a URL");
    let adapter = RedisAdapterCtr::new_with_redis(&client).await.expect("Redis");
    let (layer, io) = SocketIo::builder().with_adapter::<RedisAdapter<_>>(adapter).build_layer();
    io.ns("/", on_connect).await.expect("Redis");
    layer
}

async fn serve(port: u16, layer: SocketIoLayer<impl Adapter>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
    let listener = listener.tap_io(|connection| {
        // Without it a slow peer's acknowledgements hold small frames back.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, Router::new().layer(layer)).await.expect("axum serves for ever");
}

/// `Value` is rmpv's: of the dynamic types it is the one that keeps binary data binary.
async fn on_connect<A: Adapter>(socket: SocketRef<A>, Data(auth): Data<Value>) {
    // Only a socket that is gone, or that does not read, misses what is sent to it.
    let _ = socket.emit("auth", &auth);
    socket.on("message", async |socket: SocketRef<A>, Data::<Value>(data)| {
        let _ = socket.emit("message-back", &data);
    });
    socket.on("message-with-ack", async |Data::<Value>(data), ack: AckSender<A>| {
        let _ = ack.send(&data);
    });
    socket.on("broadcast", async |io: SocketIo<A>, Data::<Value>(data)| {
        let _ = io.emit("broadcast", &data).await;
    });
    socket.on("join", async |socket: SocketRef<A>, Data::<String>(room), ack: AckSender<A>| {
        socket.join(room);
        let _ = ack.send(&());
    });
    socket.on("room-emit", async |socket: SocketRef<A>, Data::<(String, Value)>((room, data))| {
        let _ = socket.within(room).emit("room-emit", &data).await;
    });
}

fn number(name: &str) -> Option<u16> {
    env::var(name).ok()?.parse().ok()
}
