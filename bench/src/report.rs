use std::fmt;

use serde::Serialize;

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) samples: Vec<Sample>,
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) scenario: &'static str,
    pub(crate) server: String,
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Figures {
    Idle(Idle),
    Load(Load),
}

#[derive(Debug, Serialize)]
pub(crate) struct Idle {
    pub(crate) connections: usize,
    pub(crate) bytes_per_connection: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) operations_per_second: f64,
    /// The server's time per operation, in user and kernel space.
    pub(crate) cpu_us: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// The share of replies that overtook another.
    pub(crate) overtook: f64,
    pub(crate) resident_bytes: u64,
    /// The share of a core that the server took.
    pub(crate) server_busy: f64,
    /// The share of a core that the load took.
    pub(crate) load_busy: f64,
}

impl Sample {
    /// What servers are compared by.
    fn cost(&self) -> f64 {
        match &self.figures {
            Figures::Idle(idle) => idle.bytes_per_connection,
            Figures::Load(load) => load.cpu_us,
        }
    }
}

impl Report {
    /// The medians of one scenario and server as a row, and whether it is one about idle
    /// connections.
    fn row(&self, scenario: &str, server: &str) -> (bool, String) {
        let (mut idle, mut loads) = (Vec::new(), Vec::new());
        for sample in self.of(scenario, server) {
            match &sample.figures {
                Figures::Idle(figures) => idle.push(figures),
                Figures::Load(figures) => loads.push(figures),
            }
        }
        let ratio = self.ratio(scenario, server);
        if let Some(Idle { connections, .. }) = idle.first() {
            let bytes = median(idle.iter().map(|idle| idle.bytes_per_connection));
            let row =
                format!("| {scenario} | {server} | {bytes:.0} | {ratio:.2} | {connections} |");
            return (true, row);
        }
        let median = |figure: fn(&Load) -> f64| median(loads.iter().map(|load| figure(load)));
        let row = format!(
            "| {scenario} | {server} | {:.2} | {ratio:.2} | {:.0} | {:.2} | {:.2} | {:.2} % \
             | {:.1} | {:.0} % | {:.0} % |",
            median(|load| load.cpu_us),
            median(|load| load.operations_per_second),
            median(|load| load.p50_ms),
            median(|load| load.p99_ms),
            median(|load| load.overtook * 100.0),
            median(|load| load.resident_bytes as f64 / 1e6),
            median(|load| load.server_busy * 100.0),
            median(|load| load.load_busy * 100.0),
        );
        (false, row)
    }

    /// The median, over the rounds, of the cost against that of the first server.
    fn ratio(&self, scenario: &str, server: &str) -> f64 {
        let first = self.samples.first().map_or("", |sample| &sample.server);
        let rounds = self.of(scenario, first).zip(self.of(scenario, server));
        median(rounds.map(|(first, sample)| sample.cost() / first.cost()))
    }

    fn of(&self, scenario: &str, server: &str) -> impl Iterator<Item = &Sample> {
        let samples = self.samples.iter();
        samples.filter(move |sample| sample.scenario == scenario && sample.server == server)
    }

    /// The scenarios and servers, each pair once, in the order of their runs.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs = Vec::new();
        for sample in &self.samples {
            let pair = (sample.scenario, sample.server.as_str());
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }
}

/// A Markdown table of medians for the loads, and one for idle connections.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.samples.first().map_or("", |sample| &sample.server);
        let rows = self.pairs().into_iter().map(|(scenario, server)| self.row(scenario, server));
        let (idle, loads): (Vec<_>, Vec<_>) = rows.partition(|(is_idle, _)| *is_idle);
        if !loads.is_empty() {
            writeln!(
                f,
                "| scenario | server | CPU, µs | against {first} | operations/s | p50, ms \
                 | p99, ms | overtook | resident, MB | server busy | load busy |\n\
                 | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
            )?;
            loads.iter().try_for_each(|(_, row)| writeln!(f, "{row}"))?;
        }
        if !loads.is_empty() && !idle.is_empty() {
            writeln!(f)?;
        }
        if !idle.is_empty() {
            writeln!(
                f,
                "| scenario | server | bytes per connection | against {first} | connections |\n\
                 | --- | --- | --: | --: | --: |"
            )?;
            idle.iter().try_for_each(|(_, row)| writeln!(f, "{row}"))?;
        }
        Ok(())
    }
}

/// A line to follow the runs by.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, server, round, .. } = self;
        write!(f, "{scenario}, round {}, {server}: ", round + 1)?;
        match &self.figures {
            Figures::Idle(idle) => write!(f, "{:.0} bytes", idle.bytes_per_connection),
            Figures::Load(load) => {
                let Load { cpu_us, operations_per_second, .. } = load;
                write!(f, "{cpu_us:.2} µs, {operations_per_second:.0}/s")
            }
        }
    }
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

    #[test]
    fn compares_within_a_round() {
        let mut report = Report::default();
        for (round, bytes) in [100.0, 300.0, 200.0].into_iter().enumerate() {
            for (server, factor) in [("ours", 1.0), ("peer", 2.0)] {
                let figures = Idle { connections: 10, bytes_per_connection: bytes * factor };
                let figures = Figures::Idle(figures);
                report.samples.push(Sample {
                    scenario: "idle",
                    server: server.into(),
                    round,
                    figures,
                });
            }
        }
        let text = report.to_string();
        assert!(text.contains("| idle | ours | 200 | 1.00 | 10 |"), "{text}");
        assert!(text.contains("| idle | peer | 400 | 2.00 | 10 |"), "{text}");
    }
}
