use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use redis::Value;
use serde::Serialize;
use socketio_core::{
    Args, BroadcastOptions, EncodeError, IntoRooms, RawArgs,
    cluster::{Document, event_to_json},
    wire::encode_event,
};
use tokio::time;

use crate::{
    LinkError, RedisStreamsAdapterBuilder, Stats, Target,
    classic::{Body, Channel, Channels, DEFAULT_KEY, Room, Written, encode},
    link::Link,
    streams::{Settings, entry},
};

/// Sends to the clients of servers from a program that is no server: of those with a
/// [`RedisAdapter`](crate::RedisAdapter) or Node's `@socket.io/redis-adapter`, as Node's
/// `@socket.io/redis-emitter` does, or of those [with streams](Self::for_streams), as Node's
/// `@socket.io/redis-streams-emitter`. There is none for the sharded adapter.
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
    bus: Bus,
    patience: Duration,
}

/// Where the servers read.
#[derive(Debug)]
enum Bus {
    PubSub(Channels),
    Streams(Box<Settings>),
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
        Self::start(&target.into(), Bus::PubSub(Channels::new(key.into())))
    }

    /// For servers whose adapters are built with these options.
    ///
    /// ```no_run
    /// # use socketio_redis::{RedisEmitter, RedisStreamsAdapter, Target};
    /// # async fn send() -> Result<(), Box<dyn std::error::Error>> {
    /// let redis = Target::server("redis://127.0.0.1/")?;
    /// let options = RedisStreamsAdapter::builder(redis).stream_name("game");
    /// RedisEmitter::for_streams(options).to("lobby").emit("message", "hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn for_streams(options: RedisStreamsAdapterBuilder) -> Self {
        let RedisStreamsAdapterBuilder { target, settings } = options;
        Self::start(&target, Bus::Streams(Box::new(settings)))
    }

    fn start(target: &Target, bus: Bus) -> Self {
        let link = Link::start(target, |error| tracing::warn!("emitter: {error}"));
        let inner = Inner { link, bus, patience: target.patience() };
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
        let data = event_to_json(event, &args);
        match &self.inner.bus {
            Bus::PubSub(channels) => {
                let (uid, data) = (Some(EMITTER.into()), encode::raw(data));
                let body = Body { uid, kind: Some(6), data: Some(&data), ..Body::default() };
                let payload = encode::plain(&body, &args);
                self.publish(channels, Written { channel: Channel::Request, payload }).await
            }
            Bus::Streams(settings) => {
                let json = format!(r#"{{"packet":{data}}}"#);
                self.append(settings, 9, json, args.attachments()).await
            }
        }
    }

    /// What became of its messages, and whether it has Redis.
    pub fn stats(&self) -> Stats {
        self.inner.link.stats()
    }

    fn all(&self) -> EmitterOperator {
        let emitter = self.clone();
        EmitterOperator { emitter, rooms: None, except: Vec::new(), flags: Flags::default() }
    }

    async fn publish(
        &self,
        channels: &Channels,
        Written { channel, payload }: Written,
    ) -> Result<(), EmitterError> {
        let channel = channels.of(&channel, &self.namespace, None);
        self.wait(self.inner.link.publish_for_reply(&channel, &payload)).await
    }

    async fn append(
        &self,
        settings: &Settings,
        kind: u8,
        json: String,
        attachments: &[Bytes],
    ) -> Result<(), EmitterError> {
        let data = Document { json, attachments: attachments.to_vec() };
        let stream = settings.names.stream(settings.names.index(&self.namespace));
        let command = entry::add(settings, EMITTER, &self.namespace, kind, Some(&data));
        self.wait(self.inner.link.execute(Some(&stream), command)).await
    }

    async fn wait(
        &self,
        sent: impl Future<Output = Result<Value, LinkError>>,
    ) -> Result<(), EmitterError> {
        match time::timeout(self.inner.patience, sent).await {
            Ok(sent) => Ok(sent.map(drop)?),
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
        let (emitter, namespace) = (&self.emitter, &self.emitter.namespace);
        match &emitter.inner.bus {
            Bus::PubSub(channels) => {
                let written = encode::broadcast(EMITTER, namespace, &rooms, &opts, event, &args);
                emitter.publish(channels, written).await
            }
            Bus::Streams(settings) => {
                let packet = encode::packet(namespace, event, &args);
                let json = format!(r#"{{"packet":{packet},"opts":{}}}"#, encode::text(&opts));
                emitter.append(settings, 3, json, args.attachments()).await
            }
        }
    }

    /// Has all selected sockets join rooms. Node: `socketsJoin`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn join(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        let rooms = Some(Room::all(rooms.into_rooms()));
        self.order([2, 4], Body { rooms, ..Body::default() }).await
    }

    /// Has all selected sockets leave rooms. Node: `socketsLeave`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn leave(&self, rooms: impl IntoRooms) -> Result<(), EmitterError> {
        let rooms = Some(Room::all(rooms.into_rooms()));
        self.order([3, 5], Body { rooms, ..Body::default() }).await
    }

    /// Takes all selected sockets out of the namespace; with `close`, their connections too. Node:
    /// `disconnectSockets`.
    ///
    /// # Errors
    /// Redis did not take it.
    pub async fn disconnect(&self, close: bool) -> Result<(), EmitterError> {
        self.order([4, 6], Body { close: Some(close), ..Body::default() }).await
    }

    /// Has the nodes do something that has one number on pub/sub, and another in streams. None is to
    /// take it for its own, so on pub/sub nobody is named.
    async fn order(&self, [kind, in_streams]: [u8; 2], body: Body<'_>) -> Result<(), EmitterError> {
        let Some(opts) = self.options() else { return Ok(()) };
        let body = Body { opts: Some(opts), ..body };
        match &self.emitter.inner.bus {
            Bus::PubSub(channels) => {
                let payload = encode::text(&Body { kind: Some(kind), ..body }).into();
                let written = Written { channel: Channel::Request, payload };
                self.emitter.publish(channels, written).await
            }
            Bus::Streams(settings) => {
                self.emitter.append(settings, in_streams, encode::text(&body), &[]).await
            }
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
