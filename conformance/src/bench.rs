use serde_json::value::RawValue;
use socketio_core::{Auth, Data, EmitError, RawArgs, Socket, SocketIo};

use crate::cluster::NodeOptions;

/// The load fixture, which is a node if there is a Redis.
pub(crate) fn server(options: &NodeOptions) -> SocketIo {
    let builder = SocketIo::builder();
    let builder = match options.redis() {
        Some(redis) => options.connect(builder, &redis),
        None => builder,
    };
    let io = builder.build().expect("valid options");
    io.on_connect(|socket: Socket, Auth(auth): Auth<Box<RawValue>>| {
        // A client that is gone already gets no greeting.
        let _ = socket.emit("auth", &auth);
    });
    io.on("message", |socket: Socket, args: RawArgs| socket.emit("message-back", &args));
    io.on("message-with-ack", |args: RawArgs| args);
    io.on("broadcast", |socket: Socket, args: RawArgs| socket.namespace().emit("broadcast", &args));
    io.on("join", |socket: Socket, Data(room): Data<String>| socket.join(room));
    io.on(
        "room-emit",
        |socket: Socket, Data(room): Data<String>, args: RawArgs| -> Result<(), EmitError> {
            socket.namespace().to(room).emit("room-emit", &args.skip(1))
        },
    );
    io
}
