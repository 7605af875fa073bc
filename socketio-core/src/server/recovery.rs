//! Connection state recovery: a client whose connection broke comes back to the socket it had.

use std::{
    cell::LazyCell,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytestring::ByteString;
use serde::Deserialize;

use super::{
    client::ClientHandle,
    journal::{Saved, Span},
    namespace::Namespace,
    outgoing::Audience,
    rooms::{Retired, Rooms, Selection},
    socket::{Origin, Socket},
};
use crate::{
    error::EmitError,
    id::{RecoveryId, SocketId},
    proto::DisconnectReason,
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
    /// Until when it may come back.
    until: Option<Instant>,
}

/// What a client that comes back says in its auth payload.
#[derive(Deserialize)]
struct Return {
    pid: String,
    offset: Option<String>,
}

impl Return {
    /// `None` if it is a client that comes for the first time, or one whose words mean nothing here.
    fn read(auth: &str) -> Option<(RecoveryId, Option<u64>)> {
        let Self { pid, offset } = serde_json::from_str(auth).ok()?;
        let offset = offset.map(|offset| offset.parse()).transpose().ok()?;
        Some((RecoveryId::parse(&pid)?, offset))
    }
}

impl Namespace {
    /// Makes the socket of a client that asks for the namespace, or gives it the one it had.
    pub(super) fn enter(
        &self,
        client: &Arc<ClientHandle>,
        auth: Option<ByteString>,
    ) -> Result<Socket, Retired> {
        // Clients of revision 3 do not know of it.
        if !self.has_recovery() || client.session().revision() == Revision::V3 {
            let socket = Socket::new(self.clone(), Arc::clone(client), auth, Origin::default());
            return self.rooms().insert(socket.clone()).map(|()| socket);
        }
        let wish = auth.as_deref().and_then(Return::read);
        if let Some((id, _)) = &wish {
            self.end_former(id);
        }
        let now = client.session().now();
        let mut rooms = self.rooms();
        let back = wish.and_then(|(id, offset)| {
            let (saved, has) = rooms.journal.as_deref_mut()?.take(&id, offset, now)?;
            Some((Place::of_return(id, saved.span, has), saved))
        });
        let (origin, joined, former) = match back {
            None => {
                (Origin { place: Some(Box::new(Place::new())), ..Origin::default() }, None, None)
            }
            Some((place, Saved { id, data, rooms, session, .. })) => {
                (Origin { id, data, place: Some(Box::new(place)) }, Some(rooms), Some(session))
            }
        };
        let recovery = origin.place.as_ref().map(|place| place.id);
        let socket = Socket::new(self.clone(), Arc::clone(client), auth, origin);
        rooms.insert(socket.clone())?;
        for room in joined.iter().flatten() {
            rooms.join(socket.id(), room);
        }
        if let Some((journal, recovery)) = rooms.journal.as_deref_mut().zip(recovery) {
            journal.enter(recovery, *socket.id());
        }
        drop(rooms);
        if let Some(session) = former {
            // Its driver need not wait any more.
            session.wake_driver();
        }
        Ok(socket)
    }

    /// Ends the socket whose client is back before the end of its connection was noticed.
    fn end_former(&self, id: &RecoveryId) {
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
        let journal = rooms.journal();
        let event = match is_volatile {
            true => journal.mark(draft),
            false => journal.record(selection.clone(), draft),
        };
        let position = journal.position();
        let plain = LazyCell::new(|| self.encode(without_offset(&event, position)));
        let packet = self.encode(event.clone());
        rooms.select(selection, |socket| {
            each(socket);
            let place = socket.place();
            if let Some(place) = place.filter(|_| !is_volatile) {
                place.sent(position);
            }
            let packet = if place.is_some() { &packet } else { &*plain };
            let _ = socket.deliver(packet.clone(), is_volatile);
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
        let journal = rooms.journal();
        if socket.is_none() && !journal.is_saved(&place.id) {
            return Err(EmitError::Closed);
        }
        let event = journal.record(Selection::one(id), draft);
        let position = journal.position();
        let packet = self.encode(event);
        match socket {
            Some(socket) => socket.deliver_recorded(position, packet),
            None => Ok(()),
        }
    }

    /// Nobody comes back any more: has the drivers that wait for it look.
    pub(super) fn end_recovery(&self) {
        let rooms = self.rooms();
        let journal = rooms.journal.as_deref();
        let sessions: Vec<_> = journal.into_iter().flat_map(|j| j.sessions()).cloned().collect();
        drop(rooms);
        sessions.iter().for_each(|session| session.wake_driver());
    }
}

impl Socket {
    /// Whether a client may come back to this socket, which has ended.
    pub(super) fn may_return(&self) -> bool {
        self.place().is_some_and(|place| {
            let rooms = self.namespace().rooms();
            let journal = rooms.journal.as_deref();
            journal.is_some_and(|journal| journal.is_kept_by(self.client().session(), &place.id))
        })
    }

    /// Gives up that the client comes back. Tells why it left, unless it has come back.
    pub(super) fn expire(&self) -> Option<DisconnectReason> {
        let place = self.place()?;
        let session = self.client().session();
        let mut rooms = self.namespace().rooms();
        rooms.journal.as_deref_mut()?.give_up(session, &place.id).then_some(())?;
        drop(rooms);
        self.io().clean_up(self.namespace());
        self.disconnect_reason()
    }
}

impl Place {
    fn new() -> Self {
        Self { id: RecoveryId::random(), is_recovered: false, state: Mutex::default() }
    }

    fn of_return(id: RecoveryId, span: Span, has: u64) -> Self {
        let state = State { span, has: Some(has), until: None };
        Self { id, is_recovered: true, state: Mutex::new(state) }
    }

    pub(super) fn id(&self) -> &RecoveryId {
        &self.id
    }

    pub(super) fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    /// Until when the socket may come back, if it went and may.
    pub(super) fn until(&self) -> Option<Instant> {
        self.state().until
    }

    /// The client is let in: gives what it missed.
    pub(super) fn admit(&self, rooms: &mut Rooms, id: &SocketId) -> Vec<Encoded> {
        let joined = rooms.of(id);
        let journal = rooms.journal();
        let mut state = self.state();
        let position = journal.position();
        state.span.end = position;
        match mem::take(&mut state.has) {
            Some(has) => journal.missed(has, *id, &joined).collect(),
            None => {
                state.span.start = position;
                Vec::new()
            }
        }
    }

    /// Finishes an event to the socket and keeps it for its return.
    pub(super) fn record(&self, rooms: &mut Rooms, id: &SocketId, draft: Draft) -> Encoded {
        let journal = rooms.journal();
        let packet = journal.record(Selection::one(id), draft);
        self.sent(journal.position());
        packet
    }

    /// An event was sent to the socket.
    pub(super) fn sent(&self, number: u64) {
        self.state().span.end = number;
    }

    /// The socket has ended, and is out of the rooms, where it was in these. One that was never let
    /// in has nothing to come back to, unless it had come back.
    pub(super) fn end(
        &self,
        rooms: &mut Rooms,
        socket: &Socket,
        was_connected: bool,
        joined: &[ByteString],
        reason: DisconnectReason,
    ) {
        let journal = rooms.journal();
        let mut state = self.state();
        let may_return = (was_connected || state.has.is_some()) && is_recoverable(reason);
        if !may_return {
            return journal.leave(&self.id);
        }
        let session = Arc::clone(socket.client().session());
        let now = session.now();
        state.until = journal.save(
            self.id,
            now,
            Saved {
                id: *socket.id(),
                rooms: joined.to_vec(),
                data: socket.data().to_map(),
                span: state.span,
                session,
                left_at: state.has.unwrap_or(journal.position()),
                until: now,
            },
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client may come back after this. Node also lets it after the server's own end, where
/// sessions are kept elsewhere.
fn is_recoverable(reason: DisconnectReason) -> bool {
    match reason {
        DisconnectReason::ForcedClose
        | DisconnectReason::ForcedServerClose
        | DisconnectReason::PingTimeout
        | DisconnectReason::TransportClose
        | DisconnectReason::TransportError => true,
        DisconnectReason::ClientNamespaceDisconnect
        | DisconnectReason::ParseError
        | DisconnectReason::ServerNamespaceDisconnect
        | DisconnectReason::ServerShuttingDown => false,
    }
}
