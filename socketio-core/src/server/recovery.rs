//! Connection state recovery: a client whose connection broke comes back to the socket it had.

use std::{
    cell::LazyCell,
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
    rooms::{Retired, Rooms, Selection, Stay},
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
        Some((RecoveryId::parse(&pid)?, offset.and_then(|offset| offset.parse().ok())))
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
        let (place, former) = back.unzip();
        let place = place.unwrap_or_else(Place::new);
        let recovery = place.id;
        let place = Some(Box::new(place));
        let origin = match &former {
            None => Origin { place, ..Origin::default() },
            Some(Saved { socket, .. }) => {
                Origin { id: *socket.id(), data: socket.data().to_map(), place }
            }
        };
        let socket = Socket::new(self.clone(), Arc::clone(client), auth, origin);
        rooms.insert(socket.clone())?;
        if let Some(Saved { stays, .. }) = &former {
            for stay in stays {
                rooms.stay(socket.id(), &stay.room, stay.since);
            }
            rooms.release(socket.id(), stays);
        }
        rooms.journal().enter(recovery, *socket.id());
        drop(rooms);
        if let Some(former) = former {
            // Its driver need not wait any more.
            former.socket.client().session().wake_driver();
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
            false => journal.number(draft),
        };
        let packet = self.encode(event.clone());
        if !is_volatile {
            journal.keep(selection.clone(), packet.clone());
        }
        let position = journal.position();
        let plain = LazyCell::new(|| self.encode(without_offset(&event, position)));
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
        if socket.is_none() && !rooms.journal().knows(&place.id) {
            return Err(EmitError::Closed);
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

    /// The client is let in: gives what it missed, as it goes out.
    pub(super) fn admit(&self, rooms: &mut Rooms, id: &SocketId) -> Vec<Encoded> {
        let stays = rooms.of(id).to_vec();
        let journal = rooms.journal();
        let mut state = self.state();
        let Some(has) = state.has.take() else {
            let position = journal.position();
            state.span = Span { start: position, end: position };
            return Vec::new();
        };
        let missed = journal.missed(has, id, &stays);
        let note = |(number, packet)| {
            state.span.end = state.span.end.max(number);
            packet
        };
        missed.map(note).collect()
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
        self.sent(journal.position());
        packet
    }

    /// An event was sent to the socket.
    pub(super) fn sent(&self, number: u64) {
        self.state().span.end = number;
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
        let may_return = (was_connected || state.has.is_some()) && is_recoverable(reason);
        if !may_return {
            journal.leave(&self.id);
            return rooms.release(socket.id(), &stays);
        }
        let now = socket.client().session().now();
        let saved = Saved {
            socket: socket.clone(),
            stays,
            span: state.span,
            left_at: state.has.unwrap_or(journal.position()),
            until: now,
        };
        match journal.save(self.id, now, saved) {
            Ok(until) => state.until = Some(until),
            Err(Saved { stays, .. }) => rooms.release(socket.id(), &stays),
        }
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
