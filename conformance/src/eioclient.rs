use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use serde_json::{Map, Value};
use socketio_core::{EmitError, EngineIo, EngineSocket, Message};
use tokio::{sync::watch, time::timeout};

/// Those that the client is to send back are the first two.
const COOKIES: [&str; 4] = [
    "1=1; Max-Age=86400",
    "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
    "3=3; Max-Age=0",
    "4=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
];

/// What the suite of engine.io-client expects to be served.
pub(crate) fn server() -> EngineIo {
    // The headers of the last POST that was answered. The suite has one client at a time.
    let posts = watch::Sender::new(Value::Null);
    let posted = posts.clone();
    EngineIo::builder()
        .ping_interval(Duration::from_millis(500))
        .max_payload(100)
        .allow_request(|head| {
            let is_denied = has_parameter(head, "deny");
            async move { if is_denied { Err("Forbidden".to_owned()) } else { Ok(()) } }
        })
        .initial_headers(|headers, _| {
            for cookie in COOKIES {
                headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
            }
        })
        .headers(move |_, head| {
            if head.method == Method::POST {
                posted.send_replace(json(&head.headers));
            }
        })
        .build_engine(move |socket| {
            let posts = posts.subscribe();
            async move {
                // A client that is gone is not answered.
                let _ = answer(socket, posts).await;
            }
        })
        .expect("valid options")
}

async fn answer(
    mut socket: EngineSocket,
    mut posts: watch::Receiver<Value>,
) -> Result<(), EmitError> {
    socket.send("hi")?;
    while let Some(message) = socket.recv().await {
        let text = match &message {
            Message::Text(text) => &**text,
            Message::Binary(_) => "",
        };
        match text {
            "give binary" => socket.send(Bytes::from_static(&[0, 1, 2, 3, 4]))?,
            "give utf8" => socket.send("пойду спать всем спокойной ночи")?,
            "sendHeaders" => {
                // The POST that brought this message is answered once it was taken: soon, or just now.
                posts.mark_unchanged();
                let _ = timeout(Duration::from_millis(50), posts.changed()).await;
                let headers = posts.borrow().to_string();
                socket.send(headers)?;
            }
            _ => socket.send(message)?,
        }
    }
    Ok(())
}

fn has_parameter(head: &Parts, name: &str) -> bool {
    let query = head.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

fn json(headers: &HeaderMap) -> Value {
    let fields = headers.iter().map(|(name, value)| {
        (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes())))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}
