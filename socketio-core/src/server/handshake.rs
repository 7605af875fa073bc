use std::{fmt, net::SocketAddr, sync::Arc, time::SystemTime};

use http::{Extensions, HeaderMap, Uri, request::Parts};

/// The address of the client's end of the connection.
///
/// Adapters put it into the request's extensions, where the framework knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The first request of a session, as middleware of the framework left it. Node:
/// `socket.handshake`.
#[derive(Clone)]
pub struct Handshake(Arc<Inner>);

struct Inner {
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
    time: SystemTime,
}

impl Handshake {
    pub(crate) fn new(head: &Parts, time: SystemTime) -> Self {
        Self(Arc::new(Inner {
            uri: head.uri.clone(),
            headers: head.headers.clone(),
            extensions: head.extensions.clone(),
            time,
        }))
    }

    /// The request's target, as the router left it: a nested one may have cut its own part off.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What middleware of the framework left with the request.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The decoded parameters of the query, in order.
    pub fn query(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.0.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned()
    }

    /// The client's address, where the framework knows it. Behind a proxy that is the proxy's.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.extensions.get::<PeerAddr>().map(|address| address.0)
    }

    /// When the request came.
    pub fn time(&self) -> SystemTime {
        self.0.time
    }

    /// Whether the request came from a page of another origin, that is, had an `Origin`.
    pub fn is_cross_domain(&self) -> bool {
        self.0.headers.contains_key(http::header::ORIGIN)
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may hold a session id or a token.
        f.debug_struct("Handshake").field("path", &self.0.uri.path()).finish_non_exhaustive()
    }
}
