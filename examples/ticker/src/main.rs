//! A ticker, in warp: a task of the server's own makes up stock prices and broadcasts them, each to
//! the room of its stock.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `subscribe` | symbol | `{ symbol, opening, history }` |
//! | `unsubscribe` | symbol | |
//!
//! What is refused is acknowledged with `{ ok: false, error }`. Prices are in cents, and the last of
//! the history is the price now. A client gets `market` with `{ open, day, stocks }` when it has
//! connected, `tick` with `{ symbol, price }` of what it has subscribed to, and `opened` and `closed`
//! with `{ day }`.
//!
//! Ticks are volatile: a client that lags misses some, and gets the next ones instead of old ones.
//! `opened` and `closed` reach everyone, however late.

mod handlers;
mod market;
mod messages;
mod task;

use std::time::Duration;

use examples_common::{self as common, Asset};
use tokio::sync::oneshot;
use warp::Filter;

use self::handlers::Board;

const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/ticker.js", include_str!("../page/ticker.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    let board = Board::default();
    handlers::attach(&io, &board);
    let (stop, end) = oneshot::channel();
    let ticker = tokio::spawn(task::run(io.clone(), board, period()?, end));
    let routes = socketio_warp::filter(&io).or(common::routes(ASSETS));

    let listener = common::listener()?;
    common::greet(
        "ticker",
        format_args!("http://{}", listener.local_addr()?),
        &[
            "Subscribe and unsubscribe; watch the frames in the browser's developer tools.",
            "Wait for the market to close, and to open again.",
            "Stop the server and start it again: the page subscribes to the same stocks.",
            "TICK_MS=20 makes time fly.",
        ],
    );
    let stopped = async move {
        common::stopped().await;
        // The task has the last word, so it ends before the clients do.
        drop(stop);
        let _ = ticker.await;
        io.close().await;
    };
    warp::serve(routes).incoming(listener).graceful(stopped).run().await;
    Ok(())
}

/// The time from tick to tick: `TICK_MS`, or else a quarter of a second.
fn period() -> anyhow::Result<Duration> {
    let millis = common::variable("TICK_MS")?.unwrap_or(250);
    anyhow::ensure!(millis > 0, "TICK_MS must not be zero");
    Ok(Duration::from_millis(millis))
}
