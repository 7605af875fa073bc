//! Several servers as one, over Redis.

#![allow(dead_code, reason = "the adapters are yet to come")]

mod link;

pub use redis;

pub use self::link::{LinkError, Stats, Target};
