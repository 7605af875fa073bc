//! Which node has which session.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// How long a session without a request is remembered, at least. One that polls has a request for
/// every `ping_interval`, which is 25 s; one that has become a websocket has none, and needs none.
const KEPT: Duration = Duration::from_secs(60);

/// How many sessions are remembered, at most. Each is some 100 bytes.
const SESSIONS: usize = 100_000;

/// The longest session id that is remembered. Those of Node and of this library have 20 characters.
const ID: usize = 64;

/// A table of sessions that forgets those that are not used.
///
/// There are two generations, and a session that is used moves to the younger. From time to time the
/// older is dropped and the younger becomes the older: so nothing has to look for what is too old,
/// and there are never more than two generations full.
#[derive(Debug)]
pub(crate) struct Sessions {
    young: HashMap<String, usize>,
    old: HashMap<String, usize>,
    turned: Instant,
}

impl Sessions {
    pub(crate) fn new(now: Instant) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), turned: now }
    }

    /// Remembers that a node has opened a session.
    pub(crate) fn insert(&mut self, now: Instant, id: &str, node: usize) {
        self.turn(now);
        if id.len() <= ID {
            self.young.insert(id.to_owned(), node);
        }
    }

    /// The node of a session, which is in use.
    pub(crate) fn find(&mut self, now: Instant, id: &str) -> Option<usize> {
        self.turn(now);
        if let Some(&node) = self.young.get(id) {
            return Some(node);
        }
        let (id, node) = self.old.remove_entry(id)?;
        self.young.insert(id, node);
        Some(node)
    }

    fn turn(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.turned);
        if elapsed >= KEPT || self.young.len() >= SESSIONS / 2 {
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
        if elapsed >= 2 * KEPT {
            self.old.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_session_is_found_as_long_as_it_is_used() {
        let start = Instant::now();
        let mut sessions = Sessions::new(start);
        sessions.insert(start, "a", 1);
        for poll in 1..20 {
            assert_eq!(sessions.find(start + secs(poll * 25), "a"), Some(1));
        }
        assert_eq!(sessions.find(start, "b"), None);
    }

    #[test]
    fn a_session_that_is_not_used_is_forgotten() {
        let start = Instant::now();
        let mut sessions = Sessions::new(start);
        sessions.insert(start, "polls", 0);
        sessions.insert(start, "is a websocket", 0);
        for seconds in [59, 61, 121] {
            assert_eq!(sessions.find(start + secs(seconds), "polls"), Some(0));
        }
        assert_eq!(sessions.find(start + secs(122), "is a websocket"), None);
        assert_eq!(sessions.find(start + secs(122 + 120), "polls"), None);
    }

    #[test]
    fn however_many_come_there_is_an_end() {
        let start = Instant::now();
        let mut sessions = Sessions::new(start);
        for number in 0..2 * SESSIONS {
            sessions.insert(start, &number.to_string(), 0);
        }
        assert!(sessions.young.len() + sessions.old.len() <= SESSIONS);
        assert_eq!(sessions.find(start, &(2 * SESSIONS - 1).to_string()), Some(0));
        sessions.insert(start, &"x".repeat(1000), 0);
        assert_eq!(sessions.find(start, &"x".repeat(1000)), None);
    }
}
