use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use examples_common::Answer;
use socketio_axum::{Ack, Auth, ConnectError, Data, EmitError, Extension, Socket, SocketIo, State};

use crate::{
    accounts::{Accounts, Login, now},
    messages::{
        Done, Draft, End, Kick, Pass, Posted, Refusal, Rejection, SignedOut, Welcome, text,
    },
    users::{User, room_of},
};

/// How often it is looked whether sessions have expired.
const EXPIRY: Duration = Duration::from_secs(1);

/// Registers the middleware and the handlers.
pub(crate) fn attach(io: &SocketIo, desk: &Desk) {
    io.insert_state(desk.clone());
    io.middleware(verify);
    io.on_connect(enter);
    io.on("message", message);
    io.on("end session", end_session);
    io.on("kick", kick);
    io.on_disconnect(leave);
    io.on_error(|report| eprintln!("{report}"));
}

/// What all handlers share, those for HTTP too.
#[derive(Clone, Debug)]
pub(crate) struct Desk(Arc<Mutex<Accounts>>);

impl Desk {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self(Arc::new(Mutex::new(Accounts::new(lifetime))))
    }

    /// Whoever changes something tells the clients before giving the lock back: all of them see one
    /// order. Nobody waits for long, as an emit only queues.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

/// Refuses whoever has no token that is good. `None` is an `auth` without one.
fn verify(
    socket: Socket,
    State(desk): State<Desk>,
    pass: Option<Auth<Pass>>,
) -> Result<(), ConnectError> {
    let Auth(pass) = pass.ok_or(Rejection::Missing)?;
    let login = desk.lock().verify(&pass.token, now())?;
    socket.extensions().insert(login);
    Ok(())
}

/// Returns no `Result`, so that it runs when the client is in: from here on the socket is reached by
/// [`sign_out`], and a session that ended since the middleware looked is noticed.
fn enter(
    socket: Socket,
    io: SocketIo,
    State(desk): State<Desk>,
    Extension(login): Extension<Login>,
) {
    let mut accounts = desk.lock();
    if let Err(end) = accounts.enter(login) {
        socket.extensions().remove::<Login>();
        dismiss(&socket, &end);
        return;
    }
    socket.join([room_of(login.user.name), login.room()]);
    let Login { user, session } = login;
    let welcome = Welcome { user, session, messages: accounts.messages(user) };
    // Who is gone again does not miss it.
    let _ = socket.emit("welcome", &welcome);
    announce(&io, &accounts, user);
}

fn leave(socket: Socket, io: SocketIo, State(desk): State<Desk>) {
    let Some(login) = socket.extensions().remove::<Login>() else {
        return;
    };
    let mut accounts = desk.lock();
    accounts.leave(login);
    announce(&io, &accounts, login.user);
}

fn message(
    socket: Socket,
    State(desk): State<Desk>,
    Extension(login): Extension<Login>,
    Data(draft): Data<Draft>,
) -> Data<Answer<Posted>> {
    Data(post(&socket, &desk, login, &draft).into())
}

/// The message goes to all tabs of the other, and to those of the sender: all but this one, for
/// which it is in the answer.
fn post(socket: &Socket, desk: &Desk, login: Login, draft: &Draft) -> Result<Posted, Refusal> {
    let mut accounts = desk.lock();
    let message = accounts.post(login, &draft.to, &draft.text, now())?;
    let rooms = [room_of(message.to), room_of(message.from)];
    socket.to(rooms).emit("message", &message)?;
    Ok(Posted { message })
}

/// Takes the [`Ack`] to answer first: the session may be the one that the question came by.
fn end_session(
    io: SocketIo,
    State(desk): State<Desk>,
    Extension(login): Extension<Login>,
    Data(session): Data<u64>,
    ack: Ack,
) -> Result<(), EmitError> {
    let mut accounts = desk.lock();
    let ended = accounts.end(login.user, |id| id == session, &End::SignedOut);
    let result = if ended.is_empty() { Err(Refusal::UnknownSession) } else { Ok(Done {}) };
    ack.send(&Answer::from(result))?;
    sign_out(&io, &accounts, &ended, &End::SignedOut);
    Ok(())
}

fn kick(
    io: SocketIo,
    State(desk): State<Desk>,
    Extension(login): Extension<Login>,
    Data(kick): Data<Kick>,
) -> Data<Answer<Done>> {
    Data(remove(&io, &desk, login, &kick).into())
}

fn remove(io: &SocketIo, desk: &Desk, login: Login, kick: &Kick) -> Result<Done, Refusal> {
    if !login.user.admin {
        return Err(Refusal::NotAdmin);
    }
    let user = User::find(&kick.name).ok_or(Refusal::UnknownUser)?;
    if user == login.user {
        return Err(Refusal::Oneself);
    }
    let end = End::Kicked { by: login.user.name, reason: text(&kick.reason)?.to_owned() };
    let mut accounts = desk.lock();
    accounts.act(login)?;
    let ended = accounts.end(user, |_| true, &end);
    if ended.is_empty() {
        return Err(Refusal::SignedOut);
    }
    sign_out(io, &accounts, &ended, &end);
    Ok(Done {})
}

/// Ends sessions when their time is up. Runs until it is dropped.
pub(crate) async fn expire(io: SocketIo, desk: Desk) {
    let mut interval = tokio::time::interval(EXPIRY);
    loop {
        interval.tick().await;
        let mut accounts = desk.lock();
        let ended = accounts.expire(now());
        sign_out(&io, &accounts, &ended, &End::Expired);
    }
}

/// Disconnects all sockets of sessions that have ended, and tells them why.
pub(crate) fn sign_out(io: &SocketIo, accounts: &Accounts, ended: &[Login], end: &End) {
    for login in ended {
        for socket in io.to(login.room()).sockets() {
            dismiss(&socket, end);
        }
        announce(io, accounts, login.user);
    }
}

fn dismiss(socket: &Socket, end: &End) {
    // Who is gone already does not miss it.
    let _ = socket.emit("signed out", &SignedOut::from(end));
    socket.disconnect_all();
}

/// Tells everyone who is online, and the user of their sessions.
fn announce(io: &SocketIo, accounts: &Accounts, user: &User) {
    for sent in [
        io.emit("people", &accounts.people()),
        io.to(room_of(user.name)).emit("sessions", &accounts.sessions(user)),
    ] {
        sent.expect("people and sessions are JSON");
    }
}
