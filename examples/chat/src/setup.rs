use std::{
    env::{self, VarError},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use socketio_core::{Builder, SocketIo};

/// Where npm puts the browser client: in the repository, or in the current directory.
const CLIENT_FILES: [&str; 2] =
    ["examples/browser/node_modules/socket.io-client/dist", "node_modules/socket.io-client/dist"];

/// The options of the chat. The browser client is served from the directory in `CLIENT_FILES`, or
/// else from where npm puts it.
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
            "the browser client is not installed: run `cargo xtask chat`, which installs it and \
             starts the chat, or set CLIENT_FILES to the directory `dist` of the npm package \
             socket.io-client"
        ),
    }
}

/// Where to listen: on this machine only, at the port in `PORT` or else 3000.
///
/// # Errors
/// `PORT` is no port.
pub fn address() -> anyhow::Result<SocketAddr> {
    let port = match env::var("PORT") {
        Ok(port) => port.parse().with_context(|| format!("PORT is {port:?}"))?,
        Err(VarError::NotPresent) => 3000,
        Err(error) => return Err(error).context("PORT"),
    };
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// Says where the chat is, and what to try.
pub fn greet(address: SocketAddr) {
    println!(
        "The chat is at http://{address}

  Open it in two windows, under two nicknames, and write in both.
  Type in one and watch the other; change rooms; leave.
  Stop the server and start it again: both windows come back by themselves.

Ctrl-C stops it."
    );
}
