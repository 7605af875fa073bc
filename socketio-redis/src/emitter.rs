use std::{sync::Arc, time::Duration};

use bytestring::ByteString;
use serde::Serialize;
use socketio_core::{
    Args, BroadcastOptions, EncodeError, IntoRooms, RawArgs, cluster::event_to_json,
    wire::encode_event,
};
use tokio::time;

use crate::{
    LinkError, Stats, Target,
    classic::{Body, Channel, Channels, DEFAULT_KEY, Room, Written, encode},
    link::Link,
};

/// Sends to the clients of servers with a [`RedisAdapter`](crate::RedisAdapter) or Node's
/// `@socket.io/redis-adapter`, from a program that is no server. Node: `@socket.io/redis-emitter`.
///
/// ```no_run
/// use socketio_redis::{RedisEmitter, redis};
///
/// # async fn send() -> Result<(), Box<dyn std::error::Error>> {
/// let emitter = RedisEmitter::new(redis::Client::open("redis://127.0.0.1/")?);
/// emitter.emit("time", &1_700_000_000).await?;
/// emitter.of("/chat").to("lobby").except("muted").emit("message", &("Ann", "hello")).await?;
/// emitter.to("guests").disconnect(true).await?;
/// # Ok(())
/// # }
/// ```
///
/// Each call returns when Redis has what was to be sent. It tells nothing of servers or clients:
/// there may be none. Calls that are made one after the other keep their order.
#[derive(Clone, Debug)]
pub struct RedisEmitter {
    inner: Arc<Inner>,
    namespace: ByteString,
}

#[derive(Debug)]
struct Inner {
    link: Link,
    channels: Channels,
    patience: Duration,
}

/// Whom an emitter sends to, and how. Each call narrows or widens it; the last one sends.
#[derive(Clone, Debug)]
#[must_use = "an operator does nothing until it sends"]
pub struct EmitterOperator {
    emitter: RedisEmitter,
    rooms: Option<Vec<ByteString>>,
    except: Vec<ByteString>,
    flags: Flags,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    volatile: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compress: Option<bool>,
}

/// Something that was not sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitterError {
    /// The event cannot be written, or its name is reserved.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Redis did not take it, or did not say so before the connection was lost.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Redis could not be reached, or did not answer, within the target's
    /// [`connection_timeout`](Target::connection_timeout) and
    /// [`response_timeout`](Target::response_timeout) together.
    #[error("Redis did not take it in time")]
    Timeout,
}

impl RedisEmitter {
    /// For servers whose adapters have the default key.
    ///
    /// # Panics
    /// Outside of a tokio runtime, which does the work.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::with_key(target, DEFAULT_KEY)
    }

    /// For servers whose adapters have this [key](crate::RedisAdapterBuilder::key).
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_key(target: impl Into<Target>, key: impl Into<String>) -> Self {
        let target = target.into();
        let patience = target.patience();
        let link = Link::start(&target, |error| tracing::warn!("emitter: {error}"));
        let inner = Inner { link, channels: Channels::new(key.into()), patience };
        Self { inner: Arc::new(inner), namespace: "/".into() }
    }

    /// For another namespace, over the same connection. The `/` that names begin with may be left
    /// out.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Self {
        let namespace = match namespace.starts_with('/') {
            true => namespace.into(),
            false => format!("/{namespace}").into(),
        };
        Self { inner: Arc::clone(&self.inner), namespace }
    }

    /// To the members of these rooms.
    pub fn to(&self, rooms: impl IntoRooms) -> EmitterOperator {
        self.all().to(rooms)
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(&self, rooms: impl IntoRooms) -> EmitterOperator {
        self.to(rooms)
    }

    /// To all but the members of these rooms.
    pub fn except(&self, rooms: impl IntoRooms) -> EmitterOperator {
        self.all().except(rooms)
    }

    /// Dropped for clients whose transport cannot take it.
    pub fn volatile(&self) -> EmitterOperator {
        self.all().volatile()
    }

    /// Whether Node servers may compress it.
    pub fn compress(&self, compress: bool) -> EmitterOperator {
        self.all().compress(compress)
    }

    /// Sends an event to all clients of the namespace. There are no acknowledgements.
    ///
    /// # Errors
    /// It cannot be written, or Redis did not take it.
    pub async fn emit(&self, event: &str, args: &(impl Args + ?Sized)) -> Result<(), EmitterError> {
        self.all().emit(event, args).await
    }

    /// Has all sockets of the namespace join rooms. Node: `socketsJoin`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn join(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        self.all().join(rooms).await
    }

    /// Has all sockets of the namespace leave rooms. Node: `socketsLeave`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn leave(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        self.all().leave(rooms).await
    }

    /// Takes all sockets out of the namespace; with `close`, their connections too. Node:
    /// `disconnectSockets`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn disconnect(&self, close: bool) -> Result<(), EmitterError> {
        self.all().disconnect(close).await
    }

    /// Sends an event to the servers, where
    /// [`on_server_event`](socketio_core::Namespace::on_server_event) handles it. Node:
    /// `serverSideEmit`.
    ///
    /// # Errors
    /// It cannot be written, or Redis did not take it.
    pub async fn server_side_emit(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> Result<(), EmitterError> {
        let args = RawArgs::new(args)?;
        let data = encode::raw(event_to_json(event, &args));
        let body =
            Body { uid: Some(EMITTER.into()), kind: Some(6), data: Some(&data), ..Body::default() };
        let written = Written { channel: Channel::Request, payload: encode::plain(&body, &args) };
        self.publish(written).await
    }

    /// What became of its messages, and whether it has Redis.
    pub fn stats(&self) -> Stats {
        self.inner.link.stats()
    }

    fn all(&self) -> EmitterOperator {
        let emitter = self.clone();
        EmitterOperator { emitter, rooms: None, except: Vec::new(), flags: Flags::default() }
    }

    async fn request(&self, body: Body<'_>) -> Result<(), EmitterError> {
        let payload = encode::text(&body).into();
        self.publish(Written { channel: Channel::Request, payload }).await
    }

    async fn publish(&self, Written { channel, payload }: Written) -> Result<(), EmitterError> {
        let channel = self.inner.channels.of(&channel, &self.namespace, None);
        let published = self.inner.link.publish_for_reply(&channel, &payload);
        match time::timeout(self.inner.patience, published).await {
            Ok(published) => Ok(published.map(drop)?),
            Err(_) => Err(EmitterError::Timeout),
        }
    }
}

/// By this name emitters go: they are no nodes.
const EMITTER: &str = "emitter";

impl EmitterOperator {
    /// Adds the members of these rooms. Without rooms it is everyone; an empty list of rooms is
    /// nobody.
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        self.rooms.get_or_insert_default().extend(rooms.into_rooms());
        self
    }

    /// The same as [`to`](Self::to), for where it reads better.
    pub fn in_room(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out the members of these rooms.
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.except.extend(rooms.into_rooms());
        self
    }

    /// Drops the event for clients whose transport cannot take it.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = Some(true);
        self
    }

    /// Whether Node servers may compress the event.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = Some(compress);
        self
    }

    /// Sends an event to each selected client once. There are no acknowledgements.
    ///
    /// # Errors
    /// It cannot be written, or Redis did not take it.
    pub async fn emit(&self, event: &str, args: &(impl Args + ?Sized)) -> Result<(), EmitterError> {
        #[derive(Serialize)]
        struct Opts<'a> {
            rooms: &'a [ByteString],
            flags: Flags,
            except: &'a [ByteString],
        }
        // It knows which names are reserved.
        encode_event(&self.emitter.namespace, event, None, &())?;
        let args = RawArgs::new(args)?;
        let Some(BroadcastOptions { rooms, except, .. }) = self.options() else { return Ok(()) };
        let opts = Opts { rooms: &rooms, flags: self.flags, except: &except };
        let namespace = &self.emitter.namespace;
        let written = encode::broadcast(EMITTER, namespace, &rooms, &opts, event, &args);
        self.emitter.publish(written).await
    }

    /// Has all selected sockets join rooms. Node: `socketsJoin`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn join(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        self.order(2, Body { rooms: Some(Room::all(rooms.into_rooms())), ..Body::default() }).await
    }

    /// Has all selected sockets leave rooms. Node: `socketsLeave`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn leave(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        self.order(3, Body { rooms: Some(Room::all(rooms.into_rooms())), ..Body::default() }).await
    }

    /// Takes all selected sockets out of the namespace; with `close`, their connections too. Node:
    /// `disconnectSockets`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn disconnect(&self, close: bool) -> Result<(), EmitterError> {
        self.order(4, Body { close: Some(close), ..Body::default() }).await
    }

    /// Has the nodes do something: none is to take it for its own, so nobody is named.
    async fn order(&self, kind: u8, body: Body<'_>) -> Result<(), EmitterError> {
        match self.options() {
            Some(opts) => {
                self.emitter.request(Body { kind: Some(kind), opts: Some(opts), ..body }).await
            }
            None => Ok(()),
        }
    }

    /// Whom it is for, unless that is nobody: nodes would take an empty list of rooms for everyone.
    fn options(&self) -> Option<BroadcastOptions> {
        let rooms = match &self.rooms {
            Some(rooms) if rooms.is_empty() => return None,
            Some(rooms) => rooms.clone(),
            None => Vec::new(),
        };
        Some(BroadcastOptions { rooms, except: self.except.clone(), ..BroadcastOptions::default() })
    }
}
