use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use examples_common::{Answer, nickname};
use socketio_core::{Ack, Data, EmitError, Socket, SocketIo, State};

use crate::{
    messages::{Change, Join, Joined, Posted, Presence, Refusal, Typing},
    nodes,
    rooms::{self, Author, Rooms, now},
};

/// Registers the chat. `node` is what its clients are told of who serves them.
pub fn attach(io: &SocketIo, node: &'static str) {
    io.insert_state(Chat { node, rooms: Arc::default(), past: Arc::default() });
    io.on("join", join);
    io.on("message", message);
    io.on("typing", typing);
    io.on_disconnect(disconnect);
    io.on_error(|report| eprintln!("{report}"));
    nodes::attach(io);
}

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct Chat {
    node: &'static str,
    rooms: Arc<Mutex<Rooms>>,
    /// Set once another node has told what was written before this one began.
    pub(crate) past: Arc<OnceLock<()>>,
}

impl Chat {
    /// Whoever changes a room sends what comes of it before giving the lock back: all clients of
    /// this node see one order. Nobody waits for long, as an emit only queues.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().expect("nothing panics under this lock")
    }
}

/// Who a socket is once it has joined; kept with the socket.
#[derive(Clone, PartialEq)]
struct Member {
    nickname: String,
    room: &'static str,
}

/// Takes the [`Ack`] to answer while the lock is held: a message is either in the history, or it
/// comes after the answer.
async fn join(
    io: SocketIo,
    socket: Socket,
    State(chat): State<Chat>,
    Data(join): Data<Join>,
    ack: Ack,
) -> Result<(), EmitError> {
    let (nickname, name) = match check(&join) {
        Ok(checked) => checked,
        Err(refusal) => return ack.send(&Answer::<()>::from(Err(refusal))),
    };
    leave(&io, &socket, &chat).await?;
    let member = Member { nickname: nickname.to_owned(), room: name };
    socket.data().set("nickname", nickname).expect("text is JSON");
    socket.extensions().insert(member.clone());
    socket.join(name);
    chat.learn_history(&io).await;
    chat.count(&io, name).await;

    let mut rooms = chat.lock();
    // It may have left meanwhile.
    if socket.extensions().get().as_ref() != Some(&member) {
        return ack.send(&Answer::<()>::from(Err(Refusal::NotJoined)));
    }
    io.server_side_emit("joined", &Change { nickname: nickname.into(), room: name.into() })?;
    let room = rooms.get(name);
    let (history, online) = (room.history(), room.online());
    socket.local().to(name).emit("joined", &Presence { nickname, online })?;
    ack.send(&Answer::ok(Joined { node: chat.node, nickname, room: name, history, online }))
}

fn check(join: &Join) -> Result<(&str, &'static str), Refusal> {
    let name = rooms::find(&join.room).ok_or(Refusal::UnknownRoom)?;
    Ok((nickname(&join.nickname)?, name))
}

/// Returns its answer, which is the acknowledgement then.
fn message(
    io: SocketIo,
    socket: Socket,
    State(chat): State<Chat>,
    Data(text): Data<String>,
) -> Data<Answer<Posted>> {
    Data(post(&io, &socket, &chat, text).into())
}

fn post(io: &SocketIo, socket: &Socket, chat: &Chat, text: String) -> Result<Posted, Refusal> {
    let Member { nickname, room } = socket.extensions().get().ok_or(Refusal::NotJoined)?;
    let author = Author { socket: socket.id().as_str(), nickname };
    let mut rooms = chat.lock();
    let message = rooms.get(room).post(author, text, now())?;
    io.server_side_emit("posted", &message)?;
    socket.to(room).emit("message", &message)?;
    Ok(Posted { message })
}

/// Who is typing is of no interest later, so it is volatile: not queued for clients that lag.
fn typing(socket: Socket, Data(typing): Data<bool>) -> Result<(), EmitError> {
    let Some(Member { nickname, room }) = socket.extensions().get() else {
        return Ok(());
    };
    socket.to(room).volatile().emit("typing", &Typing { nickname: &nickname, typing })
}

async fn disconnect(
    io: SocketIo,
    socket: Socket,
    State(chat): State<Chat>,
) -> Result<(), EmitError> {
    leave(&io, &socket, &chat).await
}

/// Takes the socket out of its room, if it is in one, and tells the others.
async fn leave(io: &SocketIo, socket: &Socket, chat: &Chat) -> Result<(), EmitError> {
    let Some(Member { nickname, room }) = socket.extensions().remove() else {
        return Ok(());
    };
    socket.leave(room);
    let change = Change { nickname, room: room.into() };
    io.server_side_emit("left", &change)?;
    chat.tell(io, "left", change).await
}
