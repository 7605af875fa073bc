//! Several servers as one, over NATS: what one of them is told to do reaches the clients of all.
//!
//! ```no_run
//! use socketio_core::{Data, Socket, SocketIo};
//! use socketio_nats::{NatsAdapter, async_nats};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let nats = async_nats::connect("127.0.0.1").await?;
//! let io = SocketIo::builder().adapter(NatsAdapter::new(nats)).build()?;
//! io.on("message", async |socket: Socket, Data(text): Data<String>| {
//!     socket.broadcast().emit("message", &text)
//! });
//! # Ok(())
//! # }
//! ```
//!
//! Servers are the nodes of one cluster if they are connected to the same NATS, be it one server or
//! many, with the same [prefix](NatsAdapterBuilder::prefix). Nothing is stored there, and neither
//! `JetStream` nor any option of the server is needed. Clients that poll still have to reach the same
//! node with all their requests: a load balancer has to see to that.
//!
//! # What a node does
//!
//! It is subscribed to two subjects for each of its namespaces, one that all nodes share and one for
//! what is for it alone: answers.
//!
//! ```text
//! socket.io./chat                      to every node that has the namespace /chat
//! socket.io./chat.8aecdbd8926f1590     to one of them
//! ```
//!
//! A namespace is one token of a subject. Of its name, ASCII letters and digits, `-`, `_` and `/` stand
//! for themselves, and any other byte is `%` and two digits, base 16: `/a.b c` is `/a%2Eb%20c`. The end
//! of one that is longer than 200 bytes is replaced by a number, as NATS bounds subjects. Who is let
//! to see or send what can be said with permissions for such subjects.
//!
//! A message is JSON, or with bytes in it `MessagePack`: an [`Envelope`](socketio_core::cluster::Envelope),
//! as the nodes of Node's cluster adapters exchange it. There is no such adapter for NATS on Node; one
//! that writes these messages could be among the nodes.
//!
//! Nodes know of each other by heartbeats. One of which nothing is heard for
//! [10 s](NatsAdapterBuilder::heartbeat_timeout) is taken for dead, and nobody waits for its answers
//! any more.
//!
//! # When NATS is away
//!
//! Clients get what their own node sends at once, whatever NATS does. What is for other nodes waits,
//! within a [bound](NatsAdapterBuilder::queue_bytes), and goes out when NATS is back: the connection
//! comes back by itself, and what was subscribed to is subscribed to again. Requests end at their
//! time-out with what has come, and with the nodes that did not answer. An application's error hook
//! hears of each outage, and of what was lost, as [`NatsError`]; [`Stats`] has the numbers.
//!
//! ```no_run
//! # use socketio_core::{Failure, SocketIo};
//! # use socketio_nats::{NatsAdapter, async_nats};
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let adapter = NatsAdapter::new(async_nats::connect("127.0.0.1").await?);
//! let io = SocketIo::builder().adapter(adapter.clone()).build()?;
//! io.on_error(move |report| {
//!     if let Failure::Adapter(error) = &report.failure {
//!         eprintln!("{error}: {:?}", adapter.stats());
//!     }
//! });
//! # Ok(())
//! # }
//! ```
//!
//! NATS delivers to who listens at that moment. What a node publishes while another one has no
//! connection does not reach that one, nor does what a server of NATS had not passed on when it ended,
//! and nobody is told.
//!
//! # The client
//!
//! It is an [`async_nats::Client`] of the application's, so the options for servers, credentials,
//! TLS and reconnects are those of [`async_nats::ConnectOptions`], and it can be used for other things
//! as well. This crate has none of its features; for TLS or `NKeys` name it among your own
//! dependencies:
//!
//! ```toml
//! async-nats = { version = "0.51", default-features = false, features = ["ring", "nkeys"] }
//! ```

mod adapter;
mod error;
mod link;
mod listener;
mod queue;
mod stats;
mod subjects;

pub use async_nats;

pub use self::{
    adapter::{NatsAdapter, NatsAdapterBuilder},
    error::NatsError,
    stats::Stats,
};
