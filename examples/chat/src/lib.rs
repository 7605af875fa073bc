//! A chat: three rooms with a history, who is online, who is typing. It knows no framework; the
//! packages next to it mount it in one each.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `join` | `{ nickname, room }` | `{ node, nickname, room, history, online }` |
//! | `message` | text | `{ message }` |
//! | `typing` | boolean | nothing, not even that |
//!
//! What is refused is acknowledged with `{ ok: false, error }`, and what does not have this form at
//! all with the `{ error }` of the library. The others in the room get `message` with
//! `{ id, room, nickname, text, time }`, `typing` with `{ nickname, typing }`, and `joined` and `left` with
//! `{ nickname, online }`.
//!
//! Several servers that share a Redis are one chat; `../node-chat` is the same for Node, and can be
//! one of them.

mod handlers;
mod messages;
mod nodes;
mod rooms;

use std::net::SocketAddr;

use examples_common::Asset;

pub use self::handlers::attach;

/// The files of the page.
pub const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/chat.js", include_str!("../page/chat.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

/// Says where the chat is, and what to try.
pub fn greet(address: SocketAddr) {
    examples_common::greet(
        "chat",
        format_args!("http://{address}"),
        &[
            "Open it in two windows, under two nicknames, and write in both.",
            "Type in one and watch the other; change rooms; leave.",
            "Stop the server and start it again: both windows come back by themselves.",
        ],
    );
}
