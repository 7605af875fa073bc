//! What a client can have done by a program that only sends.

use socketio_core::{Data, Namespace, RawArgs, Socket, State};
use socketio_redis::{EmitterError, RedisEmitter};

use super::selection::{Rooms, Selection};

/// Adds the handlers to a namespace.
pub(super) fn add(namespace: &Namespace) {
    namespace.on(
        "emitter-emit",
        async |socket: Socket,
               State(emitter): State<RedisEmitter>,
               Data((selection, event)): Data<(Selection, String)>,
               args: RawArgs| {
            selection.of_emitter(&emitter, &socket).emit(&event, &args.skip(2)).await
        },
    );
    namespace.on(
        "emitter-join",
        async |socket: Socket,
               State(emitter): State<RedisEmitter>,
               Data((selection, rooms)): Data<(Selection, Rooms)>| {
            selection.of_emitter(&emitter, &socket).join(rooms).await
        },
    );
    namespace.on(
        "emitter-leave",
        async |socket: Socket,
               State(emitter): State<RedisEmitter>,
               Data((selection, rooms)): Data<(Selection, Rooms)>| {
            selection.of_emitter(&emitter, &socket).leave(rooms).await
        },
    );
    namespace.on(
        "emitter-disconnect",
        async |socket: Socket,
               State(emitter): State<RedisEmitter>,
               Data((selection, close)): Data<(Selection, bool)>| {
            selection.of_emitter(&emitter, &socket).disconnect(close).await
        },
    );
    namespace.on(
        "emitter-server-emit",
        async |socket: Socket,
               State(emitter): State<RedisEmitter>,
               Data((_, event)): Data<(Selection, String)>,
               args: RawArgs|
               -> Result<(), EmitterError> {
            let emitter = emitter.of(socket.namespace().name());
            emitter.server_side_emit(&event, &args.skip(2)).await
        },
    );
}
