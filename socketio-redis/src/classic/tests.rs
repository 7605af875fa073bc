//! What is on the wire, byte for byte, as the packages for Node have it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use socketio_core::{
    BroadcastOptions, ClusterMessage, NodeId, RawArgs, RequestId, SocketDescription,
    cluster::Document,
};

use super::{
    decode::{self, Read, Unreadable},
    encode::{Channel, Written, encode},
    legacy::Question,
};

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
}

fn args<T: socketio_core::Args>(args: T) -> RawArgs {
    RawArgs::new(&args).expect("JSON")
}

fn to<const N: usize>(rooms: [&str; N]) -> BroadcastOptions {
    BroadcastOptions { rooms: rooms.map(Into::into).into(), ..BroadcastOptions::default() }
}

fn written(message: ClusterMessage) -> Written {
    encode(&NodeId::new("UQhc2p"), "/", message).expect("a message of this transport")
}

fn written_json(message: ClusterMessage) -> (Channel, Value) {
    let Written { channel, payload } = written(message);
    (channel, serde_json::from_slice(&payload).expect("JSON"))
}

fn msgpack(json: &Value) -> Bytes {
    Document { json: json.to_string(), attachments: Vec::new() }.to_msgpack().into()
}

fn message(from: Option<&str>, message: ClusterMessage) -> Result<Read, Unreadable> {
    Ok(Read::Message { from: from.map(NodeId::new), message })
}

fn request(json: Value) -> Result<Read, Unreadable> {
    decode::request("/", &json.to_string().into())
}

fn hi() -> ClusterMessage {
    ClusterMessage::Broadcast {
        options: BroadcastOptions::default(),
        name: "hi".into(),
        args: args((1, "two", json!({ "three": [4] }))),
        request: None,
    }
}

/// `io.emit("hi", 1, "two", { three: [4] })`
const HI: &str = "93a655516863327083a474797065\
    02a46461746194a2686901a374776f81a574687265659104a36e7370a12f\
    83a5726f6f6d7390a665786365707490a5666c61677380";

#[test]
fn an_event_is_read_and_written_as_on_node() {
    let expected = message(Some("UQhc2p"), hi());
    assert_eq!(decode::broadcast("/", &bytes(HI)), expected);
    let Written { channel, payload } = written(hi());
    assert_eq!(channel, Channel::Broadcast(None));
    assert_eq!(decode::broadcast("/", &payload.clone().into()), expected);
    assert_eq!(payload, bytes(HI));
    assert_eq!(decode::broadcast("/chat", &bytes(HI)), Err(Unreadable));
    let is_from = |node| decode::is_from(&NodeId::new(node), &payload);
    assert_eq!(["UQhc2p", "UQhc2q", "UQhc2"].map(is_from), [true, false, false]);
}

#[test]
fn an_event_for_one_room_has_a_channel_of_its_own() {
    let of = |options| ClusterMessage::Broadcast {
        options,
        name: "hi".into(),
        args: RawArgs::default(),
        request: None,
    };
    assert_eq!(written(of(to(["r"]))).channel, Channel::Broadcast(Some("r".into())));
    assert_eq!(written(of(to(["r", "s"]))).channel, Channel::Broadcast(None));
    let options = BroadcastOptions {
        except: vec!["x".into()],
        is_volatile: true,
        timeout: Some(Duration::from_millis(500)),
        ..to(["r"])
    };
    let payload = written(of(options.clone())).payload.into();
    let Ok(Document { json, .. }) = Document::from_msgpack(&payload) else { panic!("readable") };
    let expected = json!([
        "UQhc2p",
        { "type": 2, "data": ["hi"], "nsp": "/" },
        { "rooms": ["r"], "except": ["x"], "flags": { "volatile": true, "timeout": 500 } },
    ]);
    assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), expected);
    assert_eq!(decode::broadcast("/", &payload), message(Some("UQhc2p"), of(options)));
}

#[test]
fn what_other_emitters_leave_out_is_not_missed() {
    let packet = json!({ "type": 2, "data": ["hi", 1, "two", { "three": [4] }] });
    for opts in [
        json!({ "rooms": [], "flags": {}, "except": [] }),
        json!({ "rooms": [], "flags": {} }),
        json!({ "rooms": null, "flags": null }),
        json!({}),
        Value::Null,
    ] {
        let payload = msgpack(&json!(["emitter", packet, opts]));
        assert_eq!(decode::broadcast("/", &payload), message(Some("emitter"), hi()), "{opts}");
    }
    assert_eq!(decode::broadcast("/", &msgpack(&json!([null, packet]))), message(None, hi()));
    // Rooms may be numbers on Node, and are text here.
    let payload = msgpack(&json!(["emitter", packet, { "rooms": [7, "x"], "except": [-1] }]));
    let Ok(Read::Message { message: ClusterMessage::Broadcast { options, .. }, .. }) =
        decode::broadcast("/", &payload)
    else {
        panic!("an event")
    };
    assert_eq!(options, BroadcastOptions { except: vec!["-1".into()], ..to(["7", "x"]) });
}

#[test]
fn bytes_cross_as_bytes() {
    let file = ClusterMessage::Broadcast {
        options: BroadcastOptions::default(),
        name: "file".into(),
        args: args(("a", Bytes::from_static(b"\x01\x02"))),
        request: None,
    };
    let Written { payload, .. } = written(file.clone());
    let tail = bytes("93a466696c65a161c4020102");
    assert!(payload.windows(tail.len()).any(|part| part == tail), "{payload:02x?}");
    assert_eq!(decode::broadcast("/", &payload.into()), message(Some("UQhc2p"), file));
}

#[test]
fn a_broadcast_that_asks_is_written_as_on_node() {
    let asking = ClusterMessage::Broadcast {
        options: BroadcastOptions { timeout: Some(Duration::from_millis(500)), ..to([]) },
        name: "q".into(),
        args: args(1),
        request: Some(RequestId::new("ny2Mso")),
    };
    let Written { channel, payload } = written(asking.clone());
    assert_eq!(channel, Channel::Request);
    let expected = "85a3756964a6555168633270a9726571756573744964a66e79324d736fa47479706507\
        a46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd01f4\
        a67061636b657483a47479706502a46461746192a17101a36e7370a12f";
    assert_eq!(payload, bytes(expected));
    assert_eq!(decode::request("/", &payload.into()), message(Some("UQhc2p"), asking));

    let count =
        ClusterMessage::BroadcastClientCount { request: RequestId::new("ny2Mso"), count: 1 };
    let (channel, json) = written_json(count.clone());
    assert_eq!(channel, Channel::Response);
    assert_eq!(json, json!({ "type": 8, "requestId": "ny2Mso", "clientCount": 1 }));
    assert_eq!(decode::response(&json.to_string().into()), Ok(count));

    let ack = ClusterMessage::BroadcastAck {
        request: RequestId::new("ny2Mso"),
        socket: None,
        answer: args("fromB"),
    };
    let hex = "83a474797065\
        09a9726571756573744964a66e79324d736fa67061636b6574a566726f6d42";
    assert_eq!(decode::response(&bytes(hex)), Ok(ack.clone()));
    let Written { channel, payload } = written(ack.clone());
    assert_eq!(channel, Channel::Response);
    assert_eq!(decode::response(&payload.into()), Ok(ack));
    let empty = ClusterMessage::BroadcastAck {
        request: RequestId::new("x"),
        socket: None,
        answer: RawArgs::default(),
    };
    let Written { payload, .. } = written(empty.clone());
    assert_eq!(payload, bytes("82a9726571756573744964a178a47479706509"));
    assert_eq!(decode::response(&payload.into()), Ok(empty));
}

#[test]
fn orders_and_questions_are_json() {
    let id = || RequestId::new("ab");
    let opts = json!({ "rooms": ["r"], "except": [], "flags": {} });
    for (message, expected) in [
        (
            ClusterMessage::SocketsJoin { options: to(["r"]), rooms: vec!["x".into()] },
            json!({ "uid": "UQhc2p", "type": 2, "opts": opts, "rooms": ["x"] }),
        ),
        (
            ClusterMessage::SocketsLeave { options: to(["r"]), rooms: vec!["x".into()] },
            json!({ "uid": "UQhc2p", "type": 3, "opts": opts, "rooms": ["x"] }),
        ),
        (
            ClusterMessage::DisconnectSockets { options: to(["r"]), close: true },
            json!({ "uid": "UQhc2p", "type": 4, "opts": opts, "close": true }),
        ),
        (
            ClusterMessage::FetchSockets { options: to(["r"]), request: id() },
            json!({ "uid": "UQhc2p", "type": 5, "requestId": "ab", "opts": opts }),
        ),
        (
            ClusterMessage::ServerSideEmit { name: "e".into(), args: args(1), request: None },
            json!({ "uid": "UQhc2p", "type": 6, "data": ["e", 1] }),
        ),
        (
            ClusterMessage::ServerSideEmit {
                name: "e".into(),
                args: args(()),
                request: Some(id()),
            },
            json!({ "uid": "UQhc2p", "type": 6, "requestId": "ab", "data": ["e"] }),
        ),
    ] {
        assert_eq!(written_json(message.clone()), (Channel::Request, expected.clone()));
        assert_eq!(request(expected), self::message(Some("UQhc2p"), message));
    }
    let file = ClusterMessage::ServerSideEmit {
        name: "e".into(),
        args: args(Bytes::from_static(b"\x01")),
        request: None,
    };
    let data = json!(["e", { "type": "Buffer", "data": [1] }]);
    assert_eq!(written_json(file).1["data"], data);
}

#[test]
fn answers_are_json() {
    let request = || RequestId::new("ab");
    let socket = SocketDescription {
        id: "s".into(),
        rooms: vec!["s".into(), "r".into()],
        data: json!({ "name": "Ann" }),
        ..SocketDescription::default()
    };
    let sockets =
        ClusterMessage::FetchSocketsResponse { request: request(), sockets: vec![socket] };
    let (channel, json) = written_json(sockets.clone());
    assert_eq!(channel, Channel::Response);
    assert_eq!(json["requestId"], "ab");
    assert_eq!(json["sockets"][0]["rooms"], json!(["s", "r"]));
    assert_eq!(json.get("type"), None);
    assert_eq!(decode::response(&json.to_string().into()), Ok(sockets));
    let none = ClusterMessage::FetchSocketsResponse { request: request(), sockets: Vec::new() };
    assert_eq!(decode::response(&r#"{"requestId":"ab","sockets":[]}"#.into()), Ok(none));

    for (answer, expected) in [
        (args("x"), json!({ "type": 6, "requestId": "ab", "data": "x" })),
        (args(()), json!({ "type": 6, "requestId": "ab" })),
        (args((Value::Null,)), json!({ "type": 6, "requestId": "ab", "data": null })),
    ] {
        let message = ClusterMessage::ServerSideEmitResponse { request: request(), answer };
        assert_eq!(written_json(message.clone()), (Channel::SharedResponse, expected.clone()));
        assert_eq!(decode::response(&expected.to_string().into()), Ok(message));
    }
}

#[test]
fn what_emitters_want_done_comes_from_nobody() {
    let opts = json!({ "rooms": ["r"], "except": ["x"] });
    let options = BroadcastOptions { except: vec!["x".into()], ..to(["r"]) };
    let expected = ClusterMessage::SocketsJoin { options, rooms: vec!["y".into(), "7".into()] };
    assert_eq!(
        request(json!({ "type": 2, "opts": opts, "rooms": ["y", 7] })),
        message(None, expected)
    );
    let expected = ClusterMessage::DisconnectSockets { options: to([]), close: false };
    assert_eq!(request(json!({ "type": 4, "opts": {} })), message(None, expected));
}

#[test]
fn what_older_versions_ask_is_understood() {
    let legacy = |from: Option<&str>, question| {
        let request = RequestId::new("ab");
        Ok(Read::Legacy { from: from.map(NodeId::new), request, question })
    };
    assert_eq!(
        request(json!({ "requestId": "ab", "type": 0, "rooms": ["r"] })),
        legacy(None, Question::Sockets(to(["r"]))),
    );
    assert_eq!(
        request(json!({ "uid": "n", "requestId": "ab", "type": 1 })),
        legacy(Some("n"), Question::Rooms),
    );
    let join = ClusterMessage::SocketsJoin { options: to(["s"]), rooms: vec!["r".into()] };
    let order = Box::new(join);
    assert_eq!(
        request(json!({ "uid": "n", "requestId": "ab", "type": 2, "sid": "s", "room": "r" })),
        legacy(Some("n"), Question::Socket { which: to(["s"]), order }),
    );
    let order = Box::new(ClusterMessage::DisconnectSockets { options: to(["s"]), close: true });
    assert_eq!(
        request(json!({ "requestId": "ab", "type": 4, "sid": "s", "close": true })),
        legacy(None, Question::Socket { which: to(["s"]), order }),
    );
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    for json in [
        json!({}),
        json!({ "type": 99 }),
        json!({ "type": 0 }),
        json!({ "type": 5 }),
        json!({ "type": 6 }),
        json!({ "type": 6, "data": {} }),
        json!({ "type": 6, "data": [] }),
        json!({ "type": 6, "data": [{}] }),
        json!({ "type": 7, "requestId": "x", "packet": { "type": 3, "data": ["a"] } }),
        json!({ "type": 7, "packet": { "type": 2, "data": ["a"] } }),
        json!({ "type": 2, "opts": 7 }),
    ] {
        assert_eq!(request(json.clone()), Err(Unreadable), "{json}");
    }
    for payload in ["", "{", "\u{1}", "nonsense"] {
        let payload = Bytes::from(payload);
        assert_eq!(decode::broadcast("/", &payload), Err(Unreadable));
        assert_eq!(decode::request("/", &payload), Err(Unreadable));
        assert_eq!(decode::response(&payload), Err(Unreadable));
    }
    for cut in 0..HI.len() / 2 {
        assert_eq!(decode::broadcast("/", &bytes(&HI[..2 * cut])), Err(Unreadable));
    }
    // The ids that answer what is not asked here.
    let ids = json!({ "requestId": "ab", "sockets": ["s"] });
    assert_eq!(decode::response(&ids.to_string().into()), Err(Unreadable));
}

#[test]
fn what_is_broken_anywhere_is_read_or_refused() {
    let asking = "85a3756964a6555168633270a9726571756573744964a66e79324d736fa47479706507\
        a46f70747383a5726f6f6d7390a665786365707490a5666c61677381a774696d656f7574cd01f4\
        a67061636b657483a47479706502a46461746192a17101a36e7370a12f";
    let fetching = json!({ "uid": "n", "requestId": "x", "type": 5, "opts": { "rooms": ["r"] } });
    let fetched = json!({ "requestId": "x", "sockets": [{ "id": "s", "rooms": ["r"] }] });
    let [fetching, fetched] = [fetching, fetched].map(|json| json.to_string().into_bytes());
    for whole in [bytes(HI).to_vec(), bytes(asking).to_vec(), fetching, fetched] {
        for index in 0..whole.len() {
            for byte in b"\0\x01\"09:[]{}n~\x80\x90\xa5\xc0\xc1\xc4\xcb\xd9\xdf\xff".iter().copied()
            {
                let mut broken = whole.clone();
                broken[index] = byte;
                let broken = Bytes::from(broken);
                // Whatever comes of it, nothing panics.
                let _ = decode::broadcast("/", &broken);
                let _ = decode::request("/", &broken);
                let _ = decode::response(&broken);
            }
        }
    }
}

#[test]
fn whatever_json_holds_is_written() {
    let odd = format!(
        r#"[{}7{},1e999,-0,12345678901234567890123,"\ud800"]"#,
        "[".repeat(130),
        "]".repeat(130)
    );
    let args = RawArgs::from_json(&odd, Vec::new()).expect("JSON");
    let name = "\u{0}\"\\é".into();
    let event = ClusterMessage::ServerSideEmit { name, args: args.clone(), request: None };
    let Written { payload, .. } = written(event.clone());
    assert_eq!(decode::request("/", &payload.into()), message(Some("UQhc2p"), event));
    let answer =
        ClusterMessage::BroadcastAck { request: RequestId::new("x"), socket: None, answer: args };
    assert!(matches!(
        decode::response(&written(answer).payload.into()),
        Ok(ClusterMessage::BroadcastAck { .. })
    ));
}
