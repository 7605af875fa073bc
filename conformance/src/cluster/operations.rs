//! What a client can have its node do.

use ciborium::Value as Any;
use serde::Serialize;
use serde_json::{Map, Value, json};
use socketio_core::{
    BoxError, Data, EmitError, Namespace, RawArgs, RemoteHandshake, RemoteSocket, Socket, SocketIo,
    State,
};

use super::selection::{Rooms, Selection};

/// The name of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port(pub(super) u16);

/// What came of several that were asked.
#[derive(Debug, Serialize)]
struct Answers {
    /// Whether all answered.
    complete: bool,
    answers: Vec<Any>,
}

#[derive(Debug, Serialize)]
struct Found {
    complete: bool,
    sockets: Vec<Description>,
}

#[derive(Debug, Serialize)]
struct Description {
    id: String,
    handshake: RemoteHandshake,
    rooms: Vec<String>,
    data: Value,
}

impl From<RemoteSocket> for Description {
    fn from(socket: RemoteSocket) -> Self {
        Self {
            id: socket.id().to_owned(),
            handshake: socket.handshake().clone(),
            rooms: socket.rooms().to_vec(),
            data: socket.data_value().clone(),
        }
    }
}

/// Adds the handlers to a namespace.
pub(super) fn add(namespace: &Namespace) {
    one_socket(namespace);
    several_sockets(namespace);
    remote_sockets(namespace);
    nodes(namespace);
}

fn one_socket(namespace: &Namespace) {
    namespace.on("join", |socket: Socket, Data(rooms): Data<Rooms>| {
        socket.join(rooms);
    });
    namespace.on("leave", |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
    });
    namespace.on("data", |socket: Socket, Data(data): Data<Map<String, Value>>| {
        for (name, value) in &data {
            socket.data().set(name, value).expect("a value is JSON");
        }
    });
    namespace.on("whoami", |socket: Socket| {
        Data(json!({
            "id": socket.id(),
            "rooms": socket.rooms().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "data": socket.data().to_value(),
            "recovered": socket.is_recovered(),
        }))
    });
}

fn several_sockets(namespace: &Namespace) {
    namespace.on(
        "emit",
        |socket: Socket, Data((selection, event)): Data<(Selection, String)>, args: RawArgs| {
            selection.of(&socket).emit(&event, &args.skip(2))
        },
    );
    namespace.on(
        "ask",
        async |socket: Socket,
               Data((selection, event)): Data<(Selection, String)>,
               args: RawArgs| {
            let replies = selection.of(&socket).emit_with_ack::<Any>(&event, &args.skip(2))?.await;
            let complete = replies.is_ok();
            let answers = replies.unwrap_or_else(|missing| missing.replies);
            Ok::<_, EmitError>(Data(Answers { complete, answers }))
        },
    );
    namespace.on("fetch", async |socket: Socket, Data(selection): Data<Selection>| {
        let found = selection.of(&socket).fetch_sockets().await;
        let complete = found.is_ok();
        let sockets = found.unwrap_or_else(|missing| missing.sockets);
        Data(Found { complete, sockets: sockets.into_iter().map(Description::from).collect() })
    });
    namespace.on(
        "sockets-join",
        |socket: Socket, Data((selection, rooms)): Data<(Selection, Rooms)>| {
            selection.of(&socket).join(rooms);
        },
    );
    namespace.on(
        "sockets-leave",
        |socket: Socket, Data((selection, rooms)): Data<(Selection, Rooms)>| {
            selection.of(&socket).leave(rooms);
        },
    );
    namespace.on(
        "sockets-disconnect",
        |socket: Socket, Data((selection, close)): Data<(Selection, bool)>| {
            selection.of(&socket).disconnect(close);
        },
    );
}

fn remote_sockets(namespace: &Namespace) {
    namespace.on(
        "remote-emit",
        async |socket: Socket,
               Data((selection, event)): Data<(Selection, String)>,
               args: RawArgs| {
            for socket in selection.of(&socket).fetch_sockets().await? {
                socket.emit(&event, &args.skip(2))?;
            }
            Ok::<_, BoxError>(())
        },
    );
    namespace.on(
        "remote-ask",
        async |socket: Socket,
               Data((selection, event)): Data<(Selection, String)>,
               args: RawArgs| {
            let mut answers = Vec::new();
            for socket in selection.of(&socket).fetch_sockets().await? {
                answers.push(socket.emit_with_ack::<Any>(&event, &args.skip(2)).await?);
            }
            Ok::<_, BoxError>(Data(answers))
        },
    );
    namespace.on(
        "remote-join",
        async |socket: Socket, Data((selection, rooms)): Data<(Selection, Vec<String>)>| {
            for socket in selection.of(&socket).fetch_sockets().await? {
                socket.join(rooms.clone());
            }
            Ok::<_, BoxError>(())
        },
    );
    namespace.on(
        "remote-leave",
        async |socket: Socket, Data((selection, room)): Data<(Selection, String)>| {
            for socket in selection.of(&socket).fetch_sockets().await? {
                socket.leave(&room);
            }
            Ok::<_, BoxError>(())
        },
    );
    namespace.on(
        "remote-disconnect",
        async |socket: Socket, Data((selection, close)): Data<(Selection, bool)>| {
            for socket in selection.of(&socket).fetch_sockets().await? {
                socket.disconnect(close);
            }
            Ok::<_, BoxError>(())
        },
    );
}

fn nodes(namespace: &Namespace) {
    let name = namespace.name().to_owned();
    namespace.on_server_event("note", move |io: SocketIo, args: RawArgs| {
        io.of(&name).local().emit("noted", &args)
    });
    namespace.on_server_event("question", |args: RawArgs, State(port): State<Port>| {
        let each = (0..args.len()).map(|index| args.skip(index).parse::<Any>());
        let answer = std::iter::once(Ok(Any::from(port.0))).chain(each);
        answer.collect::<Result<Vec<_>, _>>().map(Data)
    });
    namespace.on("server-emit", |socket: Socket, Data(event): Data<String>, args: RawArgs| {
        socket.namespace().server_side_emit(&event, &args.skip(1))
    });
    namespace.on("server-ask", async |socket: Socket, Data(event): Data<String>, args: RawArgs| {
        let namespace = socket.namespace();
        let answers = namespace.server_side_emit_with_ack::<Any>(&event, &args.skip(1))?.await;
        let complete = answers.is_ok();
        let answers = answers.unwrap_or_else(|missing| missing.answers);
        Ok::<_, EmitError>(Data(Answers { complete, answers }))
    });
}
