//! Connection state recovery: a client whose connection broke comes back to the socket it had.

use std::{
    cell::OnceCell,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytestring::ByteString;
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::ClientHandle,
    cluster::SharedLog,
    journal::{Journal, Mark, Saved, Span},
    log::{Former, Logged},
    namespace::Namespace,
    outgoing::Audience,
    rooms::{Retired, Rooms, Selection, Stay},
    socket::{Origin, Socket},
};
use crate::{
    error::EmitError,
    id::{RecoveryId, SocketId},
    proto::{DisconnectReason, cluster::LogOffset},
    wire::{Draft, Encoded, Revision, without_offset},
};

/// A socket's part in it.
#[derive(Debug)]
pub(super) struct Place {
    id: RecoveryId,
    is_recovered: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    span: Span,
    /// The number of the last event that a client has which came back, until it gets those that it
    /// missed.
    has: Option<u64>,
    /// Those that were read from the log for it.
    read: Vec<(LogOffset, Encoded)>,
    /// The number of the last event before it was let in here.
    came_at: u64,
    /// Up to this place of the log it has everything, while this node may be yet to come there.
    has_logged: Option<LogOffset>,
    /// Until when it may come back.
    until: Option<Instant>,
}

/// What a client that comes back says in its auth payload.
pub(super) struct Return {
    pub(super) id: RecoveryId,
    pub(super) offset: Option<String>,
}

impl Return {
    /// `None` if it is a client that comes for the first time, one whose words mean nothing here, or
    /// one of revision 3, which does not know of it.
    pub(super) fn of(client: &ClientHandle, auth: Option<&str>) -> Option<Self> {
        auth.filter(|_| client.session().revision() != Revision::V3).and_then(Self::read)
    }

    fn read(auth: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Words {
            pid: String,
            offset: Option<String>,
        }
        let Words { pid, offset } = serde_json::from_str(auth).ok()?;
        Some(Self { id: RecoveryId::parse(&pid)?, offset })
    }
}

/// What a socket begins with that was there before.
struct Back {
    origin: Origin,
    stays: Vec<Stay>,
    /// What was kept here.
    saved: Option<Saved>,
}

impl Namespace {
    /// Makes the socket of a client that asks for the namespace, or gives it the one it had.
    pub(super) fn enter(
        &self,
        client: &Arc<ClientHandle>,
        auth: Option<ByteString>,
        former: Former,
    ) -> Result<Socket, Retired> {
        // Clients of revision 3 do not know of it.
        if !self.has_recovery() || client.session().revision() == Revision::V3 {
            let socket = Socket::new(self.clone(), Arc::clone(client), auth, Origin::default());
            return self.rooms().insert(socket.clone()).map(|()| socket);
        }
        let wish = Return::of(client, auth.as_deref());
        if let Some(Return { id, .. }) = &wish {
            self.end_former(id);
        }
        let now = client.session().now();
        let mut rooms = self.rooms();
        if rooms.is_retired() {
            return Err(Retired);
        }
        let back = wish.and_then(|wish| match former {
            Former::Here => Back::of_journal(rooms.journal(), &wish, now),
            // An id that somebody has is none to come back to.
            Former::Logged(logged) if rooms.member(&logged.id).is_none() => {
                Back::of_log(rooms.journal(), wish.id, *logged)
            }
            Former::Logged(_) | Former::Nobody => None,
        });
        let (origin, stays, saved) = match back {
            Some(Back { origin, stays, saved }) => (origin, stays, saved),
            None => (Origin { place: Some(Box::default()), ..Origin::default() }, vec![], None),
        };
        let recovery = origin.place.as_ref().map(|place| place.id);
        let socket = Socket::new(self.clone(), Arc::clone(client), auth, origin);
        rooms.insert(socket.clone())?;
        for stay in &stays {
            rooms.stay(socket.id(), &stay.room, stay.since);
        }
        if let Some(Saved { stays, .. }) = &saved {
            rooms.release(socket.id(), stays);
        }
        if let Some(recovery) = recovery {
            rooms.journal().enter(recovery, *socket.id());
        }
        drop(rooms);
        if let Some(saved) = saved {
            // Its driver need not wait any more.
            saved.socket.client().session().wake_driver();
        }
        Ok(socket)
    }

    /// Ends the socket whose client is back before the end of its connection was noticed.
    pub(super) fn end_former(&self, id: &RecoveryId) {
        let rooms = self.rooms();
        let former = rooms.journal.as_deref().and_then(|journal| journal.present(id));
        let Some(former) = former.and_then(|id| rooms.member(id)).cloned() else {
            return;
        };
        drop(rooms);
        let reason = DisconnectReason::TransportClose;
        if former.shut(reason) {
            former.client().leave(self.name());
        }
        former.client().session().with(|connection| connection.abort(reason));
    }

    /// Sends an event to all that are selected.
    pub(super) fn broadcast(&self, selection: &Selection, draft: Draft, is_volatile: bool) {
        let mut audience = Audience::new(self, &draft);
        self.deliver(selection, draft, is_volatile, |socket| audience.add(socket));
        audience.show();
    }

    fn deliver(
        &self,
        selection: &Selection,
        draft: Draft,
        is_volatile: bool,
        mut each: impl FnMut(&Socket),
    ) {
        // A client that is gone or too slow misses it; the others do not.
        if !self.has_recovery() {
            let packet = self.encode(draft.finish());
            return self.rooms().select(selection, |socket| {
                each(socket);
                let _ = socket.deliver(packet.clone(), is_volatile);
            });
        }
        let mut rooms = self.rooms();
        if !is_volatile {
            return self.publish(&mut rooms, selection, draft, None, |_| false, each);
        }
        let position = rooms.journal().position();
        let event = rooms.journal().mark(draft);
        let packets = Packets::new(self, event, position);
        rooms.select(selection, |socket| {
            each(socket);
            let _ = socket.deliver(packets.of(socket), true);
        });
    }

    /// Sends an event to all that are selected, but for those who have it, and keeps it. The
    /// offset is its place in the log, if it has come from there.
    pub(super) fn publish(
        &self,
        rooms: &mut Rooms,
        selection: &Selection,
        draft: Draft,
        offset: Option<LogOffset>,
        has: impl Fn(&Socket) -> bool,
        mut each: impl FnMut(&Socket),
    ) {
        let journal = rooms.journal();
        let event = match offset {
            Some(offset) => journal.number_logged(draft, offset),
            None => journal.number(draft),
        };
        let position = journal.last();
        let packets = Packets::new(self, event, position);
        journal.keep(selection.clone(), packets.numbered.clone());
        rooms.select(selection, |socket| {
            if has(socket) {
                return;
            }
            if let Some(place) = socket.place()
                && !place.sent(position)
            {
                return;
            }
            each(socket);
            // A client that is gone or too slow misses it; the others do not.
            let _ = socket.deliver(packets.of(socket), false);
        });
    }

    /// Sends an event to a socket, or keeps it for its return.
    pub(super) fn send_recorded(
        &self,
        place: &Place,
        id: &SocketId,
        draft: Draft,
    ) -> Result<(), EmitError> {
        let mut rooms = self.rooms();
        // After its return it is another with the same id.
        let socket = rooms.connected(id).cloned();
        if socket.is_none() && !rooms.journal().knows(&place.id) {
            return Err(EmitError::Closed);
        }
        if let Some(log) = self.log() {
            self.append_to(&mut rooms, log, id, draft);
            return Ok(());
        }
        let place = socket.as_ref().and_then(Socket::place).unwrap_or(place);
        let packet = place.record(&mut rooms, self, id, draft);
        if let Some(socket) = socket {
            // A client that is gone or too slow has it when it is back.
            let _ = socket.deliver(packet, false);
        }
        Ok(())
    }

    /// Nobody comes back any more: has the drivers that wait for it look.
    pub(super) fn end_recovery(&self) {
        let rooms = self.rooms();
        let journal = rooms.journal.as_deref();
        let saved: Vec<_> = journal.into_iter().flat_map(|j| j.saved()).cloned().collect();
        drop(rooms);
        saved.iter().for_each(|socket| socket.client().session().wake_driver());
    }
}

impl Socket {
    /// Whether a client may come back to this socket, which has ended.
    pub(super) fn may_return(&self, now: Instant) -> bool {
        self.place().is_some_and(|place| {
            let until = self.namespace().rooms().journal().until(&place.id, self);
            until.is_some_and(|until| now < until)
        })
    }

    /// Has the client of this socket, which has ended, not come back.
    pub(super) fn revoke(&self) {
        let Some(place) = self.place() else {
            return;
        };
        let session = self.client().session();
        if self.namespace().rooms().journal().revoke(&place.id, self, session.now()) {
            session.wake_driver();
        }
    }

    /// The log in which all nodes find this socket, which has ended and may come back, and the key to
    /// it.
    pub(super) fn left_in_log(&self) -> Option<(Arc<SharedLog>, RecoveryId)> {
        let (log, place) = (self.namespace().log()?, self.place()?);
        self.namespace().rooms().journal().until(&place.id, self)?;
        Some((Arc::clone(log), place.id))
    }

    /// Gives up that the client comes back. Tells why it left, unless it has come back.
    pub(super) fn expire(&self) -> Option<DisconnectReason> {
        let place = self.place()?;
        let mut rooms = self.namespace().rooms();
        let saved = rooms.journal().give_up(&place.id, self)?;
        rooms.release(self.id(), &saved.stays);
        drop(rooms);
        self.io().clean_up(self.namespace());
        self.disconnect_reason()
    }

    /// Tells once why a socket ended that had come back, but was not let in, and may not come again.
    pub(super) fn forfeit(&self) -> Option<DisconnectReason> {
        let reason = self.disconnect_reason()?;
        let mut state = self.place()?.state();
        (state.until.is_none() && state.has.take().is_some()).then_some(reason)
    }
}

impl Back {
    fn of_journal(journal: &mut Journal, wish: &Return, now: Instant) -> Option<Self> {
        let (saved, has) = journal.take(&wish.id, wish.offset.as_deref(), now)?;
        let state = State { span: saved.span, has: Some(has), ..State::default() };
        let place = Place::of_return(wish.id, state);
        let Saved { socket, stays, .. } = &saved;
        let origin = Origin { id: *socket.id(), data: socket.data().to_map(), place: Some(place) };
        Some(Self { origin, stays: stays.clone(), saved: Some(saved) })
    }

    fn of_log(journal: &mut Journal, id: RecoveryId, logged: Logged) -> Option<Self> {
        let has = journal.number_at(logged.has)?;
        let Logged { id: socket, session, rooms, missed, span, has: has_logged, .. } = logged;
        let Some(Value::Object(data)) = session.claim().map(|session| session.data) else {
            return None;
        };
        let saved = journal.take_former(&id);
        // What has no place of its own in the log may be from before it came.
        let came_at = saved.as_ref().map_or(0, |saved| saved.span.start.number);
        let has = has.max(came_at);
        let has_logged = Some(has_logged);
        let state = State { span, has: Some(has), read: missed, has_logged, ..State::default() };
        let place = Some(Place::of_return(id, state));
        // Its data may have changed after it was kept.
        let data = saved.as_ref().map_or(data, |saved| saved.socket.data().to_map());
        let since = |offset| journal.number_at(offset).unwrap_or_default();
        let stays =
            rooms.into_iter().map(|(room, offset)| Stay { room, since: since(offset) }).collect();
        Some(Self { origin: Origin { id: socket, data, place }, stays, saved })
    }
}

/// An event as it goes to those who may come back for it, and to the others.
struct Packets<'a> {
    namespace: &'a Namespace,
    /// In JSON, with its offset.
    event: Encoded,
    offset: Mark,
    numbered: Encoded,
    plain: OnceCell<Encoded>,
}

impl<'a> Packets<'a> {
    fn new(namespace: &'a Namespace, event: Encoded, offset: Mark) -> Self {
        let numbered = namespace.encode(event.clone());
        Self { namespace, event, offset, numbered, plain: OnceCell::new() }
    }

    fn of(&self, socket: &Socket) -> Encoded {
        let plain = || self.namespace.encode(without_offset(&self.event, self.offset));
        match socket.place() {
            Some(_) => &self.numbered,
            None => self.plain.get_or_init(plain),
        }
        .clone()
    }
}

impl Default for Place {
    fn default() -> Self {
        Self { id: RecoveryId::random(), is_recovered: false, state: Mutex::default() }
    }
}

impl Place {
    fn of_return(id: RecoveryId, state: State) -> Box<Self> {
        Box::new(Self { id, is_recovered: true, state: Mutex::new(state) })
    }

    pub(super) fn id(&self) -> &RecoveryId {
        &self.id
    }

    pub(super) fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    /// The log is another than before: places in it that were known mean nothing any more.
    pub(super) fn restart(&self, position: Mark) {
        let mut state = self.state();
        state.span = Span { start: position, end: position };
        state.has_logged = None;
    }

    /// Until when the socket may come back, if it went and may.
    pub(super) fn until(&self) -> Option<Instant> {
        self.state().until
    }

    /// The client is let in: gives what it missed, as it goes out.
    pub(super) fn admit(&self, rooms: &mut Rooms, id: &SocketId) -> Vec<Encoded> {
        let stays = rooms.of(id).to_vec();
        let journal = rooms.journal();
        let mut state = self.state();
        state.came_at = journal.last().number;
        let Some(has) = state.has.take() else {
            let position = journal.position();
            state.span = Span { start: position, end: position };
            return Vec::new();
        };
        let read = mem::take(&mut state.read).into_iter().map(|(_, packet)| packet);
        let has_logged = state.has_logged;
        let span = &mut state.span;
        let kept = journal.missed(has, id, &stays);
        let kept = kept.filter(|(mark, _)| !mark.is_within(has_logged)).map(|(mark, packet)| {
            span.end = mark;
            packet
        });
        read.chain(kept).collect()
    }

    /// Finishes an event to the socket, as it goes out, and keeps it for its return.
    pub(super) fn record(
        &self,
        rooms: &mut Rooms,
        namespace: &Namespace,
        id: &SocketId,
        draft: Draft,
    ) -> Encoded {
        let journal = rooms.journal();
        let packet = namespace.encode(journal.number(draft));
        journal.keep(Selection::one(id), packet.clone());
        self.sent(journal.last());
        packet
    }

    /// An event is sent to the socket. Tells whether it is to have it, or has it already.
    pub(super) fn sent(&self, event: Mark) -> bool {
        let mut state = self.state();
        let is_new = !event.is_within(state.has_logged);
        if is_new {
            state.span.end = event;
        }
        is_new
    }

    /// Whether it was here when the event of this number was delivered.
    pub(super) fn has_had(&self, number: u64) -> bool {
        self.state().came_at < number
    }

    /// The socket has ended, and is out of the rooms, where it was in these, which are held for it.
    /// One that was never let in has nothing to come back to, unless it had come back.
    pub(super) fn end(
        &self,
        rooms: &mut Rooms,
        socket: &Socket,
        was_connected: bool,
        stays: Vec<Stay>,
        reason: DisconnectReason,
    ) {
        let journal = rooms.journal();
        let mut state = self.state();
        let may_return = (was_connected || state.has.is_some())
            && is_recoverable(reason, socket.namespace().log().is_some());
        if !may_return {
            journal.leave(&self.id);
            return rooms.release(socket.id(), &stays);
        }
        let now = socket.client().session().now();
        let position = journal.position();
        let left_at = match state.has {
            // It has not got what it missed before.
            Some(number) => Mark { number, logged: state.span.end.logged, is_early: false },
            None => Mark { logged: position.logged.max(state.has_logged), ..position },
        };
        let saved = Saved { socket: socket.clone(), stays, span: state.span, left_at, until: now };
        match journal.save(self.id, now, saved) {
            Ok(until) => state.until = Some(until),
            Err(stays) => rooms.release(socket.id(), &stays),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client may come back after this: where sessions are kept elsewhere, also after the
/// server's own end.
fn is_recoverable(reason: DisconnectReason, is_logged: bool) -> bool {
    match reason {
        DisconnectReason::ForcedClose
        | DisconnectReason::ForcedServerClose
        | DisconnectReason::PingTimeout
        | DisconnectReason::TransportClose
        | DisconnectReason::TransportError => true,
        DisconnectReason::ServerShuttingDown => is_logged,
        DisconnectReason::ClientNamespaceDisconnect
        | DisconnectReason::ParseError
        | DisconnectReason::ServerNamespaceDisconnect => false,
    }
}
