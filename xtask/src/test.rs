//! `cargo xtask test`: everything that must hold, in the order of what fails fastest.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::{
    conformance, instructions, purity,
    report::Report,
    tools::{self, cargo, examples_tests, node, npm, npm_ci},
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
    /// Purity, formatting, lints, tests and docs of the workspace. Needs Rust, and Redis and NATS for
    /// some of the tests.
    Rust,
    /// Instructions that single operations take, against what is expected. Needs valgrind.
    Instructions,
    /// Clients in several languages, and raw HTTP and WebSocket, against each conformance server.
    /// Needs Node, Python and, on Linux, the headers of OpenSSL.
    Conformance,
    /// Clusters of our servers and the official one. Needs Node and Redis.
    Cluster,
    /// Every example with the official client, and its page in a real browser. Needs Node and
    /// Chromium; for the cluster also Redis, nginx and `HAProxy`.
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
                Part::Conformance => conformance::run(&mut report),
                Part::Cluster => conformance::cluster(&mut report),
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
    // Without them, the tests of their adapters are left out.
    report.step("cargo test: Redis", tools::redis);
    report.step("cargo test: NATS", tools::nats);
    report.step("cargo test", || tools::run(&mut cargo(["test", "--workspace", "--no-fail-fast"])));
    report.step("cargo doc", || {
        tools::run(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))
    })
}

fn examples(report: &mut Report) -> Option<()> {
    let chromium = report.step("examples: packages and Chromium", || {
        node()?;
        npm_ci(&examples_tests())?;
        tools::chromium()
    })?;
    // Without them, the tests of the cluster are left out.
    report.step("examples: Redis, nginx and HAProxy", || {
        npm_ci(&tools::examples().join("node-chat"))?;
        tools::redis()?;
        tools::balancers()
    });
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
