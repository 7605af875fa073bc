use bytes::Bytes;
use http::{Response, StatusCode, header};

use super::with_body;

/// A request that is refused, in the words of the Node server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AcceptError {
    BadHandshakeMethod,
    BadRequest,
    /// The server is closing; the client may find another one.
    Closing,
    Forbidden(String),
    UnknownSession,
    UnknownTransport,
    UnsupportedProtocol,
    WebSocketHandshake(&'static str),
}

impl AcceptError {
    fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSession => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest | Self::WebSocketHandshake(_) => 3,
            Self::Closing | Self::Forbidden(_) => 4,
            Self::UnsupportedProtocol => 5,
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Closing => "Server shutting down",
            Self::Forbidden(message) => message,
            Self::UnknownSession => "Session ID unknown",
            Self::UnknownTransport => "Transport unknown",
            Self::UnsupportedProtocol => "Unsupported protocol version",
            Self::WebSocketHandshake(message) => message,
        }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let status = match self {
            Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let message = serde_json::Value::from(self.message());
        let body = format!(r#"{{"code":{},"message":{message}}}"#, self.code());
        with_body(status, "application/json", body)
    }

    pub(super) fn into_upgrade_response(self) -> Response<Bytes> {
        let is_handshake = matches!(self, Self::WebSocketHandshake(_));
        let status = match self {
            Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = with_body(status, "text/html", self.message().to_owned());
        super::set_header(&mut response, header::CONNECTION, "close");
        if is_handshake {
            super::set_header(&mut response, header::SEC_WEBSOCKET_VERSION, "13");
        }
        response
    }
}
