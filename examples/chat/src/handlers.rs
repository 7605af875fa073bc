use std::sync::{Arc, Mutex, MutexGuard};

use examples_common::{Answer, nickname};
use socketio_core::{Ack, Data, EmitError, Socket, SocketIo, State};

use crate::{
    messages::{Join, Joined, Posted, Presence, Refusal, Typing},
    rooms::{ROOMS, Rooms, now},
};

/// Registers the chat.
pub fn attach(io: &SocketIo) {
    io.insert_state(Chat::default());
    io.on("join", join);
    io.on("message", message);
    io.on("typing", typing);
    io.on_disconnect(disconnect);
    io.on_error(|report| eprintln!("{report}"));
}

/// What all handlers share.
#[derive(Clone, Default)]
struct Chat(Arc<Mutex<Rooms>>);

impl Chat {
    /// Whoever changes a room sends what comes of it before giving the lock back: all clients see
    /// one order. Nobody waits for long, as an emit only queues.
    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

/// Who a socket is once it has joined; kept with the socket.
#[derive(Clone)]
struct Member {
    nickname: String,
    room: &'static str,
}

/// Takes the [`Ack`] to answer while the lock is held: a message is either in the history, or it
/// comes after the answer.
fn join(
    socket: Socket,
    State(chat): State<Chat>,
    Data(join): Data<Join>,
    ack: Ack,
) -> Result<(), EmitError> {
    let (nickname, name) = match check(&join) {
        Ok(checked) => checked,
        Err(refusal) => return ack.send(&Answer::<()>::from(Err(refusal))),
    };
    let mut rooms = chat.lock();
    leave(&socket, &mut rooms)?;
    let room = rooms.get(name);
    room.enter(nickname);
    socket.join(name);
    socket.extensions().insert(Member { nickname: nickname.to_owned(), room: name });
    socket.to(name).emit("joined", &Presence { nickname, online: room.online() })?;
    let joined = Joined { nickname, room: name, history: room.history(), online: room.online() };
    ack.send(&Answer::ok(joined))
}

fn check(join: &Join) -> Result<(&str, &'static str), Refusal> {
    let room = ROOMS.into_iter().find(|room| *room == join.room);
    Ok((nickname(&join.nickname)?, room.ok_or(Refusal::UnknownRoom)?))
}

/// Returns its answer, which is the acknowledgement then.
fn message(
    socket: Socket,
    State(chat): State<Chat>,
    Data(text): Data<String>,
) -> Data<Answer<Posted>> {
    Data(post(&socket, &chat, text).into())
}

fn post(socket: &Socket, chat: &Chat, text: String) -> Result<Posted, Refusal> {
    let Member { nickname, room } = socket.extensions().get().ok_or(Refusal::NotJoined)?;
    let mut rooms = chat.lock();
    let message = rooms.get(room).post(nickname, text, now())?;
    socket.to(room).emit("message", message)?;
    Ok(Posted { message: message.clone() })
}

/// Who is typing is of no interest later, so it is volatile: not queued for clients that lag.
fn typing(socket: Socket, Data(typing): Data<bool>) -> Result<(), EmitError> {
    let Some(Member { nickname, room }) = socket.extensions().get() else {
        return Ok(());
    };
    socket.to(room).volatile().emit("typing", &Typing { nickname: &nickname, typing })
}

fn disconnect(socket: Socket, State(chat): State<Chat>) -> Result<(), EmitError> {
    leave(&socket, &mut chat.lock())
}

/// Takes the socket out of its room, if it is in one, and tells the others.
fn leave(socket: &Socket, rooms: &mut Rooms) -> Result<(), EmitError> {
    let Some(Member { nickname, room: name }) = socket.extensions().remove() else {
        return Ok(());
    };
    let room = rooms.get(name);
    room.leave(&nickname);
    socket.leave(name);
    socket.to(name).emit("left", &Presence { nickname: &nickname, online: room.online() })
}
