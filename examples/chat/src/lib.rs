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
//! Several servers that share a Redis are one chat: [`builder`]. `../node-chat` is the same for Node,
//! and can be one of them.

mod handlers;
mod messages;
mod nodes;
mod rooms;

use std::{env, net::SocketAddr};

use anyhow::Context;
use examples_common::Asset;
use socketio_core::Builder;
use socketio_redis::{RedisAdapter, Target};

pub use self::handlers::attach;

/// The options of a chat. With the address of a Redis in `REDIS_URL`, such as
/// `redis://127.0.0.1:6379`, it is one with all others there. It is built on a tokio runtime then.
///
/// # Errors
/// There is no browser client, or `REDIS_URL` is no address.
pub fn builder() -> anyhow::Result<Builder> {
    let builder = examples_common::builder()?;
    let Some(url) = env::var_os("REDIS_URL") else {
        return Ok(builder);
    };
    let redis = Target::server(&*url.to_string_lossy()).context("REDIS_URL")?;
    Ok(builder.adapter(RedisAdapter::new(redis)))
}

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
