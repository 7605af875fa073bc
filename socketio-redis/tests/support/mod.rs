//! A Redis of the test's own, and servers as its nodes.
#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

mod nodes;
mod proxy;
mod redis_cluster;
mod redis_server;

use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::{
    nodes::Nodes,
    proxy::{Network, Proxy},
    redis_cluster::{REPLICA, RedisCluster},
    redis_server::RedisServer,
};

/// How long anything may take before a test fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "Redis goes by the time of the machine")]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
