use std::time::Duration;

use crate::{
    Result, Span,
    figures::{Drift, Figures, Instructions, Load, Window},
    histogram::Histogram,
    process::own_cpu,
    run::now,
    server::Server,
};

/// What has been done in a measurement.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) latency: Histogram,
    /// The latency of broadcasts, where there are other events too, or of what crossed nodes.
    pub(crate) deliveries: Histogram,
    /// How long after its time something was sent, where it has a time.
    pub(crate) late: Histogram,
    pub(crate) operations: u64,
    pub(crate) overtook: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let [latency, deliveries, late] = [(); 3].map(|()| Histogram::new());
        Self { latency, deliveries, late, operations: 0, overtook: 0 }
    }

    /// Counts an operation.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.operations += 1;
        self.latency.record(latency);
    }

    /// Counts a delivery of a broadcast, where there are other events too, or one across nodes.
    pub(crate) fn record_delivery(&mut self, latency: Duration) {
        self.operations += 1;
        self.deliveries.record(latency);
    }

    fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency);
        self.deliveries.add(&other.deliveries);
        self.late.add(&other.late);
        self.operations += other.operations;
        self.overtook += other.overtook;
    }
}

/// Does one turn after the other, first to warm up, then to measure.
pub(crate) fn measure(
    server: &Server,
    span: Span,
    mut turn: impl FnMut(&mut Tally) -> Result<()>,
) -> Result<Figures> {
    Period::measure(server, span.warmup, &mut turn)?;
    let (period, instructions) =
        server.count(|| Period::measure(server, span.measured, &mut turn))?;
    Ok(instructions.map_or_else(
        || Figures::Load(period.load()),
        |instructions| Figures::Instructions(period.instructions(instructions)),
    ))
}

/// The same, in equal windows.
pub(crate) fn measure_drift(
    server: &Server,
    span: Span,
    mut turn: impl FnMut(&mut Tally) -> Result<()>,
) -> Result<Figures> {
    let count = (span.measured.as_secs() as u32).clamp(1, 10);
    let mut whole = Period::measure(server, span.warmup, &mut turn)?;
    let resident_bytes_at_start = whole.resident_bytes;
    let mut windows = Vec::new();
    for number in 0..count {
        let window = Period::measure(server, span.measured / count, &mut turn)?;
        windows.push(window.window());
        if number == 0 { whole = window } else { whole.add(&window) }
    }
    Ok(Figures::Drift(Drift { whole: whole.window(), resident_bytes_at_start, windows }))
}

/// What was done in a while, and what that took.
struct Period {
    tally: Tally,
    elapsed: Duration,
    /// The server's time.
    cpu: Duration,
    own_cpu: Duration,
    /// The server's memory at the end.
    resident_bytes: u64,
}

impl Period {
    fn measure(
        server: &Server,
        duration: Duration,
        turn: &mut impl FnMut(&mut Tally) -> Result<()>,
    ) -> Result<Self> {
        let (cpu, own) = (server.process.cpu()?, own_cpu()?);
        let mut tally = Tally::new();
        let start = now();
        while start.elapsed() < duration {
            turn(&mut tally)?;
        }
        Ok(Self {
            tally,
            elapsed: start.elapsed(),
            cpu: server.process.cpu()? - cpu,
            own_cpu: own_cpu()? - own,
            resident_bytes: server.process.resident()?,
        })
    }

    /// Adds what came next.
    fn add(&mut self, next: &Self) {
        self.tally.add(&next.tally);
        self.elapsed += next.elapsed;
        self.cpu += next.cpu;
        self.own_cpu += next.own_cpu;
        self.resident_bytes = next.resident_bytes;
    }

    fn load(&self) -> Load {
        let operations = self.tally.operations as f64;
        let elapsed = self.elapsed.as_secs_f64();
        Load {
            operations_per_second: operations / elapsed,
            cpu_us: self.cpu.as_secs_f64() * 1e6 / operations,
            latency: self.tally.latency.latency(),
            overtook: self.tally.overtook as f64 / operations,
            resident_bytes: self.resident_bytes,
            server_busy: self.cpu.as_secs_f64() / elapsed,
            load_busy: self.own_cpu.as_secs_f64() / elapsed,
        }
    }

    fn instructions(&self, count: u64) -> Instructions {
        let operations = self.tally.operations;
        Instructions { instructions_per_operation: count as f64 / operations as f64, operations }
    }

    fn window(&self) -> Window {
        let [deliveries, late] = [&self.tally.deliveries, &self.tally.late].map(Histogram::latency);
        Window { load: self.load(), deliveries, late }
    }
}
