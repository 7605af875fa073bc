use std::{sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{
    cluster::{self, ClusterHandle, NodeAsker, Relay},
    namespace::Namespace,
    outgoing::Audience,
    remote::{MissingSockets, RemoteSocket},
    replies::{Gathering, Replies, Share, Waiting},
    rooms::Selection,
    socket::Socket,
};
use crate::{
    error::EmitError,
    id::SocketId,
    proto::cluster::{BroadcastOptions, ClusterMessage, LogOffset, Question},
    wire::{AckId, Args, Draft, FromArgs, RawArgs, draft_event},
};

/// Whom to send to, and how. Each call narrows or widens it; the last one sends.
///
/// ```
/// # use socketio_core::SocketIo;
/// # let io = SocketIo::builder().build()?;
/// io.to(["news", "sport"]).except("muted").volatile().emit("headline", "a goal")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "an operator does nothing until it sends"]
pub struct BroadcastOperator {
    namespace: Namespace,
    selection: Selection,
    is_volatile: bool,
    is_local: bool,
    timeout: Option<Duration>,
}

/// One room or several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name rooms",
    note = "a room is a `&str`, a `String` or a `SocketId`; several are an array, a slice or a \
            `Vec` of them"
)]
pub trait IntoRooms {
    /// The names.
    fn into_rooms(self) -> Vec<ByteString>;
}

impl BroadcastOperator {
    pub(super) fn new(namespace: Namespace, sender: Option<SocketId>) -> Self {
        let selection = Selection { sender, ..Selection::default() };
        Self { namespace, selection, is_volatile: false, is_local: false, timeout: None }
    }

    /// What another node wants done here.
    pub(super) fn of_options(namespace: Namespace, options: BroadcastOptions) -> Self {
        let BroadcastOptions { is_volatile, timeout, .. } = options;
        Self { namespace, selection: options.into(), is_volatile, is_local: true, timeout }
    }

    pub(super) fn with_flags(self, is_volatile: bool, timeout: Option<Duration>) -> Self {
        Self { is_volatile, timeout, ..self }
    }

    /// Adds the members of these rooms. Without rooms it is everyone; an empty list of rooms is
    /// nobody.
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        self.selection.rooms.get_or_insert_default().extend(rooms.into_rooms());
        self
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out the members of these rooms.
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.selection.except.extend(rooms.into_rooms());
        self
    }

    /// Drops the event for clients whose transport cannot take it now.
    pub fn volatile(mut self) -> Self {
        self.is_volatile = true;
        self
    }

    /// Stays on this node, which without an [adapter](crate::Builder::adapter) everything does.
    pub fn local(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// Sets how long acknowledgements are waited for, in place of the option `ack_timeout`, or other
    /// nodes, in place of `request_timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event to each selected client once.
    ///
    /// # Errors
    /// The event cannot be written. A client that left or is too slow is no error.
    pub fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) -> Result<(), EmitError> {
        let draft = draft_event(self.namespace.name(), event, None, args)?;
        if let Some(log) = self.namespace.log()
            && !self.is_volatile
            && self.elsewhere().is_some()
        {
            self.namespace.append(log, self.selection.clone(), self.options(), draft);
            return Ok(());
        }
        self.tell(|options| cluster::broadcast(options, &draft, None));
        self.namespace.broadcast(&self.selection, draft, self.is_volatile);
        Ok(())
    }

    /// Sends the event `message` to each selected client once.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event to each selected client once and gathers the acknowledgements: as a stream
    /// of each, or as a future of all.
    ///
    /// From a client of another node comes the first argument of its acknowledgement alone: what is
    /// more belongs in a list or an object.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use socketio_core::SocketIo;
    /// # async fn poll(io: SocketIo) -> Result<(), Box<dyn std::error::Error>> {
    /// let replies = io.to("voters").timeout(Duration::from_secs(2)).emit_with_ack("vote", "tea?")?;
    /// match replies.await {
    ///     Ok(votes) => println!("{} in favour", votes.iter().filter(|vote: &&bool| **vote).count()),
    ///     Err(missing) => println!("{missing}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> Result<Replies<T>, EmitError> {
        let id = self.namespace.next_ack();
        let draft = draft_event(self.namespace.name(), event, Some(id), args)?;
        let request = self.elsewhere().map(|cluster| {
            let timeout = self.timeout.unwrap_or(cluster.ack_timeout());
            let options = BroadcastOptions { timeout: Some(timeout), ..self.options() };
            cluster.ask(&self.namespace, Question::Acks, timeout, |request| {
                cluster::broadcast(options, &draft, Some(request))
            })
        });
        let gathering = Arc::<Gathering>::default();
        self.ask(id, draft, |socket| Waiting::All(Share::new(&gathering, *socket.id())));
        Ok(Replies::new(gathering, request))
    }

    /// Gives an event of another node to the selected clients. The offset is its place in the log,
    /// if it has come from there.
    pub(super) fn deliver(
        &self,
        event: &str,
        args: &RawArgs,
        offset: Option<LogOffset>,
    ) -> Result<(), EmitError> {
        let draft = draft_event(self.namespace.name(), event, None, args)?;
        match offset.filter(|_| self.namespace.log().is_some() && !self.is_volatile) {
            Some(offset) => self.namespace.receive_logged(offset, &self.selection, draft),
            None => self.namespace.broadcast(&self.selection, draft, self.is_volatile),
        }
        Ok(())
    }

    /// Asks the selected clients on behalf of another node, and passes their acknowledgements on.
    pub(super) fn relay(
        &self,
        event: &str,
        args: &RawArgs,
        asker: NodeAsker,
    ) -> Result<(), EmitError> {
        let id = self.namespace.next_ack();
        let draft = draft_event(self.namespace.name(), event, Some(id), args)?;
        let relay = Relay::new(asker);
        let count = self.ask(id, draft, |socket| Waiting::Node(Arc::clone(&relay), *socket.id()));
        relay.announce(count);
        Ok(())
    }

    /// Asks the selected clients of this node, and tells how many they are.
    fn ask(&self, id: AckId, draft: Draft, waiting: impl Fn(&Socket) -> Waiting) -> usize {
        let mut audience = Audience::new(&self.namespace, &draft);
        let encoded = self.namespace.encode(draft.finish());
        let mut count = 0;
        self.namespace.rooms().select(&self.selection, |socket| {
            if socket.await_ack(id, self.timeout, waiting(socket)) {
                count += 1;
                audience.add(socket);
                // Whom it does not reach does not acknowledge, which is how it shows.
                let _ = socket.deliver(encoded.clone(), self.is_volatile);
            }
        });
        audience.show();
        count
    }

    /// Whether an event could reach someone here, now or with connection state recovery later.
    pub(super) fn may_reach(&self) -> bool {
        self.namespace.has_recovery() || self.namespace.rooms().may_select(&self.selection)
    }

    /// The selected sockets of this node.
    pub fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.namespace.rooms().select(&self.selection, |socket| sockets.push(socket.clone()));
        sockets
    }

    /// The selected sockets of all nodes. Node: `fetchSockets`.
    ///
    /// # Errors
    /// Not all other nodes have answered in [time](Self::timeout): these are the sockets of the
    /// rest.
    pub fn fetch_sockets(
        &self,
    ) -> impl Future<Output = Result<Vec<RemoteSocket>, MissingSockets>> + Send + use<> {
        let operator = self.clone();
        async move {
            let request = operator.elsewhere().map(|cluster| {
                let timeout = operator.timeout.unwrap_or(cluster.request_timeout());
                let options = operator.options();
                cluster.ask(&operator.namespace, Question::Sockets, timeout, |request| {
                    ClusterMessage::FetchSockets { options, request }
                })
            });
            let sockets = operator.sockets().iter().map(RemoteSocket::here).collect();
            match request {
                Some(request) => RemoteSocket::gather(&operator.namespace, sockets, request).await,
                None => Ok(sockets),
            }
        }
    }

    /// Has all selected sockets join rooms. Node: `socketsJoin`.
    pub fn join(&self, rooms: impl IntoRooms) {
        let rooms = rooms.into_rooms();
        self.tell(|options| ClusterMessage::SocketsJoin { options, rooms: rooms.clone() });
        for socket in self.sockets() {
            socket.join(rooms.clone());
        }
    }

    /// Has all selected sockets leave rooms. Node: `socketsLeave`.
    pub fn leave(&self, rooms: impl IntoRooms) {
        let rooms = rooms.into_rooms();
        self.tell(|options| ClusterMessage::SocketsLeave { options, rooms: rooms.clone() });
        for socket in self.sockets() {
            socket.leave(rooms.clone());
        }
    }

    /// Takes all selected sockets out of the namespace; with `close`, their connections too. Node:
    /// `disconnectSockets`.
    pub fn disconnect(&self, close: bool) {
        self.tell(|options| ClusterMessage::DisconnectSockets { options, close });
        for socket in self.sockets() {
            if close {
                socket.disconnect_all();
            } else {
                socket.disconnect();
            }
        }
    }

    /// The other nodes, if this is for them as well.
    fn elsewhere(&self) -> Option<&Arc<ClusterHandle>> {
        let cluster = self.namespace.cluster()?;
        // They would take an empty list of rooms for everyone.
        let is_nobody = self.selection.rooms.as_ref().is_some_and(Vec::is_empty);
        (!self.is_local && !is_nobody).then_some(cluster)
    }

    /// Has the other nodes do something too.
    fn tell(&self, message: impl FnOnce(BroadcastOptions) -> ClusterMessage) {
        if let Some(cluster) = self.elsewhere() {
            cluster.send(&self.namespace, message(self.options()));
        }
    }

    fn options(&self) -> BroadcastOptions {
        BroadcastOptions {
            is_volatile: self.is_volatile,
            timeout: self.timeout,
            ..self.selection.to_options()
        }
    }
}

impl IntoRooms for &str {
    fn into_rooms(self) -> Vec<ByteString> {
        vec![self.into()]
    }
}

impl IntoRooms for String {
    fn into_rooms(self) -> Vec<ByteString> {
        vec![self.into()]
    }
}

impl IntoRooms for &String {
    fn into_rooms(self) -> Vec<ByteString> {
        self.as_str().into_rooms()
    }
}

impl IntoRooms for ByteString {
    fn into_rooms(self) -> Vec<ByteString> {
        vec![self]
    }
}

impl IntoRooms for SocketId {
    fn into_rooms(self) -> Vec<ByteString> {
        self.as_str().into_rooms()
    }
}

impl IntoRooms for &SocketId {
    fn into_rooms(self) -> Vec<ByteString> {
        self.as_str().into_rooms()
    }
}

impl<R: IntoRooms, const N: usize> IntoRooms for [R; N] {
    fn into_rooms(self) -> Vec<ByteString> {
        self.into_iter().flat_map(IntoRooms::into_rooms).collect()
    }
}

impl<R: IntoRooms> IntoRooms for Vec<R> {
    fn into_rooms(self) -> Vec<ByteString> {
        self.into_iter().flat_map(IntoRooms::into_rooms).collect()
    }
}

impl<R: IntoRooms + Clone> IntoRooms for &[R] {
    fn into_rooms(self) -> Vec<ByteString> {
        self.iter().cloned().flat_map(IntoRooms::into_rooms).collect()
    }
}
