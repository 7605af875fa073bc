use bytes::Bytes;

use super::{super::*, MAX_DEPTH};
use crate::wire::packet::ROOT;

const LIMITS: AssemblerLimits = AssemblerLimits { attachments: 10, bytes: 1_000_000 };

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
}

/// Reads what `notepack.io` wrote.
fn read(hex: &str) -> Result<Packet, PacketError> {
    let message = Message::Binary(bytes(hex).into());
    let packet = MsgPack.decoder(LIMITS).decode(message)?;
    Ok(packet.expect("a packet is one message"))
}

/// Writes a packet of `/`.
fn write(json: Encoded) -> Vec<u8> {
    write_packet(json.into_packet(ROOT))
}

fn write_packet(packet: Packet) -> Vec<u8> {
    let mut frames = MsgPack.encode(packet).into_frames(Framing::default());
    match (frames.next(), frames.next()) {
        (Some(Frame::Binary(bytes)), None) => bytes.to_vec(),
        other => panic!("not one binary message: {other:?}"),
    }
}

fn args(packet: Packet) -> (String, Vec<Bytes>) {
    match packet {
        Packet::Event { args, .. } | Packet::Ack { args, .. } => {
            (args.as_json().to_owned(), args.attachments().to_vec())
        }
        other => panic!("no arguments: {other:?}"),
    }
}

#[test]
fn reads_connects_and_disconnects() {
    let connect = read("83a47479706500a36e7370a12fa464617461d40000");
    assert_eq!(connect, Ok(Packet::Connect { namespace: "/".into(), auth: None }));
    let connect = read("83a47479706500a36e7370a22f61a46461746181a5746f6b656e01");
    let auth = Some(r#"{"token":1}"#.into());
    assert_eq!(connect, Ok(Packet::Connect { namespace: "/a".into(), auth }));
    let disconnect = read("82a47479706501a36e7370a12f");
    assert_eq!(disconnect, Ok(Packet::Disconnect { namespace: "/".into() }));
}

#[test]
fn reads_all_that_javascript_sends() {
    let event = read(
        "85a47479706502a36e7370a12fa4646174619ca165d4000082a161d40000a162d7000000016f6435cf2ec7020001\
         02c40103fbcb3ff8000000000000ce00011170d2fffeee90a3e282acc3c0a2696407a76f7074696f6e7381a863\
         6f6d7072657373c3",
    )
    .expect("an event");
    assert!(matches!(&event, Packet::Event { name, id: Some(AckId(7)), .. } if name == "e"));
    let (json, parts) = args(event);
    assert_eq!(
        json,
        r#"null,{"b":"2020-01-02T03:04:05.678Z"},{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},-5,1.5,70000,-70000,"€",true,null"#
    );
    assert_eq!(parts, [&[1, 2][..], &[3]]);
}

#[test]
fn reads_what_hardly_means_anything() {
    let event = read(
        "83a47479706502a36e7370a12fa46461746194a4f0908080d700ffffffffffffffffd700001eb208c2dc0000d7\
         000000000000000000",
    )
    .expect("an event");
    assert_eq!(args(event).0, r#""1969-12-31T23:59:59.999Z",null,"1970-01-01T00:00:00.000Z""#);
    // Half a character, infinity, and a number for a name.
    let event =
        read("83a47479706502a36e7370a12fa46461746194a165a3eda080cb7ff00000000000008101a178");
    assert_eq!(args(event.expect("an event")).0, "\"\u{fffd}\u{fffd}\u{fffd}\",null,{\"1\":\"x\"}");
}

#[test]
fn reads_large_ids() {
    let ack = read("84a47479706503a36e7370a12fa46461746190a26964cf0000000300000001");
    assert!(matches!(ack, Ok(Packet::Ack { id: Some(AckId(0x3_0000_0001)), .. })));
}

#[test]
fn writes_what_it_reads() -> Result<(), EncodeError> {
    let numbers: Vec<u32> = (0..20).collect();
    let many: std::collections::BTreeMap<_, _> = (0..70_000).map(|n| (n.to_string(), n)).collect();
    for (namespace, encoded) in [
        (
            "/n",
            encode_event("/n", "e", Some(AckId(3)), &(1, -1, 1.5, "é", None::<u8>, [[[1]]], true))?,
        ),
        ("/", encode_event("/", "long", None, &(numbers, "x".repeat(70_000), many))?),
        ("/", encode_event("/", "none", None, &())?),
        (
            "/",
            encode_event(
                "/",
                "bytes",
                None,
                &(Bytes::from("a"), [Bytes::from("b")], Bytes::new()),
            )?,
        ),
        ("/", encode_ack("/", AckId(u64::MAX), &(u64::MAX, i64::MIN))?),
        ("/n", encode_connect("/n", "sid", Some("pid"))),
        ("/n", encode_connect_error("/n", "no", Some(&serde_json::json!({ "code": [401] })))),
        ("/n", encode_disconnect("/n")),
    ] {
        let packet = encoded.into_packet(namespace.into());
        let written = write_packet(packet.clone());
        let read = MsgPack.decoder(LIMITS).decode(Message::Binary(written.into()));
        assert_eq!(read, Ok(Some(packet)));
    }
    Ok(())
}

#[test]
fn writes_as_notepack_does() {
    let connect = write(encode_connect("/", "x", None));
    assert_eq!(connect, bytes("83a47479706500a36e7370a12fa46461746181a3736964a178"));
    let event = encode_event("/", "e", None, &(Bytes::from_static(&[3]), 1)).expect("an event");
    assert_eq!(write(event), bytes("83a47479706502a36e7370a12fa46461746193a165c4010301"));
}

#[test]
fn what_looks_like_a_placeholder_is_none_without_attachments() {
    let object = serde_json::json!({ "_placeholder": true, "num": 5 });
    let event = encode_event("/", "e", None, &object).expect("an event");
    let event = MsgPack.decoder(LIMITS).decode(Message::Binary(write(event).into()));
    assert_eq!(args(event.expect("an event").expect("whole")).0, object.to_string());
}

#[test]
fn what_looks_like_a_placeholder_beside_one_is_refused() {
    let event = read(
        "83a47479706502a36e7370a12fa46461746193a165c4010382ac5f706c616365686f6c646572c3a36e756d00",
    );
    assert_eq!(event, Err(PacketError::Placeholder));
}

#[test]
fn what_is_no_number_and_what_is_half_a_character_spoil_nothing_else() {
    let args = RawArgs::from_json(r#"[1e999,"\ud83d \u00e9\"","é\n",[-0,-1.50]]"#, Vec::new());
    let event = encode_event("/", "e", None, &args.expect("a list")).expect("an event");
    let event = MsgPack.decoder(LIMITS).decode(Message::Binary(write(event).into()));
    assert_eq!(
        self::args(event.expect("an event").expect("whole")).0,
        "null,\"\u{fffd}\u{fffd}\u{fffd} é\\\"\",\"é\\n\",[0,-1.5]"
    );
}

#[test]
fn refuses_what_breaks_the_protocol() {
    for (hex, error) in [
        ("", PacketError::Malformed),
        ("c0", PacketError::Malformed),
        ("80", PacketError::Type),
        ("81a474797065", PacketError::Malformed),
        // Trailing bytes.
        ("82a47479706501a36e7370a12f00", PacketError::Malformed),
        // No namespace, or one that is none.
        ("81a47479706501", PacketError::Payload),
        ("82a47479706501a36e737001", PacketError::Payload),
        // Types that there are not.
        ("82a47479706505a36e7370a12f", PacketError::Type),
        ("82a474797065a130a36e7370a12f", PacketError::Type),
        // Data that does not go with the type.
        ("83a47479706500a36e7370a12fa46461746190", PacketError::Payload),
        ("83a47479706501a36e7370a12fa46461746190", PacketError::Payload),
        ("82a47479706502a36e7370a12f", PacketError::Payload),
        ("83a47479706502a36e7370a12fa46461746190", PacketError::Payload),
        ("83a47479706502a36e7370a12fa46461746191c0", PacketError::Payload),
        ("83a47479706502a36e7370a12fa46461746191a7636f6e6e656374", PacketError::ReservedEvent),
        ("83a47479706503a36e7370a12fa46461746180", PacketError::Payload),
        // Ids that are none.
        ("84a47479706502a36e7370a12fa46461746191a165a26964ff", PacketError::AckId),
        ("84a47479706502a36e7370a12fa46461746191a165a26964a131", PacketError::AckId),
        // More announced than there is, unknown extensions, a list for a name.
        ("83a47479706502a36e7370a12fa464617461ddffffffff", PacketError::Malformed),
        ("83a47479706502a36e7370a12fa46461746192a165c6ffffffff", PacketError::Malformed),
        ("83a47479706502a36e7370a12fa46461746192a165d4010000", PacketError::Malformed),
        ("83a47479706502a36e7370a12fa46461746192a165819000", PacketError::Malformed),
        ("83a47479706502a36e7370a12fa46461746192a165c1", PacketError::Malformed),
    ] {
        assert_eq!(read(hex), Err(error), "{hex}");
    }
    let text = MsgPack.decoder(LIMITS).decode("2[\"e\"]".into());
    assert_eq!(text, Err(PacketError::Malformed));
}

#[test]
fn holds_its_limits() {
    let event = |parts: &[&'static str]| {
        let parts: Vec<_> = parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect();
        let event = encode_event("/", "e", None, &parts).expect("an event");
        let limits = AssemblerLimits { attachments: 2, bytes: 4 };
        MsgPack.decoder(limits).decode(Message::Binary(write(event).into()))
    };
    assert!(event(&["xx", "yy"]).is_ok());
    assert_eq!(event(&["x", "y", "z"]), Err(PacketError::TooManyAttachments));
    assert_eq!(event(&["xx", "yyy"]), Err(PacketError::TooLarge));
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let deep: Box<serde_json::value::RawValue> = serde_json::from_str(&nested(1000)).expect("JSON");
    let event = encode_event("/", "e", None, &(deep, 1)).expect("an event");
    let event = MsgPack.decoder(LIMITS).decode(Message::Binary(write(event).into()));
    // One list more has the arguments in it.
    let cut = nested(MAX_DEPTH - 1).replace("[]", "[null]");
    assert_eq!(args(event.expect("an event").expect("whole")).0, format!("{cut},1"));
    let deep = "83a47479706502a36e7370a12fa46461746192a165".to_owned() + &"91".repeat(1000) + "c0";
    assert_eq!(read(&deep), Err(PacketError::Malformed));
}
