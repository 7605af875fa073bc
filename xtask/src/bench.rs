//! `cargo xtask bench`: our servers and their peers under the same load.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::{
    report::Report,
    tools::{self, Missing, build, measurements, node, npm_ci, root},
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The scenarios, as `bench/README.md` lists them; all by default, or a few with
    /// `--instructions`.
    scenarios: Vec<String>,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often each server has its turn; once by default with `--instructions`.
    #[arg(long, default_value_t = 5, default_value_if("instructions", "true", "1"))]
    rounds: usize,
    /// Worker threads of each server that can have several.
    #[arg(long, default_value = "1")]
    threads: NonZero<usize>,
    /// The servers, the first of which the others are compared with; all by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    servers: Vec<Contender>,
    /// Counts instructions, under valgrind, in place of time. Not for Node, whose code is not native.
    #[arg(long)]
    instructions: bool,
    /// A folder for the measurements as JSON, the tables as Markdown and the plots; `bench` in the
    /// build folder by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Contender {
    /// Ours on tower and hyper.
    Tower,
    /// The same in clusters, with the sharded adapter.
    TowerSharded,
    /// The same in clusters, with the adapter of streams.
    TowerStreams,
    /// Ours on axum.
    Axum,
    /// Ours on actix-web.
    Actix,
    /// Ours on warp.
    Warp,
    /// socketioxide on axum.
    Socketioxide,
    /// Node's own. Needs Node.
    Node,
    /// The same in clusters, with the sharded adapter.
    NodeSharded,
    /// The same in clusters, with the adapter of streams.
    NodeStreams,
    /// A bare loop over epoll.
    Floor,
}

/// Builds what can be built here, measures, and prints a summary.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut report = Report::default();
    // What failed has said why in the report.
    let _: Option<()> = bench(options, &mut report);
    report.finish()
}

fn bench(options: &Options, report: &mut Report) -> Option<()> {
    let generator = report.step("build: the load generator", || {
        if !cfg!(target_os = "linux") {
            return Err(Missing("the load generator runs on Linux only".into()).into());
        }
        build("release", "bench", "bench")
    })?;
    if options.instructions {
        report.step("find: valgrind", tools::valgrind)?;
    }
    if options.has_clusters() {
        report.step("find: Redis", tools::redis)?;
    }
    let mut servers = Vec::new();
    for contender in options.contenders() {
        let name = contender.name();
        let server = report.step(format!("build: {name}"), || contender.build());
        servers.extend(server.map(|path| (contender, path)));
    }
    report.step("measure", || {
        ensure!(!servers.is_empty(), "there is no server to measure");
        tools::run(&mut options.command(&generator, &servers)?)
    })
}

impl Options {
    /// Whether there is a scenario that needs what nodes of a cluster do.
    fn has_clusters(&self) -> bool {
        let mut scenarios = self.scenarios.iter();
        self.scenarios.is_empty() || scenarios.any(|name| name.starts_with("cluster-"))
    }

    fn contenders(&self) -> Vec<Contender> {
        let mut contenders = self.servers.clone();
        if contenders.is_empty() {
            contenders.extend(Contender::value_variants());
        }
        contenders.retain(|one| !self.instructions || !one.is_node());
        contenders.retain(|one| self.has_clusters() || one.adapter().is_none());
        contenders
    }

    fn command(&self, generator: &Path, servers: &[(Contender, PathBuf)]) -> Result<Command> {
        let out = measurements(self.out.as_deref())?;
        let mut command = Command::new(generator);
        command.current_dir(root());
        for (contender, path) in servers {
            let adapter =
                contender.adapter().map_or(String::new(), |adapter| format!("{adapter}:"));
            let server = format!("{}={adapter}{}", contender.name(), path.display());
            command.arg("--server").arg(server);
        }
        for scenario in &self.scenarios {
            command.args(["--scenario", scenario]);
        }
        command.args(["--seconds", &self.seconds.to_string()]);
        command.args(["--rounds", &self.rounds.to_string()]);
        command.args(["--threads", &self.threads.to_string()]);
        if self.instructions {
            command.arg("--instructions");
        }
        command.arg("--out").arg(out);
        Ok(command)
    }
}

impl Contender {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The adapter of those that are for clusters alone.
    fn adapter(self) -> Option<&'static str> {
        match self {
            Self::TowerSharded | Self::NodeSharded => Some("sharded"),
            Self::TowerStreams | Self::NodeStreams => Some("streams"),
            _ => None,
        }
    }

    fn is_node(self) -> bool {
        matches!(self, Self::Node | Self::NodeSharded | Self::NodeStreams)
    }

    /// Gives what to start.
    fn build(self) -> Result<PathBuf> {
        match self {
            Self::Tower | Self::TowerSharded | Self::TowerStreams => {
                build("release", "conformance", "conformance-tower")
            }
            Self::Axum | Self::Actix | Self::Warp => {
                build("release", "conformance", &format!("conformance-{}", self.name()))
            }
            Self::Socketioxide | Self::Floor => {
                build("release", "bench", &format!("peer-{}", self.name()))
            }
            Self::Node | Self::NodeSharded | Self::NodeStreams => {
                node()?;
                let folder = root().join("bench").join("peers").join("node");
                npm_ci(&folder)?;
                Ok(folder.join("server.js"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Options {
        let Line { options } = Line::try_parse_from(line.split(' ')).expect("options");
        options
    }

    /// The command to measure one server.
    fn command(options: &Options) -> String {
        command_for(options, Contender::Floor, "/peer-floor")
    }

    fn command_for(options: &Options, contender: Contender, path: &str) -> String {
        let servers = [(contender, PathBuf::from(path))];
        let command = options.command(Path::new("/load"), &servers).expect("a command");
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        args.join(" ")
    }

    #[test]
    fn passes_on_what_to_measure() {
        let options =
            options("bench echo-1 idle --rounds 2 --threads 2 --servers floor,axum --out /out");
        assert_eq!(options.contenders(), [Contender::Floor, Contender::Axum]);
        assert_eq!(
            command(&options),
            "--server floor=/peer-floor --scenario echo-1 --scenario idle --seconds 3 --rounds 2 \
             --threads 2 --out /out"
        );
    }

    #[test]
    fn counts_the_instructions_of_native_servers_once() {
        let options = options("bench --instructions --out /out");
        assert_eq!(options.contenders().len(), 8);
        assert!(!options.contenders().contains(&Contender::Node));
        assert_eq!(
            command(&options),
            "--server floor=/peer-floor --seconds 3 --rounds 1 --threads 1 --instructions \
             --out /out"
        );
    }

    #[test]
    fn clusters_have_servers_of_their_own() {
        let options = options("bench cluster-fanout --out /out");
        assert_eq!(options.contenders().len(), 11);
        let command = command_for(&options, Contender::NodeSharded, "/server.js");
        assert!(command.starts_with("--server node-sharded=sharded:/server.js "), "{command}");
        let alone = self::options("bench echo-1 --out /out").contenders();
        assert!(alone.contains(&Contender::Node) && !alone.contains(&Contender::NodeSharded));
    }

    #[test]
    fn every_server_has_a_name() {
        let names: Vec<_> = Contender::value_variants().iter().map(|one| one.name()).collect();
        let expected = [
            "tower",
            "tower-sharded",
            "tower-streams",
            "axum",
            "actix",
            "warp",
            "socketioxide",
            "node",
            "node-sharded",
            "node-streams",
            "floor",
        ];
        assert_eq!(names, expected);
    }
}
