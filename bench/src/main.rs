//! Puts servers under the same load, one after the other, and measures what it costs them.

mod across;
mod caller;
mod callgrind;
mod cluster;
mod connect;
mod connection;
mod course;
mod exchange;
mod figures;
mod frame;
mod generator;
mod histogram;
mod http;
mod machine;
mod mixed;
mod plot;
mod polling;
mod process;
mod redis;
mod report;
mod route;
mod run;
mod scenario;
mod server;
mod tally;

use std::{
    error::Error,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    cluster::Cluster,
    figures::Figures,
    machine::Watch,
    report::{Failure, Report, Sample},
    scenario::{Load, Scenario},
    server::{Contender, Cores, Launcher, Server},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Puts servers under the same load and prints what it costs them.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// A server and its binary; the first is what the others are compared with. One with an adapter
    /// runs in clusters only.
    #[arg(long = "server", value_name = "NAME=[ADAPTER:]PATH", required = true)]
    servers: Vec<Contender>,
    /// What to run; everything if not given, or what `--instructions` has a use for.
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
    /// Connections, in place of the scenario's own number. Clusters have theirs.
    #[arg(long)]
    connections: Option<usize>,
    /// Worker threads of each server that can have several.
    #[arg(long, default_value = "1")]
    threads: NonZero<usize>,
    /// Counts the servers' instructions, under valgrind, in place of their time.
    #[arg(long)]
    instructions: bool,
    /// A folder for every measurement as JSON, the tables as Markdown and a plot per scenario.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
struct Span {
    warmup: Duration,
    measured: Duration,
}

fn main() -> ExitCode {
    match bench(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether all measurements could be made.
fn bench(options: &Options) -> Result<bool> {
    let max_connections = raise_file_limit()?.saturating_sub(128);
    let span = Span {
        warmup: Duration::try_from_secs_f64(options.warmup)?,
        measured: Duration::try_from_secs_f64(options.seconds)?,
    };
    let threads = options.threads;
    let cores = Cores::find(threads)?;
    let mut report = Report::new(threads, cores.are_shared());
    eprintln!("bench: {}", report.setting());
    let launcher = Launcher { cores, threads, is_counted: options.instructions };
    let mut scenarios = options.scenarios.clone();
    if scenarios.is_empty() {
        scenarios.extend(scenario::ALL);
        scenarios.retain(|one| !options.instructions || scenario::COUNTED.contains(&one.name));
    }
    for scenario in &scenarios {
        let wanted = options.connections.unwrap_or(scenario.connections);
        let connections = wanted.min(max_connections);
        for round in 0..options.rounds {
            for contender in options.servers.iter().filter(|one| scenario.is_for(one)) {
                if report.has_failed(scenario.name, &contender.name) {
                    continue;
                }
                match measure(contender, scenario, connections, span, &launcher, round) {
                    Ok(sample) => {
                        eprintln!("{sample}");
                        report.samples.push(sample);
                    }
                    Err(error) => {
                        let failure = Failure {
                            scenario: scenario.name,
                            server: contender.name.clone(),
                            error: error.to_string(),
                        };
                        eprintln!("{failure}");
                        report.failures.push(failure);
                    }
                }
            }
        }
    }
    println!("{report}");
    if let Some(folder) = &options.out {
        write(&report, folder)?;
    }
    Ok(report.failures.is_empty())
}

fn measure(
    contender: &Contender,
    scenario: &Scenario,
    connections: usize,
    span: Span,
    launcher: &Launcher,
    round: usize,
) -> Result<Sample> {
    if launcher.is_counted && !scenario.has_count() {
        return Err("its instructions cannot be counted".into());
    }
    let watch = Watch::start()?;
    let alone = |load: &dyn Fn(&Server) -> Result<Figures>| {
        let mut server = launcher.start(contender)?;
        let figures = load(&server)?;
        let others = watch.end(&[server.process.id()])?;
        server.process.end()?;
        Ok::<_, Box<dyn Error>>((figures, others))
    };
    let (figures, others) = match scenario.load {
        Load::Burst(message, in_flight) => {
            alone(&|server| run::burst(server, connections, message, in_flight))
        }
        Load::Cluster(across) => {
            let mut cluster = Cluster::start(launcher, contender)?;
            let figures = cluster.fanout(across, span)?;
            let others = watch.end(&cluster.ids())?;
            cluster.end()?;
            Ok((figures, others))
        }
        Load::Connect(way) => alone(&|server| connect::connect(server, connections, way, span)),
        Load::Echo(message, in_flight) => {
            alone(&|server| run::echo(server, connections, message, in_flight, span))
        }
        Load::Idle(way) => alone(&|server| run::idle(server, connections, way)),
        Load::Mixed => alone(&|server| run::mixed(server, connections, span)),
        Load::Polling(message, in_flight) => {
            alone(&|server| polling::echo(server, connections, message, in_flight, span))
        }
        Load::Rooms(rooms) => alone(&|server| run::fanout(server, connections, rooms, span)),
    }?;
    let (scenario, server) = (scenario.name, contender.name.clone());
    Ok(Sample { scenario, server, round, connections, figures, others })
}

fn write(report: &Report, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("results.json"), serde_json::to_vec_pretty(report)?)?;
    fs::write(folder.join("results.md"), report.to_string())?;
    for scenario in report.scenarios() {
        let plot = plot::bars(scenario, report.unit(scenario), &report.costs(scenario));
        fs::write(folder.join(format!("{scenario}.svg")), plot)?;
    }
    Ok(())
}

/// Raises the limit on open files as far as it goes; the servers inherit it.
fn raise_file_limit() -> Result<usize> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.map_or(usize::MAX, |maximum| maximum.try_into().unwrap_or(usize::MAX)))
}
