use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ciborium::Value as Any;
use httpdate::fmt_http_date;
use serde_json::{Map, Value, json};
use socketio_core::{AckError, ConnectError, Data, EmitError, RawArgs, Recovery, Socket, SocketIo};

/// What the suite of socket.io-client expects to be served.
pub(crate) fn server() -> SocketIo {
    let io = SocketIo::builder()
        .ping_interval(Duration::from_secs(2))
        .recovery(Recovery::default())
        // A client that does not wait at all for a connection is to see that before there is one.
        .allow_request(|_| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(())
        })
        .build()
        .expect("valid options");
    root(&io);
    for name in ["/timeout_socket", "/valid", "/asd"] {
        io.of(name);
    }
    io.of("/foo").on("getId", |socket: Socket| Data(socket.id().to_string()));
    io.of("/abc").on_connect(|socket: Socket| {
        // A client that is gone already is not told about itself.
        let _ = socket.emit("handshake", &handshake(&socket));
    });
    io.of("/no").middleware(|| Err::<(), _>(ConnectError::new("Auth failed (custom namespace)")));
    io
}

/// The namespace `/`.
fn root(io: &SocketIo) {
    io.middleware(|socket: Socket| {
        match socket.handshake().query().any(|(name, value)| name == "fail" && !value.is_empty()) {
            true => Err(ConnectError::new("Auth failed (main namespace)")),
            false => Ok(()),
        }
    });
    io.on("hi", |socket: Socket| socket.emit("hi", &()));
    io.on("echo", |args: RawArgs| args);
    io.on("getId", |socket: Socket| Data(socket.id().to_string()));
    io.on("getHandshake", |socket: Socket| Data(handshake(&socket)));
    io.on("ack", async |socket: Socket| {
        let (number, object): (u64, Value) = match socket.emit_with_ack("ack", &()).await {
            Ok(answer) => answer,
            // Some tests do not answer.
            Err(AckError::Timeout | AckError::Disconnected) => return Ok(()),
            Err(error) => return Err(error),
        };
        if number == 5 && object["test"] == true {
            socket.emit("got it", &())?;
        }
        Ok(())
    });
    values(io);
    binary(io);
}

fn values(io: &SocketIo) {
    const TEXTS: [&str; 5] =
        ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];
    io.on("getAckDate", || Data(now()));
    io.on("getDate", |socket: Socket| socket.emit("takeDate", &now()));
    io.on("getDateObj", |socket: Socket| socket.emit("takeDateObj", &json!({"date": now()})));
    io.on("getUtf8", |socket: Socket| -> Result<(), EmitError> {
        TEXTS.iter().try_for_each(|text| socket.emit("takeUtf8", text))
    });
    io.on("false", |socket: Socket| socket.emit("false", &false));
}

fn binary(io: &SocketIo) {
    const BYTES: Bytes = Bytes::from_static(b"asdfasdf");
    io.on("doge", |socket: Socket| socket.emit("doge", &BYTES));
    io.on("getbin", |socket: Socket| socket.emit("takebin", &BYTES));
    for (event, answer) in [("buffa", "buffack"), ("blob", "back")] {
        io.on(event, move |socket: Socket, Data(value): Data<Any>| match value.is_bytes() {
            true => socket.emit(answer, &()),
            false => Ok(()),
        });
    }
    for (event, answer) in [("jsonbuff", "jsonbuff-ack"), ("jsonblob", "jsonblob-ack")] {
        io.on(event, move |socket: Socket, Data(value): Data<Any>| match is_mixed(&value) {
            true => socket.emit(answer, &()),
            false => Ok(()),
        });
    }
    series(io, &[("abuff1", true), ("abuff2", false)], "abuff2-ack");
    series(io, &[("blob1", true), ("blob2", false), ("blob3", true)], "blob3-ack");
}

/// The event that is to come next.
#[derive(Clone, PartialEq)]
struct Next(&'static str);

/// Answers the last of some events, each with binary or not, if they come in this order.
fn series(io: &SocketIo, events: &'static [(&'static str, bool)], answer: &'static str) {
    for (index, &(event, is_binary)) in events.iter().enumerate() {
        io.on(event, move |socket: Socket, Data(value): Data<Any>| {
            let is_next = index == 0 || socket.extensions().get() == Some(Next(event));
            if !is_next || value.is_bytes() != is_binary {
                return Ok(());
            }
            match events.get(index + 1) {
                None => socket.emit(answer, &()),
                Some((next, _)) => {
                    socket.extensions().insert(Next(next));
                    Ok(())
                }
            }
        });
    }
}

/// Whether this is binary among JSON, as the tests send it.
fn is_mixed(value: &Any) -> bool {
    let Some(fields) = value.as_map() else { return false };
    let has = |name: &str, holds: fn(&Any) -> bool| {
        fields.iter().any(|(key, value)| key.as_text() == Some(name) && holds(value))
    };
    has("hello", |value| value.as_text() == Some("lol"))
        && has("message", Any::is_bytes)
        && has("goodbye", |value| value.as_text() == Some("gotcha"))
}

/// What Node has as `socket.handshake`.
fn handshake(socket: &Socket) -> Value {
    let handshake = socket.handshake();
    let headers = handshake.headers().iter().map(|(name, value)| {
        (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes())))
    });
    let query = handshake.query().map(|(name, value)| (name, Value::from(value)));
    let issued = handshake.time().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "headers": headers.collect::<Map<_, _>>(),
        "time": fmt_http_date(handshake.time()),
        "address": handshake.address(),
        "xdomain": handshake.is_cross_domain(),
        "secure": false,
        "issued": issued.as_secs_f64() * 1000.0,
        "url": handshake.uri().to_string(),
        "query": query.collect::<Map<_, _>>(),
        "auth": socket.auth::<Value>().unwrap_or_default(),
    })
}

fn now() -> String {
    fmt_http_date(SystemTime::now())
}
