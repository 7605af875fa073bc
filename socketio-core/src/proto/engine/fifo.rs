use std::{
    collections::VecDeque,
    iter::{Chain, Flatten},
    mem, option,
};

/// A queue that as a rule holds one thing at a time, which takes no allocation. An empty one holds
/// none either.
#[derive(Debug)]
pub(crate) struct Fifo<T> {
    next: Option<T>,
    /// Behind the next one, if ever there was more. Dropping none is cheaper than dropping an empty
    /// one.
    more: Option<VecDeque<T>>,
}

impl<T> Fifo<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.next {
            None => self.next = Some(item),
            Some(_) => self.more.get_or_insert_default().push_back(item),
        }
    }

    pub(super) fn push_front(&mut self, item: T) {
        if let Some(next) = self.next.replace(item) {
            self.more.get_or_insert_default().push_front(next);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let next = self.next.take()?;
        if let Some(more) = &mut self.more {
            self.next = more.pop_front();
            if more.is_empty() {
                self.more = None;
            }
        }
        Some(next)
    }

    /// Takes the last one and drops the others.
    pub(super) fn take_last(&mut self) -> Option<T> {
        let Self { next, more } = mem::take(self);
        more.and_then(|mut more| more.pop_back()).or(next)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.next.iter().chain(self.more.iter().flatten())
    }
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self { next: None, more: None }
    }
}

impl<T> From<T> for Fifo<T> {
    fn from(item: T) -> Self {
        Self { next: Some(item), more: None }
    }
}

impl<T> FromIterator<T> for Fifo<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut fifo = Self::default();
        items.into_iter().for_each(|item| fifo.push(item));
        fifo
    }
}

impl<T> IntoIterator for Fifo<T> {
    type Item = T;
    type IntoIter = Chain<option::IntoIter<T>, Flatten<option::IntoIter<VecDeque<T>>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.next.into_iter().chain(self.more.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fifo(items: &[u8]) -> Fifo<u8> {
        items.iter().copied().collect()
    }

    #[test]
    fn keeps_the_order() {
        let mut queue = fifo(&[1, 2, 3]);
        queue.push_front(0);
        assert_eq!(queue.iter().collect::<Vec<_>>(), [&0, &1, &2, &3]);
        assert_eq!(queue.pop(), Some(0));
        queue.push(4);
        assert_eq!(queue.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn ends_empty_and_without_memory() {
        let mut queue = fifo(&[1, 2]);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None]);
        assert!(queue.is_empty());
        assert!(queue.more.is_none());
    }

    #[test]
    fn gives_its_last() {
        for items in [&[1, 2, 3][..], &[3]] {
            let mut queue = fifo(items);
            assert_eq!(queue.take_last(), Some(3));
            assert!(queue.is_empty());
        }
    }
}
