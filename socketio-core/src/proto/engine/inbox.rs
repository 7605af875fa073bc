use std::collections::VecDeque;

use super::connection::Event;

/// What waits for the application. As a rule that is one event at a time, which takes no allocation.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    next: Option<Event>,
    /// Behind the next one.
    more: VecDeque<Event>,
}

impl Inbox {
    pub(super) fn push(&mut self, event: Event) {
        match self.next {
            None => self.next = Some(event),
            Some(_) => self.more.push_back(event),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let next = self.next.take()?;
        self.next = self.more.pop_front();
        if self.next.is_none() && self.more.capacity() > 0 {
            self.more = VecDeque::new();
        }
        Some(next)
    }

    /// Takes the last one and drops the others.
    pub(super) fn take_last(&mut self) -> Option<Event> {
        let Self { next, mut more } = std::mem::take(self);
        more.pop_back().or(next)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }
}
