//! The Socket.IO client on a session: namespaces, packet assembly, acknowledgements awaited.

mod acks;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use bytestring::ByteString;
use litemap::LiteMap;

use self::acks::Acks;
use super::{after, earlier};
use crate::wire::{
    AckId, AssemblerLimits, Codec, Message, Packet, PacketError, RawArgs, Reader, Revision,
    packet::{ROOT, split_query},
};

/// What a client needs to know of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) codec: Codec,
    pub(crate) connect_timeout: Duration,
    pub(crate) attachments: AssemblerLimits,
    pub(crate) attachments_timeout: Duration,
    pub(crate) max_namespaces: usize,
}

/// What one client has joined and is waiting for.
///
/// | namespace is | CONNECT | EVENT | ACK | DISCONNECT |
/// |---|---|---|---|---|
/// | unknown | joins | violation | violation | violation |
/// | asked for | violation | an early event | ignored | violation |
/// | joining | violation | an event; its receiver holds it back | resolves | leaves |
/// | joined | violation | an event | resolves | leaves |
/// | left by the server | joins | ignored | ignored | ignored |
///
/// One of Engine.IO 3, which speaks protocol 4, begins with a CONNECT to `/` that it need not send.
///
/// `S` is what the server knows a socket by, `A` who waits for an acknowledgement.
#[derive(Debug)]
pub(crate) struct Client<S, A> {
    settings: Arc<Settings>,
    revision: Revision,
    reader: Reader,
    attachments_deadline: Option<Instant>,
    /// Until when the first namespace must be joined.
    connect_deadline: Option<Instant>,
    /// No later than the first acknowledgement of all namespaces is due.
    acks_deadline: Option<Instant>,
    /// As a rule one: a vector takes less memory than a hash table, and less time to search.
    namespaces: LiteMap<ByteString, Namespace<S, A>>,
    events: VecDeque<Event<S, A>>,
}

#[derive(Debug)]
enum Namespace<S, A> {
    Present {
        socket: S,
        acks: Acks<A>,
    },
    /// Whether there is such a namespace is being found out.
    Asked,
    /// The server ended it. What the client sent before it learned of that is still under way.
    Left,
}

/// What the client did, or what became of it.
#[derive(Debug, PartialEq)]
pub(crate) enum Event<S, A> {
    /// An acknowledgement came.
    Ack { waiting: A, args: RawArgs },
    /// An acknowledgement did not come in time.
    AckTimeout { waiting: A },
    /// The client asks for a namespace.
    Connect { namespace: ByteString, auth: Option<ByteString> },
    /// The client left a namespace.
    Disconnect { socket: S },
    /// An event came.
    Received { socket: S, id: Option<AckId>, name: ByteString, args: RawArgs },
    /// An event came for a namespace that the client is not in yet.
    /// Boxed, as it is rare and larger than the others.
    Early(Box<Early>),
    /// The server took a socket out of its namespace.
    Left { socket: S },
    /// No namespace was joined in time.
    ConnectTimeout,
    /// The client broke the protocol and is to be closed.
    Violation(Violation),
}

/// An event for a namespace that the client is not in yet.
#[derive(Debug, PartialEq)]
pub(crate) struct Early {
    pub(crate) namespace: ByteString,
    pub(crate) id: Option<AckId>,
    pub(crate) name: ByteString,
    pub(crate) args: RawArgs,
}

/// How a client broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Announced attachments did not come in time.
    #[error("attachments came too late")]
    LateAttachments,
    /// What came is no packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A packet that only a server sends.
    #[error("not a client's packet")]
    ServerPacket,
    /// A second CONNECT to one namespace.
    #[error("connected twice to one namespace")]
    SecondConnect,
    /// More namespaces than the limit.
    #[error("too many namespaces")]
    TooManyNamespaces,
    /// A packet for a namespace that was never joined.
    #[error("not connected to this namespace")]
    UnknownNamespace,
}

impl<S: Clone, A> Client<S, A> {
    pub(crate) fn new(now: Instant, revision: Revision, settings: Arc<Settings>) -> Self {
        let implicit = match revision {
            Revision::V3 => Some(Event::Connect { namespace: ROOT, auth: None }),
            Revision::V4 => None,
        };
        Self {
            revision,
            reader: settings.codec.reader(settings.attachments),
            attachments_deadline: None,
            connect_deadline: Some(after(now, settings.connect_timeout)),
            acks_deadline: None,
            settings,
            namespaces: LiteMap::new_vec(),
            events: implicit.into_iter().collect(),
        }
    }

    /// A message came. One message is at most one event.
    pub(crate) fn handle_message(&mut self, now: Instant, message: Message) -> Option<Event<S, A>> {
        match self.reader.decode(message) {
            Ok(Some(packet)) => {
                self.attachments_deadline = None;
                self.handle_packet(packet).unwrap_or_else(|violation| Some(violation.into()))
            }
            Ok(None) => {
                let deadline = after(now, self.settings.attachments_timeout);
                self.attachments_deadline.get_or_insert(deadline);
                None
            }
            Err(error) => Some(Violation::Packet(error).into()),
        }
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let is_due = |deadline: &Instant| *deadline <= now;
        if self.connect_deadline.take_if(|deadline| is_due(deadline)).is_some() {
            self.events.push_back(Event::ConnectTimeout);
        }
        if self.attachments_deadline.take_if(|deadline| is_due(deadline)).is_some() {
            self.events.push_back(Violation::LateAttachments.into());
        }
        if self.acks_deadline.take_if(|deadline| is_due(deadline)).is_some() {
            for (_, namespace) in self.namespaces.iter_mut() {
                if let Namespace::Present { acks, .. } = namespace {
                    let late = acks.expire(now).map(|waiting| Event::AckTimeout { waiting });
                    self.events.extend(late);
                    self.acks_deadline = earlier(self.acks_deadline, acks.deadline());
                }
            }
        }
    }

    /// Whether there is the namespace that the client asked for takes time to find out.
    pub(crate) fn ask(&mut self, namespace: ByteString) {
        self.namespaces.insert(namespace, Namespace::Asked);
    }

    /// There is no such namespace.
    pub(crate) fn unask(&mut self, namespace: &str) {
        self.namespaces.remove(namespace);
    }

    /// The socket in a namespace.
    pub(crate) fn socket(&self, namespace: &str) -> Option<&S> {
        match self.namespaces.get(namespace)? {
            Namespace::Present { socket, .. } => Some(socket),
            _ => None,
        }
    }

    /// A namespace that the client asked for exists; `socket` is the client in it.
    pub(crate) fn join(&mut self, namespace: ByteString, socket: S) {
        if self.namespaces.is_empty() {
            self.namespaces = LiteMap::with_capacity(1);
        }
        self.namespaces.insert(namespace, Namespace::Present { socket, acks: Acks::default() });
    }

    /// The client is now in a namespace, so it may stay.
    pub(crate) fn joined(&mut self) {
        self.connect_deadline = None;
    }

    /// The server ends a namespace for this client. Tells whether the client was in it.
    pub(crate) fn leave(&mut self, namespace: &str) -> bool {
        match self.namespaces.get_mut(namespace) {
            Some(place @ Namespace::Present { .. }) => {
                if let Namespace::Present { socket, .. } = mem::replace(place, Namespace::Left) {
                    self.events.push_back(Event::Left { socket });
                }
                true
            }
            _ => false,
        }
    }

    /// The namespace that the client asked for is refused.
    pub(crate) fn refuse(&mut self, namespace: &str) {
        if let Some(place) = self.namespaces.get_mut(namespace) {
            *place = Namespace::Left;
        }
    }

    /// Waits for an acknowledgement. Gives `waiting` back if the client is not in the namespace.
    pub(crate) fn await_ack(
        &mut self,
        namespace: &str,
        id: AckId,
        deadline: Instant,
        waiting: A,
    ) -> Result<(), A> {
        match self.namespaces.get_mut(namespace) {
            Some(Namespace::Present { acks, .. }) => {
                acks.insert(id, deadline, waiting);
                self.acks_deadline = earlier(self.acks_deadline, Some(deadline));
                Ok(())
            }
            _ => Err(waiting),
        }
    }

    /// The client is gone: gives all its sockets.
    pub(crate) fn close(&mut self) -> Vec<S> {
        self.connect_deadline = None;
        self.attachments_deadline = None;
        self.acks_deadline = None;
        let namespaces = mem::take(&mut self.namespaces).into_iter();
        let sockets = namespaces.filter_map(|(_, namespace)| match namespace {
            Namespace::Present { socket, .. } => Some(socket),
            _ => None,
        });
        sockets.collect()
    }

    /// Whether the client owes an acknowledgement.
    pub(crate) fn owes_acks(&self) -> bool {
        let mut places = self.namespaces.values();
        places.any(|place| matches!(place, Namespace::Present { acks, .. } if !acks.is_empty()))
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event<S, A>> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.connect_deadline, self.attachments_deadline, self.acks_deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// All sockets of the client.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &S> {
        self.namespaces.values().filter_map(|namespace| match namespace {
            Namespace::Present { socket, .. } => Some(socket),
            _ => None,
        })
    }

    fn handle_packet(&mut self, packet: Packet) -> Result<Option<Event<S, A>>, Violation> {
        Ok(match packet {
            Packet::Connect { namespace, auth } => {
                let (namespace, auth) = match self.revision {
                    Revision::V3 => split_query(namespace),
                    Revision::V4 => (namespace, auth),
                };
                let is_gone = |place: &Namespace<S, A>| matches!(place, Namespace::Left);
                if self.namespaces.get(&namespace).is_some_and(|place| !is_gone(place)) {
                    return Err(Violation::SecondConnect);
                }
                let is_full =
                    |client: &Self| client.namespaces.len() >= client.settings.max_namespaces;
                if is_full(self) {
                    self.namespaces.retain(|_, place| !is_gone(place));
                }
                if is_full(self) {
                    return Err(Violation::TooManyNamespaces);
                }
                Some(Event::Connect { namespace, auth })
            }
            Packet::Disconnect { namespace } => match self.namespaces.remove(&namespace) {
                Some(Namespace::Present { socket, .. }) => Some(Event::Disconnect { socket }),
                Some(Namespace::Left) => None,
                Some(Namespace::Asked) | None => return Err(Violation::UnknownNamespace),
            },
            Packet::Event { namespace, id, name, args } => {
                if let Some(Namespace::Asked) = self.namespaces.get(&namespace) {
                    let early = Early { namespace, id, name, args };
                    return Ok(Some(Event::Early(Box::new(early))));
                }
                self.present(&namespace)?.map(|(socket, _)| {
                    let socket = socket.clone();
                    Event::Received { socket, id, name, args }
                })
            }
            Packet::Ack { namespace, id, args } => {
                let acks = self.present(&namespace)?.map(|(_, acks)| acks);
                let waiting = id.zip(acks).and_then(|(id, acks)| acks.remove(id));
                waiting.map(|waiting| Event::Ack { waiting, args })
            }
            Packet::ConnectError { .. } => return Err(Violation::ServerPacket),
        })
    }

    /// The socket in a namespace, or nothing where the server just ended it.
    fn present(&mut self, namespace: &str) -> Result<Option<(&S, &mut Acks<A>)>, Violation> {
        match self.namespaces.get_mut(namespace) {
            Some(Namespace::Present { socket, acks }) => Ok(Some((socket, acks))),
            Some(Namespace::Asked | Namespace::Left) => Ok(None),
            None => Err(Violation::UnknownNamespace),
        }
    }
}

impl<S, A> From<Violation> for Event<S, A> {
    fn from(violation: Violation) -> Self {
        Event::Violation(violation)
    }
}
