//! Puts servers under the same load, one after the other, and measures what it costs them.

mod connection;
mod frame;
mod histogram;
mod report;
mod run;
mod scenario;
mod server;

use std::{error::Error, fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    report::{Report, Sample},
    scenario::{Load, Scenario},
    server::{Contender, Cores, Server},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Puts servers under the same load and prints what it costs them.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// A server and its binary; the first is what the others are compared with.
    #[arg(long = "server", value_name = "NAME=PATH", required = true)]
    servers: Vec<Contender>,
    /// What to run; everything if not given.
    #[arg(long = "scenario", value_name = "NAME", value_parser = scenario::by_name)]
    scenarios: Vec<Scenario>,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Seconds of load before the measurement.
    #[arg(long, default_value_t = 0.5)]
    warmup: f64,
    /// How often each server has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections, in place of the scenario's own number.
    #[arg(long)]
    connections: Option<usize>,
    /// Where to write every measurement as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
struct Span {
    warmup: Duration,
    measured: Duration,
}

fn main() -> ExitCode {
    match bench(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<()> {
    let max_connections = raise_file_limit()?.saturating_sub(64);
    let span = Span {
        warmup: Duration::try_from_secs_f64(options.warmup)?,
        measured: Duration::try_from_secs_f64(options.seconds)?,
    };
    let cores = Cores::find()?;
    let scenarios = match options.scenarios.as_slice() {
        [] => scenario::ALL.as_slice(),
        some => some,
    };
    let mut report = Report::default();
    for scenario in scenarios {
        let wanted = options.connections.unwrap_or(scenario.connections);
        let connections = wanted.min(max_connections);
        for round in 0..options.rounds {
            for contender in &options.servers {
                let sample = measure(contender, scenario, connections, span, &cores, round)
                    .map_err(|error| format!("{}, {}: {error}", scenario.name, contender.name))?;
                eprintln!("{sample}");
                report.samples.push(sample);
            }
        }
    }
    println!("{report}");
    if let Some(file) = &options.json {
        fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

fn measure(
    contender: &Contender,
    scenario: &Scenario,
    connections: usize,
    span: Span,
    cores: &Cores,
    round: usize,
) -> Result<Sample> {
    let server = Server::start(contender, cores)?;
    let figures = match scenario.load {
        Load::Broadcast(message) => run::broadcast(&server, connections, message, span)?,
        Load::Echo(message, in_flight) => {
            run::echo(&server, connections, message, in_flight, span)?
        }
        Load::Idle => run::idle(&server, connections)?,
    };
    server.end()?;
    Ok(Sample { scenario: scenario.name, server: contender.name.clone(), round, figures })
}

/// Raises the limit on open files as far as it goes; the servers inherit it.
fn raise_file_limit() -> Result<usize> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.map_or(usize::MAX, |maximum| maximum.try_into().unwrap_or(usize::MAX)))
}
