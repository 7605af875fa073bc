//! actix-web has the `http` of the last generation; the core has the present one.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, body::MessageBody, http::StatusCode,
};
use bytes::Bytes;
use http::{Request, Response, header, request::Parts};
use socketio_core::PeerAddr;

/// The head of a request, with what the connection says of the client.
pub(crate) fn head(request: &HttpRequest) -> http::Result<Parts> {
    let uri = request.uri().to_string();
    let mut head = Request::builder().method(request.method().as_str()).uri(uri);
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    head = head.extension(request.connection_info().clone());
    if let Some(address) = request.peer_addr() {
        head = head.extension(PeerAddr(address));
    }
    Ok(head.body(())?.into_parts().0)
}

/// A whole response.
pub(crate) fn response(response: Response<Bytes>) -> HttpResponse {
    let (head, body) = response.into_parts();
    builder(&head).body(body)
}

/// A response after which the connection is a websocket, which writes through the body.
pub(crate) fn switching(
    response: Response<Bytes>,
    body: impl MessageBody + 'static,
) -> HttpResponse {
    let (head, _) = response.into_parts();
    builder(&head).upgrade("websocket").body(body)
}

fn builder(head: &http::response::Parts) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(head.status.as_u16()).expect("a status is a status");
    let mut builder = HttpResponse::build(status);
    for (name, value) in &head.headers {
        match *name {
            // actix-web writes it by itself.
            header::CONNECTION if value == "close" => builder.force_close(),
            header::CONNECTION => &mut builder,
            _ => builder.append_header((name.as_str(), value.as_bytes())),
        };
    }
    builder
}
