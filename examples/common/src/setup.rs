use std::{
    env::{self, VarError},
    net::{Ipv4Addr, SocketAddr},
    num::ParseIntError,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, bail};
use socketio_core::{Builder, SocketIo};
use tokio::{
    net::{TcpListener, TcpSocket},
    signal,
};

/// Where npm puts the browser client: in the repository, or in the current directory.
const CLIENT_FILES: [&str; 2] =
    ["examples/tests/node_modules/socket.io-client/dist", "node_modules/socket.io-client/dist"];

/// The options of a server with a page. The browser client is served from the directory in
/// `CLIENT_FILES`, or else from where npm puts it.
///
/// # Errors
/// There is no browser client.
pub fn builder() -> anyhow::Result<Builder> {
    Ok(SocketIo::builder().client_files(client_files()?))
}

fn client_files() -> anyhow::Result<PathBuf> {
    if let Some(directory) = env::var_os("CLIENT_FILES") {
        return Ok(directory.into());
    }
    match CLIENT_FILES.into_iter().map(Path::new).find(|directory| directory.is_dir()) {
        Some(directory) => Ok(directory.into()),
        None => bail!(
            "the browser client is not installed: run `npm ci` in examples/tests, or set \
             CLIENT_FILES to the directory `dist` of the npm package socket.io-client"
        ),
    }
}

/// Where to listen: on this machine only, at the port in `PORT` or else 3000.
///
/// # Errors
/// `PORT` is no port.
pub fn address() -> anyhow::Result<SocketAddr> {
    let port = variable("PORT")?.unwrap_or(3000);
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// The number in a variable of the environment, if it is set.
///
/// # Errors
/// It is no such number.
pub fn variable<T: FromStr<Err = ParseIntError>>(name: &'static str) -> anyhow::Result<Option<T>> {
    match env::var(name) {
        Ok(value) => value.parse().map(Some).with_context(|| format!("{name} is {value:?}")),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).context(name),
    }
}

/// Listens at [`address`]. Connections send small frames at once, whatever the client has yet to
/// acknowledge.
///
/// # Errors
/// The port is taken, or `PORT` is none.
pub fn listener() -> anyhow::Result<TcpListener> {
    let address = address()?;
    let listen = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        // Set on what listens, as not every framework lets one at the connections; they inherit it.
        socket.set_nodelay(true)?;
        socket.bind(address)?;
        socket.listen(1024)
    };
    listen().with_context(|| format!("no listening at {address}"))
}

/// Says where an example is, and what to try.
pub fn greet(name: &str, url: impl std::fmt::Display, hints: &[&str]) {
    println!("The {name} is at {url}\n");
    for hint in hints {
        println!("  {hint}");
    }
    println!("\nCtrl-C stops it.");
}

/// Waits for Ctrl-C or, where there is one, SIGTERM.
pub async fn stopped() {
    #[cfg(unix)]
    {
        let terminate = signal::unix::SignalKind::terminate();
        let mut terminate = signal::unix::signal(terminate).expect("SIGTERM can be listened for");
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = signal::ctrl_c().await;
}
