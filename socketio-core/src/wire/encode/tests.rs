use super::*;
use crate::wire::{Frame, Framing, Packet};

fn event<T: Args + ?Sized>(args: &T) -> Vec<Frame> {
    let encoded = encode_event("/", "e", None, args).expect("an event");
    encoded.into_frames(Framing::default()).collect()
}

fn text(text: &'static str) -> Frame {
    Frame::Text(ByteString::from_static(text))
}

#[test]
fn a_text_whose_arguments_are_text_already_has_the_length_that_was_foreseen() {
    let args = RawArgs::list(r#"["some text",{"a":[1]}]"#.into()).expect("arguments");
    for (namespace, id) in [("/", None), ("/chat", Some(AckId(9))), ("/", Some(AckId(10)))] {
        let header = Header { kinds: ["42", "45"], namespace, id };
        let encoded = encode(header, Some("näme"), &args).expect("JSON").finish();
        assert_eq!(encoded.len(), header.size_hint(Some("näme")) + args.as_json().len());
    }
}

#[test]
fn a_name_is_escaped() {
    for name in ["", "a\"b", "\\", "\u{1f}", "é\u{7f}"] {
        let encoded = encode_event("/", name, None, &()).expect("JSON");
        let text = format!("42[{}]", serde_json::Value::from(name));
        assert!(encoded.into_frames(Framing::default()).eq([Frame::Text(text.into())]), "{name:?}");
    }
}

#[test]
fn a_tuple_is_several_arguments_and_anything_else_is_one() {
    assert_eq!(event(&(1, "a")), [text(r#"42["e",1,"a"]"#)]);
    assert_eq!(event(&vec![1, 2]), [text(r#"42["e",[1,2]]"#)]);
    assert_eq!(event(&((1, 2),)), [text(r#"42["e",[1,2]]"#)]);
    assert_eq!(event("a\"b"), [text(r#"42["e","a\"b"]"#)]);
    assert_eq!(event(&None::<u8>), [text(r#"42["e",null]"#)]);
    assert_eq!(event(&f64::NAN), [text(r#"42["e",null]"#)]);
    assert_eq!(event(&()), [text(r#"42["e"]"#)]);
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Single<T>(T);

#[test]
fn a_struct_without_field_names_is_the_tuple_of_its_fields() {
    assert_eq!(event(&Unit), [text(r#"42["e"]"#)]);
    assert_eq!(event(&Pair(1, "a")), [text(r#"42["e",1,"a"]"#)]);
    assert_eq!(event(&Single("a")), [text(r#"42["e","a"]"#)]);
    assert_eq!(event(&Single((1, 2))), [text(r#"42["e",1,2]"#)]);
    assert_eq!(event(&(Pair(1, "a"),)), [text(r#"42["e",[1,"a"]]"#)]);
    assert_eq!(event(&Some(Pair(1, "a"))), [text(r#"42["e",[1,"a"]]"#)]);
    let raw = serde_json::value::RawValue::from_string("[1]".into()).expect("JSON");
    assert_eq!(event(&raw), [text(r#"42["e",[1]]"#)]);
}

#[test]
fn namespaces_ids_and_names_are_written() {
    let encoded = encode_event("/n", "\"", Some(AckId(7)), &true).expect("an event");
    let frames: Vec<_> = encoded.into_frames(Framing::default()).collect();
    assert_eq!(frames, [text(r#"42/n,7["\"",true]"#)]);
    let encoded = encode_ack("/n", AckId(7), &(1, 2)).expect("an acknowledgement");
    let frames: Vec<_> = encoded.into_frames(Framing::default()).collect();
    assert_eq!(frames, [text("43/n,7[1,2]")]);
}

#[derive(Serialize)]
struct Upload<'a> {
    #[serde(with = "serde_bytes")]
    tail: &'a [u8],
    parts: Vec<Bytes>,
}

#[test]
fn bytes_become_attachments() {
    let upload = Upload { tail: b"x", parts: vec!["y".into()] };
    let body = r#"["e",{"tail":{"_placeholder":true,"num":0},"parts":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}]"#;
    assert_eq!(
        event(&(upload, Bytes::from("z"))),
        [
            Frame::Text(format!("453-{body}").into()),
            Frame::Binary("x".into()),
            Frame::Binary("y".into()),
            Frame::Binary("z".into()),
        ]
    );
}

#[test]
fn raw_arguments_are_handed_on_as_they_came() {
    let Ok((Packet::Event { mut args, .. }, 1)) =
        Packet::decode(&r#"51-["e", 1.50 ,{"_placeholder":true,"num":0}]"#.into())
    else {
        panic!("no event");
    };
    args.set_attachments(vec!["x".into()]).expect("one attachment");
    assert_eq!(
        event(&args),
        [text(r#"451-["e",1.50 ,{"_placeholder":true,"num":0}]"#), Frame::Binary("x".into())]
    );
    assert_eq!(event(&RawArgs::default()), [text(r#"42["e"]"#)]);
}

fn reads_as_its_packet<T: Args + ?Sized>(args: &T) {
    for (namespace, name, id) in
        [("/", "e", None), ("/chat", "a\"b", Some(AckId(10))), ("/", "", None)]
    {
        let draft = draft_event(namespace, name, id, args).expect("an event");
        let read = draft.read();
        let Packet::Event { name, args, .. } = draft.finish().into_packet(namespace.into()) else {
            panic!("no event");
        };
        assert_eq!(read.as_ref().map(|(_, args)| args.len()), Some(args.len()));
        assert_eq!(read, Some((name, args)));
    }
}

#[test]
fn a_draft_reads_as_its_packet() {
    reads_as_its_packet(&());
    reads_as_its_packet("text");
    reads_as_its_packet(&(1, [2, 3], Bytes::from("x")));
    let raw = RawArgs::list(r#"["a" , {"b":[1]}, 2]"#.into()).expect("arguments");
    reads_as_its_packet(&raw);
    reads_as_its_packet(&raw.skip(1));
    reads_as_its_packet(&RawArgs::default());
}

#[test]
fn reserved_names_and_bad_values_are_errors() {
    let reserved = EncodeError::ReservedEvent { name: "disconnect".into() };
    assert_eq!(encode_event("/", "disconnect", None, &1).err(), Some(reserved));
    let map = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(matches!(encode_event("/", "e", None, &map), Err(EncodeError::Serialize { .. })));
}

#[test]
fn refusals_carry_message_and_data() {
    let data = serde_json::json!({"code": 401});
    let frames: Vec<_> =
        encode_connect_error("/n", "no", Some(&data)).into_frames(Framing::default()).collect();
    assert_eq!(frames, [text(r#"44/n,{"message":"no","data":{"code":401}}"#)]);
}
