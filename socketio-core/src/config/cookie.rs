use std::fmt;

use http::HeaderValue;
use serde::Deserialize;

use super::ConfigError;
use crate::id::SessionId;

/// A cookie that says which session a polling client has, for load balancers: the requests of one
/// session have to come to one server, and this is what a balancer can tell them apart by. The server
/// itself never reads it.
///
/// Its value is the session's id, and who has that can send and receive in the client's place. So keep
/// it [from scripts](Self::http_only), out of logs, and with TLS [from the wire](Self::secure). Where the
/// balancer sets a cookie of its own, or goes by addresses, this one is not needed.
///
/// It is set by the answer that begins a polling session; a client that begins with a websocket has
/// one connection and needs none.
///
/// ```
/// use socketio_core::{Cookie, SocketIo};
///
/// let io = SocketIo::builder()
///     .cookie(Cookie { secure: true, ..Cookie::new("io") })
///     .build()?;
/// # Ok::<(), socketio_core::ConfigError>(())
/// ```
///
/// It has no `Max-Age`: it means nothing once the page is closed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cookie {
    /// The domain whose hosts get it. Default: only the host that set it.
    pub domain: Option<String>,
    /// Whether scripts cannot read it. Default true.
    #[serde(alias = "httpOnly")]
    pub http_only: bool,
    /// The name. Default `io`.
    pub name: String,
    /// Whether pages that embed this one have each its own. Needs [`secure`](Self::secure). Default
    /// false.
    pub partitioned: bool,
    /// The path below which it is sent. Default `/`.
    pub path: String,
    /// Which requests of pages of other sites it comes with. Default [`Lax`](SameSite::Lax).
    #[serde(alias = "sameSite")]
    pub same_site: SameSite,
    /// Whether it is sent over TLS alone. Default false.
    pub secure: bool,
}

/// Which requests of pages of other sites have the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// Those that follow a link: none that a Socket.IO client sends.
    Lax,
    /// All. Needs [`secure`](Cookie::secure).
    None,
    /// No requests.
    Strict,
}

impl Cookie {
    /// A cookie of this name with the default attributes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            domain: None,
            http_only: true,
            name: name.into(),
            partitioned: false,
            path: "/".to_owned(),
            same_site: SameSite::Lax,
            secure: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |attribute, reason| Err(ConfigError::Cookie { attribute, reason });
        let is_value =
            |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';');
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return wrong("name", "must be a token");
        }
        if !self.path.starts_with('/') || !is_value(&self.path) {
            return wrong("path", "must begin with a slash and be plain text without semicolons");
        }
        if self.domain.as_ref().is_some_and(|domain| domain.is_empty() || !is_value(domain)) {
            return wrong("domain", "must be plain text without semicolons");
        }
        if self.same_site == SameSite::None && !self.secure {
            return wrong("same_site", "none needs secure");
        }
        if self.partitioned && !self.secure {
            return wrong("partitioned", "needs secure");
        }
        Ok(())
    }

    /// The value of `Set-Cookie` for a session.
    pub(crate) fn header(&self, session: &SessionId) -> HeaderValue {
        let header = Header { cookie: self, session: session.as_str() }.to_string();
        let mut header = HeaderValue::try_from(header).expect("the cookie was checked");
        header.set_sensitive(true);
        header
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self::new("io")
    }
}

struct Header<'a> {
    cookie: &'a Cookie,
    session: &'a str,
}

impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cookie, session } = self;
        write!(f, "{}={session}", cookie.name)?;
        if let Some(domain) = &cookie.domain {
            write!(f, "; Domain={domain}")?;
        }
        write!(f, "; Path={}", cookie.path)?;
        for (is_set, attribute) in [
            (cookie.http_only, "; HttpOnly"),
            (cookie.secure, "; Secure"),
            (cookie.partitioned, "; Partitioned"),
        ] {
            f.write_str(if is_set { attribute } else { "" })?;
        }
        f.write_str(match cookie.same_site {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
            SameSite::Strict => "; SameSite=Strict",
        })
    }
}

/// What names in HTTP are made of.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketIo;

    #[test]
    fn attributes_are_written_where_they_are_set() {
        let session = SessionId::random();
        let id = session.as_str();
        assert_eq!(
            Cookie::default().header(&session),
            format!("io={id}; Path=/; HttpOnly; SameSite=Lax")
        );
        let cookie = Cookie {
            domain: Some("example.com".to_owned()),
            http_only: false,
            partitioned: true,
            path: "/realtime".to_owned(),
            same_site: SameSite::None,
            secure: true,
            ..Cookie::new("session")
        };
        assert_eq!(
            cookie.header(&session),
            format!(
                "session={id}; Domain=example.com; Path=/realtime; Secure; Partitioned; SameSite=None"
            )
        );
    }

    #[test]
    fn the_session_does_not_show_in_logs() {
        let session = SessionId::random();
        assert!(!format!("{:?}", Cookie::default().header(&session)).contains(session.as_str()));
    }

    #[test]
    fn what_browsers_would_not_take_is_an_error() {
        let default = Cookie::default;
        for (cookie, attribute) in [
            (Cookie::new(""), "name"),
            (Cookie::new("a b"), "name"),
            (Cookie::new("a=b"), "name"),
            (Cookie::new("ä"), "name"),
            (Cookie { path: "a".to_owned(), ..default() }, "path"),
            (Cookie { path: "/; Secure".to_owned(), ..default() }, "path"),
            (Cookie { domain: Some("a\nb".to_owned()), ..default() }, "domain"),
            (Cookie { same_site: SameSite::None, ..default() }, "same_site"),
            (Cookie { partitioned: true, ..default() }, "partitioned"),
        ] {
            let error = SocketIo::builder().cookie(cookie).build().expect_err(attribute);
            assert!(error.to_string().starts_with(&format!("cookie.{attribute}: ")), "{error}");
        }
    }
}
