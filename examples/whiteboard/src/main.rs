//! A whiteboard that everyone who opens the page draws on.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `join` | nickname; again, to change it | `{ person, nickname, people, drawing }` |
//! | `stroke` | `{ colour, width, points }` | `{ id }` |
//! | `extend` | points for the stroke under way | |
//! | `undo` | | `{ id }` of one's last stroke, which is gone |
//! | `clear` | | |
//! | `cursor` | `x, y` | nothing, not even that |
//!
//! What is refused is acknowledged with `{ ok: false, error }`, and what does not have this form at
//! all with the `{ error }` of the library.
//!
//! The others get `stroke` with `{ id, colour, width, points }`, `extend` with `{ id, points }`,
//! `cursor` with `{ person, nickname, x, y }`, and `joined` and `left` with
//! `{ person, nickname, people }`. Everyone gets `removed` with ids of strokes, undone or too old to
//! be kept, and `cleared` with `{ nickname }`.
//!
//! `points` and `drawing` are binary; `board.rs` says how they are packed, and what their bounds are.

mod board;
mod handlers;
mod messages;

use examples_common::{self as common, Asset};

const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/whiteboard.js", include_str!("../page/whiteboard.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

const HINTS: &[&str] = &[
    "Open it in two windows and draw in one: the other shows line and cursor while you do.",
    "Undo takes back your own last stroke only; Clear is for everyone.",
    "Open a third window, of another size: it has the whole drawing at once.",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    handlers::attach(&io);
    let app = common::router(ASSETS).layer(socketio_axum::layer(&io));

    let listener = common::listener()?;
    common::greet("whiteboard", format_args!("http://{}", listener.local_addr()?), HINTS);
    let stopped = async move {
        common::stopped().await;
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}
