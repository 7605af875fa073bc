use std::{fmt, num::NonZero};

use serde::Serialize;

use crate::{
    figures::{Column, Figures},
    machine::Others,
};

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// A server's worker threads.
    threads: NonZero<usize>,
    /// Whether server and load run on the same cores.
    shares_cores: bool,
    pub(crate) samples: Vec<Sample>,
    pub(crate) failures: Vec<Failure>,
}

/// Why there is no measurement, or none of the later rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) scenario: &'static str,
    pub(crate) server: String,
    pub(crate) error: String,
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) scenario: &'static str,
    pub(crate) server: String,
    pub(crate) round: usize,
    pub(crate) connections: usize,
    #[serde(flatten)]
    pub(crate) figures: Figures,
    pub(crate) others: Others,
}

impl Sample {
    fn columns(&self) -> Vec<Column> {
        let connections = ("connections", 0, self.connections as f64);
        self.figures.columns().into_iter().chain([connections]).collect()
    }

    fn cost(&self, column: usize) -> f64 {
        let (_, _, cost) = self.columns()[column];
        cost
    }
}

impl Report {
    pub(crate) fn new(threads: NonZero<usize>, shares_cores: bool) -> Self {
        Self { threads, shares_cores, samples: Vec::new(), failures: Vec::new() }
    }

    /// A line about what the servers run on.
    pub(crate) fn setting(&self) -> String {
        let cores = match self.shares_cores {
            false => "on cores of their own",
            true => "on the cores that the load runs on too, and takes time from them",
        };
        format!("Worker threads of a server: {}, {cores}.", self.threads)
    }

    pub(crate) fn has_failed(&self, scenario: &str, server: &str) -> bool {
        let mut failures = self.failures.iter();
        failures.any(|failure| failure.scenario == scenario && failure.server == server)
    }

    /// The scenarios that have samples, in the order of their runs.
    pub(crate) fn scenarios(&self) -> Vec<&'static str> {
        let mut scenarios: Vec<_> = self.samples.iter().map(|sample| sample.scenario).collect();
        scenarios.dedup();
        scenarios
    }

    /// What the costs of a scenario are counted in.
    pub(crate) fn unit(&self, scenario: &str) -> &'static str {
        let mut samples = self.samples.iter();
        let sample = samples.find(|sample| sample.scenario == scenario);
        sample.map_or("", |sample| sample.columns()[0].0)
    }

    /// The servers with their median costs.
    pub(crate) fn costs(&self, scenario: &str) -> Vec<(&str, f64)> {
        let cost = |server| median(self.of(scenario, server).map(|sample| sample.cost(0)));
        self.servers(scenario).into_iter().map(|server| (server, cost(server))).collect()
    }

    /// The servers that have samples of a scenario.
    fn servers(&self, scenario: &str) -> Vec<&str> {
        let mut servers: Vec<&str> = Vec::new();
        for sample in self.samples.iter().filter(|sample| sample.scenario == scenario) {
            if !servers.contains(&sample.server.as_str()) {
                servers.push(&sample.server);
            }
        }
        servers
    }

    /// The medians of what `columns` gives for one scenario and server.
    fn medians(
        &self,
        scenario: &str,
        server: &str,
        columns: impl Fn(&Sample) -> Vec<Column>,
    ) -> Vec<Column> {
        let samples: Vec<_> = self.of(scenario, server).map(columns).collect();
        let column = |(at, &(name, decimals, _)): (usize, &Column)| {
            (name, decimals, median(samples.iter().map(|columns| columns[at].2)))
        };
        samples.first().map_or(Vec::new(), |first| first.iter().enumerate().map(column).collect())
    }

    /// Markdown tables, each for the scenarios that have the same columns.
    fn tables(&self) -> Vec<Table> {
        let mut tables: Vec<Table> = Vec::new();
        let mut add = |scenario, server, names, cells: Vec<String>| {
            let row = format!("| {scenario} | {server} | {} |", cells.join(" | "));
            match tables.iter_mut().find(|table| table.names == names) {
                Some(table) => table.rows.push(row),
                None => tables.push(Table { names, rows: vec![row] }),
            }
        };
        for scenario in self.scenarios() {
            for server in self.servers(scenario) {
                let (mut names, mut cells) =
                    split(&self.medians(scenario, server, Sample::columns));
                for cost in (0..self.costs_of(scenario, server)).rev() {
                    names.insert(cost + 1, format!("against {}", self.first()));
                    cells.insert(
                        cost + 1,
                        match self.ratio(scenario, server, cost) {
                            ratio if ratio.is_nan() => "–".to_owned(),
                            ratio => format!("{ratio:.2}"),
                        },
                    );
                }
                add(scenario, server, names, cells);
            }
            for server in self.servers(scenario) {
                let drift = |sample: &Sample| sample.figures.drift();
                let (names, cells) = split(&self.medians(scenario, server, drift));
                if !names.is_empty() {
                    add(scenario, server, names, cells);
                }
            }
        }
        tables
    }

    /// How many of the columns are costs.
    fn costs_of(&self, scenario: &str, server: &str) -> usize {
        self.of(scenario, server).next().map_or(0, |sample| sample.figures.costs())
    }

    /// The median, over the rounds, of a cost against that of the first server.
    fn ratio(&self, scenario: &str, server: &str, column: usize) -> f64 {
        let first = |round| {
            let mut samples = self.of(scenario, self.first());
            samples.find(|sample| sample.round == round).map(|sample| sample.cost(column))
        };
        let ratios = self
            .of(scenario, server)
            .filter_map(|sample| Some(sample.cost(column) / first(sample.round)?));
        median(ratios)
    }

    /// The server that the others are compared with.
    fn first(&self) -> &str {
        self.samples.first().map_or("", |sample| &sample.server)
    }

    fn of(&self, scenario: &str, server: &str) -> impl Iterator<Item = &Sample> {
        let samples = self.samples.iter();
        samples.filter(move |sample| sample.scenario == scenario && sample.server == server)
    }

    /// A line about what else ran during the measurements.
    fn others(&self) -> String {
        let range = |figure: fn(&Others) -> f64| {
            let mut values: Vec<_> =
                self.samples.iter().map(|sample| figure(&sample.others)).collect();
            values.sort_by(f64::total_cmp);
            match values[..] {
                [] => "–".to_owned(),
                [min, .., max] => format!("{min:.2} to {max:.2}"),
                [only] => format!("{only:.2}"),
            }
        };
        let mut names: Vec<(&str, f64)> = Vec::new();
        for process in self.samples.iter().flat_map(|sample| &sample.others.busiest) {
            match names.iter_mut().find(|(name, _)| *name == process.name) {
                Some((_, most)) => *most = most.max(process.cores),
                None => names.push((&process.name, process.cores)),
            }
        }
        names.sort_by(|a, b| b.1.total_cmp(&a.1));
        let names: Vec<_> =
            names.iter().take(3).map(|(name, most)| format!("{name} (up to {most:.2})")).collect();
        let names = if names.is_empty() { "none seen".to_owned() } else { names.join(", ") };
        format!(
            "Beside it: load average {} before a measurement, {} cores taken by others during \
             one; the busiest other processes: {names}.",
            range(|others| others.load_average),
            range(|others| others.cores),
        )
    }
}

/// Medians by scenario and server.
struct Table {
    /// Of the figures.
    names: Vec<String>,
    rows: Vec<String>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| scenario | server | {} |", self.names.join(" | "))?;
        writeln!(f, "| --- | --- |{}", " --: |".repeat(self.names.len()))?;
        writeln!(f, "{}", self.rows.join("\n"))
    }
}

/// The tables; then what failed, what the servers ran on, and what else ran.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in self.tables() {
            writeln!(f, "{table}")?;
        }
        for failure in &self.failures {
            writeln!(f, "Failed: {failure}\n")?;
        }
        writeln!(f, "{}\n", self.setting())?;
        writeln!(f, "{}", self.others())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A reply may be long, and its start is what tells.
        let error: String = self.error.chars().take(400).collect();
        write!(f, "{}, {}: {error}", self.scenario, self.server)
    }
}

/// A line to follow the runs by.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, server, round, .. } = self;
        write!(f, "{scenario}, round {}, {server}: ", round + 1)?;
        for (name, decimals, value) in self.columns().into_iter().take(2) {
            write!(f, "{name} {value:.decimals$}; ")?;
        }
        let Others { load_average, cores, .. } = &self.others;
        write!(f, "load average {load_average:.2}, others took {cores:.2} cores")
    }
}

/// The names, and the values as they are printed.
fn split(columns: &[Column]) -> (Vec<String>, Vec<String>) {
    let columns = columns.iter();
    columns.map(|&(name, decimals, value)| (name.into(), format!("{value:.decimals$}"))).unzip()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        figures::{Drift, Latency, Load, Memory, Window},
        machine::Process,
    };

    fn sample(server: &str, round: usize, bytes_per_connection: f64) -> Sample {
        let busiest = vec![Process { name: "rustc".into(), cores: 0.5 }];
        Sample {
            scenario: "idle",
            server: server.into(),
            round,
            connections: 10,
            figures: Figures::Memory(Memory { bytes_per_connection }),
            others: Others { load_average: round as f64, cores: 0.75, busiest },
        }
    }

    fn report() -> Report {
        Report::new(NonZero::<usize>::MIN, false)
    }

    #[test]
    fn says_where_the_load_takes_time_from_the_server() {
        let own = report().to_string();
        assert!(own.contains("threads of a server: 1, on cores of their own."), "{own}");
        let shared = Report { shares_cores: true, ..report() }.to_string();
        assert!(shared.contains("on the cores that the load runs on too"), "{shared}");
    }

    #[test]
    fn compares_within_a_round() {
        let mut report = report();
        for (round, bytes) in [100.0, 300.0, 200.0].into_iter().enumerate() {
            report.samples.push(sample("ours", round, bytes));
            report.samples.push(sample("peer", round, bytes * 2.0));
        }
        let text = report.to_string();
        assert!(text.contains("| idle | ours | 200 | 1.00 | 10 |"), "{text}");
        assert!(text.contains("| idle | peer | 400 | 2.00 | 10 |"), "{text}");
        assert_eq!(report.costs("idle"), [("ours", 200.0), ("peer", 400.0)]);
    }

    #[test]
    fn compares_with_nothing_where_the_first_failed() {
        let mut report = report();
        report.samples.push(sample("ours", 0, 100.0));
        report.samples.push(Sample { scenario: "burst", ..sample("peer", 0, 200.0) });
        let error = "a wrong reply".to_owned();
        report.failures.push(Failure { scenario: "burst", server: "ours".into(), error });
        let text = report.to_string();
        assert!(text.contains("| burst | peer | 200 | – | 10 |"), "{text}");
        assert!(text.contains("Failed: burst, ours: a wrong reply"), "{text}");
        assert!(report.has_failed("burst", "ours") && !report.has_failed("idle", "ours"));
    }

    fn window(cpu_us: f64, resident_bytes: u64) -> Window {
        let latency = |p99_ms| Latency { p50_ms: 1.0, p99_ms, p999_ms: 100.0 };
        let load = Load {
            operations_per_second: 10.0,
            cpu_us,
            latency: latency(2.0),
            overtook: 0.0,
            resident_bytes,
            server_busy: 0.5,
            load_busy: 0.25,
        };
        Window { load, deliveries: latency(20.0), late: latency(0.5) }
    }

    #[test]
    fn the_first_and_the_last_window_are_compared() {
        let figures = Figures::Drift(Drift {
            whole: window(2.0, 3_000_000),
            resident_bytes_at_start: 1_000_000,
            windows: vec![window(1.0, 2_000_000), window(9.0, 8_000_000), window(3.0, 3_000_000)],
        });
        let mut report = report();
        report.samples.push(Sample { scenario: "mixed", figures, ..sample("ours", 0, 0.0) });
        let text = report.to_string();
        assert!(text.contains("| mixed | ours | 2.00 | 1.00 | 10 | 1.00 | 2.00 |"), "{text}");
        let drift = "| mixed | ours | 1.00 | 3.00 | 2.00 | 2.00 | 20.00 | 20.00 | 1.0 | 3.0 |";
        assert!(text.contains(drift), "{text}");
    }

    #[test]
    fn says_what_else_ran() {
        let mut report = report();
        report.samples.extend([0, 2].map(|round| sample("ours", round, 1.0)));
        let text = report.to_string();
        assert!(text.contains("load average 0.00 to 2.00 before"), "{text}");
        assert!(text.contains("0.75 to 0.75 cores"), "{text}");
        assert!(text.contains("rustc (up to 0.50)"), "{text}");
    }
}
