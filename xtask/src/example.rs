//! `cargo xtask chat` and `cargo xtask example NAME`: an example with the files that its page needs.

use anyhow::Result;

use crate::tools::{self, cargo, client_files, examples_tests, node, npm_ci};

/// Which example, and how to serve it.
#[derive(Debug, clap::Args)]
pub(crate) struct Example {
    /// The example, by the name of its package.
    name: String,
    #[command(flatten)]
    options: Options,
}

/// How to serve an example.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The port on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
}

impl Example {
    /// The chat in axum.
    pub(crate) fn chat(options: Options) -> Self {
        Self { name: "axum-chat".into(), options }
    }

    /// Serves until it is interrupted. The server itself prints where, and what to try.
    pub(crate) fn serve(&self) -> Result<()> {
        node()?;
        npm_ci(&examples_tests())?;
        tools::run(
            cargo(["run", "--package", &self.name])
                .env("PORT", self.options.port.to_string())
                .env("CLIENT_FILES", client_files()),
        )
    }
}
