use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytestring::ByteString;

/// The channels of rooms that sockets of other nodes were told to join a moment ago. Redis may not
/// know yet that their nodes listen there.
#[derive(Debug, Default)]
pub(super) struct JoinedRooms(Mutex<HashMap<ByteString, Instant>>);

/// How long a node has to be told, and to listen.
const MOMENT: Duration = Duration::from_secs(1);

/// Rooms that are noted, at most: they are named by what clients want.
const MAX_ROOMS: usize = 1024;

impl JoinedRooms {
    pub(super) fn insert(&self, channel: ByteString, now: Instant) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= MAX_ROOMS {
            rooms.retain(|_, joined| now < *joined + MOMENT);
        }
        if rooms.len() < MAX_ROOMS || rooms.contains_key(&channel) {
            rooms.insert(channel, now);
        }
    }

    pub(super) fn contains(&self, channel: &str, now: Instant) -> bool {
        let rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.get(channel).is_some_and(|joined| now < *joined + MOMENT)
    }
}

#[cfg(test)]
mod tests {
    use socketio_core::Clock;
    use socketio_tokio::TokioClock;

    use super::*;

    #[test]
    fn a_room_is_noted_for_a_moment_and_their_number_is_bounded() {
        let (rooms, now) = (JoinedRooms::default(), TokioClock.now());
        for n in 0..=MAX_ROOMS {
            rooms.insert(n.to_string().into(), now);
        }
        assert!(rooms.contains("0", now) && !rooms.contains(&MAX_ROOMS.to_string(), now));
        let later = now + MOMENT;
        assert!(!rooms.contains("0", later));
        rooms.insert("late".into(), later);
        assert!(rooms.contains("late", later));
        assert_eq!(rooms.0.lock().expect("no panic").len(), 1);
    }
}
