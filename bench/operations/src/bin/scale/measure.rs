//! Time and memory.

use std::{
    fs,
    time::{Duration, Instant},
};

/// How often something is measured.
pub(crate) const TURNS: usize = if cfg!(test) { 1 } else { 11 };

/// How many clients share what grows, where it is not their number that does.
pub(crate) const CLIENTS: usize = if cfg!(test) { 100 } else { 10_000 };

/// Nanoseconds that one operation takes.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Times a turn, which does `count` of them.
    pub(crate) fn turn(&mut self, count: usize, work: impl FnOnce()) {
        self.0.push(time(work).as_nanos() as f64 / count as f64);
    }

    /// The median of the turns.
    pub(crate) fn median(&self) -> f64 {
        let mut times = self.0.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// By how many bytes `work` has this process grow in memory.
pub(crate) fn growth(work: impl FnOnce()) -> f64 {
    let before = resident();
    work();
    resident() - before
}

/// Bytes of this process that are in memory.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    });
    kilobytes.expect("a size in kB") * 1024.0
}

/// All of `0..count`, each far from the one before: neither caches nor the order in memory help.
pub(crate) fn spread(count: usize) -> impl Iterator<Item = usize> + Clone {
    /// A prime that divides no size here.
    const STEP: usize = 7919;
    (0..count).map(move |at| at * STEP % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_turn_does_not_count() {
        assert_eq!(Times(vec![3.0, 1000.0, 1.0]).median(), 3.0);
    }

    #[test]
    fn memory_in_use_is_resident() {
        let bytes = vec![1_u8; 10_000_000];
        assert!(resident() > bytes.len() as f64);
    }

    #[test]
    fn spread_leaves_none_out() {
        for count in [1, 2, 1000, 50_000, 100_000] {
            let mut all: Vec<_> = spread(count).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
        }
    }
}
