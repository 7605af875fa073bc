//! What goes over the wire.

use std::collections::VecDeque;

use serde::Serialize;

/// What a client needs to know when it has connected.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    pub(crate) open: bool,
    pub(crate) day: u32,
    pub(crate) stocks: &'static [Stock],
}

#[derive(Debug, Serialize)]
pub(crate) struct Stock {
    pub(crate) symbol: &'static str,
    pub(crate) name: &'static str,
    /// The price that it begins with.
    #[serde(skip)]
    pub(crate) issued: u32,
}

/// The answer to `subscribe`.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot<'a> {
    pub(crate) symbol: &'static str,
    /// The price when the market opened today.
    pub(crate) opening: u32,
    pub(crate) history: &'a VecDeque<u32>,
}

/// The answer to `unsubscribe`.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Tick {
    pub(crate) symbol: &'static str,
    pub(crate) price: u32,
}

/// With `opened` and `closed`.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Day {
    pub(crate) day: u32,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("there is no such stock")]
pub(crate) struct UnknownStock;
