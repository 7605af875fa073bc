//! `cargo xtask official PATH`: the protocols' own test suites against every conformance server.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    conformance,
    report::Report,
    tools::{self, node, npm, npm_ci},
};

/// Where the suites are.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A checkout of the repository socketio/socket.io.
    checkout: PathBuf,
}

/// The folder of each suite in the checkout, and the mode of the server it is for.
const SUITES: [(&str, &str); 2] = [
    ("docs/engine.io-protocol/v4-test-suite", "eio4"),
    ("docs/socket.io-protocol/v5-test-suite", "sio5"),
];

/// Where the suites look for the server.
const PORT: u16 = 3000;

/// Runs both suites against each server.
pub(crate) fn run(options: &Options) -> std::process::ExitCode {
    let mut report = Report::default();
    let servers = report.step("build", || {
        node()?;
        conformance::build()
    });
    for (folder, mode) in SUITES {
        let folder = options.checkout.join(folder);
        if report.step(format!("{mode}: packages"), || npm_ci(&folder)).is_none() {
            continue;
        }
        for server in servers.iter().flatten() {
            let name = server.file_stem().unwrap_or_default().to_string_lossy();
            report.step(format!("{mode}: {name}"), || {
                let _serving = Serving::start(server, mode)?;
                tools::run(&mut npm(&folder, ["test"]))
            });
        }
    }
    report.finish()
}

/// A server that ends with this value.
struct Serving(Child);

impl Serving {
    fn start(server: &Path, mode: &str) -> Result<Self> {
        let port = PORT.to_string();
        ensure!(!is_served(), "something else serves port {port}");
        let child = Command::new(server)
            .args(["--mode", mode, "--port", &port])
            .spawn()
            .with_context(|| format!("starting {}", server.display()))?;
        let serving = Self(child);
        for _ in 0..100 {
            if is_served() {
                return Ok(serving);
            }
            sleep(Duration::from_millis(50));
        }
        anyhow::bail!("{} does not listen", server.display())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_served() -> bool {
    TcpStream::connect(("127.0.0.1", PORT)).is_ok()
}
