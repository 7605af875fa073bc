//! The declarations that `js/types/client.ts` is compiled with: an event of every form, both ways.

#![allow(dead_code, reason = "only the declarations of these types are looked at")]

use std::{env, path::Path};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use socketio_core::{Event, TypeScript, TypeScriptError};
use ts_rs::TS;

/// The server greets by name.
#[derive(Event, Serialize, TS)]
struct Welcome(String);

#[derive(Event, Serialize, TS)]
struct UserJoined {
    user: User,
    online: u64,
}

#[derive(Clone, Serialize, Deserialize, TS)]
struct User {
    nickname: String,
    colour: Option<Colour>,
}

#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Blue,
    Red,
}

#[derive(Event, Serialize, TS)]
struct Drawn(u64, #[ts(type = "ArrayBuffer")] Bytes);

#[derive(Event, Serialize, TS)]
struct Bye;

#[derive(Event, Serialize, TS)]
#[event(ack = Answer)]
struct Question(String);

#[derive(Deserialize, TS)]
struct Answer {
    text: String,
}

#[derive(Event, Serialize, TS)]
#[event(name = "are you there?", ack = ())]
struct AreYouThere;

/// A client says something in a room.
#[derive(Event, Deserialize, TS)]
#[event(ack = Receipt)]
struct Message {
    room: String,
    text: String,
}

#[derive(Serialize, TS)]
struct Receipt {
    id: u64,
}

#[derive(Event, Deserialize, TS)]
#[event(ack = (String, u64))]
struct Upload(String, #[ts(type = "ArrayBuffer | ArrayBufferView | Blob")] Bytes);

#[derive(Event, Deserialize, TS)]
struct Typing(bool);

#[derive(Event, Deserialize, TS)]
#[event(ack = Vec<User>)]
struct List;

#[test]
fn the_declarations_are_up_to_date() -> Result<(), TypeScriptError> {
    let events = TypeScript::new()
        .server_to_client::<AreYouThere>()
        .server_to_client::<Bye>()
        .server_to_client::<Drawn>()
        .server_to_client::<Question>()
        .server_to_client::<UserJoined>()
        .server_to_client::<Welcome>()
        .client_to_server::<List>()
        .client_to_server::<Message>()
        .client_to_server::<Typing>()
        .client_to_server::<Upload>();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/types/events.ts");
    match env::var_os("CI") {
        Some(_) => events.check(file),
        None => events.write(file),
    }
}
