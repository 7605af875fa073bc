//! What the examples share and what is not their point: where to listen, when to stop, the files of
//! their pages, where the browser client is, and how a refusal is told.

mod answer;
#[cfg(feature = "hyper")]
pub mod hyper;
mod nickname;
mod page;
mod setup;

#[cfg(feature = "axum")]
pub use self::page::router;
#[cfg(feature = "warp")]
pub use self::page::routes;
pub use self::{
    answer::Answer,
    nickname::{NicknameError, nickname},
    page::Asset,
    setup::{address, builder, greet, listener, stopped, variable},
};
