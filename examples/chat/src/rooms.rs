//! The rooms as plain data: they know no sockets.

use std::{
    collections::{HashMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::messages::{Message, Refusal};

pub(crate) const ROOMS: [&str; 3] = ["general", "random", "rust"];

const HISTORY: usize = 100;
const MESSAGE_CHARS: usize = 2000;

#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<&'static str, Room>);

#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Sorted. Who is here twice is listed twice.
    online: Vec<String>,
    history: VecDeque<Message>,
    last_id: u64,
}

impl Rooms {
    /// A room, which is empty at first.
    pub(crate) fn get(&mut self, name: &'static str) -> &mut Room {
        self.0.entry(name).or_default()
    }
}

impl Room {
    pub(crate) fn enter(&mut self, nickname: &str) {
        let place = self.online.partition_point(|other| other.as_str() < nickname);
        self.online.insert(place, nickname.to_owned());
    }

    pub(crate) fn leave(&mut self, nickname: &str) {
        if let Some(place) = self.online.iter().position(|other| other == nickname) {
            self.online.remove(place);
        }
    }

    /// Adds a message to the history, which forgets the oldest.
    pub(crate) fn post(
        &mut self,
        nickname: String,
        text: String,
        time: u64,
    ) -> Result<&Message, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        if text.chars().count() > MESSAGE_CHARS {
            return Err(Refusal::LongMessage { max: MESSAGE_CHARS });
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.last_id += 1;
        self.history.push_back(Message { id: self.last_id, nickname, text, time });
        Ok(&self.history[self.history.len() - 1])
    }

    pub(crate) fn online(&self) -> &[String] {
        &self.online
    }

    pub(crate) fn history(&self) -> &VecDeque<Message> {
        &self.history
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(room: &mut Room, text: &str) -> Result<u64, Refusal> {
        room.post("Ada".into(), text.into(), 0).map(|message| message.id)
    }

    #[test]
    fn the_history_keeps_the_last_messages_in_order() {
        let mut room = Room::default();
        for number in 1..=130 {
            assert_eq!(say(&mut room, &number.to_string()), Ok(number));
        }
        let texts: Vec<&str> = room.history().iter().map(|message| &*message.text).collect();
        assert_eq!(texts.len(), 100);
        assert_eq!((texts[0], texts[99]), ("31", "130"));
    }

    #[test]
    fn a_refused_message_leaves_no_trace() {
        let mut room = Room::default();
        assert_eq!(say(&mut room, " \n"), Err(Refusal::EmptyMessage));
        assert_eq!(say(&mut room, &"é".repeat(2001)), Err(Refusal::LongMessage { max: 2000 }));
        assert!(room.history().is_empty());
        assert_eq!(say(&mut room, &"é".repeat(2000)), Ok(1));
    }

    #[test]
    fn one_of_two_windows_leaves() {
        let mut room = Room::default();
        for nickname in ["Bo", "Ada", "Bo"] {
            room.enter(nickname);
        }
        assert_eq!(room.online(), ["Ada", "Bo", "Bo"]);
        room.leave("Bo");
        room.leave("Cy");
        assert_eq!(room.online(), ["Ada", "Bo"]);
    }

    #[test]
    fn rooms_are_apart() {
        let mut rooms = Rooms::default();
        say(rooms.get("rust"), "hello").expect("a fine message");
        assert!(rooms.get("general").history().is_empty());
        assert_eq!(rooms.get("rust").history().len(), 1);
    }
}
