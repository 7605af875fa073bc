use std::sync::{Arc, Mutex};

use serde_json::Value;
use socketio_core::{
    AckError, Data, EmitError, EventName, Extension, NamespaceParams, NamespaceRequest, RawArgs,
    Socket, SocketIo,
};
use tokio::sync::Notify;

/// Names of events that a socket had, and of those that it was sent.
#[derive(Clone, Debug, Default)]
struct Seen([Arc<Mutex<Vec<String>>>; 2]);

impl Seen {
    fn add(&self, direction: usize, name: &str) {
        self.0[direction].lock().expect("no panic under this lock").push(name.to_owned());
    }

    fn names(&self) -> [Vec<String>; 2] {
        [0, 1].map(|direction| self.0[direction].lock().expect("no panic under this lock").clone())
    }
}

/// A namespace with what runs beside the handlers of events, and two kinds that are made on demand.
pub(crate) fn add(io: &SocketIo) {
    let namespace = io.of("/listeners");
    namespace.on_connect(|socket: Socket| {
        let seen = Seen::default();
        socket.extensions().insert(seen.clone());
        let outgoing = seen.clone();
        socket.on_any_outgoing(move |EventName(name): EventName| outgoing.add(1, &name));
        socket.on_any(move |EventName(name): EventName| seen.add(0, &name));
        socket.once("once", || Data("the first time"));
        socket.on("own", |args: RawArgs| args);
    });
    namespace.event_middleware(|EventName(name): EventName| match &*name {
        "forbidden" => Err("not allowed"),
        _ => Ok(()),
    });
    namespace.event_middleware(
        async |socket: Socket, EventName(name): EventName, args: RawArgs| {
            if &*name == "asks-first" {
                socket.emit_with_ack::<()>("may-i", &()).await?;
                return Ok::<_, AckError>(args.skip(1));
            }
            Ok(args)
        },
    );
    namespace.on("forbidden", || Data("this is not reached"));
    for event in ["asks-first", "next"] {
        namespace.on(event, move |socket: Socket, args: RawArgs| -> Result<(), EmitError> {
            socket.emit(event, &args)
        });
    }
    namespace.on("seen", |Extension(seen): Extension<Seen>| Data(seen.names()));
    namespace.on("close", |socket: Socket| socket.close_connection());

    let tenants = io.of_dynamic("/tenant-{id}", |tenant| {
        tenant.on("id", |NamespaceParams(id): NamespaceParams<u32>| Data(id));
    });
    io.of("/listeners").on("tell-tenants", move |args: RawArgs| tenants.emit("news", &args));
    let lookups = Arc::new(Notify::new());
    let answer = Arc::clone(&lookups);
    io.on("answer-lookups", move || answer.notify_waiters());
    let look_up = move |request: NamespaceRequest| {
        let lookups = Arc::clone(&lookups);
        async move {
            if !request.name().starts_with("/looked-up-") {
                return false;
            }
            lookups.notified().await;
            request.auth::<Value>().is_ok_and(|auth| auth["token"] == "good")
        }
    };
    io.of_dynamic(look_up, |namespace| {
        namespace.on("echo", |args: RawArgs| args);
    });
}
