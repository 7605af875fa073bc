use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    id::SocketId,
    proto::cluster::{
        BroadcastOptions, ClusterMessage, NodeId, RemoteHandshake, RequestId, SocketDescription,
    },
    wire::{RawArgs, document::Document},
};

const UID: &str = "8aecdbd8926f1590";

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
}

fn envelope(message: ClusterMessage) -> Envelope {
    Envelope { namespace: "/".into(), from: NodeId::new(UID), message }
}

fn request() -> RequestId {
    RequestId::new("req")
}

fn args<T: crate::Args + ?Sized>(args: &T) -> RawArgs {
    RawArgs::new(args).expect("JSON")
}

/// `to("r1").except("r2")`.
fn rooms() -> BroadcastOptions {
    let (rooms, except) = (vec!["r1".into()], vec!["r2".into()]);
    BroadcastOptions { rooms, except, ..BroadcastOptions::default() }
}

/// Reads a message from a node of which the JSON is this.
fn read(message: Value) -> Result<ClusterMessage, DecodeError> {
    let mut json = message;
    json["uid"] = UID.into();
    json["nsp"] = "/".into();
    let written = Envelope::from_json(json.to_string().as_bytes())?;
    assert_eq!(written.namespace, "/");
    assert_eq!(written.from.as_str(), UID);
    Ok(written.message)
}

/// `emit("hi", 1, "two", { three: [4] })`.
fn hi() -> ClusterMessage {
    ClusterMessage::Broadcast {
        options: BroadcastOptions::default(),
        name: "hi".into(),
        args: args(&(1, "two", json!({ "three": [4] }))),
        request: None,
    }
}

#[test]
fn writes_json_as_the_sharded_adapter_does() {
    assert_eq!(
        envelope(hi()).to_json(),
        r#"{"type":3,"data":{"packet":{"type":2,"data":["hi",1,"two",{"three":[4]}]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"8aecdbd8926f1590","nsp":"/"}"#
    );
    let count = ClusterMessage::BroadcastClientCount { request: request(), count: 1 };
    assert_eq!(
        envelope(count).to_json(),
        r#"{"type":11,"data":{"requestId":"req","clientCount":1},"uid":"8aecdbd8926f1590","nsp":"/"}"#
    );
}

#[test]
fn all_messages_are_written_as_notepack_does_and_read() {
    let options = rooms;
    for (message, hex) in [
        (
            ClusterMessage::InitialHeartbeat,
            "83a47479706501a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::Heartbeat,
            "83a47479706502a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            hi(),
            "84a47479706503a46461746182a67061636b657482a47479706502a46461746194a2686901a374776f81\
         a574687265659104a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964b038\
         616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::SocketsJoin { options: options(), rooms: vec!["r3".into()] },
            "84a47479706504a46461746182a46f70747383a5726f6f6d7391a27231a665786365707491a27232a566\
         6c61677380a5726f6f6d7391a27233a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::DisconnectSockets { options: options(), close: true },
            "84a47479706506a46461746182a46f70747383a5726f6f6d7391a27231a665786365707491a27232a566\
         6c61677380a5636c6f7365c3a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::FetchSockets { options: options(), request: request() },
            "84a47479706507a46461746182a46f70747383a5726f6f6d7391a27231a665786365707491a27232a566\
         6c61677380a9726571756573744964a3726571a3756964b038616563646264383932366631353930a36e\
         7370a12f",
        ),
        (
            ClusterMessage::FetchSocketsResponse { request: request(), sockets: vec![] },
            "84a47479706508a46461746182a9726571756573744964a3726571a7736f636b65747390a3756964b038\
         616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::ServerSideEmit {
                name: "ev".into(),
                args: args(&Bytes::from_static(&[1, 2])),
                request: Some(request()),
            },
            "84a47479706509a46461746182a67061636b657492a26576c4020102a9726571756573744964a3726571\
         a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::ServerSideEmitResponse {
                request: request(),
                answer: args(&Bytes::from_static(&[1])),
            },
            "84a4747970650aa46461746182a9726571756573744964a3726571a67061636b6574c40101a3756964b0\
         38616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::BroadcastClientCount { request: request(), count: 300 },
            "84a4747970650ba46461746182a9726571756573744964a3726571ab636c69656e74436f756e74cd012c\
         a3756964b038616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::BroadcastAck { request: request(), socket: None, answer: args("a") },
            "84a4747970650ca46461746182a9726571756573744964a3726571a67061636b6574a161a3756964b038\
         616563646264383932366631353930a36e7370a12f",
        ),
        (
            ClusterMessage::AdapterClose,
            "83a4747970650da3756964b038616563646264383932366631353930a36e7370a12f",
        ),
    ] {
        let envelope = envelope(message);
        assert_eq!(envelope.to_msgpack(), bytes(hex), "{envelope:?}");
        assert_eq!(Envelope::decode(&bytes(hex)).as_ref(), Ok(&envelope));
        if !envelope.has_bytes() {
            let json = envelope.to_json().into();
            assert_eq!(Envelope::decode(&json).as_ref(), Ok(&envelope));
        }
        let data = envelope.message.data();
        let again = ClusterMessage::from_parts(envelope.message.kind().into(), data.as_ref());
        assert_eq!(again, Ok(envelope.message));
    }
    let leave = ClusterMessage::SocketsLeave { options: options(), rooms: vec!["r3".into()] };
    assert_eq!(Envelope::decode(&envelope(leave.clone()).to_json().into()), Ok(envelope(leave)));
}

/// `emit("e", undefined, <07>, new Date(0))` to the rooms `1` and `"a"`, with keys that are there and
/// undefined.
#[test]
fn reads_broadcasts_in_all_dialects() {
    let expected = ClusterMessage::Broadcast {
        options: BroadcastOptions {
            rooms: vec!["1".into(), "a".into()],
            timeout: Some(Duration::from_millis(500)),
            ..BroadcastOptions::default()
        },
        name: "e".into(),
        args: args(&(None::<()>, Bytes::from_static(&[7]), "1970-01-01T00:00:00.000Z")),
        request: None,
    };
    for hex in [
        // notepack.io 3.0
        "84a47479706503a46461746182a67061636b657483a47479706502a46461746194a165c0c40107d6ff00\
         000000a36e7370a12fa46f70747383a5726f6f6d739201a161a665786365707490a5666c61677382a774\
         696d656f7574cd01f4a8636f6d7072657373c2a3756964b038616563646264383932366631353930a36e\
         7370a12f",
        // notepack.io 2.3
        "84a47479706503a46461746183a67061636b657484a47479706502a46461746194a165d40000c40107d7\
         000000000000000000a36e7370a12fa26964d40000a46f70747383a5726f6f6d739201a161a665786365\
         707490a5666c61677383a774696d656f7574cd01f4a8766f6c6174696c65d40000a8636f6d7072657373\
         c2a9726571756573744964d40000a3756964b038616563646264383932366631353930a36e7370a12f",
        // @msgpack/msgpack 2.8
        "84a47479706503a46461746183a67061636b657484a47479706502a46461746194a165c0c40107d6ff00\
         000000a36e7370a12fa26964c0a46f70747383a5726f6f6d739201a161a665786365707490a5666c6167\
         7383a774696d656f7574cd01f4a8766f6c6174696c65c0a8636f6d7072657373c2a97265717565737449\
         64c0a3756964b038616563646264383932366631353930a36e7370a12f",
    ] {
        assert_eq!(Envelope::decode(&bytes(hex)), Ok(envelope(expected.clone())));
    }
}

/// With an address and an auth that are undefined, a room that is a number, and bytes in the data;
/// the second has nothing but an id.
#[test]
fn reads_sockets_in_all_dialects() {
    for (hex, gone) in [
        // notepack.io 3.0
        (
            "84a47479706508a46461746182a9726571756573744964a3726571a7736f636b6574739284a26964a42f\
         6e2378a968616e647368616b6587a76865616465727381a161a162a474696d65a174a778646f6d61696e\
         c2a6736563757265c2a6697373756564cf0000016f6435cf2ea375726ca12fa5717565727980a5726f6f\
         6d7392a42f6e237807a46461746182a47768656ed6ff00000000a56279746573c40201ff81a26964a179\
         a3756964b038616563646264383932366631353930a36e7370a12f",
            json!({}),
        ),
        // notepack.io 2.3
        (
            "84a47479706508a46461746182a9726571756573744964a3726571a7736f636b6574739284a26964a42f\
         6e2378a968616e647368616b6589a76865616465727381a161a162a474696d65a174a761646472657373\
         d40000a778646f6d61696ec2a6736563757265c2a6697373756564cf0000016f6435cf2ea375726ca12f\
         a5717565727980a461757468d40000a5726f6f6d7392a42f6e237807a46461746183a47768656ed70000\
         00000000000000a56279746573c40201ffa4676f6e65d4000081a26964a179a3756964b0386165636462\
         64383932366631353930a36e7370a12f",
            json!({}),
        ),
        // @msgpack/msgpack 2.8
        (
            "84a47479706508a46461746182a9726571756573744964a3726571a7736f636b6574739284a26964a42f\
         6e2378a968616e647368616b6589a76865616465727381a161a162a474696d65a174a761646472657373\
         c0a778646f6d61696ec2a6736563757265c2a6697373756564cf0000016f6435cf2ea375726ca12fa571\
         7565727980a461757468c0a5726f6f6d7392a42f6e237807a46461746183a47768656ed6ff00000000a5\
         6279746573c40201ffa4676f6e65c081a26964a179a3756964b038616563646264383932366631353930\
         a36e7370a12f",
            json!({ "gone": null }),
        ),
    ] {
        let mut data = gone;
        data["when"] = "1970-01-01T00:00:00.000Z".into();
        data["bytes"] = json!({ "type": "Buffer", "data": [1, 255] });
        let handshake = RemoteHandshake {
            headers: [("a".into(), "b".into())].into_iter().collect(),
            time: "t".into(),
            issued: 1_577_934_245_678,
            url: "/".into(),
            ..RemoteHandshake::default()
        };
        let rooms = vec!["/n#x".into(), "7".into()];
        let sockets = vec![
            SocketDescription { id: "/n#x".into(), handshake, rooms, data },
            SocketDescription { id: "y".into(), ..SocketDescription::default() },
        ];
        let expected = ClusterMessage::FetchSocketsResponse { request: request(), sockets };
        assert_eq!(Envelope::decode(&bytes(hex)), Ok(envelope(expected)));
    }
}

#[test]
fn reads_the_arrays_of_the_classic_adapter() {
    let hex =
        "93a655516863327083a47479706502a46461746194a2686901a374776f81a5746872656591 04a36e7370a12f\
         83a5726f6f6d7390a665786365707490a5666c61677380"
            .replace(' ', "");
    let document = Document::from_msgpack(&bytes(&hex)).expect("a document");
    assert_eq!(document.to_msgpack(), bytes(&hex));
    let (uid, packet, options): (String, Value, BroadcastOptions) =
        serde_json::from_str(&document.json).expect("an array");
    assert_eq!((&*uid, options), ("UQhc2p", BroadcastOptions::default()));
    let (name, args) =
        event_from_json(&packet["data"].to_string(), document.attachments).expect("an event");
    assert_eq!((&*name, args.as_json()), ("hi", r#"1,"two",{"three":[4]}"#));
    assert_eq!(event_to_json(&name, &args), r#"["hi",1,"two",{"three":[4]}]"#);
}

#[test]
fn reads_the_requests_of_the_classic_adapter() {
    let ack = "83a47479706509a9726571756573744964a66e79324d736fa67061636b6574a566726f6d42";
    let document = Document::from_msgpack(&bytes(ack)).expect("a document");
    assert_eq!(document.json, r#"{"type":9,"requestId":"ny2Mso","packet":"fromB"}"#);
    assert_eq!(document.to_msgpack(), bytes(ack));
    let hex = "85a3756964a6555168633270a9726571756573744964a66e79324d736fa47479706507a67061636b6574\
         83a47479706502a46461746192a361736b01a36e7370a12fa46f70747383a5726f6f6d7390a665786365\
         707490a5666c61677381a774696d656f7574cd01f4";
    let document = Document::from_msgpack(&bytes(hex)).expect("a document");
    assert_eq!(
        document.json,
        r#"{"uid":"UQhc2p","requestId":"ny2Mso","type":7,"packet":{"type":2,"data":["ask",1],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":500}}}"#
    );
    assert_eq!(document.to_msgpack(), bytes(hex));
}

#[test]
fn options_are_what_emitters_write_and_leave_out() {
    let options = |json: &str| serde_json::from_str::<BroadcastOptions>(json).expect("options");
    let nobody_special = BroadcastOptions::default();
    for json in [
        "{}",
        r#"{"rooms":[],"flags":{},"except":[]}"#,
        r#"{"rooms":null,"except":null,"flags":null}"#,
        r#"{"flags":{"volatile":null,"timeout":null,"compress":false,"broadcast":true}}"#,
    ] {
        assert_eq!(options(json), nobody_special, "{json}");
    }
    let all = BroadcastOptions {
        is_volatile: true,
        timeout: Some(Duration::from_millis(1500)),
        ..rooms()
    };
    let json = r#"{"rooms":["r1"],"except":["r2"],"flags":{"volatile":true,"timeout":1500}}"#;
    assert_eq!(options(json), all);
    assert_eq!(serde_json::to_string(&all).expect("JSON"), json);
    let numbers = options(r#"{"rooms":[1,-2,1.5,18446744073709551616]}"#).rooms;
    assert_eq!(numbers, ["1", "-2", "1.5", "18446744073709552000"]);
    assert_eq!(options(r#"{"flags":{"timeout":-1}}"#), nobody_special);
}

#[test]
fn what_may_be_missing_may_be_missing() {
    assert_eq!(
        read(json!({ "type": 3, "data": { "packet": { "data": ["e"] } } })),
        Ok(ClusterMessage::Broadcast {
            options: BroadcastOptions::default(),
            name: "e".into(),
            args: RawArgs::default(),
            request: None,
        })
    );
    // As adapters of Node for other transports have them, with more than is needed.
    assert_eq!(
        read(json!({ "type": 6, "nodeId": "n", "data": { "opts": null, "close": null } })),
        Ok(ClusterMessage::DisconnectSockets {
            options: BroadcastOptions::default(),
            close: false
        })
    );
    assert_eq!(
        read(json!({ "type": 8, "data": { "requestId": "req" } })),
        Ok(ClusterMessage::FetchSocketsResponse { request: request(), sockets: Vec::new() })
    );
    for (answer, expected) in [(None, ""), (Some(Value::Null), "null"), (Some(json!([1])), "[1]")] {
        let mut message = json!({ "type": 10, "data": { "requestId": "req" } });
        if let Some(answer) = answer {
            message["data"]["packet"] = answer;
        }
        let Ok(ClusterMessage::ServerSideEmitResponse { answer, .. }) = read(message) else {
            panic!("no answer");
        };
        assert_eq!(answer.as_json(), expected);
        assert_eq!(answer.len(), usize::from(!expected.is_empty()));
    }
}

#[test]
fn an_acknowledgement_says_whose_it_is() {
    let socket = SocketId::parse("AAAAAAAAAAAAAAAAAAAA");
    let message = ClusterMessage::BroadcastAck { request: request(), socket, answer: args(&()) };
    let written = envelope(message);
    assert!(written.to_json().contains(r#"{"requestId":"req","socket":"AAAAAAAAAAAAAAAAAAAA"}"#));
    assert_eq!(Envelope::decode(&written.to_json().into()), Ok(written));
}

#[test]
fn nodes_exchange_one_argument_of_an_answer() {
    let answer = args(&(Bytes::from("a"), 2));
    let message = ClusterMessage::ServerSideEmitResponse { request: request(), answer };
    let read = Envelope::decode(&envelope(message).to_msgpack().into()).expect("a message");
    let answer = args(&Bytes::from("a"));
    let expected = ClusterMessage::ServerSideEmitResponse { request: request(), answer };
    assert_eq!(read.message, expected);
}

#[test]
fn an_object_that_looks_like_a_placeholder_stands_for_no_bytes() {
    let fake = json!({ "_placeholder": true, "num": 0 });
    let message = json!({ "type": 3, "data": { "packet": { "data": ["e", fake] } } });
    let Ok(ClusterMessage::Broadcast { args, .. }) = read(message.clone()) else {
        panic!("no event");
    };
    assert_eq!(args.parse::<Value>(), Ok(fake.clone()));
    assert!(args.parse::<Bytes>().is_err());
    let json = message.to_string();
    let document = Document { json, attachments: Vec::new() };
    let written = Document::from_msgpack(&document.to_msgpack().into());
    assert_eq!(written.map(|document| document.attachments), Ok(Vec::new()));
    let beside = Document {
        json: "[{\"_placeholder\":true,\"num\":7},{\"num\":0,\"_placeholder\":true}]".into(),
        attachments: vec!["x".into()],
    };
    let read = Document::from_msgpack(&beside.to_msgpack().into()).expect("a document");
    assert_eq!(read.attachments, ["x"]);
    assert!(read.json.contains(r#""num":7"#));
}

#[test]
fn halves_of_characters_and_huge_numbers_spoil_nothing_else() {
    let json = r#"{"type":8,"uid":"u","nsp":"/","data":{"requestId":"req","sockets":[{"id":"x","data":["\ud83d",1e999,1]}]}}"#;
    let read = Envelope::from_json(json.as_bytes()).expect("a message");
    let ClusterMessage::FetchSocketsResponse { sockets, .. } = read.message else {
        panic!("no sockets");
    };
    assert_eq!(sockets[0].data, json!(["\u{fffd}\u{fffd}\u{fffd}", null, 1]));
    let json = r#"{"type":3,"uid":"u","nsp":"/","data":{"packet":{"data":["e","\ud83d",1e999]}}}"#;
    let read = Envelope::from_json(json.as_bytes()).expect("a message");
    let again = Envelope::from_msgpack(&read.to_msgpack().into()).expect("a message");
    let ClusterMessage::Broadcast { args, .. } = again.message else { panic!("no event") };
    assert_eq!(args.as_json(), "\"\u{fffd}\u{fffd}\u{fffd}\",null");
}

#[test]
fn refuses_what_is_no_message() {
    for (json, error) in [
        (json!({ "type": 0 }), "unknown message type 0"),
        (json!({ "type": 14 }), "unknown message type 14"),
        (json!({ "type": "3" }), "invalid type: string \"3\", expected u64"),
        (json!({}), "missing field `type`"),
        (json!({ "type": 3 }), "missing field `packet`"),
        (
            json!({ "type": 3, "data": 1 }),
            "invalid type: integer `1`, expected struct BroadcastData",
        ),
        (json!({ "type": 3, "data": { "packet": { "data": [] } } }), "bad payload"),
        (json!({ "type": 3, "data": { "packet": { "data": {} } } }), "bad payload"),
        (
            json!({ "type": 3, "data": { "packet": { "type": 0, "data": ["e"] } } }),
            "unknown packet type",
        ),
        (json!({ "type": 7, "data": { "opts": {} } }), "missing field `requestId`"),
        (
            json!({ "type": 11, "data": { "requestId": "x", "clientCount": -1 } }),
            "invalid value: integer `-1`, expected usize",
        ),
        (
            json!({ "type": 4, "data": { "opts": { "rooms": [[]] } } }),
            "invalid type: sequence, expected a string or a number",
        ),
    ] {
        let error = Err(error.to_owned());
        assert_eq!(read(json.clone()).map_err(|error| error.to_string()), error, "{json}");
    }
    let nobody = Envelope::from_json(br#"{"type":2,"nsp":"/"}"#);
    assert_eq!(nobody.expect_err("nobody").to_string(), "missing field `uid`");
    assert!(Envelope::decode(&Bytes::new()).is_err());
    assert!(Envelope::decode(&"{".into()).is_err());
    assert!(Envelope::decode(&"{\"\u{e9}".as_bytes()[..3].to_vec().into()).is_err());
}
