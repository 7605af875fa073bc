//! Tables and queues that grew with a crowd give memory back when it has left.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{BuildHasher, Hash},
};

/// A table with room for so many keeps it.
const SMALL: usize = 64;

/// Call it after each removal: in the long run it costs nothing, as it does something only when
/// three quarters of a table are empty.
pub(super) trait Shrink {
    fn shrink(&mut self);
}

/// Whether a table is too large for what it holds.
pub(super) fn is_sparse(len: usize, capacity: usize) -> bool {
    capacity > SMALL && len < capacity / 4
}

impl<K: Eq + Hash, V, S: BuildHasher> Shrink for HashMap<K, V, S> {
    fn shrink(&mut self) {
        if is_sparse(self.len(), self.capacity()) {
            self.shrink_to(2 * self.len());
        }
    }
}

impl<T> Shrink for VecDeque<T> {
    fn shrink(&mut self) {
        if is_sparse(self.len(), self.capacity()) {
            self.shrink_to(2 * self.len());
        }
    }
}

impl<T: Eq + Hash, S: BuildHasher> Shrink for HashSet<T, S> {
    fn shrink(&mut self) {
        if is_sparse(self.len(), self.capacity()) {
            self.shrink_to(2 * self.len());
        }
    }
}
