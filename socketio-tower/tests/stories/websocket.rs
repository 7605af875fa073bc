//! Messages over websockets, on real connections: the same in every framework.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, request::Parts};
use socketio_core::{DisconnectReason, SocketIo};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::support::{ECHO, WebSocket, echo, echo_with, serve_io, within};

async fn connect(io: &SocketIo) -> WebSocket {
    let mut websocket = serve_io(io).await.websocket("/socket.io").await;
    websocket.join().await;
    websocket
}

#[tokio::test]
async fn text_comes_back() {
    let mut websocket = connect(&echo()).await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn bytes_come_back() {
    let mut websocket = connect(&echo()).await;
    let event = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    websocket.send(event).await;
    websocket.send(Bytes::from_static(&[0, 1, 255])).await;
    assert_eq!(websocket.text().await, event);
    assert_eq!(websocket.next().await, Message::binary(vec![0, 1, 255]));
}

#[tokio::test]
async fn a_long_message_comes_back_whole() {
    let mut websocket = connect(&echo()).await;
    let event = format!(r#"42["echo","{}"]"#, "x".repeat(900_000));
    assert!(websocket.ask(event.as_str()).await == event);
}

#[tokio::test]
async fn messages_that_come_at_once_stay_in_order() {
    let mut websocket = connect(&echo()).await;
    for n in 0..100 {
        websocket.send(format!(r#"42["echo",{n}]"#)).await;
    }
    for n in 0..100 {
        assert_eq!(websocket.text().await, format!(r#"42["echo",{n}]"#));
    }
}

#[tokio::test]
async fn a_polling_session_goes_on_as_a_websocket() {
    let server = serve_io(&echo()).await;
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(ECHO).await, ECHO);
    let mut websocket = polling.upgrade("/socket.io").await;
    assert_eq!(websocket.ask(ECHO).await, ECHO);
}

#[tokio::test]
async fn the_opening_handshake_has_the_headers_that_the_application_adds() {
    let add = |name: &'static str| {
        move |headers: &mut HeaderMap, _: &Parts| {
            headers.append("x-added", HeaderValue::from_static(name));
        }
    };
    let io = echo_with(SocketIo::builder().headers(add("every")).initial_headers(add("first")));
    let server = serve_io(&io).await;
    let mut opened = server.websocket("/socket.io").await;
    opened.join().await;
    let upgraded = server.polling("/socket.io").await.upgrade("/socket.io").await;
    for (mut websocket, expected) in [(opened, vec!["first", "every"]), (upgraded, vec!["every"])] {
        assert!(websocket.headers.get_all("x-added").iter().eq(expected));
        assert_eq!(websocket.ask(ECHO).await, ECHO);
    }
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let mut websocket = connect(&echo()).await;
    let (head, tail) = ECHO.split_at(5);
    websocket.send(fragment(head, Data::Text, false)).await;
    websocket.send(Message::Ping(Bytes::new())).await;
    websocket.send(fragment(tail, Data::Continue, true)).await;
    assert_eq!(websocket.next().await, Message::Pong(Bytes::new()));
    assert_eq!(websocket.text().await, ECHO);
}

fn fragment(payload: impl Into<Bytes>, kind: Data, is_last: bool) -> Message {
    Message::Frame(Frame::message(payload, OpCode::Data(kind), is_last))
}

/// Sends what a server of this limit does not take, and expects a close for that.
async fn is_rejected(max_payload: usize, messages: &[Message], code: CloseCode) {
    let mut websocket = connect(&echo_with(SocketIo::builder().max_payload(max_payload))).await;
    for message in messages {
        websocket.send(message.clone()).await;
    }
    match websocket.next().await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, code),
        other => panic!("{other:?} is no close"),
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_rejected() {
    is_rejected(1000, &[Message::text("4".repeat(1001))], CloseCode::Size).await;
    is_rejected(1000, &[Message::binary(vec![0; 1_000_000])], CloseCode::Size).await;
}

#[tokio::test]
async fn also_in_fragments() {
    let half = "4".repeat(600);
    let halves = [fragment(half.clone(), Data::Text, false), fragment(half, Data::Continue, true)];
    is_rejected(1000, &halves, CloseCode::Size).await;
}

#[tokio::test]
async fn a_message_up_to_the_limit_is_not() {
    let mut websocket = connect(&echo_with(SocketIo::builder().max_payload(1000))).await;
    let event = format!(r#"42["echo","{}"]"#, "x".repeat(1000 - r#"42["echo",""]"#.len()));
    assert_eq!(websocket.ask(event.as_str()).await, event);
}

#[tokio::test]
async fn text_that_is_no_utf8_is_rejected() {
    let message = fragment(&b"4\xff"[..], Data::Text, true);
    is_rejected(1000, &[message], CloseCode::Invalid).await;
}

#[tokio::test]
async fn an_unknown_frame_is_rejected() {
    let message = fragment(&b"4"[..], Data::Reserved(3), true);
    is_rejected(1000, &[message], CloseCode::Protocol).await;
}

#[tokio::test]
async fn a_close_is_answered() {
    let mut websocket = connect(&echo()).await;
    let close = CloseFrame { code: CloseCode::Away, reason: "bye".into() };
    websocket.send(Message::Close(Some(close))).await;
    match websocket.next().await {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?} is no close"),
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_has_left() {
    let io = echo();
    let (left, mut reasons) = mpsc::unbounded_channel();
    io.on_disconnect(move |reason: DisconnectReason| left.send(reason).expect("a test that waits"));
    drop(connect(&io).await);
    let reason = within("the disconnect", reasons.recv()).await;
    assert_eq!(reason, Some(DisconnectReason::TransportClose));
}

#[tokio::test]
async fn a_ping_of_the_websocket_is_answered() {
    let mut websocket = connect(&echo()).await;
    websocket.send(Message::Ping(Bytes::from_static(b"there?"))).await;
    assert_eq!(websocket.next().await, Message::Pong(Bytes::from_static(b"there?")));
}
