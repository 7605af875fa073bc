use std::time::Duration;

use serde::Deserialize;

use super::de;

/// Bounds on what one client can make the server hold. They apply to every transport alike.
///
/// More may be added, so write `Limits { handlers: 10, ..Limits::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Attachments of one packet. Default 10, which the official client also holds to.
    pub attachments: usize,
    /// Bytes of all attachments of one packet. Default 10 MB.
    pub attachment_bytes: usize,
    /// Time between a packet and the last of its attachments. Default 30 s.
    #[serde(deserialize_with = "de::millis")]
    pub attachments_timeout: Duration,
    /// Time for the body of a POST to arrive. Default 20 s.
    #[serde(deserialize_with = "de::millis")]
    pub body_timeout: Duration,
    /// Time that a session which the server closes has to take what is queued. Default 30 s, as on
    /// Node.
    #[serde(deserialize_with = "de::millis")]
    pub drain_timeout: Duration,
    /// Dynamic namespaces that there may be, of all clients together. Past it who asks for another
    /// is refused. Default 10,000.
    pub dynamic_namespaces: usize,
    /// Handlers of one client that run at a time. Past it the client is not read until one has
    /// finished, or while handlers wait for its acknowledgements, only as many events further.
    /// Default 128.
    pub handlers: usize,
    /// Namespaces that one client may be in. Past it the client is closed. Default 100.
    pub namespaces: usize,
    /// Bytes queued for one client. A client that is slower than what it is sent is closed with
    /// `transport error` once more than this waits for it. Default 16 MB.
    pub outgoing_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attachments: 10,
            attachment_bytes: 10_000_000,
            attachments_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(30),
            dynamic_namespaces: 10_000,
            handlers: 128,
            namespaces: 100,
            outgoing_bytes: 16_000_000,
        }
    }
}
