//! Socket.IO and Engine.IO as a server core that knows no runtime and no framework.

mod accept;
mod clock;
mod config;
mod error;
mod id;
mod proto;
mod server;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use self::{
    accept::{Accept, Endpoint, PollRequest, Receive, Upgrade},
    clock::{Clock, Sleep},
    config::{Builder, ConfigError, Limits},
    error::{AckError, BoxError, ConnectError, EmitError, ErrorReport, ExtractError, Failure},
    id::SocketId,
    proto::{DisconnectReason, client::Violation, engine::Transport},
    server::*,
    wire::{Args, ArgsError, EncodeError, Frame, FromArgs, Message, RawArgs},
};
