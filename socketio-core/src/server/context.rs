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
    note = "`Data`, `Ack`, `EventName` and `RawArgs` are for events, `DisconnectReason` for \
            disconnects; `Auth` needs a type that is `Deserialize`"
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

/// A socket has left its namespace.
#[derive(Clone, Debug)]
pub struct DisconnectContext {
    pub(crate) socket: Socket,
    pub(crate) reason: DisconnectReason,
}

impl EventContext {
    /// The event's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The event's arguments.
    pub fn args(&self) -> &RawArgs {
        &self.args
    }

    pub(crate) fn ack(&self) -> &Ack {
        &self.ack
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

contexts! { DisconnectContext, EventContext }

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
