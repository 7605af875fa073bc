//! Connection state recovery where the nodes of a cluster share a log: events go by the log, and
//! sessions are kept there, so that a client may come back to any node.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{
    client::ClientHandle,
    cluster::{self, SharedLog},
    flights::Flight,
    journal::{Mark, Returning, Saved, Span},
    namespace::Namespace,
    outgoing::Audience,
    recovery::Return,
    rooms::{Rooms, Selection, Stay},
    socket::Socket,
};
use crate::{
    id::{RecoveryId, SocketId},
    proto::cluster::{
        BroadcastOptions, ClusterMessage, LogOffset, LoggedMessage, SavedRoom, SavedSession,
    },
    wire::{Draft, Encoded, draft_event},
};

/// How much longer the log keeps a session than its node waits for the client: the node then finds
/// out whether another has it.
const GRACE: Duration = Duration::from_secs(5);

/// Whose socket a client that comes back has.
pub(super) enum Former {
    /// That of this node's journal, if it is there.
    Here,
    /// One that the log had kept.
    Logged(Box<Logged>),
    Nobody,
}

/// What the log had of a socket.
pub(super) struct Logged {
    pub(super) id: SocketId,
    pub(super) session: Taken,
    /// With the last event before it joined them.
    pub(super) rooms: Vec<(ByteString, LogOffset)>,
    /// The last event that the client has, or that was read for it.
    pub(super) has: LogOffset,
    /// What was read for it.
    pub(super) missed: Vec<(LogOffset, Encoded)>,
    pub(super) span: Span,
    /// Until it is in.
    pub(super) _returning: Returning,
}

/// A session that is out of the log. It goes back there, unless its client is let on with it.
pub(super) struct Taken {
    log: Arc<SharedLog>,
    namespace: ByteString,
    session: Option<SavedSession>,
    away: Duration,
}

impl Taken {
    pub(super) fn claim(mut self) -> Option<SavedSession> {
        self.session.take()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.log.log().save(&self.namespace, session, self.away.saturating_add(GRACE));
        }
    }
}

impl Namespace {
    /// The log that all nodes share, where clients are recovered by it.
    pub(super) fn log(&self) -> Option<&Arc<SharedLog>> {
        self.cluster().and_then(|cluster| cluster.log()).filter(|_| self.has_recovery())
    }

    /// What comes from the log begins behind this place.
    pub(super) fn begin_log(&self, offset: LogOffset) {
        let mut rooms = self.rooms();
        if rooms.journal.as_deref_mut().is_some_and(|journal| journal.begin(offset)) {
            let position = rooms.journal().position();
            let sockets = rooms.sockets();
            let places = sockets.iter().filter_map(Socket::place);
            places.for_each(|place| place.restart(position));
        }
    }

    /// Appends an event to the log, for all nodes.
    pub(super) fn append(
        &self,
        log: &SharedLog,
        selection: Selection,
        options: BroadcastOptions,
        draft: Draft,
    ) {
        let mut audience = Audience::new(self, &draft);
        let mut rooms = self.rooms();
        if audience.is_wanted() {
            rooms.select(&selection, |socket| audience.add(socket));
        }
        self.append_locked(&mut rooms, log, selection, options, draft);
        drop(rooms);
        audience.show();
    }

    /// Appends an event to one socket to the log, by which it finds it where it is then.
    pub(super) fn append_to(
        &self,
        rooms: &mut Rooms,
        log: &SharedLog,
        id: &SocketId,
        draft: Draft,
    ) {
        let selection = Selection::one(id);
        let options = selection.to_options();
        self.append_locked(rooms, log, selection, options, draft);
    }

    /// Under the lock, so that the log has this node's events in the order of their numbers.
    fn append_locked(
        &self,
        rooms: &mut Rooms,
        log: &SharedLog,
        selection: Selection,
        options: BroadcastOptions,
        draft: Draft,
    ) {
        let number = log.next_number();
        let message = cluster::broadcast(options, &draft, None);
        let is_on_its_way = log.log().append(self.name(), number, message);
        rooms.journal().flights.push(Flight::new(number, selection, draft));
        if !is_on_its_way {
            self.lose(rooms, number);
        } else if !rooms.journal().is_log_reachable() {
            self.deliver_early(rooms, number);
        }
        while let Some(flight) = rooms.journal().shed_flight() {
            self.land(rooms, flight, None);
        }
    }

    /// The log has an event of this node's at this place.
    pub(super) fn landed(&self, number: Option<u64>, offset: LogOffset) {
        let mut rooms = self.rooms();
        let landed = number.map(|number| rooms.journal().flights.land(number));
        for flight in landed.into_iter().flatten() {
            // Those before it are not in the log.
            let offset = (Some(flight.number) == number).then_some(offset);
            self.land(&mut rooms, flight, offset);
        }
        rooms.journal().reach(offset);
    }

    /// The log has an event of another node at this place.
    pub(super) fn receive_logged(&self, offset: LogOffset, selection: &Selection, draft: Draft) {
        let mut audience = Audience::new(self, &draft);
        let mut rooms = self.rooms();
        self.publish(&mut rooms, selection, draft, Some(offset), |_| false, |s| audience.add(s));
        drop(rooms);
        audience.show();
    }

    /// An event of this node's is not in the log, and will not be.
    pub(super) fn lost(&self, number: u64) {
        self.lose(&mut self.rooms(), number);
    }

    fn lose(&self, rooms: &mut Rooms, number: u64) {
        // Those before it have their place in the log, but are not to come later than it.
        self.deliver_early(rooms, number);
        rooms.journal().flights.remove(number);
    }

    /// The log is out of reach: nobody here waits for what is on its way there.
    pub(super) fn lose_log(&self) {
        let mut rooms = self.rooms();
        if rooms.journal.is_some() {
            self.deliver_early(&mut rooms, u64::MAX);
        }
    }

    /// Delivers events that are on their way, up to the one of this number.
    fn deliver_early(&self, rooms: &mut Rooms, up_to: u64) {
        while let Some(flight) = rooms.journal().flights.first_undelivered(up_to) {
            let Flight { selection, draft, early, .. } = flight.clone();
            let has = |socket: &Socket| early.contains(socket.id());
            self.publish(rooms, &selection, draft, None, has, |_| {});
            let number = rooms.journal().last().number;
            if let Some(flight) = rooms.journal().flights.first_undelivered(up_to) {
                flight.delivered = Some(number);
            }
        }
    }

    /// Delivers an event of this node's to who has not had it.
    fn land(&self, rooms: &mut Rooms, flight: Flight, offset: Option<LogOffset>) {
        let Flight { selection, draft, early, delivered, .. } = flight;
        let Some(number) = delivered else {
            let has = |socket: &Socket| early.contains(socket.id());
            return self.publish(rooms, &selection, draft, offset, has, |_| {});
        };
        if offset.is_some() {
            // Now that it has a place, who comes from another node finds it there.
            rooms.journal().withdraw(number);
            let has = |socket: &Socket| socket.place().is_none_or(|place| place.has_had(number));
            self.publish(rooms, &selection, draft, offset, has, |_| {});
        }
    }

    /// A socket is about to leave rooms: gives it the events on their way that it would not get then,
    /// and those before them.
    pub(super) fn hurry_from(&self, rooms: &mut Rooms, socket: &Socket, left: &[ByteString]) {
        let id = socket.id();
        let stays = rooms.of(id).to_vec();
        let mut kept = stays.clone();
        kept.retain(|stay| !left.contains(&stay.room));
        if kept.len() == stays.len() {
            return;
        }
        let selects =
            |flight: &Flight, stays: &[Stay]| flight.selection.selects(u64::MAX, id, stays);
        let flights = rooms.journal().flights.undelivered();
        let missed = flights.filter(|flight| selects(flight, &stays) && !selects(flight, &kept));
        if let Some(last) = missed.last().map(|flight| flight.number) {
            self.hurry(rooms, socket, last);
        }
    }

    /// Gives a socket the events on their way that are for it as it is now, up to the one of this
    /// number.
    pub(super) fn hurry(&self, rooms: &mut Rooms, socket: &Socket, up_to: u64) {
        let id = socket.id();
        if rooms.connected(id).is_none() {
            return;
        }
        let stays = rooms.of(id).to_vec();
        let journal = rooms.journal();
        let position = journal.position();
        let flights = journal.flights.undelivered();
        for flight in flights.take_while(|flight| flight.number <= up_to) {
            if flight.selection.selects(u64::MAX, id, &stays) && flight.early.insert(*id) {
                let draft = flight.draft.clone();
                let packet = match socket.place() {
                    Some(_) => draft.finish_with(position),
                    None => draft.finish(),
                };
                let packet = self.encode(packet);
                // A client that is gone does not miss it.
                let _ = socket.deliver(packet, false);
            }
        }
    }

    /// Asks the log for the socket of a client that comes back, and for what it missed.
    pub(super) async fn ask_log(&self, client: &ClientHandle, auth: Option<&str>) -> Former {
        let (Some(log), Some(Return { id, offset })) = (self.log(), Return::of(client, auth))
        else {
            return Former::Here;
        };
        self.end_former(&id);
        let returning = self.rooms().journal().begin_return();
        let session = match log.log().take(self.name(), id.as_str()).await {
            Err(_) => return Former::Here,
            Ok(None) => return Former::Nobody,
            Ok(Some(session)) => self.taken(log, session),
        };
        let logged = self.read_log(log, session, offset, returning).await;
        logged.map_or(Former::Nobody, |logged| Former::Logged(Box::new(logged)))
    }

    /// Whether a client must be asked for in the log before it is let in.
    pub(super) fn must_ask_log(&self, client: &ClientHandle, auth: Option<&str>) -> bool {
        self.log().is_some() && Return::of(client, auth).is_some()
    }

    fn taken(&self, log: &Arc<SharedLog>, session: SavedSession) -> Taken {
        let (namespace, away) = (self.shared_name(), self.rooms().journal().away());
        Taken { log: Arc::clone(log), namespace, session: Some(session), away }
    }

    async fn read_log(
        &self,
        log: &SharedLog,
        taken: Taken,
        offset: Option<String>,
        returning: Returning,
    ) -> Option<Logged> {
        let session = taken.session.as_ref()?;
        let id = SocketId::parse(&session.socket)?;
        let offset = offset.and_then(|offset| offset.parse::<LogOffset>().ok());
        let has = match session.span {
            Some(span) => span.has(offset),
            None => offset?,
        };
        let rooms = session.rooms.iter().filter(|room| room.name != session.socket);
        let rooms: Vec<_> =
            rooms.map(|room| (room.name.clone().into(), room.since.unwrap_or_default())).collect();
        let start = session.span.map_or(has, |span| span.start);
        let is_kept = self.rooms().journal().has_all_after(has);
        let messages = match is_kept {
            true => Vec::new(),
            false => log.log().read(self.name(), has).await.ok()??,
        };
        let last = messages.last().map_or(has, |message| message.offset);
        let missed = self.missed(messages, &id, &rooms);
        let bytes: usize = missed.iter().map(|(_, packet)| packet.len()).sum();
        if bytes > self.rooms().journal().limit() {
            return None;
        }
        let mark = |logged| Mark { logged: Some(logged), ..Mark::default() };
        let span = Span { start: mark(start), end: mark(last) };
        Some(Logged { id, session: taken, rooms, has: last, missed, span, _returning: returning })
    }

    /// Of what was read from the log, what is for a socket.
    fn missed(
        &self,
        messages: Vec<LoggedMessage>,
        id: &SocketId,
        rooms: &[(ByteString, LogOffset)],
    ) -> Vec<(LogOffset, Encoded)> {
        // They are numbered here, from 1 on.
        let number_at = |place| messages.partition_point(|message| message.offset <= place) as u64;
        let stay = |(room, since): &(ByteString, LogOffset)| Stay {
            room: room.clone(),
            since: number_at(*since),
        };
        let stays: Vec<_> = rooms.iter().map(stay).collect();
        let numbered = (1..).zip(messages);
        let events = numbered.filter_map(|(number, LoggedMessage { offset, message })| {
            let ClusterMessage::Broadcast { options, name, args, request: None } = message else {
                return None;
            };
            let is_kept = !options.is_volatile;
            let is_meant = is_kept && Selection::from(options).selects(number, id, &stays);
            let draft = is_meant.then(|| draft_event(self.name(), &name, None, &args).ok())??;
            Some((offset, self.encode(draft.finish_with(offset))))
        });
        events.collect()
    }

    /// Whether the log still has a socket as this node left it, and takes it out then. If not, its
    /// client has come back to another node.
    pub(super) async fn take_left(&self, shared: &Arc<SharedLog>, key: &RecoveryId) -> bool {
        let log = shared.log();
        let is_own = |session: &SavedSession| session.node.as_ref() == Some(shared.id());
        match log.find(self.name(), key.as_str()).await {
            Ok(Some(session)) if is_own(&session) => {}
            Ok(_) => return false,
            // Who cannot ask believes that it is there.
            Err(_) => return true,
        }
        match log.take(self.name(), key.as_str()).await {
            Ok(Some(session)) if is_own(&session) => true,
            Ok(session) => {
                // Another node has been there in between.
                drop(session.map(|session| self.taken(shared, session)));
                false
            }
            Err(_) => true,
        }
    }
}

impl Saved {
    /// Has the log keep it.
    pub(super) fn save(
        &self,
        log: &SharedLog,
        key: &RecoveryId,
        away: Duration,
        offset_at: impl Fn(u64) -> LogOffset,
    ) {
        let Self { socket, stays, .. } = self;
        let name = socket.id().to_string();
        let own = SavedRoom { name: name.clone(), since: Some(LogOffset::START) };
        let rooms = stays.iter().map(|Stay { room, since }| SavedRoom {
            name: room.to_string(),
            since: Some(offset_at(*since)),
        });
        let session = SavedSession {
            socket: name,
            key: key.as_str().to_owned(),
            rooms: [own].into_iter().chain(rooms).collect(),
            data: socket.data().to_value(),
            node: Some(log.id().clone()),
            span: Some(self.logged()),
        };
        log.log().save(socket.namespace().name(), session, away.saturating_add(GRACE));
    }
}
