//! Options. Each says its default, its unit, and which option of the Node server it mirrors.

mod builder;
mod check;
mod client_files;
mod cookie;
mod de;
mod hooks;
mod limits;
mod recovery;

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

pub use self::{
    builder::Builder,
    check::ConfigError,
    cookie::{Cookie, SameSite},
    limits::Limits,
    recovery::Recovery,
};
pub(crate) use self::{builder::Options, client_files::ClientFile};
use crate::{
    proto::{client, engine, engine::Transport},
    wire::{AssemblerLimits, Codec, Message},
};

/// Says each option once: it becomes a field of [`Config`], its default, and a method of
/// [`Builder`]. Where that method takes something else than the field has, it says what it makes of
/// it.
macro_rules! options {
    (
        $(#[doc = $config_doc:literal])*
        pub struct Config {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde($($serde:tt)*)])?
                $name:ident: $ty:ty = $default:expr
                    $(, set by |$arg:ident: $arg_ty:ty| $value:expr)?;
            )*
        }
    ) => {
        $(#[doc = $config_doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config {
            $(
                $(#[doc = $doc])*
                $(#[serde($($serde)*)])?
                pub $name: $ty,
            )*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: $default),* }
            }
        }

        /// The options that are plain data: those of [`Config`].
        impl Builder {
            $(setter! { $(#[doc = $doc])* $name: $ty $(, $arg: $arg_ty, $value)? })*
        }
    };
}

macro_rules! setter {
    ($(#[doc = $doc:literal])* $name:ident: $ty:ty) => {
        setter! { $(#[doc = $doc])* $name: $ty, $name: $ty, $name }
    };
    ($(#[doc = $doc:literal])* $name:ident: $ty:ty, $arg:ident: $arg_ty:ty, $value:expr) => {
        $(#[doc = $doc])*
        pub fn $name(mut self, $arg: $arg_ty) -> Self {
            self.config.$name = $value;
            self
        }
    };
}

options! {
    /// The options of a server that are plain data, to be read from a file or the environment by
    /// anything that knows serde.
    ///
    /// Names are those of the fields, or those of the Node server. Durations are in milliseconds.
    /// What is left out has its default, and a name that is no option is an error. The values are
    /// checked when the server is [built](Builder::build).
    ///
    /// ```
    /// use socketio_core::{Config, SocketIo};
    ///
    /// let file = r#"{ "pingInterval": 10000, "transports": ["websocket"], "limits": { "handlers": 16 } }"#;
    /// let config: Config = serde_json::from_str(file)?;
    /// let io = SocketIo::builder().config(config).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// With the crate `config`, variables go over what a file has: `SOCKETIO_PING_INTERVAL` is
    /// `ping_interval`, `SOCKETIO_LIMITS__HANDLERS` is that of the limits, and `SOCKETIO_ENV` is the
    /// environment here too.
    ///
    /// ```
    /// use config::{Environment, File, FileFormat};
    /// use socketio_core::Config;
    ///
    /// let file = File::new("socketio.json", FileFormat::Json).required(false);
    /// let variables = Environment::with_prefix("SOCKETIO")
    ///     .prefix_separator("_")
    ///     .separator("__")
    ///     .try_parsing(true)
    ///     .list_separator(",")
    ///     .with_list_parse_key("allowed_origins")
    ///     .with_list_parse_key("transports");
    /// let builder = config::Config::builder().add_source(file).add_source(variables);
    /// let config: Config = builder.build()?.try_deserialize()?;
    /// # Ok::<(), config::ConfigError>(())
    /// ```
    ///
    /// More may be added, so write `Config { max_payload: 100_000, ..Config::default() }`.
    pub struct Config {
        /// Time that a client has to acknowledge, where the call does not say. Default 10 s. Node
        /// has no such default: a single emit waits for ever there, and a broadcast not at all.
        #[serde(deserialize_with = "de::millis")]
        ack_timeout: Duration = Duration::from_secs(10);

        /// Lets in clients of the versions 1.x and 2.x, which speak revision 3 of Engine.IO. Default
        /// off. Node: `allowEIO3`.
        ///
        /// Such a client
        /// - is let into `/` without asking, and its [auth](crate::Auth) is the query of a
        ///   namespace, as in `io("/admin?token=abc")`: an object of strings;
        /// - is refused with the data of the [`ConnectError`](crate::ConnectError) if there is one,
        ///   else with its message;
        /// - has its Engine.IO session id as `socket.id`, behind the namespace's name in others than
        ///   `/`. On Node that is the id on the server too. Here the session id is a secret, and the
        ///   socket's [`id`](crate::Socket::id) is as random as any: send it to clients that need
        ///   it.
        #[serde(alias = "allowEIO3")]
        allow_eio3: bool = false;

        /// Whether a polling client may go on by websocket. If not, it is not told of that way, and
        /// refused if it tries. Default true. Node: `allowUpgrades`, which does not refuse.
        #[serde(alias = "allowUpgrades")]
        allow_upgrades: bool = true;

        /// Lets in only requests whose `Origin` is one of these; those without one pass, as they do
        /// not come from a page. Unlike CORS it also covers WebSocket. JSONP, whose requests do not
        /// name their page, is then refused. Default: all.
        allowed_origins: Option<Vec<String>> = None,
            set by |origins: impl IntoIterator<Item = impl Into<String>>|
                Some(origins.into_iter().map(Into::into).collect());

        /// Removes a dynamic namespace when its last socket has left. Default off. Node:
        /// `cleanupEmptyChildNamespaces`.
        #[serde(alias = "cleanupEmptyChildNamespaces")]
        cleanup_empty_namespaces: bool = false;

        /// Serves the browser client, `socket.io.js` and its variants, below the path. The
        /// directory is `dist` of the npm package `socket.io-client`; it is read once, when the
        /// server is built. Default: not served. Node: `serveClient`.
        client_files: Option<PathBuf> = None,
            set by |directory: impl Into<PathBuf>| Some(directory.into());

        /// Time that a client has to join its first namespace. Default 45 s. Node:
        /// `connectTimeout`.
        #[serde(alias = "connectTimeout", deserialize_with = "de::millis")]
        connect_timeout: Duration = Duration::from_secs(45);

        /// Gives polling clients a cookie for load balancers to tell them apart by. Default: none.
        /// Node: `cookie`.
        #[serde(deserialize_with = "de::switch")]
        cookie: Option<Cookie> = None,
            set by |cookie: Cookie| Some(cookie);

        /// The environment that the server runs in: see [`Builder::configure`]. Default: that of
        /// the variable `SOCKETIO_ENV`, or else `development`.
        #[serde(alias = "env")]
        environment: Option<String> = None,
            set by |name: impl Into<String>| Some(name.into());

        /// A message that [`EngineIo`](crate::EngineIo) sends to each client right behind the
        /// handshake; a Socket.IO server has none. Text in a file, here also bytes. Default: none.
        /// Node: `initialPacket`.
        #[serde(alias = "initialPacket", deserialize_with = "de::message")]
        initial_packet: Option<Message> = None,
            set by |message: impl Into<Message>| Some(message.into());

        /// Bounds on what one client can make the server hold.
        limits: Limits = Limits::default();

        /// Bytes in the body of a POST and in a WebSocket message. Default 1,000,000. Node:
        /// `maxHttpBufferSize`.
        #[serde(alias = "maxHttpBufferSize")]
        max_payload: usize = 1_000_000;

        /// Sessions that there may be at a time. Past it new ones are refused with 503. A websocket
        /// of its own counts from when it is open. Default: no bound.
        max_sessions: Option<usize> = None,
            set by |sessions: usize| Some(sessions);

        /// The path that layers answer, with everything below it; a `/` at its end makes no
        /// difference, so there is no `addTrailingSlash`. Default `/socket.io`, or `/engine.io` for
        /// [`EngineIo`](crate::EngineIo). Node: `path`.
        path: Option<String> = None,
            set by |path: impl Into<String>| Some(path.into());

        /// Time from a pong to the next ping. Default 25 s. Node: `pingInterval`.
        #[serde(alias = "pingInterval", deserialize_with = "de::millis")]
        ping_interval: Duration = Duration::from_secs(25);

        /// Time that a client has to answer a ping. Default 20 s. Node: `pingTimeout`.
        #[serde(alias = "pingTimeout", deserialize_with = "de::millis")]
        ping_timeout: Duration = Duration::from_secs(20);

        /// Lets clients whose connection broke come back to their sockets. Default off. Node:
        /// `connectionStateRecovery`.
        #[serde(alias = "connectionStateRecovery", deserialize_with = "de::switch")]
        recovery: Option<Recovery> = None,
            set by |recovery: Recovery| Some(recovery);

        /// Time that the other nodes of a cluster have to answer, where the call does not say.
        /// Default 5 s. Node: `requestsTimeout`, an option of its adapters.
        #[serde(alias = "requestsTimeout", deserialize_with = "de::millis")]
        request_timeout: Duration = Duration::from_secs(5);

        /// How clients may connect. Default both. Node: `transports`.
        transports: Vec<Transport> = vec![Transport::Polling, Transport::WebSocket],
            set by |transports: impl IntoIterator<Item = Transport>|
                transports.into_iter().collect();

        /// Time that a client has to finish its upgrade. Default 10 s. Node: `upgradeTimeout`.
        #[serde(alias = "upgradeTimeout", deserialize_with = "de::millis")]
        upgrade_timeout: Duration = Duration::from_secs(10);
    }
}

impl Config {
    pub(crate) fn engine(&self) -> engine::Settings {
        engine::Settings {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            upgrade_timeout: self.upgrade_timeout,
            body_timeout: self.limits.body_timeout,
            drain_timeout: self.limits.drain_timeout,
            max_queue: self.limits.outgoing_bytes,
        }
    }

    pub(crate) fn client(&self, codec: Codec) -> client::Settings {
        client::Settings {
            codec,
            connect_timeout: self.connect_timeout,
            attachments: AssemblerLimits {
                attachments: self.limits.attachments,
                bytes: self.limits.attachment_bytes,
            },
            attachments_timeout: self.limits.attachments_timeout,
            max_namespaces: self.limits.namespaces,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Config, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read("{}"), Ok(Config::default()));
        let limits = Limits { handlers: 16, ..Limits::default() };
        let config = Config { limits, ..Config::default() };
        assert_eq!(read(r#"{ "limits": { "handlers": 16 } }"#), Ok(config));
    }

    #[test]
    fn a_file_of_the_node_server_is_understood() {
        let config = read(
            r#"{
                "allowEIO3": true,
                "path": "/realtime/",
                "allowUpgrades": false,
                "cookie": { "name": "sid", "httpOnly": false, "sameSite": "strict" },
                "initialPacket": "hello",
                "connectTimeout": 1000,
                "cleanupEmptyChildNamespaces": true,
                "pingInterval": 2000,
                "pingTimeout": 3000,
                "upgradeTimeout": 4000,
                "maxHttpBufferSize": 5000,
                "transports": ["websocket"],
                "connectionStateRecovery": {
                    "maxDisconnectionDuration": 6000,
                    "skipMiddlewares": false
                }
            }"#,
        );
        let expected = Config {
            allow_eio3: true,
            path: Some("/realtime/".to_owned()),
            allow_upgrades: false,
            cookie: Some(Cookie {
                http_only: false,
                same_site: SameSite::Strict,
                ..Cookie::new("sid")
            }),
            initial_packet: Some("hello".into()),
            connect_timeout: Duration::from_secs(1),
            cleanup_empty_namespaces: true,
            ping_interval: Duration::from_secs(2),
            ping_timeout: Duration::from_secs(3),
            upgrade_timeout: Duration::from_secs(4),
            max_payload: 5000,
            transports: vec![Transport::WebSocket],
            recovery: Some(Recovery {
                max_disconnection_duration: Duration::from_secs(6),
                skip_middlewares: false,
                ..Recovery::default()
            }),
            ..Config::default()
        };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn what_has_options_of_its_own_may_just_be_on_or_off() {
        let on = read(r#"{ "cookie": true, "recovery": true }"#).expect("options");
        assert_eq!(on.cookie, Some(Cookie::default()));
        assert_eq!(on.recovery, Some(Recovery::default()));
        let off = read(r#"{ "cookie": false, "recovery": null }"#).expect("options");
        assert_eq!(off, Config::default());
        let error = read(r#"{ "cookie": "io" }"#).expect_err("neither");
        assert!(error.contains("true, false, or options of its own"), "{error}");
    }

    #[test]
    fn a_name_that_is_no_option_is_an_error_that_says_so() {
        for (json, name) in [
            (r#"{ "pingIntervall": 1 }"#, "`pingIntervall`"),
            (r#"{ "limits": { "sockets": 1 } }"#, "`sockets`"),
            (r#"{ "cookie": { "maxAge": 1 } }"#, "`maxAge`"),
            (r#"{ "transports": ["webtransport"] }"#, "`webtransport`"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(name) && error.contains("expected"), "{error}");
        }
        for json in [r#"{ "ping_timeout": "1 s" }"#, r#"{ "ping_timeout": -1 }"#] {
            let error = read(json).expect_err(json);
            assert!(error.contains("milliseconds"), "{error}");
        }
    }
}
