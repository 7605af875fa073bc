use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The response that makes the connection of this request a websocket.
///
/// The core has checked that the request is one for it.
pub fn switching_protocols(head: &Parts) -> Response<Bytes> {
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY);
    let accept = derive_accept_key(key.map(HeaderValue::as_bytes).unwrap_or_default());
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::try_from(accept).expect("base64 is a header value");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}
