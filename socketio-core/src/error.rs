//! What can go wrong for the application. What clients do wrong is a
//! [`Violation`](crate::Violation) or a reason to disconnect.

use std::fmt;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::Value;

use crate::{
    proto::{client::Violation, engine::SendError},
    server::Socket,
    wire::{ArgsError, EncodeError},
};

/// A message that was not queued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The client is not connected any more.
    #[error("not connected")]
    Closed,
    /// The event cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The client is too slow: more than `limits.outgoing_bytes` wait for it. It was closed, or if
    /// its connect is yet to be answered, this event is lost.
    #[error("the client is too slow")]
    Overflow,
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => EmitError::Closed,
            SendError::Overflow => EmitError::Overflow,
        }
    }
}

/// An acknowledgement that did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// It came, but does not fit the type that was asked for.
    #[error("unexpected acknowledgement: {0}")]
    Args(#[from] ArgsError),
    /// The client left before it answered.
    #[error("disconnected before the acknowledgement")]
    Disconnected,
    /// The question was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The client did not answer in time.
    #[error("operation has timed out")]
    Timeout,
}

/// The refusal of a connect: what the client's `connect_error` gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    message: String,
    data: Option<Value>,
}

impl ConnectError {
    /// Refuses with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds what the client finds in `error.data`. What is no JSON becomes `null`.
    #[must_use]
    pub fn data(mut self, data: impl Serialize) -> Self {
        self.data = Some(serde_json::to_value(data).unwrap_or_default());
        self
    }

    pub(crate) fn parts(&self) -> (&str, Option<&Value>) {
        (&self.message, self.data.as_ref())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectError {}

impl From<EmitError> for ConnectError {
    fn from(error: EmitError) -> Self {
        ConnectError::new(error.to_string())
    }
}

/// An argument of a handler that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExtractError {
    message: String,
    is_clients: bool,
}

impl ExtractError {
    /// Says what is missing or wrong in the application.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_clients: false }
    }

    /// Says what is missing or wrong in what the client sent, which is
    /// [its fault](Failure::is_clients).
    pub fn clients(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_clients: true }
    }
}

impl From<ArgsError> for ExtractError {
    fn from(error: ArgsError) -> Self {
        ExtractError::clients(error.to_string())
    }
}

/// Any error that a handler returns.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a handler, or something else that works for the server, ended if not well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The [adapter](crate::Adapter) has trouble with other nodes, or with what lies between.
    #[error("adapter: {0}")]
    Adapter(BoxError),
    /// One of its arguments could not be had; it did not run.
    #[error("bad argument: {0}")]
    Extract(#[from] ExtractError),
    /// It returned an error.
    #[error("{0}")]
    Handler(BoxError),
    /// It panicked.
    #[error("panicked: {message}")]
    Panic {
        /// What the panic said.
        message: String,
    },
    /// It refused the connect.
    #[error("refused: {0}")]
    Refused(ConnectError),
    /// A client asked for one more dynamic namespace than there may be.
    #[error("too many dynamic namespaces")]
    TooManyNamespaces,
    /// The client broke the protocol and was closed.
    #[error("protocol violation: {0}")]
    Violation(#[from] Violation),
}

impl Failure {
    /// Whether the client is to blame: it broke the protocol, it sent what does not fit, or it left
    /// before the handler was done with it.
    pub fn is_clients(&self) -> bool {
        match self {
            Failure::Extract(error) => error.is_clients,
            Failure::Handler(error) => {
                error.is::<ArgsError>()
                    || matches!(error.downcast_ref(), Some(ExtractError { is_clients: true, .. }))
                    || matches!(error.downcast_ref(), Some(EmitError::Closed))
                    || matches!(
                        error.downcast_ref(),
                        Some(
                            AckError::Args(_)
                                | AckError::Disconnected
                                | AckError::Emit(EmitError::Closed)
                        )
                    )
            }
            Failure::Adapter(_)
            | Failure::Panic { .. }
            | Failure::Refused(_)
            | Failure::TooManyNamespaces => false,
            Failure::Violation(_) => true,
        }
    }
}

/// What the error hook gets: which handler of whom, and what happened.
#[derive(Debug)]
#[non_exhaustive]
pub struct ErrorReport {
    /// The namespace, where the error belongs to one.
    pub namespace: Option<ByteString>,
    /// The socket, where the error belongs to one.
    pub socket: Option<Socket>,
    /// The event, for event handlers; otherwise `connect` or `disconnect`.
    pub event: Option<ByteString>,
    /// What happened.
    pub failure: Failure,
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.event, &self.namespace) {
            (Some(event), Some(namespace)) => write!(f, "{event:?} in {namespace}: ")?,
            (None, Some(namespace)) => write!(f, "{namespace}: ")?,
            _ => {}
        }
        self.failure.fmt(f)
    }
}
