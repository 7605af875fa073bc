//! What the nodes of a cluster tell each other, so that a chat is one wherever its clients are. A
//! server that is alone has nobody to tell, and nobody answers it.
//!
//! | server event | with | answered with |
//! |---|---|---|
//! | `joined`, `left` | `{ nickname, room }` | |
//! | `posted` | a message | |
//! | `history` | | all messages that are kept |
//!
//! Events for clients need none of this: the adapter carries them.

use std::time::Duration;

use socketio_core::{Data, EmitError, SocketIo, State};

use crate::{
    handlers::Chat,
    messages::{Change, Message, Presence},
    rooms::find,
};

/// How long other nodes are waited for. Without their answers a list is only shorter.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn attach(io: &SocketIo) {
    io.on_server_event("joined", joined);
    io.on_server_event("left", left);
    io.on_server_event("posted", posted);
    io.on_server_event("history", history);
}

async fn joined(
    io: SocketIo,
    State(chat): State<Chat>,
    Data(change): Data<Change>,
) -> Result<(), EmitError> {
    chat.tell(&io, "joined", change).await
}

async fn left(
    io: SocketIo,
    State(chat): State<Chat>,
    Data(change): Data<Change>,
) -> Result<(), EmitError> {
    chat.tell(&io, "left", change).await
}

fn posted(State(chat): State<Chat>, Data(message): Data<Message>) {
    chat.lock().keep(message);
}

fn history(State(chat): State<Chat>) -> Data<Vec<Message>> {
    Data(chat.lock().history())
}

impl Chat {
    /// Tells the members of a room on this node. Each node does so, and asks who is there when it
    /// has heard of the change: what its clients see last is right, in whatever order several
    /// changes reach the nodes.
    pub(crate) async fn tell(
        &self,
        io: &SocketIo,
        event: &str,
        Change { nickname, room }: Change,
    ) -> Result<(), EmitError> {
        let Some(room) = find(&room) else {
            return Ok(());
        };
        self.count(io, room).await;
        let mut rooms = self.lock();
        let online = rooms.get(room).online();
        io.local().to(room).emit(event, &Presence { nickname: &nickname, online })
    }

    /// Finds out from all nodes who is in a room.
    pub(crate) async fn count(&self, io: &SocketIo, room: &'static str) {
        let number = self.lock().get(room).begin_census();
        let sockets = match io.in_room(room).timeout(PATIENCE).fetch_sockets().await {
            Ok(sockets) => sockets,
            Err(missing) => missing.sockets,
        };
        let online = sockets.iter().filter_map(|socket| socket.data("nickname")).collect();
        self.lock().get(room).end_census(number, online);
    }

    /// Asks the other nodes what was written before this one began, until one has answered.
    pub(crate) async fn learn_history(&self, io: &SocketIo) {
        if self.past.get().is_some() {
            return;
        }
        let Ok(asked) = io.server_side_emit_with_ack::<Vec<Message>>("history", &()) else {
            return;
        };
        let histories = match asked.timeout(PATIENCE).await {
            Ok(histories) => histories,
            Err(missing) => missing.answers,
        };
        if !histories.is_empty() {
            let mut rooms = self.lock();
            histories.into_iter().flatten().for_each(|message| rooms.keep(message));
            self.past.set(()).ok();
        }
    }
}
