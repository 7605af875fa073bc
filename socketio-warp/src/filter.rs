use std::net::SocketAddr;

use bytes::Buf;
use futures_util::{Stream, TryStreamExt, future};
use http::{Extensions, HeaderMap, Method, Request, Uri};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use hyper::upgrade::OnUpgrade;
use socketio_tower::{Endpoint, SocketIoService};
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    path::{FullPath, Peek},
    reject,
    reply::{Reply, Response},
};

/// A filter that answers requests to the server's path and everything below it, and rejects all
/// others.
pub fn filter(
    server: impl Into<Endpoint>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    mount(server.into(), warp::any().map(Extensions::new).boxed())
}

/// As [`filter`], but every request passes another filter first. What that one extracts is there
/// for handlers as [`Extension<T>`](crate::Extension); what it rejects does not reach the server.
///
/// ```
/// # use socketio_warp::{Extension, SocketIo};
/// use warp::Filter;
///
/// #[derive(Clone)]
/// struct Language(String);
///
/// # let io = SocketIo::new();
/// io.on("hello", |Extension(Language(language)): Extension<Language>| println!("in {language}"));
/// let language = warp::header("accept-language").map(Language);
/// let filter = socketio_warp::filter_with(&io, language);
/// ```
pub fn filter_with<F, T>(
    server: impl Into<Endpoint>,
    extension: F,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static
where
    F: Filter<Extract = (T,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    T: Clone + Send + Sync + 'static,
{
    let extensions = extension.map(|extension: T| {
        let mut extensions = Extensions::new();
        extensions.insert(extension);
        extensions
    });
    mount(server.into(), extensions.boxed())
}

fn mount(
    endpoint: Endpoint,
    extensions: BoxedFilter<(Extensions,)>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    let service = SocketIoService::new(endpoint.clone());
    let is_own = move |rest: Peek| {
        let is_own = endpoint.matches(&format!("/{}", rest.as_str()));
        future::ready(if is_own { Ok(()) } else { Err(reject::not_found()) })
    };
    warp::path::peek()
        .and_then(is_own)
        .untuple_one()
        .and(extensions)
        .and(warp::method())
        .and(uri())
        .and(warp::header::headers_cloned())
        .and(warp::addr::remote())
        .and(warp::ext::optional())
        .map(head)
        .and(warp::body::stream())
        .then(move |head: Request<()>, body| {
            let service = service.clone();
            async move { service.answer(head.map(|()| frames(body))).await.into_response() }
        })
}

/// The path and the query of the request, before any filter took its part.
fn uri() -> impl Filter<Extract = (Uri,), Error = Rejection> + Copy {
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    warp::path::full().and(query).and_then(|path: FullPath, query: Option<String>| {
        let uri = match query {
            Some(query) => Uri::try_from(format!("{}?{query}", path.as_str())),
            None => Uri::try_from(path.as_str()),
        };
        future::ready(uri.map_err(|_| reject::not_found()))
    })
}

fn head(
    mut extensions: Extensions,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    address: Option<SocketAddr>,
    on_upgrade: Option<OnUpgrade>,
) -> Request<()> {
    let mut head = Request::new(());
    if let Some(address) = address {
        extensions.insert(address);
    }
    if let Some(on_upgrade) = on_upgrade {
        extensions.insert(on_upgrade);
    }
    *head.extensions_mut() = extensions;
    *head.method_mut() = method;
    *head.uri_mut() = uri;
    *head.headers_mut() = headers;
    head
}

fn frames<D: Buf>(
    body: impl Stream<Item = Result<D, warp::Error>>,
) -> impl Body<Data = D, Error = warp::Error> {
    StreamBody::new(body.map_ok(Frame::data))
}
