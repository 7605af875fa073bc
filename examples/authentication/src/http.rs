//! Signing in and out, which is plain HTTP.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use serde::Serialize;
use socketio_axum::SocketIo;

use crate::{
    accounts::{Accounts, Login, now},
    handlers::{Desk, sign_out},
    messages::{Credentials, End, Rejection, SignedIn},
    users::User,
};

const BODY_BYTES: usize = 1024;

/// The routes. Like the Socket.IO handlers they need the server, to reach the sockets of whoever
/// signs out.
pub(crate) fn routes(io: &SocketIo, desk: &Desk) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/logout/everywhere", post(logout_everywhere))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state((io.clone(), desk.clone()))
}

type Reception = State<(SocketIo, Desk)>;
type Unauthorized = (StatusCode, Json<Problem>);

#[derive(Debug, Serialize)]
struct Problem {
    error: String,
}

fn unauthorized(error: impl ToString) -> Unauthorized {
    (StatusCode::UNAUTHORIZED, Json(Problem { error: error.to_string() }))
}

async fn login(
    State((io, desk)): Reception,
    Json(credentials): Json<Credentials>,
) -> Result<Json<SignedIn>, Unauthorized> {
    // The same words for both, so that nobody can try out which names there are.
    let user = User::check(&credentials.name, &credentials.password)
        .ok_or_else(|| unauthorized("the name or the password is wrong"))?;
    let token = token();
    let mut accounts = desk.lock();
    let pushed_out = accounts.sign_in(user, token.clone(), now());
    sign_out(&io, &accounts, pushed_out.as_slice(), &End::Crowded);
    Ok(Json(SignedIn { token, user }))
}

async fn logout(
    State((io, desk)): Reception,
    headers: HeaderMap,
) -> Result<StatusCode, Unauthorized> {
    let mut accounts = desk.lock();
    let Login { user, session } = bearer(&headers, &accounts)?;
    let ended = accounts.end(user, |id| id == session, &End::SignedOut);
    sign_out(&io, &accounts, &ended, &End::SignedOut);
    Ok(StatusCode::NO_CONTENT)
}

async fn logout_everywhere(
    State((io, desk)): Reception,
    headers: HeaderMap,
) -> Result<StatusCode, Unauthorized> {
    let mut accounts = desk.lock();
    let Login { user, .. } = bearer(&headers, &accounts)?;
    let ended = accounts.end(user, |_| true, &End::SignedOut);
    sign_out(&io, &accounts, &ended, &End::SignedOut);
    Ok(StatusCode::NO_CONTENT)
}

fn bearer(headers: &HeaderMap, accounts: &Accounts) -> Result<Login, Unauthorized> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| unauthorized(Rejection::Missing))?;
    accounts.verify(token, now()).map_err(unauthorized)
}

/// A token that nobody guesses: it means nothing, it is only looked up.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
