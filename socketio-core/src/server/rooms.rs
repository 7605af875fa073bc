use std::{collections::HashMap, iter};

use bytestring::ByteString;
use rustc_hash::{FxHashMap, FxHashSet};
use slab::Slab;

use super::{
    cluster::RoomWatch,
    journal::Journal,
    shrink::{Shrink, is_sparse},
    socket::Socket,
};
use crate::id::SocketId;

/// Where a member stands in a namespace's [`Rooms`].
type Key = usize;

/// Who is in a namespace, and in which of its rooms. A plain data structure.
///
/// Every socket is also in a room of its own, named by its id; that one is not stored.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    members: Slab<Member>,
    ids: FxHashMap<SocketId, Key>,
    /// Room names may come from clients, so the hasher is one that resists collisions.
    rooms: HashMap<ByteString, Room>,
    /// The namespace was removed; whoever comes now must look for it again.
    is_retired: bool,
    /// Members that are connected.
    connected: usize,
    /// With connection state recovery. Here, as it has the events in the order in which the members
    /// get them.
    pub(super) journal: Option<Box<Journal>>,
    /// In a cluster, who is told which rooms there are.
    watch: Option<Box<RoomWatch>>,
}

#[derive(Debug)]
struct Room {
    /// Shared with the members.
    name: ByteString,
    members: FxHashSet<Key>,
}

#[derive(Debug)]
struct Member {
    socket: Socket,
    /// Broadcasts pass over members that are not connected yet.
    is_connected: bool,
    stays: Vec<Stay>,
}

/// A room that a member is in.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) room: ByteString,
    /// The number of the last event before it came, with connection state recovery: what was sent to
    /// the room until then is none of its business.
    pub(super) since: u64,
}

/// Whom a broadcast is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// The union of these rooms; everyone if none were named.
    pub(crate) rooms: Option<Vec<ByteString>>,
    /// Without the members of these.
    pub(crate) except: Vec<ByteString>,
    /// Without this socket.
    pub(crate) sender: Option<SocketId>,
}

impl Selection {
    /// A room of one: the socket with this id.
    pub(super) fn one(id: &SocketId) -> Self {
        Self { rooms: Some(vec![id.as_str().into()]), ..Self::default() }
    }

    /// Whether the event of this number was for a socket that stays in these rooms, and in its own.
    pub(super) fn selects(&self, number: u64, id: &SocketId, stays: &[Stay]) -> bool {
        let was_in = |room: &ByteString| {
            *room == id.as_str()
                || stays.iter().any(|stay| stay.room == *room && stay.since < number)
        };
        self.sender.as_ref() != Some(id)
            && self.rooms.as_ref().is_none_or(|named| named.iter().any(was_in))
            && !self.except.iter().any(was_in)
    }
}

impl Rooms {
    pub(super) fn new(journal: Option<Journal>, watch: Option<RoomWatch>) -> Self {
        Self { journal: journal.map(Box::new), watch: watch.map(Box::new), ..Self::default() }
    }

    /// What connection state recovery keeps, where it is on.
    pub(super) fn journal(&mut self) -> &mut Journal {
        self.journal.as_deref_mut().expect("a socket has a place only with a journal")
    }

    /// Whether the namespace was removed.
    pub(super) fn is_retired(&self) -> bool {
        self.is_retired
    }

    /// Adds a member that is not connected yet. Fails if the namespace was removed.
    pub(super) fn insert(&mut self, socket: Socket) -> Result<(), Retired> {
        if self.is_retired {
            return Err(Retired);
        }
        let id = *socket.id();
        self.watched(id.as_str(), |rooms| {
            let member = Member { socket, is_connected: false, stays: Vec::new() };
            let key = rooms.members.insert(member);
            rooms.ids.insert(id, key);
        });
        Ok(())
    }

    pub(super) fn set_connected(&mut self, id: &SocketId) {
        if let Some(key) = self.ids.get(id) {
            self.members[*key].is_connected = true;
            self.connected += 1;
        }
    }

    /// Takes a member out and gives the rooms it was in.
    pub(super) fn remove(&mut self, id: &SocketId) -> Vec<Stay> {
        let mut key = None;
        self.watched(id.as_str(), |rooms| key = rooms.ids.remove(id));
        let Some(key) = key else {
            return Vec::new();
        };
        let Member { is_connected, stays, .. } = self.members.remove(key);
        self.connected -= usize::from(is_connected);
        for stay in &stays {
            self.remove_from(&stay.room, key);
        }
        self.ids.shrink();
        if is_sparse(self.members.len(), self.members.capacity()) {
            self.compact();
        }
        stays
    }

    /// Moves the members together: broadcasts walk the gaps as well.
    fn compact(&mut self) {
        let Self { members, ids, rooms, .. } = self;
        members.compact(|member, from, to| {
            ids.insert(*member.socket.id(), to);
            for stay in &member.stays {
                if let Some(room) = rooms.get_mut(&stay.room) {
                    room.members.remove(&from);
                    room.members.insert(to);
                }
            }
            true
        });
    }

    pub(super) fn join(&mut self, id: &SocketId, room: &ByteString) {
        let since = self.journal.as_ref().map_or(0, |journal| journal.position().number);
        self.stay(id, room, since);
    }

    /// As [`join`](Self::join), but goes on with an earlier stay there.
    pub(super) fn stay(&mut self, id: &SocketId, room: &ByteString, since: u64) {
        let Some(&key) = self.ids.get(id) else {
            return;
        };
        self.watched(room, |rooms| {
            let room = rooms.rooms.entry(room.clone()).or_insert_with(|| Room::new(room.clone()));
            if room.members.insert(key) {
                rooms.members[key].stays.push(Stay { room: room.name.clone(), since });
            }
        });
    }

    pub(super) fn leave(&mut self, id: &SocketId, room: &str) {
        if let Some(key) = self.ids.get(id).copied() {
            self.members[key].stays.retain(|stay| stay.room != room);
            self.remove_from(room, key);
        }
    }

    /// The rooms of a member, without its own.
    pub(super) fn of(&self, id: &SocketId) -> &[Stay] {
        self.ids.get(id).map(|key| &*self.members[*key].stays).unwrap_or_default()
    }

    /// Calls `each` once for every connected member that is selected.
    pub(super) fn select<'a>(&'a self, selection: &Selection, mut each: impl FnMut(&'a Socket)) {
        let mut excluded = FxHashSet::default();
        for room in &selection.except {
            self.for_each_in(room, |key| {
                excluded.insert(key);
            });
        }
        if let Some(key) = selection.sender.as_ref().and_then(|id| self.ids.get(id)) {
            excluded.insert(*key);
        }
        let mut visit = |key: Key| {
            let member = &self.members[key];
            if member.is_connected && (excluded.is_empty() || !excluded.contains(&key)) {
                each(&member.socket);
            }
        };
        match selection.rooms.as_deref() {
            None => self.members.iter().for_each(|(key, _)| visit(key)),
            Some([room]) => self.for_each_in(room, visit),
            Some(rooms) => {
                let mut seen = FxHashSet::default();
                for room in rooms {
                    self.for_each_in(room, |key| {
                        if seen.insert(key) {
                            visit(key);
                        }
                    });
                }
            }
        }
    }

    /// Whether a selection could select someone.
    pub(super) fn may_select(&self, selection: &Selection) -> bool {
        let rooms = selection.rooms.as_ref();
        rooms.map_or(self.connected > 0, |rooms| rooms.iter().any(|room| self.has(room)))
    }

    /// The connected member with this id.
    pub(super) fn connected(&self, id: &SocketId) -> Option<&Socket> {
        let member = &self.members[*self.ids.get(id)?];
        member.is_connected.then_some(&member.socket)
    }

    /// The member with this id, connected or not.
    pub(super) fn member(&self, id: &SocketId) -> Option<&Socket> {
        self.ids.get(id).map(|key| &self.members[*key].socket)
    }

    /// Everyone, connected or not.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        self.members.iter().map(|(_, member)| member.socket.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.connected
    }

    /// Has nobody come any more, if nobody is here or may come back.
    pub(super) fn retire(&mut self) -> bool {
        let is_awaited = self.journal.as_ref().is_some_and(|journal| journal.is_awaiting());
        let retires = !self.is_retired && self.members.is_empty() && !is_awaited;
        self.is_retired |= retires;
        retires
    }

    fn for_each_in(&self, room: &str, mut each: impl FnMut(Key)) {
        let own = SocketId::parse(room).and_then(|id| self.ids.get(&id).copied());
        let joined = self.rooms.get(room).map(|room| &room.members);
        if let Some(own) = own
            && !joined.is_some_and(|joined| joined.contains(&own))
        {
            each(own);
        }
        joined.into_iter().flatten().for_each(|key| each(*key));
    }

    fn remove_from(&mut self, room: &str, key: Key) {
        self.watched(room, |rooms| {
            let Some(joined) = rooms.rooms.get_mut(room) else {
                return;
            };
            joined.members.remove(&key);
            joined.members.shrink();
            if joined.members.is_empty() {
                rooms.rooms.remove(room);
                rooms.rooms.shrink();
            }
        });
    }

    /// The rooms of a member, its own among them, are the cluster's until they are
    /// [released](Self::release), whether it leaves them or not: it may come back.
    pub(super) fn hold(&mut self, id: &SocketId) {
        if self.watch.is_some() {
            let stays = self.of(id).to_vec();
            self.for_each_watched(id, &stays, RoomWatch::hold);
        }
    }

    /// Nobody comes back to these rooms, or somebody is back.
    pub(super) fn release(&mut self, id: &SocketId, stays: &[Stay]) {
        self.for_each_watched(id, stays, RoomWatch::release);
    }

    fn for_each_watched(
        &mut self,
        id: &SocketId,
        stays: &[Stay],
        change: fn(&mut RoomWatch, &ByteString),
    ) {
        let own = ByteString::from(id.as_str());
        for room in iter::once(&own).chain(stays.iter().map(|stay| &stay.room)) {
            self.watched(room, |rooms| {
                if let Some(watch) = &mut rooms.watch {
                    change(watch, room);
                }
            });
        }
    }

    /// Whether a room has a member.
    pub(super) fn has(&self, room: &str) -> bool {
        let own = SocketId::parse(room).is_some_and(|id| self.ids.contains_key(&id));
        own || self.rooms.contains_key(room)
    }

    /// Changes who is in a room, or may come back to it. In a cluster it is told if there is the room
    /// only before, or only after.
    fn watched(&mut self, room: &str, change: impl FnOnce(&mut Self)) {
        let is_there = |rooms: &Self| {
            let watch = rooms.watch.as_deref()?;
            Some(watch.holds(room) || rooms.has(room))
        };
        let was = is_there(self);
        change(self);
        let is = is_there(self);
        if let (Some(watch), Some(is)) = (&self.watch, is)
            && was != Some(is)
        {
            watch.tell(room, is);
        }
    }
}

impl Room {
    fn new(name: ByteString) -> Self {
        Self { name, members: FxHashSet::default() }
    }
}

/// The namespace was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retired;
