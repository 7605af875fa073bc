//! The TypeScript declarations of events. That the official client takes them, the TypeScript
//! compiler says in `conformance/js/types`.

#![allow(dead_code, reason = "only the declarations of these types are looked at")]

use std::fs;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use socketio_core::{Event, TypeScript, TypeScriptError};
use ts_rs::TS;

#[derive(Event, Serialize, TS)]
struct Welcome(String);

/// What someone says.
#[derive(Event, Deserialize, TS)]
#[event(name = "say", ack = Option<Vec<Receipt>>)]
struct Message<'a> {
    text: &'a str,
    #[serde(rename = "re")]
    answers: Option<Reference>,
}

#[derive(Serialize, Deserialize, TS)]
struct Reference {
    id: u64,
}

#[derive(Serialize, TS)]
struct Receipt(Reference, u8);

#[derive(Event, Serialize, Deserialize, TS)]
#[event(name = "a file", ack = (String, u64))]
struct File(String, #[ts(type = "ArrayBuffer")] Bytes);

#[derive(Event, Serialize, TS)]
#[event(ack = ())]
struct Ping;

#[derive(Event, Serialize, TS)]
struct Typing;

#[derive(Event, Serialize, TS)]
struct Colour([u8; 3]);

#[derive(Event, Serialize, TS)]
#[event(ack = Receipt)]
struct Delete {
    id: u32,
}

fn events() -> TypeScript {
    TypeScript::new()
        .server_to_client::<Welcome>()
        .server_to_client::<Ping>()
        .server_to_client::<Typing>()
        .server_to_client::<Colour>()
        .client_to_server::<Message<'_>>()
        .client_to_server::<Delete>()
        .client_to_server::<File>()
}

#[test]
fn an_event_is_a_function_of_its_arguments_and_its_acknowledgement() {
    let text = events().render().expect("declarations");
    let (interfaces, types) = text.split_once("\nexport type").expect("types");
    assert_eq!(
        interfaces,
        "\
// Made by socketio from the server's events. Change them there.

export interface ServerToClientEvents {
  colour: (...data: Colour) => void;
  ping: (ack: () => void) => void;
  typing: () => void;
  welcome: (data: Welcome) => void;
}

export interface ClientToServerEvents {
  \"a file\": (...data: [...data: File, ack: (...answer: [string, number]) => void]) => void;
  delete: (data: Delete, ack: (...answer: Receipt) => void) => void;
  say: (data: Message, ack: (answer: Array<Receipt> | null) => void) => void;
}
"
    );
    assert!(types.contains("/**\n * What someone says.\n */\nexport type Message = { "), "{types}");
    for (name, is) in [
        ("Colour", "[number, number, number]"),
        ("File", "[string, ArrayBuffer]"),
        ("Receipt", "[Reference, number]"),
        ("Welcome", "string"),
    ] {
        assert!(text.contains(&format!("export type {name} = {is};")), "{name} in {types}");
    }
    assert!(types.contains("re: Reference | null"), "{types}");
}

#[test]
fn a_name_is_that_of_one_thing() {
    mod other {
        #[derive(socketio_core::Event, serde::Serialize, ts_rs::TS)]
        #[event(name = "other")]
        pub(super) struct Welcome(u8);
    }
    let twice = events().server_to_client::<Welcome>().render();
    assert!(matches!(twice, Err(TypeScriptError::Event { name }) if name == "welcome"));
    let both_ways = events().client_to_server::<Welcome>().render();
    assert!(both_ways.is_ok_and(|text| text.matches("export type Welcome").count() == 1));
    let types = events().client_to_server::<other::Welcome>().render();
    assert!(matches!(types, Err(TypeScriptError::Type { name }) if name == "Welcome"));
}

#[test]
fn a_file_is_up_to_date_or_not() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("events.ts");
    let _ = fs::remove_file(&path);
    assert!(matches!(events().check(&path), Err(TypeScriptError::Io { .. })));
    TypeScript::new().server_to_client::<Welcome>().write(&path)?;
    assert!(matches!(events().check(&path), Err(TypeScriptError::Outdated { .. })));
    events().write(&path)?;
    events().check(&path)?;
    let modified = fs::metadata(&path)?.modified()?;
    events().write(&path)?;
    assert_eq!(fs::metadata(&path)?.modified()?, modified);
    fs::write(&path, fs::read_to_string(&path)?.replace('\n', "\r\n"))?;
    Ok(events().check(&path)?)
}
