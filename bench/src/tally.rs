use std::time::Duration;

use crate::{
    Result, Span,
    histogram::Histogram,
    report::{Figures, Load},
    run::now,
    server::{Server, own_cpu},
};

/// What has been done in a measurement.
#[derive(Debug)]
pub(crate) struct Tally {
    latency: Histogram,
    pub(crate) operations: u64,
    pub(crate) overtook: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { latency: Histogram::new(), operations: 0, overtook: 0 }
    }

    /// Counts an operation.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.operations += 1;
        self.latency.record(latency);
    }
}

/// Does one turn after the other, first to warm up, then to measure.
pub(crate) fn measure(
    server: &Server,
    span: Span,
    mut turn: impl FnMut(&mut Tally) -> Result<()>,
) -> Result<Figures> {
    let mut run_for = |duration| {
        let mut tally = Tally::new();
        let start = now();
        while start.elapsed() < duration {
            turn(&mut tally)?;
        }
        Result::Ok((tally, start.elapsed().as_secs_f64()))
    };
    run_for(span.warmup)?;
    let (cpu, own) = (server.cpu()?, own_cpu()?);
    let (tally, elapsed) = run_for(span.measured)?;
    let cpu = (server.cpu()? - cpu).as_secs_f64();
    let own = (own_cpu()? - own).as_secs_f64();
    let operations = tally.operations as f64;
    Ok(Figures::Load(Load {
        operations_per_second: operations / elapsed,
        cpu_us: cpu * 1e6 / operations,
        p50_ms: tally.latency.quantile(0.5),
        p99_ms: tally.latency.quantile(0.99),
        p999_ms: tally.latency.quantile(0.999),
        overtook: tally.overtook as f64 / operations,
        resident_bytes: server.resident()?,
        server_busy: cpu / elapsed,
        load_busy: own / elapsed,
    }))
}
