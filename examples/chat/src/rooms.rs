//! The rooms as plain data: they know no sockets.

use std::{
    collections::{HashMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::messages::{Message, Refusal};

const ROOMS: [&str; 3] = ["general", "random", "rust"];

const HISTORY: usize = 100;
const MESSAGE_CHARS: usize = 2000;

/// The name of a room, if there is one of this name.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    ROOMS.into_iter().find(|room| *room == name)
}

#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<&'static str, Room>);

#[derive(Debug)]
pub(crate) struct Room {
    name: &'static str,
    /// In the order of their times, and of their ids: it is the same on all nodes.
    history: VecDeque<Message>,
    /// How many were posted here.
    posted: u64,
    /// On all nodes, sorted. Who is here twice is listed twice.
    online: Vec<String>,
    /// The number of the census that found them. It takes a while, and a later one may be faster.
    census: u64,
    /// How many censuses have begun.
    censuses: u64,
}

/// Who posts a message: a socket, and the name that others see.
pub(crate) struct Author<'a> {
    pub(crate) socket: &'a str,
    pub(crate) nickname: String,
}

impl Rooms {
    /// A room, which is empty at first.
    pub(crate) fn get(&mut self, name: &'static str) -> &mut Room {
        self.0.entry(name).or_insert_with(|| Room::new(name))
    }

    /// Adds a message that was posted on another node.
    pub(crate) fn keep(&mut self, message: Message) {
        if let Some(name) = find(&message.room) {
            self.get(name).keep(message);
        }
    }

    /// All messages of all rooms.
    pub(crate) fn history(&self) -> Vec<Message> {
        self.0.values().flat_map(|room| &room.history).cloned().collect()
    }
}

impl Room {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            history: VecDeque::new(),
            posted: 0,
            online: Vec::new(),
            census: 0,
            censuses: 0,
        }
    }

    /// Adds a message to the history, which forgets the oldest.
    pub(crate) fn post(
        &mut self,
        author: Author<'_>,
        text: String,
        time: u64,
    ) -> Result<Message, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::EmptyMessage);
        }
        if text.chars().count() > MESSAGE_CHARS {
            return Err(Refusal::LongMessage { max: MESSAGE_CHARS });
        }
        self.posted += 1;
        let id = format!("{}-{}", author.socket, self.posted);
        let message = Message { id, room: self.name.into(), nickname: author.nickname, text, time };
        self.keep(message.clone());
        Ok(message)
    }

    /// Adds a message to the history, unless it is there.
    pub(crate) fn keep(&mut self, message: Message) {
        let key = (message.time, &message.id);
        if let Err(place) = self.history.binary_search_by(|other| (other.time, &other.id).cmp(&key))
        {
            self.history.insert(place, message);
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
    }

    /// Begins to find out who is here, and gives the number of that.
    pub(crate) fn begin_census(&mut self) -> u64 {
        self.censuses += 1;
        self.censuses
    }

    /// Takes what was found out, unless a newer census knows better.
    pub(crate) fn end_census(&mut self, number: u64, mut online: Vec<String>) {
        if number > self.census {
            online.sort();
            self.census = number;
            self.online = online;
        }
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

    fn say(room: &mut Room, time: u64, text: &str) -> Result<String, Refusal> {
        let author = Author { socket: "a", nickname: "Ada".into() };
        room.post(author, text.into(), time).map(|message| message.id)
    }

    fn told(id: &str, time: u64) -> Message {
        let (room, nickname, text) = ("rust".into(), "Bo".into(), id.into());
        Message { id: id.into(), room, nickname, text, time }
    }

    #[test]
    fn the_history_keeps_the_last_messages_in_order() {
        let mut room = Room::new("rust");
        for number in 1..=130 {
            assert_eq!(say(&mut room, number, &number.to_string()), Ok(format!("a-{number}")));
        }
        let texts: Vec<&str> = room.history().iter().map(|message| &*message.text).collect();
        assert_eq!(texts.len(), 100);
        assert_eq!((texts[0], texts[99]), ("31", "130"));
    }

    #[test]
    fn what_other_nodes_tell_is_kept_once_and_where_it_belongs() {
        let mut rooms = Rooms::default();
        for (id, time) in [("b-2", 20), ("b-4", 30), ("b-1", 10), ("b-2", 20), ("b-3", 30)] {
            rooms.keep(told(id, time));
        }
        rooms.keep(Message { room: "no such".into(), ..told("b-5", 40) });
        let ids: Vec<String> = rooms.history().into_iter().map(|message| message.id).collect();
        assert_eq!(ids, ["b-1", "b-2", "b-3", "b-4"]);
    }

    #[test]
    fn a_refused_message_leaves_no_trace() {
        let mut room = Room::new("rust");
        assert_eq!(say(&mut room, 0, " \n"), Err(Refusal::EmptyMessage));
        assert_eq!(say(&mut room, 0, &"é".repeat(2001)), Err(Refusal::LongMessage { max: 2000 }));
        assert!(room.history().is_empty());
        assert_eq!(say(&mut room, 0, &"é".repeat(2000)), Ok("a-1".into()));
    }

    #[test]
    fn who_is_online_is_what_the_newest_census_says() {
        let mut room = Room::new("rust");
        let (first, second) = (room.begin_census(), room.begin_census());
        room.end_census(second, vec!["Bo".into(), "Ada".into(), "Bo".into()]);
        room.end_census(first, vec!["Ada".into()]);
        assert_eq!(room.online(), ["Ada", "Bo", "Bo"]);
    }

    #[test]
    fn rooms_are_apart() {
        let mut rooms = Rooms::default();
        say(rooms.get("rust"), 0, "hello").expect("a fine message");
        assert!(rooms.get("general").history().is_empty());
        assert_eq!(rooms.get("rust").history().len(), 1);
    }
}
