//! `cargo xtask instructions`: what single operations cost in instructions, against what they are
//! expected to.

use std::{
    collections::BTreeMap,
    env::consts::ARCH,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::tools::{self, Missing, output, root};

/// What to do with the numbers.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Writes them down as what is expected from now on.
    #[arg(long)]
    accept: bool,
}

/// An operation is done this often in a first run and in a second one. The difference is free of
/// what it takes to start and to end.
const COUNTS: [u64; 2] = [1000, 3000];

/// The contents of `bench/instructions.json`.
#[derive(Debug, Deserialize, Serialize)]
struct Expected {
    architecture: String,
    compiler: String,
    /// Percent that a number may be off.
    tolerance: f64,
    /// Instructions of each operation.
    operations: BTreeMap<String, u64>,
}

/// Counts and compares. Fails if anything takes more than is expected.
pub(crate) fn check(options: &Options) -> Result<()> {
    let valgrind = tools::valgrind()?;
    let mut expected = Expected::read()?;
    if !options.accept && expected.architecture != ARCH {
        let text = format!("the expected numbers are of {}, this is {ARCH}", expected.architecture);
        return Err(Missing(text).into());
    }
    let program = tools::build("counted", "operations", "operations")?;
    let mut counted = BTreeMap::new();
    for name in output(&mut Command::new(&program))?.lines() {
        counted.insert(name.to_owned(), count(&valgrind, &program, name)?);
    }
    let compiler = output(Command::new("rustc").arg("--version"))?.trim().to_owned();
    if compiler != expected.compiler {
        println!("counted with {compiler}, expected with {}", expected.compiler);
    }
    let verdict = expected.compare(&counted);
    if options.accept {
        expected.architecture = ARCH.into();
        expected.compiler = compiler;
        expected.operations = counted;
        return expected.write();
    }
    verdict
}

/// Instructions of one operation.
fn count(valgrind: &Path, program: &Path, name: &str) -> Result<u64> {
    let run = |count: u64| -> Result<u64> {
        let mut command = Command::new(valgrind);
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]);
        let printed = output(command.arg(program).arg(name).arg(count.to_string()))?;
        let number = printed.lines().find_map(|line| line.split_once("Collected : "));
        let (_, number) = number.with_context(|| format!("no number in:\n{printed}"))?;
        number.trim().parse().with_context(|| format!("reading {number:?}"))
    };
    let [few, many] = COUNTS;
    Ok(run(many)?.saturating_sub(run(few)?) / (many - few))
}

impl Expected {
    fn path() -> PathBuf {
        root().join("bench").join("instructions.json")
    }

    fn read() -> Result<Self> {
        let path = Self::path();
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let path = Self::path();
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Prints all numbers, and fails with those that are too high or unknown.
    fn compare(&self, counted: &BTreeMap<String, u64>) -> Result<()> {
        println!("{:<20} {:>10} {:>10} {:>8}", "operation", "expected", "now", "");
        let mut worse = String::new();
        let mut is_better = false;
        for (name, &now) in counted {
            let Some(&expected) = self.operations.get(name) else {
                println!("{name:<20} {:>10} {now:>10}", "-");
                write!(worse, "\n  {name}: no number is expected, it takes {now}")?;
                continue;
            };
            let percent = (now as f64 / expected as f64 - 1.0) * 100.0;
            println!("{name:<20} {expected:>10} {now:>10} {percent:>+6.1} %");
            if percent > self.tolerance {
                write!(worse, "\n  {name}: expected {expected}, now {now}, {percent:+.1} %")?;
            }
            is_better |= percent < -self.tolerance;
        }
        if is_better {
            println!("some are better than expected: keep that with {ACCEPT}");
        }
        ensure!(
            worse.is_empty(),
            "more instructions than expected:{worse}\n\
             {} % are tolerated; if it is worth more, {ACCEPT} and say why in the commit",
            self.tolerance,
        );
        Ok(())
    }
}

const ACCEPT: &str = "`cargo xtask instructions --accept`";

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(now: u64) -> Result<()> {
        let numbers = |number| BTreeMap::from([("echo".to_owned(), number)]);
        let expected = Expected {
            architecture: String::new(),
            compiler: String::new(),
            tolerance: 3.0,
            operations: numbers(1000),
        };
        expected.compare(&numbers(now))
    }

    #[test]
    fn only_more_than_what_is_tolerated_fails() {
        assert!(compare(500).is_ok());
        assert!(compare(1029).is_ok());
        let error = compare(1031).expect_err("too many").to_string();
        assert!(error.contains("echo: expected 1000, now 1031, +3.1 %"), "{error}");
        assert!(error.contains("--accept"), "{error}");
    }

    #[test]
    fn an_operation_that_is_not_written_down_fails() {
        let expected = Expected {
            architecture: String::new(),
            compiler: String::new(),
            tolerance: 3.0,
            operations: BTreeMap::new(),
        };
        assert!(expected.compare(&BTreeMap::from([("new".to_owned(), 1)])).is_err());
    }
}
