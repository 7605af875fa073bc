//! `cargo xtask chat`: the chat example with the files that its page needs.

use anyhow::Result;

use crate::tools::{self, browser_folder, cargo, client_files, node, npm_ci};

/// How to serve the chat.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
}

/// Serves until it is interrupted. The server itself prints where, and what to try.
pub(crate) fn serve(options: &Options) -> Result<()> {
    node()?;
    npm_ci(&browser_folder())?;
    tools::run(
        cargo(["run", "--package=axum-chat"])
            .env("PORT", options.port.to_string())
            .env("CLIENT_FILES", client_files()),
    )
}
