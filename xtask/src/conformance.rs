//! Clients of all kinds against each conformance server.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    report::Report,
    tools::{self, binary, cargo, node, npm, npm_ci, root},
};

/// Installs what the tests of a client need, and gives the command that runs them.
type Prepare = fn() -> Result<Command>;

/// The clients, each of which has its tests in a folder of its own.
const CLIENTS: [(&str, Prepare); 3] =
    [("JavaScript", javascript), ("Python", python), ("Rust", rust)];

/// Builds the servers, and runs the tests of each client against each server. Before that, compiles
/// a client in TypeScript.
pub(crate) fn run(report: &mut Report) -> Option<()> {
    report.step("conformance: TypeScript", typescript);
    let servers = report.step("conformance: build", build)?;
    for (client, prepare) in CLIENTS {
        let prepared = report.step(format!("conformance: {client} packages"), prepare);
        let Some(mut tests) = prepared else { continue };
        for server in &servers {
            let name = server.file_stem().unwrap_or_default().to_string_lossy();
            report.step(format!("{name}: {client}"), || {
                tools::run(tests.env("CONFORMANCE_SERVER", server))
            });
        }
    }
    Some(())
}

/// Has nodes of a cluster, our servers and the official one, over a Redis tell their stories.
pub(crate) fn cluster(report: &mut Report) -> Option<()> {
    let tests = folder("cluster");
    let redis = report.step("cluster: packages and Redis", || {
        node()?;
        // The tests share what stands in the other folder.
        for packages in [&folder("js"), &tests] {
            npm_ci(packages)?;
        }
        tools::redis()
    })?;
    let servers = report.step("cluster: build", || {
        build()?;
        tools::binaries()
    })?;
    report.step("cluster: test", || {
        let mut tests = npm(&tests, ["test"]);
        tools::run(tests.env("REDIS_SERVER", redis).env("CONFORMANCE_SERVERS", servers))
    })
}

/// Builds the binaries of the package `conformance`, and gives those that are servers.
pub(crate) fn build() -> Result<Vec<PathBuf>> {
    tools::run(&mut cargo(["build", "--package=conformance", "--bins"]))?;
    let sources = folder("src").join("bin");
    let mut servers = Vec::new();
    let reading = || format!("reading {}", sources.display());
    for entry in fs::read_dir(&sources).with_context(reading)? {
        let source = entry.with_context(reading)?.path();
        if let Some(name) = source.file_stem().and_then(|name| name.to_str())
            && name.starts_with("conformance-")
        {
            servers.push(binary(name)?);
        }
    }
    ensure!(!servers.is_empty(), "no conformance server in {}", sources.display());
    servers.sort_unstable();
    Ok(servers)
}

fn javascript() -> Result<Command> {
    let tests = folder("js");
    node()?;
    npm_ci(&tests)?;
    Ok(npm(&tests, ["test"]))
}

/// Has the TypeScript compiler check a client against the declarations of a server's events.
fn typescript() -> Result<()> {
    let client = folder("js");
    node()?;
    npm_ci(&client)?;
    tools::run(&mut cargo(["test", "--package=conformance", "--test=typescript"]))?;
    tools::run(&mut npm(&client, ["run", "types"]))
}

fn python() -> Result<Command> {
    let tests = folder("python");
    let python = tools::python(&tests.join("requirements.txt"))?;
    let mut command = Command::new(python);
    command.current_dir(&tests).args(["-m", "pytest"]);
    Ok(command)
}

fn rust() -> Result<Command> {
    tools::openssl()?;
    let tests = || -> Result<Command> {
        let mut tests = cargo(["test", "--manifest-path=conformance/rust/Cargo.toml"]);
        tests.env("CARGO_TARGET_DIR", tools::target()?);
        Ok(tests)
    };
    tools::run(tests()?.arg("--no-run"))?;
    tests()
}

/// A part of the package `conformance`.
fn folder(name: &str) -> PathBuf {
    root().join("conformance").join(name)
}
