//! A chat: three rooms with a history, who is online, who is typing. It knows no framework; the
//! packages next to it mount it in one each.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `join` | `{ nickname, room }` | `{ nickname, room, history, online }` |
//! | `message` | text | `{ message }` |
//! | `typing` | boolean | nothing, not even that |
//!
//! What is refused is acknowledged with `{ ok: false, error }`, and what does not have this form at
//! all with the `{ error }` of the library. The others in the room get `message` with
//! `{ id, nickname, text, time }`, `typing` with `{ nickname, typing }`, and `joined` and `left` with
//! `{ nickname, online }`.

mod handlers;
mod messages;
mod page;
mod rooms;
mod setup;

pub use self::{
    handlers::attach,
    page::{ASSETS, Asset, asset},
    setup::{address, builder, greet},
};
