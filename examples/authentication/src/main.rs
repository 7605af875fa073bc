//! Authentication: a user signs in over HTTP and gets a token, a middleware of the Socket.IO server
//! verifies it, and from then on each socket is known to be somebody's.
//!
//! | request | with | answered with |
//! |---|---|---|
//! | `POST /login` | `{ name, password }` | `{ token, user: { name, admin } }` |
//! | `POST /logout` | `Authorization: Bearer TOKEN` | nothing: the session has ended |
//! | `POST /logout/everywhere` | the same | nothing: all sessions of the user have ended |
//!
//! The token is the `auth` of the connect: `io({ auth: { token } })`. A refusal is a `connect_error`
//! whose `data` is `{ code }`. Who is let in gets `welcome` with `{ user, session, messages }`.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `message` | `{ to, text }` | `{ message }` |
//! | `end session` | id of an own session | |
//! | `kick` | `{ name, reason }`, admins only | |
//!
//! What is refused is acknowledged with `{ ok: false, error }`. To clients go `message` with
//! `{ id, from, to, text, time }`, `people` with `[{ name, admin, online }]`, `sessions` with one's
//! own `[{ id, began, tabs }]`, and `signed out` with `{ code, message }` right before the end.
//!
//! What a real application does instead of what this one does for short:
//!
//! - Users are in a database, with a salted Argon2 hash of their password; here both are in the
//!   source. Hashes are compared in constant time, and attempts to sign in are limited.
//! - Tokens are kept as hashes too, where all nodes find them; here in the memory of this one.
//! - Passwords and tokens travel over TLS only.

mod accounts;
mod handlers;
mod http;
mod messages;
mod users;

use std::time::Duration;

use examples_common::{self as common, Asset};

use self::handlers::Desk;

const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/authentication.js", include_str!("../page/authentication.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    let desk = Desk::new(lifetime()?);
    handlers::attach(&io, &desk);
    let expiry = tokio::spawn(handlers::expire(io.clone(), desk.clone()));
    let app = common::router(ASSETS).merge(http::routes(&io, &desk));
    let app = app.layer(socketio_axum::layer(&io));

    let listener = common::listener()?;
    common::greet(
        "sign-in example",
        format_args!("http://{}", listener.local_addr()?),
        &[
            "Sign in as bo in two tabs and as ada in a third; the page has the passwords.",
            "Write to bo: both of his tabs show it. Answer in one and watch the other.",
            "Ada is an admin: have her kick bo. Sign out everywhere. Restart the server.",
            "SESSION_SECONDS=20 has sessions expire that soon.",
        ],
    );
    let stopped = async move {
        common::stopped().await;
        expiry.abort();
        io.close().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stopped).await?)
}

/// How long a session lasts: `SESSION_SECONDS`, or else eight hours.
fn lifetime() -> anyhow::Result<Duration> {
    let seconds = common::variable("SESSION_SECONDS")?.unwrap_or(8 * 60 * 60);
    Ok(Duration::from_secs(seconds))
}
