//! Sockets as one node tells another of them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{
    HeaderMap,
    header::{self, HeaderName},
    uri::Scheme,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    broadcast::{BroadcastOperator, IntoRooms},
    cluster::Request,
    handshake::Handshake,
    namespace::Namespace,
    socket::Socket,
};
use crate::{
    error::{AckError, EmitError},
    proto::cluster::{Answer, MissingNodes, RemoteHandshake, SocketDescription},
    wire::{Args, FromArgs},
};

/// A socket of any node, as it was when it was fetched. What is sent to it, or done to it, finds it
/// where it is. Node: `RemoteSocket`.
///
/// ```
/// # use socketio_core::SocketIo;
/// # async fn find(io: SocketIo) -> Result<(), Box<dyn std::error::Error>> {
/// for socket in io.in_room("lobby").fetch_sockets().await? {
///     if socket.data::<String>("nickname").as_deref() == Some("guest") {
///         socket.emit("who-are-you", &())?;
///         socket.leave("lobby");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    description: Arc<SocketDescription>,
    /// To it alone.
    operator: BroadcastOperator,
}

impl RemoteSocket {
    /// One of this node.
    pub(super) fn here(socket: &Socket) -> Self {
        let Self { description, operator } =
            Self::elsewhere(socket.namespace().clone(), socket.describe());
        Self { description, operator: operator.local() }
    }

    /// One of another.
    fn elsewhere(namespace: Namespace, description: SocketDescription) -> Self {
        let operator = BroadcastOperator::new(namespace, None).to(&description.id);
        Self { description: Arc::new(description), operator }
    }

    /// Adds what the other nodes answer.
    pub(super) async fn gather(
        namespace: &Namespace,
        mut sockets: Vec<Self>,
        mut request: Request,
    ) -> Result<Vec<Self>, MissingSockets> {
        while let Some(answer) = request.next().await {
            if let Answer::Sockets(descriptions) = answer {
                let remote = |description| Self::elsewhere(namespace.clone(), description);
                sockets.extend(descriptions.into_iter().map(remote));
            }
        }
        let (nodes, _) = request.missing();
        if nodes.is_empty() { Ok(sockets) } else { Err(MissingSockets { sockets, nodes }) }
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.description.id
    }

    /// The first request of its session.
    pub fn handshake(&self) -> &RemoteHandshake {
        &self.description.handshake
    }

    /// The names of the rooms it was in, its own among them.
    pub fn rooms(&self) -> &[String] {
        &self.description.rooms
    }

    /// Reads a value of its [data](Socket::data). `None` if there is none, or if it is no `T`.
    pub fn data<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.description.data.get(name)?).ok()
    }

    /// All values of its data, as one JSON object.
    pub fn data_value(&self) -> &Value {
        &self.description.data
    }

    /// Sends an event. That it is gone is no error.
    ///
    /// # Errors
    /// The event cannot be written.
    pub fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) -> Result<(), EmitError> {
        self.operator.emit(event, args)
    }

    /// Sends an event and waits for the acknowledgement.
    ///
    /// # Errors
    /// As [`AckError`] says.
    pub async fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> Result<T, AckError> {
        self.operator.emit_with_ack(event, args)?.one().await
    }

    /// The same socket, whose acknowledgements are waited for so long, in place of the option
    /// `ack_timeout`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.operator = self.operator.timeout(timeout);
        self
    }

    /// Has it join rooms.
    pub fn join(&self, rooms: impl IntoRooms) {
        self.operator.join(rooms);
    }

    /// Has it leave rooms.
    pub fn leave(&self, rooms: impl IntoRooms) {
        self.operator.leave(rooms);
    }

    /// Takes it out of the namespace; with `close`, its connection too.
    pub fn disconnect(&self, close: bool) {
        self.operator.disconnect(close);
    }
}

/// Sockets of which those of some nodes are missing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{nodes}")]
pub struct MissingSockets {
    /// Those of this node and of the others that answered.
    pub sockets: Vec<RemoteSocket>,
    /// Who did not answer.
    pub nodes: MissingNodes,
}

impl Socket {
    /// What other nodes see of it.
    pub(super) fn describe(&self) -> SocketDescription {
        SocketDescription {
            id: self.id().as_str().to_owned(),
            handshake: describe(self.handshake(), self.raw_auth()),
            rooms: self.rooms().iter().map(ToString::to_string).collect(),
            data: self.data().to_value(),
        }
    }
}

fn describe(handshake: &Handshake, auth: Option<&str>) -> RemoteHandshake {
    let time = handshake.time();
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    RemoteHandshake {
        headers: headers(handshake.headers()),
        time: date(time),
        address: handshake.address().map(|address| address.ip().to_string()).unwrap_or_default(),
        is_cross_domain: handshake.is_cross_domain(),
        is_secure: handshake.uri().scheme() == Some(&Scheme::HTTPS),
        issued: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        url: handshake.uri().to_string(),
        query: handshake.query().map(|(name, value)| (name, value.into())).collect(),
        auth: auth.and_then(|auth| serde_json::from_str(auth).ok()).unwrap_or(Value::Null),
    }
}

/// As Node has them: names in lower case, several values of one name in one.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let one = |name: HeaderName| {
        let separator = if name == header::COOKIE { "; " } else { ", " };
        let values: Vec<_> = headers.get_all(&name).iter().collect();
        let values = values.iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.to_string(), values.collect::<Vec<_>>().join(separator).into())
    };
    headers.keys().cloned().map(one).collect()
}

/// As `toISOString` of JavaScript, to the second.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day at the end, and 400 of them are 146,097 days.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
