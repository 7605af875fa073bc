use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::with_body;
use crate::proto::engine::Transport;

/// Why a request was refused, with what the Node server calls the context. See
/// [`Builder::on_connection_error`](crate::Builder::on_connection_error).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// A session begins with a GET. Code 2.
    #[error("bad handshake method {method}")]
    BadHandshakeMethod {
        /// What it was instead.
        method: Method,
    },
    /// The request does not fit its session, or is none for a session. Code 3.
    #[error("bad request: {0}")]
    BadRequest(#[from] BadRequest),
    /// The server is [closing](crate::SocketIo::close); the client may find another one. Code 4,
    /// with status 503.
    #[error("server shutting down")]
    Closing,
    /// The application does not let it in. Code 4.
    #[error("forbidden: {message}")]
    Forbidden {
        /// What the client is told.
        message: String,
    },
    /// There are as many sessions as [`max_sessions`](crate::Builder::max_sessions) allows; the client
    /// may find another server. Code 4, with status 503.
    #[error("too many sessions")]
    TooManySessions,
    /// No session has this id, at least not on this server: the client comes too late, or the load
    /// balancer sent it to the wrong one. Code 1. The id is in the query of the request; treat it as
    /// the secret that it may be elsewhere.
    #[error("unknown session")]
    UnknownSession,
    /// The transport is none, or is not enabled. Code 0.
    #[error("unknown transport {transport:?}")]
    UnknownTransport {
        /// What the client asked for.
        transport: Option<String>,
    },
    /// A revision of Engine.IO that the server does not speak. Code 5.
    #[error("unsupported protocol version {protocol:?}")]
    UnsupportedProtocol {
        /// What the client asked for.
        protocol: Option<String>,
    },
}

/// What is wrong with a request of code 3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRequest {
    /// The body is of a kind that the session's protocol does not have.
    #[error("invalid content")]
    InvalidContent,
    /// The `Origin` is not text. Node: `INVALID_ORIGIN`.
    #[error("invalid origin {origin:?}")]
    InvalidOrigin {
        /// What it is.
        origin: HeaderValue,
    },
    /// Another request of its kind is under way; that ended the session.
    #[error("overlapping requests")]
    Overlap,
    /// The session began with another revision of the protocol. Node: `PROTOCOL_MISMATCH`.
    #[error("protocol mismatch")]
    ProtocolMismatch,
    /// A transport that asks for an upgrade without one, or the other way round. Node:
    /// `TRANSPORT_HANDSHAKE_ERROR`.
    #[error("transport handshake error")]
    TransportHandshake,
    /// A session that is on another transport. Node: `TRANSPORT_MISMATCH`.
    #[error("{} instead of {}", transport.as_str(), current.as_str())]
    TransportMismatch {
        /// That of the request.
        transport: Transport,
        /// That of the session.
        current: Transport,
    },
    /// A session that polls is to stay so: [`allow_upgrades`](crate::Builder::allow_upgrades) is off.
    #[error("upgrades are not allowed")]
    UpgradeNotAllowed,
    /// The opening handshake of the websocket lacks a header, or has a wrong one.
    #[error("missing or invalid {header}")]
    WebSocketHandshake {
        /// Its name.
        header: &'static str,
    },
}

impl ConnectionError {
    /// The number that the client is told, the same as on Node.
    pub fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport { .. } => 0,
            Self::UnknownSession => 1,
            Self::BadHandshakeMethod { .. } => 2,
            Self::BadRequest(_) => 3,
            Self::Closing | Self::Forbidden { .. } | Self::TooManySessions => 4,
            Self::UnsupportedProtocol { .. } => 5,
        }
    }

    /// The words that the client is told, the same as on Node.
    pub fn message(&self) -> String {
        let message = match self {
            Self::BadHandshakeMethod { .. } => "Bad handshake method",
            Self::BadRequest(BadRequest::WebSocketHandshake { header }) => {
                return format!("Missing or invalid {header} header");
            }
            Self::BadRequest(_) => "Bad request",
            Self::Closing => "Server shutting down",
            Self::Forbidden { message } => message,
            Self::TooManySessions => "Too many sessions",
            Self::UnknownSession => "Session ID unknown",
            Self::UnknownTransport { .. } => "Transport unknown",
            Self::UnsupportedProtocol { .. } => "Unsupported protocol version",
        };
        message.to_owned()
    }

    pub(super) fn to_response(&self) -> Response<Bytes> {
        let status = match self {
            Self::Closing | Self::TooManySessions => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let message = serde_json::Value::from(self.message());
        let body = format!(r#"{{"code":{},"message":{message}}}"#, self.code());
        with_body(status, "application/json", body)
    }

    pub(super) fn to_upgrade_response(&self) -> Response<Bytes> {
        let status = match self {
            Self::Closing | Self::TooManySessions => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = with_body(status, "text/html", self.message());
        super::set_header(&mut response, header::CONNECTION, "close");
        if matches!(self, Self::BadRequest(BadRequest::WebSocketHandshake { .. })) {
            super::set_header(&mut response, header::SEC_WEBSOCKET_VERSION, "13");
        }
        response
    }
}
