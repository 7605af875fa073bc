//! Chores of the workspace, called as `cargo xtask`.

mod chat;
mod purity;
mod report;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

/// Chores of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Serves the chat example on 127.0.0.1.
    Chat(chat::Options),
    /// Checks that the core knows no runtime and no framework, and reads the clock in one place.
    Purity,
    /// Runs every check and test, or the given parts.
    Test(test::Options),
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Chat(options) => chat::serve(&options),
        Chore::Purity => purity::check(),
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
