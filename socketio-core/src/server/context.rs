use std::sync::{Arc, OnceLock};

use bytestring::ByteString;

use super::{ack::Ack, socket::Socket};
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

/// What connects, events and disconnects have in common.
pub trait Context: Send + Sync + 'static {
    /// The socket that it happens to.
    fn socket(&self) -> &Socket;

    /// The handler has its arguments and begins now.
    #[doc(hidden)]
    fn begin(&self) {}
}

/// What has an event: one that came, at its middlewares and its handlers, or one that is sent.
///
/// Implement [`FromContext`] for `C: HasEvent` to have an extractor for all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event",
    note = "`Data`, `EventName` and `RawArgs` are for handlers of events"
)]
pub trait HasEvent: Context {
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

/// A socket has left its namespace.
#[derive(Clone, Debug)]
pub struct DisconnectContext {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

impl EventContext {
    pub(crate) fn ack(&self) -> &Ack {
        &self.ack
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
    ($($context:ty),*) => {$(
        impl Context for $context {
            fn socket(&self) -> &Socket {
                &self.socket
            }
        }
    )*};
}

contexts! { DisconnectContext, EventContext, OutgoingContext }

impl Context for EventMiddlewareContext {
    fn socket(&self) -> &Socket {
        &self.event.socket
    }
}

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

events! { EventContext:, EventMiddlewareContext: event, OutgoingContext: }

impl Context for ConnectContext {
    fn socket(&self) -> &Socket {
        &self.socket
    }

    fn begin(&self) {
        if self.lets_in {
            self.socket.admit();
        }
    }
}
