//! Chores of the workspace, called as `cargo xtask`.

mod bench;
mod cluster;
mod conformance;
mod example;
mod instructions;
mod official;
mod purity;
mod report;
mod scale;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use self::example::Example;

/// Chores of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Puts our servers and their peers under the same load, and compares what it costs them.
    Bench(bench::Options),
    /// Serves the chat on 127.0.0.1.
    Chat(example::Options),
    /// Serves the chat on 127.0.0.1 by several servers, in Rust and on Node, behind a load balancer.
    Cluster(example::Options),
    /// Serves one of the examples on 127.0.0.1.
    Example(Example),
    /// Counts the instructions that single operations take, and compares them with what is expected.
    Instructions(instructions::Options),
    /// Runs the test suites of the protocols and of the official clients against every conformance
    /// server.
    Official(official::Options),
    /// Checks that the core knows no runtime and no framework, and reads the clock in one place.
    Purity,
    /// Measures how the cost of a connection, an event and a delivery changes as the work grows.
    Scale(scale::Options),
    /// Runs every check and test, or the given parts.
    Test(test::Options),
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Bench(options) => return bench::run(&options),
        Chore::Chat(options) => Example::chat(options).serve(),
        Chore::Cluster(options) => cluster::serve(&options),
        Chore::Example(example) => example.serve(),
        Chore::Instructions(options) => instructions::check(&options),
        Chore::Official(options) => return official::run(&options),
        Chore::Purity => purity::check(),
        Chore::Scale(options) => scale::run(&options),
        Chore::Test(options) => return test::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
