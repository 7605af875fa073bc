use std::{collections::BTreeMap, mem, time::Instant};

use crate::wire::AckId;

/// Who waits for which acknowledgement, and until when.
#[derive(Debug)]
pub(super) struct Acks<A> {
    waiting: BTreeMap<AckId, (Instant, A)>,
    /// No later than the earliest deadline.
    deadline: Option<Instant>,
}

impl<A> Default for Acks<A> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), deadline: None }
    }
}

impl<A> Acks<A> {
    pub(super) fn insert(&mut self, id: AckId, deadline: Instant, waiting: A) {
        self.waiting.insert(id, (deadline, waiting));
        self.deadline = Some(self.deadline.map_or(deadline, |earliest| earliest.min(deadline)));
    }

    pub(super) fn remove(&mut self, id: AckId) -> Option<A> {
        let (_, waiting) = self.waiting.remove(&id)?;
        if self.waiting.is_empty() {
            self.deadline = None;
        }
        Some(waiting)
    }

    /// Takes out all that were waited for in vain.
    pub(super) fn expire(&mut self, now: Instant) -> impl Iterator<Item = A> + use<A> {
        let mut late = BTreeMap::new();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            let is_late = |(_, (deadline, _)): &(AckId, (Instant, A))| *deadline <= now;
            (late, self.waiting) = mem::take(&mut self.waiting).into_iter().partition(is_late);
            self.deadline = self.waiting.values().map(|(deadline, _)| *deadline).min();
        }
        late.into_values().map(|(_, waiting)| waiting)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}
