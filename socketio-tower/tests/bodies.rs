//! The service takes requests with any body, as layers in front may have changed it.

mod support;

use std::{convert::Infallible, fmt::Debug};

use bytes::{Buf, Bytes};
use futures_util::stream;
use http::{Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use socketio_tower::SocketIoService;
use tower::{Service, ServiceExt};

use support::{POLLING, echo, request};

/// Calls the service as a server would, without one.
async fn call<B>(service: &SocketIoService, request: Request<B>) -> (StatusCode, String)
where
    SocketIoService: Service<Request<B>, Response = http::Response<Full<Bytes>>>,
    <SocketIoService as Service<Request<B>>>::Error: Debug,
{
    let response = service.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

/// Opens a session and gives its URI.
async fn open(service: &SocketIoService) -> String {
    let (_, body) = call(service, request("GET", POLLING, &[])).await;
    let (_, rest) = body.split_once(r#""sid":""#).expect("a handshake");
    format!("{POLLING}&sid={}", &rest[..20])
}

/// Posts `40` and an event in this body, and expects the answers.
async fn posts<B>(body: B)
where
    B: Body<Data: Send> + Send + 'static,
{
    let service = SocketIoService::new(&echo());
    let uri = open(&service).await;
    let answer = call(&service, Request::post(&uri).body(body).expect("a request")).await;
    assert_eq!(answer, (StatusCode::OK, "ok".into()));
    let (_, body) = call(&service, request("GET", &uri, &[])).await;
    assert!(body.starts_with("40{"), "{body}");
}

#[tokio::test]
async fn a_whole_body() {
    posts(Full::new(Bytes::from("40"))).await;
}

#[tokio::test]
async fn a_plain_string() {
    posts("40".to_owned()).await;
}

#[tokio::test]
async fn a_body_in_pieces() {
    let pieces = ["4", "", "0"].map(|piece| Ok::<_, Infallible>(Frame::data(piece.as_bytes())));
    posts(StreamBody::new(stream::iter(pieces))).await;
}

#[tokio::test]
async fn a_boxed_body() {
    posts(Full::new(Bytes::from("40")).boxed()).await;
    posts(Full::new(Bytes::from("40")).boxed_unsync()).await;
}

#[tokio::test]
async fn a_body_of_data_that_is_in_pieces_itself() {
    posts(Full::new(Bytes::from("4").chain(Bytes::from("0")))).await;
}

#[tokio::test]
async fn trailers_are_not_part_of_the_body() {
    let frames = [Frame::data(Bytes::from("40")), Frame::trailers(http::HeaderMap::new())];
    posts(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)))).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_session() {
    let service = SocketIoService::new(&echo());
    let uri = open(&service).await;
    let frames = [Ok(Frame::data(Bytes::from("4"))), Err("connection lost")];
    let broken = Request::post(&uri).body(StreamBody::new(stream::iter(frames)));
    let (status, _) = call(&service, broken.expect("a request")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, body) = call(&service, request("GET", &uri, &[])).await;
    assert_eq!(body, r#"{"code":1,"message":"Session ID unknown"}"#);
}
