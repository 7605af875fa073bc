//! The steps of a long chore: each is announced, timed and remembered for the summary.

use std::{
    fmt,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::tools::{Missing, is_ci};

/// What the steps so far came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    outcome: Outcome,
    duration: Duration,
}

#[derive(Debug)]
enum Outcome {
    Failed(String),
    Passed,
    Skipped(String),
}

impl Report {
    /// Does a step, and gives what it gave if it passed.
    ///
    /// A step that finds something [`Missing`] on this machine is skipped; with `CI` set it fails.
    #[expect(clippy::disallowed_methods, reason = "a stopwatch for people")]
    pub(crate) fn step<T>(
        &mut self,
        name: impl Into<String>,
        work: impl FnOnce() -> Result<T>,
    ) -> Option<T> {
        let name = name.into();
        println!("\n=== {name}");
        let start = Instant::now();
        let result = work();
        let duration = start.elapsed();
        let (outcome, value) = match result {
            Ok(value) => (Outcome::Passed, Some(value)),
            Err(error) => {
                println!("{error:#}");
                let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
                let skip = error.is::<Missing>() && !is_ci();
                (if skip { Outcome::Skipped(reason) } else { Outcome::Failed(reason) }, None)
            }
        };
        let step = Step { name, outcome, duration };
        println!("=== {step}");
        self.steps.push(step);
        value
    }

    /// Prints the summary, whose last line counts the steps. Any failure makes the exit code.
    pub(crate) fn finish(&self) -> ExitCode {
        println!("\n=== summary");
        for step in &self.steps {
            println!("{step}");
        }
        let count = |which: fn(&Outcome) -> bool| {
            self.steps.iter().filter(|step| which(&step.outcome)).count()
        };
        let passed = count(|outcome| matches!(outcome, Outcome::Passed));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, reason) = match &self.outcome {
            Outcome::Failed(reason) => ("FAILED", reason.as_str()),
            Outcome::Passed => ("passed", ""),
            Outcome::Skipped(reason) => ("SKIPPED", reason.as_str()),
        };
        let seconds = self.duration.as_secs_f64();
        let line = format!("{word:<8} {:<44} {seconds:>7.1} s  {reason}", self.name);
        f.write_str(line.trim_end())
    }
}
