//! What subjects namespaces and nodes have.

use std::fmt::Write;

use async_nats::Subject;
use socketio_core::NodeId;

/// The subjects of a cluster: `<prefix>.<namespace>` and `<prefix>.<namespace>.<node>`.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    prefix: String,
}

/// Bytes of a name that are kept as they are, at most.
const MAX_NAME: usize = 200;

impl Subjects {
    pub(crate) fn new(prefix: &str) -> Self {
        let tokens: Vec<_> = prefix.split('.').map(token).collect();
        Self { prefix: tokens.join(".") }
    }

    /// What is for all nodes that have a namespace.
    pub(crate) fn all(&self, namespace: &str) -> Subject {
        format!("{}.{}", self.prefix, token(namespace)).into()
    }

    /// What is for one of them.
    pub(crate) fn one(&self, namespace: &str, node: &NodeId) -> Subject {
        format!("{}.{}.{}", self.prefix, token(namespace), token(node.as_str())).into()
    }
}

/// A name as one token of a subject, which must not be empty. Names that are long may share a token.
fn token(name: &str) -> String {
    let (kept, rest) = name.as_bytes().split_at(name.len().min(MAX_NAME));
    let mut token = String::with_capacity(kept.len());
    for byte in kept {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' => {
                token.push(char::from(*byte));
            }
            byte => write!(token, "%{byte:02X}").expect("a string takes every write"),
        }
    }
    match rest {
        [] if token.is_empty() => token.push('%'),
        [] => {}
        rest => write!(token, "%%{:016x}", fnv(rest)).expect("a string takes every write"),
    }
    token
}

/// FNV-1a, since all nodes have to come to the same number.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_tokens() {
        for (name, expected) in [
            ("/", "/"),
            ("/chat-1_A", "/chat-1_A"),
            ("/a.b c", "/a%2Eb%20c"),
            ("/*>\r\n", "/%2A%3E%0D%0A"),
            ("/100%", "/100%25"),
            ("/é", "/%C3%A9"),
            ("", "%"),
        ] {
            assert_eq!(token(name), expected);
        }
    }

    #[test]
    fn long_names_have_short_tokens_of_their_own() {
        let long = "/x".repeat(10_000);
        let token = token(&long);
        assert_eq!(token.len(), MAX_NAME + "%%".len() + 16);
        assert_ne!(token, super::token(&format!("{long}y")));
        assert_eq!(super::token(&".".repeat(1000)).len(), 3 * MAX_NAME + "%%".len() + 16);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn subjects_are_the_prefix_and_what_it_is_about() {
        let (subjects, node) = (Subjects::new("socket.io"), NodeId::new("8aecdbd8926f1590"));
        assert_eq!(subjects.all("/chat").as_str(), "socket.io./chat");
        assert_eq!(subjects.one("/chat", &node).as_str(), "socket.io./chat.8aecdbd8926f1590");
        // Whatever an application or another node calls itself.
        assert_eq!(Subjects::new(".my app.").all("/").as_str(), "%.my%20app.%./");
        assert_eq!(subjects.one("/", &NodeId::new("> *")).as_str(), "socket.io./.%3E%20%2A");
    }
}
