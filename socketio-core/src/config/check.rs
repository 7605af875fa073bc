use std::{io, path::PathBuf, time::Duration};

use http::uri::PathAndQuery;

use super::Config;

/// Options that do not make a server. Each says which option is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The directory with the client's files cannot be read, or has not all of them.
    #[error("client_files: {}: {error}", path.display())]
    ClientFiles {
        /// The directory, or the file in it.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// An attribute of the cookie that browsers would not take.
    #[error("cookie.{attribute}: {reason}")]
    Cookie {
        /// Which one.
        attribute: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A Socket.IO server was given an initial packet, which its clients do not expect.
    #[error("initial_packet: only a bare Engine.IO server has one")]
    InitialPacket,
    /// An origin is `null`, or a scheme and a host with nothing behind it but a port.
    #[error("allowed_origins: {origin:?} is no origin, which is as https://example.com")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// A path must be `/` and at least one segment, without `?` and `#`.
    #[error("path: {path:?} is no path to serve")]
    Path {
        /// The path that was given.
        path: String,
    },
    /// A duration that the timers of clients cannot hold.
    #[error("{option}: {duration:?} is more than {MAX_DURATION:?}")]
    TooLong {
        /// The option.
        option: &'static str,
        /// What was given.
        duration: Duration,
    },
    /// There must be a way to connect.
    #[error("transports: none is enabled")]
    Transports,
    /// A limit that must not be zero, or a duration that must not be below a millisecond.
    #[error("{option}: must not be zero")]
    Zero {
        /// The option.
        option: &'static str,
    },
}

/// What `setTimeout` takes: 24.8 days. A longer one ends at once.
const MAX_DURATION: Duration = Duration::from_millis(i32::MAX as u64);

impl Config {
    /// Finds what is wrong with options that others can be wrong without. The path and the files
    /// are checked by using them.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.transports.is_empty() {
            return Err(ConfigError::Transports);
        }
        let mut origins = self.allowed_origins.iter().flatten();
        if let Some(origin) = origins.find(|origin| !is_origin(origin)) {
            return Err(ConfigError::Origin { origin: origin.clone() });
        }
        if let Some(cookie) = &self.cookie {
            cookie.check()?;
        }
        let limits = &self.limits;
        let recovery = self.recovery.unwrap_or_default();
        for (option, duration) in [
            ("ack_timeout", self.ack_timeout),
            ("connect_timeout", self.connect_timeout),
            ("limits.attachments_timeout", limits.attachments_timeout),
            ("limits.body_timeout", limits.body_timeout),
            ("limits.drain_timeout", limits.drain_timeout),
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("recovery.max_disconnection_duration", recovery.max_disconnection_duration),
            ("upgrade_timeout", self.upgrade_timeout),
        ] {
            if duration.as_millis() == 0 {
                return Err(ConfigError::Zero { option });
            }
            if duration > MAX_DURATION {
                return Err(ConfigError::TooLong { option, duration });
            }
        }
        for (option, number) in [
            ("limits.handlers", limits.handlers),
            ("limits.namespaces", limits.namespaces),
            ("limits.outgoing_bytes", limits.outgoing_bytes),
            ("max_payload", self.max_payload),
            ("max_sessions", self.max_sessions.unwrap_or(1)),
            ("recovery.max_bytes", recovery.max_bytes),
            ("recovery.max_sockets", recovery.max_sockets),
        ] {
            if number == 0 {
                return Err(ConfigError::Zero { option });
            }
        }
        Ok(())
    }
}

/// A path without a `/` at its end.
pub(super) fn path(path: &str) -> Result<&str, ConfigError> {
    let path_of_requests = path.trim_end_matches('/');
    let is_path = path_of_requests.starts_with('/')
        && !path.contains(['?', '#'])
        && PathAndQuery::try_from(path).is_ok();
    match is_path {
        true => Ok(path_of_requests),
        false => Err(ConfigError::Path { path: path.to_owned() }),
    }
}

/// Whether a browser can send this as `Origin`.
fn is_origin(origin: &str) -> bool {
    if origin == "null" {
        return true;
    }
    let Some((scheme, host)) = origin.split_once("://") else {
        return false;
    };
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_host = |byte: u8| byte.is_ascii_graphic() && !b"/?#@*\\".contains(&byte);
    !scheme.is_empty()
        && !host.is_empty()
        && scheme.bytes().all(is_scheme)
        && host.bytes().all(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Limits, SocketIo};

    fn error(change: impl FnOnce(Builder) -> Builder) -> ConfigError {
        change(SocketIo::builder()).build().expect_err("a wrong option")
    }

    #[test]
    fn a_wrong_option_is_an_error_that_names_it() {
        for path in ["", "/", "socket.io", "/a?b", "/a#b", "/a b"] {
            assert_eq!(
                error(|builder| builder.path(path)).to_string(),
                format!("path: {path:?} is no path to serve")
            );
        }
        for origin in ["", "*", "example.com", "https://", "https://example.com/", "https://*.com"]
        {
            let error = error(|builder| builder.allowed_origins(["https://a.example", origin]));
            assert!(matches!(&error, ConfigError::Origin { origin: wrong } if wrong == origin));
            assert!(error.to_string().starts_with("allowed_origins: "), "{error}");
        }
        let none = error(|builder| builder.transports([]));
        assert_eq!(none.to_string(), "transports: none is enabled");
        let nowhere = error(|builder| builder.client_files("/nowhere")).to_string();
        assert!(nowhere.starts_with("client_files: /nowhere/socket.io.js: "), "{nowhere}");
    }

    #[test]
    fn no_duration_may_be_zero_or_beyond_what_clients_can_wait() {
        let below_a_millisecond =
            error(|builder| builder.ping_interval(Duration::from_micros(900)));
        assert_eq!(below_a_millisecond.to_string(), "ping_interval: must not be zero");
        let month = error(|builder| builder.ping_timeout(Duration::from_secs(31 * 24 * 3600)));
        assert_eq!(month.to_string(), "ping_timeout: 2678400s is more than 2147483.647s");
    }

    #[test]
    fn limits_are_checked_too() {
        let limits = Limits { handlers: 0, ..Limits::default() };
        let none = error(|builder| builder.limits(limits));
        assert_eq!(none.to_string(), "limits.handlers: must not be zero");
    }

    #[test]
    fn what_makes_sense_is_no_error() {
        let origins = ["null", "https://example.com:8080", "http://[::1]", "capacitor://localhost"];
        let builder = SocketIo::builder().path("/a/b/").allowed_origins(origins);
        assert!(builder.build().is_ok());
    }
}
