//! The identities of a client. They are three independent random numbers, never derived from each
//! other: knowing a socket's id must not help to take over its session.

use std::{fmt, str};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

/// Length of every id. Sticky load balancers and cluster adapters rely on it.
pub(crate) const ID_LEN: usize = 20;

/// Fifteen bytes of the system's CSPRNG as url-safe base64.
fn random() -> [u8; ID_LEN] {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    let mut id = [0; ID_LEN];
    URL_SAFE_NO_PAD.encode_slice(bytes, &mut id).expect("15 bytes are 20 characters of base64");
    id
}

/// Eight bytes of it in base 16, as the nodes of a cluster name themselves and what they ask.
pub(crate) fn hexadecimal() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn as_str(id: &[u8; ID_LEN]) -> &str {
    str::from_utf8(id).expect("ids are ASCII")
}

/// Ids that are keys: they have no `Debug` output and no place in the public API.
macro_rules! secret_ids {
    ($($(#[$docs:meta])* $name:ident;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) struct $name([u8; ID_LEN]);

        impl $name {
            pub(crate) fn random() -> Self {
                Self(random())
            }

            /// Reads what a client sent. `None` is no id that this server ever gave out.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                let id = text.as_bytes().try_into().ok()?;
                text.is_ascii().then_some(Self(id))
            }

            pub(crate) fn as_str(&self) -> &str {
                as_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

secret_ids! {
    /// The key to an Engine.IO session: whoever has it can send as the client.
    SessionId;
    /// The key to a socket whose client may come back: whoever has it takes the client's place.
    /// Node: `pid`.
    RecoveryId;
}

/// Names one socket: one client in one namespace. Safe to publish; the official client has it as
/// `socket.id`, and it is the name of a room that holds just this socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId([u8; ID_LEN]);

impl SocketId {
    pub(crate) fn random() -> Self {
        Self(random())
    }

    /// Reads an id, for instance one that another client sent. `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.as_bytes().try_into().ok()?;
        text.is_ascii().then_some(Self(id))
    }

    /// The 20 characters of url-safe base64.
    pub fn as_str(&self) -> &str {
        as_str(&self.0)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SocketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_twenty_url_safe_characters_and_never_alike() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| SocketId::random()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.as_str().len(), 20);
            assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            assert_eq!(SocketId::parse(id.as_str()), Some(id));
        }
    }

    #[test]
    fn session_ids_do_not_show() {
        let id = SessionId::random();
        assert_eq!(format!("{id:?}"), "SessionId(…)");
        assert!(SessionId::parse("short").is_none());
        assert!(SessionId::parse("éééééééééé").is_none());
    }
}
