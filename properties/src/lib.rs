//! What must hold whatever a client sends.
//!
//! Each module has a type of inputs and a `check` that panics where its property does not hold. The
//! targets in `fuzz/` look for such inputs with libFuzzer; the tests beside this try the same
//! [`random`] ones in each run.

pub mod cluster;
pub mod cluster_codec;
mod input;
pub mod packets;
pub mod server;
pub mod websocket;

pub use self::input::random;
