//! `cargo xtask test`: everything that must hold, in the order of what fails fastest.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::{
    instructions, purity,
    report::Report,
    tools::{self, binary, cargo, examples_tests, node, npm, npm_ci, root},
};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The parts to run; all by default.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Purity, formatting, lints, tests and docs of the workspace. Needs nothing but Rust.
    Rust,
    /// Instructions that single operations take, against what is expected. Needs valgrind.
    Instructions,
    /// Real clients and raw HTTP and WebSocket against each conformance server. Needs Node.
    Conformance,
    /// Every example with the official client, and its page in a real browser. Needs Node and
    /// Chromium.
    Examples,
}

/// Runs the parts, each to its end if it can, and prints a summary.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut report = Report::default();
    for part in Part::value_variants() {
        if options.parts.is_empty() || options.parts.contains(part) {
            // A part that ended early has said why in the report.
            let _: Option<()> = match part {
                Part::Rust => rust(&mut report),
                Part::Instructions => {
                    report.step("instructions", || instructions::check(&Default::default()))
                }
                Part::Conformance => conformance(&mut report),
                Part::Examples => examples(&mut report),
            };
        }
    }
    report.finish()
}

fn rust(report: &mut Report) -> Option<()> {
    report.step("purity", purity::check);
    report.step("cargo fmt", || tools::run(&mut cargo(["fmt", "--all", "--check"])));
    report.step("cargo clippy", || {
        tools::run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"]))
    });
    report.step("cargo test", || tools::run(&mut cargo(["test", "--workspace", "--no-fail-fast"])));
    report.step("cargo doc", || {
        tools::run(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))
    })
}

fn conformance(report: &mut Report) -> Option<()> {
    let scripts = root().join("conformance").join("js");
    report.step("conformance: client packages", || {
        node()?;
        npm_ci(&scripts)
    })?;
    let servers = report.step("conformance: build", || {
        tools::run(&mut cargo(["build", "--package=conformance", "--bins"]))?;
        conformance_servers()
    })?;
    for server in &servers {
        let name = server.file_stem().unwrap_or_default().to_string_lossy();
        report.step(format!("conformance: {name}"), || {
            tools::run(npm(&scripts, ["test"]).env("CONFORMANCE_SERVER", server))
        });
    }
    Some(())
}

fn examples(report: &mut Report) -> Option<()> {
    let chromium = report.step("examples: packages and Chromium", || {
        node()?;
        npm_ci(&examples_tests())?;
        tools::chromium()
    })?;
    let folder = report.step("examples: build", || {
        tools::run(&mut cargo(["build", "--workspace", "--bins"]))?;
        tools::binaries()
    })?;
    report.step("examples: test", || {
        tools::run(
            npm(&examples_tests(), ["test"]).env("EXAMPLES", folder).env("CHROMIUM", chromium),
        )
    })
}

/// The binaries of the package `conformance` whose names begin with its own.
pub(crate) fn conformance_servers() -> Result<Vec<PathBuf>> {
    let sources = root().join("conformance").join("src").join("bin");
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
