//! Socket.IO over TLS, in axum with rustls: the page comes over https, and the client goes from
//! https to wss by itself. Socket.IO notices nothing of it.
//!
//! | from the client | with | acknowledged with |
//! |---|---|---|
//! | `hello` | nothing | `{ address }`, the client's own |
//! | `echo` | anything | the same |
//!
//! Everyone gets `online` with how many clients there are.

mod certificate;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_server::{Handle, tls_rustls};
use examples_common::{self as common, Asset};
use serde::Serialize;
use socketio_axum::{Data, EmitError, Handshake, RawArgs, SocketIo};

use crate::certificate::Identity;

const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/tls.js", include_str!("../page/tls.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    attach(&io);
    let app = common::router(ASSETS)
        .layer(socketio_axum::layer(&io))
        .into_make_service_with_connect_info::<SocketAddr>();

    let tls = Identity::from_env()?.into_config()?;
    let tls = tls_rustls::RustlsConfig::from_config(Arc::new(tls));
    let listener = common::listener()?;
    greet(listener.local_addr()?);
    let server = tls_rustls::from_tcp_rustls(listener.into_std()?, tls)?;

    let handle = Handle::new();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            common::stopped().await;
            io.close().await;
            handle.graceful_shutdown(Some(Duration::from_secs(3)));
        }
    });
    Ok(server.handle(handle).serve(app).await?)
}

fn attach(io: &SocketIo) {
    io.on("hello", hello);
    io.on("echo", |args: RawArgs| args);
    io.on_disconnect(tell_online);
    io.on_error(|report| eprintln!("{report}"));
}

#[derive(Serialize)]
struct Hello {
    address: Option<SocketAddr>,
}

fn hello(io: SocketIo, handshake: Handshake) -> Result<Data<Hello>, EmitError> {
    tell_online(io)?;
    Ok(Data(Hello { address: handshake.address() }))
}

fn tell_online(io: SocketIo) -> Result<(), EmitError> {
    static COUNTING: Mutex<()> = Mutex::new(());
    // One after the other, so that what clients hear last is true.
    let _counting = COUNTING.lock().expect("nothing panics under this lock");
    io.emit("online", &io.sockets_count())
}

fn greet(address: SocketAddr) {
    common::greet(
        "page over TLS",
        format_args!("https://localhost:{}", address.port()),
        &[
            "The browser warns of the certificate, which nobody has signed: go on to the page.",
            "Watch the round-trip time, and compare WebSocket with polling.",
            "Files named by CERT and KEY take the place of the certificate that was just made.",
        ],
    );
}
