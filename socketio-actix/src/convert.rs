//! actix-web has the `http` of the last generation; the core has the present one.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, body::MessageBody, http::StatusCode,
};
use bytes::Bytes;
use http::{Request, Response, Version, header, request::Parts};

/// The head of a request.
pub(crate) fn head(request: &HttpRequest) -> http::Result<Parts> {
    let version = match request.version() {
        actix_web::http::Version::HTTP_09 => Version::HTTP_09,
        actix_web::http::Version::HTTP_10 => Version::HTTP_10,
        actix_web::http::Version::HTTP_2 => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    let mut head = Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string())
        .version(version);
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
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
    builder(&response.into_parts().0).body(body)
}

fn builder(head: &http::response::Parts) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(head.status.as_u16()).expect("a status is a status");
    let mut builder = HttpResponse::build(status);
    for (name, value) in &head.headers {
        let value = value.as_bytes();
        match *name {
            // actix-web writes `Connection` by itself.
            header::CONNECTION if value == b"close" => builder.force_close(),
            header::CONNECTION => &mut builder,
            header::UPGRADE => builder.upgrade("websocket"),
            _ => builder.append_header((name.as_str(), value)),
        };
    }
    builder
}
