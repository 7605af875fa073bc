use serde_json::value::RawValue;
use socketio_core::{Auth, Data, EmitError, RawArgs, Socket, SocketIo};

/// The load fixture.
pub(crate) fn server() -> SocketIo {
    let io = SocketIo::new();
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
