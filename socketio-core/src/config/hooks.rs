use std::{pin::Pin, sync::Arc};

use http::{HeaderMap, request::Parts};

use super::Builder;
use crate::accept::ConnectionError;

/// Functions of the application that see requests and their responses.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) allow_request: Option<AllowRequest>,
    pub(crate) connection_error: Option<ConnectionErrorHook>,
    pub(crate) headers: Option<HeadersHook>,
    pub(crate) initial_headers: Option<HeadersHook>,
}

type AllowRequest =
    Arc<dyn Fn(&Parts) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;
type ConnectionErrorHook = Arc<dyn Fn(&ConnectionError, &Parts) + Send + Sync>;
type HeadersHook = Arc<dyn Fn(&mut HeaderMap, &Parts) + Send + Sync>;

/// Hooks. One that is set again takes the place of the former.
impl Builder {
    /// Decides on each new session by its first request. An error is the message of the 403.
    /// Node: `allowRequest`.
    pub fn allow_request<F, Fut>(mut self, allow: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.hooks.allow_request = Some(Arc::new(move |parts| Box::pin(allow(parts))));
        self
    }

    /// Changes the headers of every response, that of a websocket included, the browser client's
    /// files excluded. Node: the event `headers` of `io.engine`, which leaves out refusals.
    ///
    /// ```
    /// use http::HeaderValue;
    /// # use socketio_core::SocketIo;
    /// let io = SocketIo::builder()
    ///     .headers(|headers, _| {
    ///         headers.insert("x-served-by", HeaderValue::from_static("node-1"));
    ///     })
    ///     .build()?;
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn headers(
        mut self,
        hook: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.headers = Some(Arc::new(hook));
        self
    }

    /// Changes the headers of the first response of each session, before
    /// [`headers`](Self::headers) does. Node: the event `initial_headers` of `io.engine`.
    pub fn initial_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.initial_headers = Some(Arc::new(hook));
        self
    }

    /// Sets what is called for every request that is refused. It is not for what goes wrong in a
    /// session; that is for [`SocketIo::on_error`](crate::SocketIo::on_error). The default logs with
    /// `tracing`, as debug messages. Node: the event `connection_error` of `io.engine`.
    ///
    /// ```
    /// # use socketio_core::SocketIo;
    /// let io = SocketIo::builder()
    ///     .on_connection_error(|error, head| {
    ///         println!("{error} ({}), from {:?}", error.code(), head.headers.get("user-agent"));
    ///     })
    ///     .build()?;
    /// # Ok::<(), socketio_core::ConfigError>(())
    /// ```
    pub fn on_connection_error(
        mut self,
        hook: impl Fn(&ConnectionError, &Parts) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.connection_error = Some(Arc::new(hook));
        self
    }
}
