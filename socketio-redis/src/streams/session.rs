use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use redis::cmd;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketio_core::{LogOffset, NodeId, SavedRoom, SavedSession, SessionSpan, cluster::Document};
use tokio::time::{self, Instant};

use crate::{link::LinkError, running::Running};

/// A session as Node keeps it, and what this server adds.
#[derive(Deserialize, Serialize)]
struct Session {
    sid: String,
    pid: String,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nsp: Option<String>,
    rooms: Vec<String>,
    #[serde(default)]
    data: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// For each room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    since: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<[String; 3]>,
}

/// How long is waited before a session is kept again that Redis may not have.
const PAUSE: Duration = Duration::from_millis(100);

/// Has Redis keep a session for some time. What a lost connection leaves open is kept again, unless
/// Redis has it.
pub(super) fn save(running: &Arc<Running>, key: String, session: String, duration: Duration) {
    let until = Instant::now() + duration;
    let set = move |running: &Running, is_again: bool| {
        let left = until.saturating_duration_since(Instant::now());
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let mut command = cmd("SET");
        command.arg(&key).arg(&session).arg("PX").arg(millis.max(1));
        if is_again {
            command.arg("NX");
        }
        running.link.execute(Some(&key), command)
    };
    let mut reply = set(running, false).boxed();
    let weak = Arc::downgrade(running);
    running.runtime.spawn(async move {
        while let Err(LinkError::Interrupted | LinkError::Overflow) = reply.await {
            time::sleep(PAUSE).await;
            let Some(running) = weak.upgrade().filter(|_| Instant::now() < until) else { return };
            reply = set(&running, true).boxed();
        }
    });
}

/// As `MessagePack` in base64.
pub(super) fn encode(session: &SavedSession, namespace: &str) -> String {
    let SavedSession { socket, key, rooms, data, node, span } = session.clone();
    let span = span.map(|SessionSpan { start, end, left_at }| {
        [start, end, left_at].map(|offset| offset.to_string())
    });
    let node = node.map(|node| node.as_str().to_owned());
    let since = rooms.iter().map(|room| room.since.unwrap_or_default().to_string()).collect();
    let rooms = rooms.into_iter().map(|room| room.name).collect();
    let nsp = Some(namespace.to_owned());
    let session = Session { sid: socket, pid: key, nsp, rooms, data, node, since, span };
    let json = serde_json::to_string(&session).expect("text and JSON");
    STANDARD.encode(Document { json, attachments: Vec::new() }.to_msgpack())
}

/// `None` if it is no session of the namespace.
pub(super) fn decode(text: &str, namespace: &str) -> Option<SavedSession> {
    let document = Document::from_msgpack(&STANDARD.decode(text).ok()?.into()).ok()?;
    // Bytes in the data of a socket on Node become what they are in JSON.
    let session: Session = serde_json::from_str(&document.to_json()).ok()?;
    let Session { sid, pid, nsp, rooms, data, node, since, span } = session;
    if nsp.is_some_and(|nsp| nsp != namespace) {
        return None;
    }
    let mut since = since.iter().map(|offset| offset.parse().ok());
    let mut room = |name| SavedRoom { name, since: since.next().flatten() };
    let rooms = rooms.into_iter().map(&mut room).collect();
    let span = span.and_then(|span| {
        let [start, end, left_at] = span.map(|offset| offset.parse::<LogOffset>().ok());
        Some(SessionSpan { start: start?, end: end?, left_at: left_at? })
    });
    let node = node.map(NodeId::new);
    Some(SavedSession { socket: sid, key: pid, rooms, data, node, span })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let offset = |major| LogOffset { major, minor: 1 };
        let session = SavedSession {
            socket: "SsSsSsSsSsSsSsSsSsSs".into(),
            key: "KkKkKkKkKkKkKkKkKkKk".into(),
            rooms: vec![
                SavedRoom { name: "SsSsSsSsSsSsSsSsSsSs".into(), since: Some(LogOffset::START) },
                SavedRoom { name: "news".into(), since: Some(offset(2)) },
            ],
            data: json!({ "name": "ada", "age": 36 }),
            node: Some(NodeId::new("8aecdbd8926f1590")),
            span: Some(SessionSpan { start: offset(1), end: offset(2), left_at: LogOffset::MAX }),
        };
        let text = encode(&session, "/");
        assert_eq!(decode(&text, "/other"), None);
        assert_eq!(decode(&text, "/"), Some(session));
    }

    #[test]
    fn a_session_of_a_node_server_is_read() {
        // As @msgpack/msgpack 2.8 writes {sid, pid, rooms, data: {}}.
        let bytes = b"\x84\xa3sid\xa1s\xa3pid\xa1p\xa5rooms\x91\xa1s\xa4data\x80";
        let session = decode(&STANDARD.encode(bytes), "/").expect("a session");
        assert_eq!((&*session.socket, &*session.key), ("s", "p"));
        let rooms = vec![SavedRoom { name: "s".into(), since: None }];
        assert_eq!((session.rooms, session.data), (rooms, json!({})));
        assert_eq!((session.node, session.span), (None, None));
        assert_eq!(decode("no base64!", "/"), None);
        assert_eq!(decode("gA==", "/"), None);
    }
}
