use std::time::Duration;

use crate::figures::Latency;

/// Durations in buckets that are 3 % wide.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// Buckets per power of two.
const STEPS: u64 = 32;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1], total: 0 }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self.total += other.total;
    }

    pub(crate) fn latency(&self) -> Latency {
        let [p50_ms, p99_ms, p999_ms] = [0.5, 0.99, 0.999].map(|share| self.quantile(share));
        Latency { p50_ms, p99_ms, p999_ms }
    }

    /// The duration that this share of all is not above, in milliseconds.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        });
        bucket.map_or(0.0, |bucket| start(bucket) as f64 / 1e6)
    }
}

fn bucket(nanos: u64) -> usize {
    let power = nanos.max(STEPS).ilog2() - STEPS.ilog2();
    (u64::from(power) * STEPS + (nanos >> power)) as usize
}

fn start(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let power = (bucket / STEPS).saturating_sub(1);
    (bucket - power * STEPS) << power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_starts_close_below_what_is_in_it() {
        for nanos in (0..2000).chain([12_345, 1_234_567, 987_654_321]) {
            let start = start(bucket(nanos));
            assert!(start <= nanos && nanos - start <= nanos / STEPS, "{nanos}: {start}");
        }
    }

    #[test]
    fn adds_up() {
        let [mut low, mut high] = [1, 99].map(|millis| {
            let mut histogram = Histogram::new();
            histogram.record(Duration::from_millis(millis));
            histogram
        });
        high.add(&low);
        low.add(&high);
        assert_eq!(low.total, 3);
        assert!((low.quantile(0.5) - 1.0).abs() < 0.1);
        assert!((low.quantile(0.99) - 99.0).abs() < 4.0);
    }

    #[test]
    fn finds_quantiles() {
        let mut histogram = Histogram::new();
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        assert!((histogram.quantile(0.5) - 50.0).abs() < 2.0);
        assert!((histogram.quantile(0.99) - 99.0).abs() < 4.0);
    }
}
