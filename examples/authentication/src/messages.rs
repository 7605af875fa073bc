//! What goes over the wire.

use serde::{Deserialize, Serialize};
use socketio_axum::{ConnectError, EmitError};

use crate::users::User;

const TEXT_CHARS: usize = 1000;

/// The body of `POST /login`.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
}

#[derive(Serialize)]
pub(crate) struct SignedIn {
    pub(crate) token: String,
    pub(crate) user: &'static User,
}

/// The `auth` of a connect.
#[derive(Deserialize)]
pub(crate) struct Pass {
    pub(crate) token: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Draft {
    pub(crate) to: String,
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Kick {
    pub(crate) name: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Welcome<'a> {
    pub(crate) user: &'static User,
    pub(crate) session: u64,
    pub(crate) messages: Vec<&'a Message>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) admin: bool,
    pub(crate) online: bool,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct SessionInfo {
    pub(crate) id: u64,
    /// Milliseconds since 1970.
    pub(crate) began: u64,
    /// Sockets that are connected with it.
    pub(crate) tabs: usize,
}

/// The event right before a socket is disconnected, with what a later connect would be refused with.
#[derive(Debug, Serialize)]
pub(crate) struct SignedOut {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Posted {
    pub(crate) message: Message,
}

/// An answer with nothing but its `ok`.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum End {
    #[error("you have signed in too often since")]
    Crowded,
    #[error("the session has expired")]
    Expired,
    #[error("{by} kicked you: {reason}")]
    Kicked { by: &'static str, reason: String },
    #[error("you have signed out")]
    SignedOut,
}

/// Why a token lets nobody in.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error(transparent)]
    Ended(End),
    #[error("sign in first")]
    Missing,
    #[error("there is no such session")]
    Unknown,
}

/// Why the answer is not `ok`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("some text is needed")]
    EmptyText,
    #[error("a text has at most {max} characters")]
    LongText { max: usize },
    #[error("only an admin may do that")]
    NotAdmin,
    #[error("your session has ended")]
    NotSignedIn,
    #[error("to leave, sign out")]
    Oneself,
    #[error("they are not signed in")]
    SignedOut,
    #[error("there is no such session")]
    UnknownSession,
    #[error("there is no such user")]
    UnknownUser,
}

impl End {
    fn code(&self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::Expired => "expired",
            Self::Kicked { .. } => "kicked",
            Self::SignedOut => "signed-out",
        }
    }
}

impl From<&End> for SignedOut {
    fn from(end: &End) -> Self {
        Self { code: end.code(), message: end.to_string() }
    }
}

impl From<Rejection> for ConnectError {
    fn from(rejection: Rejection) -> Self {
        #[derive(Serialize)]
        struct Details {
            code: &'static str,
        }
        let code = match &rejection {
            Rejection::Ended(end) => end.code(),
            Rejection::Missing => "missing",
            Rejection::Unknown => "unknown",
        };
        ConnectError::new(rejection.to_string()).data(Details { code })
    }
}

/// The text without the space around it.
pub(crate) fn text(asked: &str) -> Result<&str, Refusal> {
    match asked.trim() {
        "" => Err(Refusal::EmptyText),
        text if text.chars().count() > TEXT_CHARS => Err(Refusal::LongText { max: TEXT_CHARS }),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_bounded() {
        assert_eq!(text(" hi \n"), Ok("hi"));
        assert_eq!(text(" \t"), Err(Refusal::EmptyText));
        assert!(text(&"é".repeat(1000)).is_ok());
        assert_eq!(text(&"é".repeat(1001)), Err(Refusal::LongText { max: 1000 }));
    }
}
