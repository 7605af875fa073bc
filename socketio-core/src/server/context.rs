use std::sync::{Arc, OnceLock};

use bytestring::ByteString;

use super::{ack::Ack, io::SocketIo, namespace::Namespace, socket::Socket};
use crate::{error::ExtractError, proto::DisconnectReason, wire::RawArgs};

/// An argument of a handler: what it needs of a connect, an event or a disconnect.
///
/// Implement it for `C: Context` to have an extractor for all three:
///
/// ```
/// use socketio_core::{Context, ExtractError, FromContext};
///
/// struct Language(String);
///
/// impl<C: Context> FromContext<C> for Language {
///     fn from_context(cx: &C) -> Result<Self, ExtractError> {
///         let header = cx.socket().handshake().headers().get("accept-language");
///         let language = header.and_then(|value| value.to_str().ok());
///         language
///             .map(|language| Language(language.to_owned()))
///             .ok_or_else(|| ExtractError::clients("no language"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be had from `{C}`",
    note = "`Data`, `EventName` and `RawArgs` are for events, `Ack` for those that came, \
            `DisconnectReason` for disconnects; `Auth` needs a type that is `Deserialize`"
)]
pub trait FromContext<C>: Sized {
    /// Takes the value.
    ///
    /// # Errors
    /// Says why there is none. The handler does not run then: a connect is refused, an event's
    /// error goes to the error hook and into its acknowledgement.
    fn from_context(cx: &C) -> Result<Self, ExtractError>;
}

/// What everything that is handled has in common: a server that it happens at.
pub trait ServerContext: Send + Sync + 'static {
    /// The server.
    fn io(&self) -> SocketIo;

    /// The handler has its arguments and begins now.
    #[doc(hidden)]
    fn begin(&self) {}
}

/// What connects, events and disconnects have in common.
pub trait Context: ServerContext {
    /// The socket that it happens to.
    fn socket(&self) -> &Socket;
}

/// What has an event: one that came, at its middlewares and its handlers, one that is sent, or one of
/// another node.
///
/// Implement [`FromContext`] for `C: HasEvent` to have an extractor for all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event",
    note = "`Data`, `EventName` and `RawArgs` are for handlers of events"
)]
pub trait HasEvent: ServerContext {
    /// The event's name.
    fn name(&self) -> &ByteString;

    /// The event's arguments.
    fn args(&self) -> &RawArgs;
}

/// A client asks for the namespace.
#[derive(Clone, Debug)]
pub struct ConnectContext {
    pub(crate) socket: Socket,
    /// Whether the handler begins by letting the client in. Those that decide on it do not.
    pub(crate) lets_in: bool,
}

/// An event came.
#[derive(Clone, Debug)]
pub struct EventContext {
    pub(crate) socket: Socket,
    pub(crate) name: ByteString,
    pub(crate) args: RawArgs,
    pub(crate) ack: Ack,
}

/// An event came and is about to reach its handlers.
#[derive(Clone, Debug)]
pub struct EventMiddlewareContext {
    pub(crate) event: EventContext,
    verdict: Arc<OnceLock<Verdict>>,
}

/// What a middleware of events may do but let an event pass.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Replace(RawArgs),
    Stop,
}

/// An event is sent.
///
/// It is no `Clone`, so that its handlers are plain functions: nothing would run a future of theirs.
#[derive(Debug)]
pub struct OutgoingContext {
    pub(crate) socket: Socket,
    pub(crate) name: ByteString,
    pub(crate) args: RawArgs,
}

/// An event of another node came: see [`Namespace::on_server_event`].
#[derive(Clone, Debug)]
pub struct ServerEventContext {
    pub(crate) io: SocketIo,
    pub(crate) namespace: Namespace,
    pub(crate) name: ByteString,
    pub(crate) args: RawArgs,
    pub(crate) ack: Ack,
}

/// What came and may ask for an answer.
pub(crate) trait Answerable {
    fn ack(&self) -> &Ack;
}

/// A socket has left its namespace.
#[derive(Clone, Debug)]
pub struct DisconnectContext {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

impl Answerable for EventContext {
    fn ack(&self) -> &Ack {
        &self.ack
    }
}

impl Answerable for ServerEventContext {
    fn ack(&self) -> &Ack {
        &self.ack
    }
}

impl ServerEventContext {
    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl ServerContext for ServerEventContext {
    fn io(&self) -> SocketIo {
        self.io.clone()
    }
}

impl EventMiddlewareContext {
    pub(crate) fn new(event: EventContext) -> Self {
        Self { event, verdict: Arc::default() }
    }

    pub(crate) fn decide(&self, verdict: Verdict) {
        // A middleware returns once.
        let _ = self.verdict.set(verdict);
    }

    /// What the middleware decided, unless it let the event pass as it is.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict.get().cloned()
    }
}

impl DisconnectContext {
    /// Why the socket left.
    pub fn reason(&self) -> DisconnectReason {
        self.reason
    }
}

macro_rules! contexts {
    ($($context:ty: $($place:ident)*),*) => {$(
        impl Context for $context {
            fn socket(&self) -> &Socket {
                &self$(.$place)*.socket
            }
        }

        impl ServerContext for $context {
            fn io(&self) -> SocketIo {
                self.socket().io()
            }
        }
    )*};
}

contexts! { DisconnectContext:, EventContext:, EventMiddlewareContext: event, OutgoingContext: }

macro_rules! events {
    ($($context:ty: $($place:ident)*),*) => {$(
        impl HasEvent for $context {
            fn name(&self) -> &ByteString {
                &self$(.$place)*.name
            }

            fn args(&self) -> &RawArgs {
                &self$(.$place)*.args
            }
        }
    )*};
}

events! { EventContext:, EventMiddlewareContext: event, OutgoingContext:, ServerEventContext: }

impl Context for ConnectContext {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl ServerContext for ConnectContext {
    fn io(&self) -> SocketIo {
        self.socket.io()
    }

    fn begin(&self) {
        if self.lets_in {
            self.socket.admit();
        }
    }
}
