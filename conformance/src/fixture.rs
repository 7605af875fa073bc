use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use ciborium::Value as Any;
use serde_json::{Map, Value, json, value::RawValue};
use socketio_core::{
    AckError, Auth, Builder, ConnectError, Data, DisconnectReason, EmitError, Namespace,
    NamespaceRequest, RawArgs, Socket, SocketIo, State,
};

use crate::listeners;

/// Two namespaces that send back what they get.
pub(crate) fn basic(builder: Builder) -> SocketIo {
    let io = builder.build().expect("valid options");
    for namespace in [io.of("/"), io.of("/custom")] {
        echo(&namespace);
    }
    io
}

/// Every feature behind an event.
pub(crate) fn full(builder: Builder) -> SocketIo {
    let io = builder.build().expect("valid options");
    io.insert_state(Reasons::default());
    for name in ["/", "/custom", "/auth"] {
        everything(&io.of(name));
    }
    io.of("/auth").middleware(|Auth(auth): Auth<Value>| match auth["token"].as_str() {
        Some("bad") => {
            Err(ConnectError::new("not authorized").data(json!({"code": 401, "hint": "token"})))
        }
        _ => Ok(()),
    });
    let is_dynamic = |request: NamespaceRequest| {
        let number = request.name().strip_prefix("/dyn-");
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
    };
    io.of_dynamic(is_dynamic, everything);
    listeners::add(&io);
    io
}

/// Why the last sockets ended.
#[derive(Clone, Debug, Default)]
struct Reasons(Arc<Mutex<VecDeque<(String, DisconnectReason)>>>);

impl Reasons {
    const KEPT: usize = 500;

    fn add(&self, id: String, reason: DisconnectReason) {
        let mut reasons = self.0.lock().expect("no panic under this lock");
        reasons.push_back((id, reason));
        if reasons.len() > Self::KEPT {
            reasons.pop_front();
        }
    }

    fn of(&self, id: &str) -> Option<DisconnectReason> {
        let reasons = self.0.lock().expect("no panic under this lock");
        reasons.iter().find(|(ended, _)| ended == id).map(|(_, reason)| *reason)
    }
}

fn echo(namespace: &Namespace) {
    namespace.on_connect(|socket: Socket, Auth(auth): Auth<Box<RawValue>>| {
        // A client that is gone already gets no greeting.
        let _ = socket.emit("auth", &auth);
    });
    namespace.on("message", |socket: Socket, args: RawArgs| socket.emit("message-back", &args));
    namespace.on("message-with-ack", |args: RawArgs| args);
}

fn everything(namespace: &Namespace) {
    echo(namespace);
    namespace.on("emit-with-ack", async |socket: Socket, args: RawArgs| {
        let answer: RawArgs = match socket.emit_with_ack("message", &args).await {
            Ok(answer) => answer,
            // Whoever does not answer is not told about it.
            Err(AckError::Timeout | AckError::Disconnected) => return Ok(()),
            Err(error) => return Err(error),
        };
        Ok(socket.emit("emit-with-ack", &answer)?)
    });
    namespace.on("whoami", |socket: Socket| Data(whoami(&socket)));
    namespace.on("join", |socket: Socket, Data(room): Data<String>| {
        socket.join(room);
        Data("ok")
    });
    namespace.on("leave", |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
        Data("ok")
    });
    namespace.on(
        "room-emit",
        |socket: Socket, Data(room): Data<String>, args: RawArgs| -> Result<(), EmitError> {
            socket.namespace().to(room).emit("room-msg", &args.skip(1))
        },
    );
    namespace.on("broadcast", |socket: Socket, args: RawArgs| {
        socket.broadcast().emit("broadcast-msg", &args)
    });
    namespace.on("volatile", |socket: Socket, args: RawArgs| {
        socket.volatile().emit("volatile-msg", &args)
    });
    namespace.on("broadcast-volatile", |socket: Socket, args: RawArgs| {
        socket.broadcast().volatile().emit("volatile-msg", &args)
    });
    namespace.on("broadcast-with-ack", async |socket: Socket, args: RawArgs| {
        let others = socket.broadcast().timeout(Duration::from_secs(1));
        let answers = others.emit_with_ack::<Any>("question", &args)?.await;
        socket.emit("broadcast-acks", &answers.ok())
    });
    namespace.on("bye", |socket: Socket| socket.disconnect());
    namespace.on("bye-all", |socket: Socket| socket.disconnect_all());
    namespace.on("reason-of", |State(reasons): State<Reasons>, Data(id): Data<String>| {
        Data(reasons.of(&id))
    });
    namespace.on_disconnect(
        |socket: Socket, reason: DisconnectReason, State(reasons): State<Reasons>| {
            reasons.add(socket.id().to_string(), reason);
        },
    );
}

fn whoami(socket: &Socket) -> Value {
    let mut rooms = socket.rooms();
    rooms.sort();
    let query = socket.handshake().query().map(|(name, value)| (name, Value::from(value)));
    json!({
        "id": socket.id(),
        "nsp": socket.namespace().name(),
        "query": Value::Object(query.collect::<Map<_, _>>()),
        "auth": socket.auth::<Value>().unwrap_or_default(),
        "transport": socket.transport().as_str(),
        "eio": socket.protocol(),
        "rooms": rooms.iter().map(|room| &**room).collect::<Vec<&str>>(),
    })
}
