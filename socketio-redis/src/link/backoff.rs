use std::time::Duration;

/// How long to wait before the next try.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

const FIRST: Duration = Duration::from_millis(50);

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Self { next: FIRST.min(max), max }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.max);
    }

    /// Whether the waits do not get longer any more.
    pub(super) fn is_at_max(&self) -> bool {
        self.next == self.max
    }

    /// From the half to the whole of what is due, which doubles.
    pub(crate) fn next(&mut self) -> Duration {
        let due = self.next;
        self.next = (due * 2).min(self.max);
        // Without randomness the nodes come back at once, which is no reason to fail.
        let random = getrandom::u32().unwrap_or(u32::MAX);
        due.div_f64(2.0) + due.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_never_less_than_half() {
        let max = Duration::from_millis(300);
        let mut backoff = Backoff::new(max);
        for due in [50, 100, 200, 300, 300].map(Duration::from_millis) {
            let wait = backoff.next();
            assert!(due / 2 <= wait && wait <= due, "{wait:?} for {due:?}");
        }
        assert!(backoff.is_at_max());
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
