//! `cargo xtask official PATH`: the test suites of the protocols and of the official clients, against
//! every conformance server.

use std::{
    ffi::OsStr,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    conformance,
    report::Report,
    tools::{self, node, npm, npm_ci, root},
};

/// Where the suites are.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A checkout of the repository socketio/socket.io.
    checkout: PathBuf,
}

struct Suite {
    /// The mode of the server that it is for.
    mode: &'static str,
    folder: &'static str,
    /// Where it looks for the server.
    port: u16,
    /// Installs what the suite in a folder needs, and gives the command that runs it.
    prepare: fn(&Path) -> Result<Command>,
}

const SUITES: [Suite; 5] = [
    Suite {
        mode: "eio3",
        folder: "docs/engine.io-protocol/v3-test-suite",
        port: 3000,
        prepare: old_protocol,
    },
    Suite {
        mode: "eio4",
        folder: "docs/engine.io-protocol/v4-test-suite",
        port: 3000,
        prepare: protocol,
    },
    Suite {
        mode: "sio5",
        folder: "docs/socket.io-protocol/v5-test-suite",
        port: 3000,
        prepare: protocol,
    },
    Suite { mode: "eioclient", folder: "packages/engine.io-client", port: 3000, prepare: client },
    Suite { mode: "client", folder: "packages/socket.io-client", port: 3210, prepare: client },
];

/// Runs each suite against each server.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut report = Report::default();
    let servers = report.step("build", || {
        node()?;
        conformance::build()
    });
    for Suite { mode, folder, port, prepare } in SUITES {
        let folder = options.checkout.join(folder);
        let Some(mut suite) = report.step(format!("{mode}: packages"), || prepare(&folder)) else {
            continue;
        };
        for server in servers.iter().flatten() {
            let name = server.file_stem().unwrap_or_default().to_string_lossy();
            report.step(format!("{mode}: {name}"), || {
                let _serving = Serving::start(server, mode, port)?;
                tools::run(&mut suite)
            });
        }
    }
    report.finish()
}

fn protocol(folder: &Path) -> Result<Command> {
    npm_ci(folder)?;
    Ok(npm(folder, ["test"]))
}

/// A test of the oldest suite listens for the first frame only once the websocket is open, and so
/// misses one that comes together with the 101: its tests are tried again.
fn old_protocol(folder: &Path) -> Result<Command> {
    npm_ci(folder)?;
    Ok(npm(folder, ["test", "--", "--retries=5"]))
}

/// The suite of a client would start Node's server. So its tests run in a copy, without the hook
/// that does, and against the client as it is beside them.
fn client(folder: &Path) -> Result<Command> {
    let tools = tools::target()?.join("official");
    copy(&root().join("conformance").join("official"), &tools)?;
    npm_ci(&tools)?;
    let package = tools.join(folder.file_name().context("a package has a name")?);
    for name in ["lib", "test", "package.json"] {
        copy(&folder.join(name), &package.join(name))?;
    }
    let tool = |name: &str| {
        let mut command = Command::new(tools.join("node_modules").join(".bin").join(name));
        command.current_dir(&package);
        command
    };
    tools::run(tool("esbuild").args(["lib/**/*.ts", "--outdir=build/cjs", "--format=cjs"]))?;
    let mut mocha = tool("mocha");
    mocha.args(["--import=tsx", "--exit", "test/index.{js,ts}"]);
    Ok(mocha)
}

/// Copies a file, or the files of a folder and of those in it, but no installed packages. What is
/// the same already keeps its time, which says whether packages are to be installed.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copying = || format!("copying {} to {}", from.display(), to.display());
    if from.is_file() {
        let text = fs::read(from).with_context(copying)?;
        return match fs::read(to).is_ok_and(|old| old == text) {
            true => Ok(()),
            false => fs::write(to, text).with_context(copying),
        };
    }
    fs::create_dir_all(to).with_context(copying)?;
    for entry in fs::read_dir(from).with_context(copying)? {
        let name = entry.with_context(copying)?.file_name();
        if name != OsStr::new("node_modules") {
            copy(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

/// A server that ends with this value.
struct Serving(Child);

impl Serving {
    fn start(server: &Path, mode: &str, port: u16) -> Result<Self> {
        ensure!(!is_served(port), "something else serves port {port}");
        let child = Command::new(server)
            .args(["--mode", mode, "--port", &port.to_string()])
            .spawn()
            .with_context(|| format!("starting {}", server.display()))?;
        let serving = Self(child);
        for _ in 0..100 {
            if is_served(port) {
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

fn is_served(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
