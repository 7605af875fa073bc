use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use bytes::{Buf, BufMut, Bytes};
use http::{Extensions, HeaderMap, HeaderValue, Uri, header::HeaderName, request::Parts};

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
    /// Most sessions never look, so the head is kept small: a map takes several times as much, and
    /// its values would keep the whole buffer that an HTTP server read them to.
    packed: Bytes,
    head: OnceLock<Box<Head>>,
    extensions: Extensions,
    time: SystemTime,
}

/// What is packed.
struct Head {
    uri: Uri,
    headers: HeaderMap,
}

impl Handshake {
    pub(crate) fn new(head: &Parts, time: SystemTime) -> Self {
        Self(Arc::new(Inner {
            packed: pack(head),
            head: OnceLock::new(),
            // An empty one that was used before would keep its table.
            extensions: match head.extensions.is_empty() {
                true => Extensions::new(),
                false => head.extensions.clone(),
            },
            time,
        }))
    }

    /// The request's target, as the router left it: a nested one may have cut its own part off.
    pub fn uri(&self) -> &Uri {
        &self.head().uri
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head().headers
    }

    /// What middleware of the framework left with the request.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The decoded parameters of the query, in order.
    pub fn query(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.uri().query().unwrap_or_default();
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
        self.headers().contains_key(http::header::ORIGIN)
    }

    fn head(&self) -> &Head {
        self.0.head.get_or_init(|| Box::new(unpack(self.0.packed.clone())))
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query may hold a session id or a token.
        f.debug_struct("Handshake").field("path", &self.uri().path()).finish_non_exhaustive()
    }
}

/// One after the other, each with its length before it: the target, and the names and values of the
/// headers.
fn pack(head: &Parts) -> Bytes {
    let uri = head.uri.to_string();
    let headers = head.headers.iter().map(|(name, value)| 8 + name.as_str().len() + value.len());
    let mut packed = Vec::with_capacity(4 + uri.len() + headers.sum::<usize>());
    let mut put = |piece: &[u8]| {
        packed.put_u32(u32::try_from(piece.len()).expect("a request head is below 4 GiB"));
        packed.extend_from_slice(piece);
    };
    put(uri.as_bytes());
    for (name, value) in &head.headers {
        put(name.as_str().as_bytes());
        put(value.as_bytes());
    }
    packed.into()
}

fn unpack(mut packed: Bytes) -> Head {
    let mut piece = || {
        packed.has_remaining().then(|| {
            let len = packed.get_u32() as usize;
            packed.split_to(len)
        })
    };
    let uri = Uri::from_maybe_shared(piece().unwrap_or_default()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    while let (Some(name), Some(value)) = (piece(), piece()) {
        let name = HeaderName::from_bytes(&name).expect("the name of a header");
        let value = HeaderValue::from_maybe_shared(value).expect("the value of a header");
        headers.append(name, value);
    }
    Head { uri, headers }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_head_is_kept_whole() {
        for uri in ["/socket.io/?EIO=4&x=%C3%A9", "http://localhost:1/a?b", "*", "/"] {
            let request = Request::builder()
                .uri(uri)
                .header("x-name", "one")
                .header("host", "localhost")
                .header("x-name", &b"zw\xf6i"[..])
                .header("x-empty", "");
            let head = request.body(()).expect("a request").into_parts().0;
            let handshake = Handshake::new(&head, SystemTime::UNIX_EPOCH);
            assert_eq!(handshake.uri(), &head.uri);
            assert_eq!(handshake.headers(), &head.headers);
        }
    }
}
