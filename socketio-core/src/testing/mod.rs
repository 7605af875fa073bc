//! Tests of handlers without a network: a clock that jumps, an executor of one thread, and clients
//! in memory. Behind the feature `testing`.
//!
//! ```
//! use std::time::Duration;
//! use socketio_core::{Data, Socket, SocketIo, testing::TestServer};
//!
//! let server = TestServer::new(SocketIo::builder());
//! server.io().on("sum", |Data((a, b)): Data<(i64, i64)>| Data(a + b));
//! server.io().on("hello", |socket: Socket| socket.broadcast().emit("hello", "everyone"));
//!
//! let (alice, bob) = (server.connect(), server.connect());
//! assert_eq!(alice.ask::<i64>("sum", &(1, 2)), 3);
//! alice.emit("hello", &());
//! assert_eq!(bob.expect::<String>("hello"), "everyone");
//! alice.expect_nothing();
//!
//! // An hour of heartbeats takes no time.
//! server.advance(Duration::from_secs(3600));
//! assert!(bob.is_connected());
//! ```
//!
//! Nothing here waits: each call runs all that can run, so what is to come has come when it
//! returns. What does not come is a panic.

mod client;
mod clock;
mod cluster;
mod server;
mod websocket;

pub use self::{
    client::{TestClient, TestConnection, TestEvent},
    clock::TestClock,
    cluster::{Delivery, TestCluster},
    server::{TestResponse, TestServer},
};
