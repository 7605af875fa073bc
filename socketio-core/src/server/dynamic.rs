//! Namespaces that are made on demand: which names, and what they have in common.

use std::{
    fmt,
    future::ready,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
};

use bytestring::ByteString;
use futures_util::FutureExt;
use serde::de::DeserializeOwned;

use super::{
    client::ClientHandle,
    handler::{Async, Plain, panicked},
    handshake::Handshake,
    io::SocketIo,
    namespace::Namespace,
    params::Params,
    socket::read_auth,
};
use crate::{
    error::{BoxError, EmitError, Failure},
    wire::{Args, ArgsError},
};

/// The namespaces that [`SocketIo::of_dynamic`] makes, to reach all of them at once. Node: a parent
/// namespace.
///
/// A cheap handle. As it has the server, what the server keeps must not have it.
#[derive(Clone)]
pub struct DynamicNamespace {
    io: SocketIo,
    dynamic: Arc<Dynamic>,
}

/// A client that asks for a namespace which is not there yet.
#[derive(Clone, Debug)]
pub struct NamespaceRequest {
    pub(super) name: ByteString,
    pub(super) auth: Option<ByteString>,
    pub(super) client: Arc<ClientHandle>,
}

/// Which names [`SocketIo::of_dynamic`] takes: a pattern, or a function that decides on a
/// [`NamespaceRequest`], plain or async, by returning `bool` or `Result<bool, E>`.
///
/// `M` keeps the kinds apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which namespaces there can be",
    note = "it must be a pattern such as `\"/tenant-{{id}}\"`, or a function of a \
            `NamespaceRequest` that returns `bool` or `Result<bool, E>`, or a `Send` future of one"
)]
pub trait NamespaceMatcher<M> {
    #[doc(hidden)]
    fn into_matcher(self) -> Matcher;
}

/// What a function that decides on a [`NamespaceRequest`] may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no decision on a namespace",
    note = "it must be `bool` or `Result<bool, E>`"
)]
pub trait NamespaceDecision {
    #[doc(hidden)]
    fn into_result(self) -> Result<bool, BoxError>;
}

/// Names, and how the namespace of one is set up.
pub(super) struct Dynamic {
    matcher: Matcher,
    set_up: Box<dyn Fn(&Namespace) + Send + Sync>,
}

#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "it is as opaque as the functions it holds")]
pub struct Matcher(Kind);

enum Kind {
    Pattern(matchit::Router<()>),
    Predicate(Box<dyn Fn(NamespaceRequest) -> Decision + Send + Sync>),
}

type Decision = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send>>;

impl DynamicNamespace {
    pub(super) fn new(io: SocketIo, dynamic: Arc<Dynamic>) -> Self {
        Self { io, dynamic }
    }

    /// Those that there are now.
    pub fn namespaces(&self) -> Vec<Namespace> {
        self.io.0.namespaces.of_dynamic(&self.dynamic)
    }

    /// Sends an event to every client in all of them.
    ///
    /// # Errors
    /// The event cannot be written. A client that left or is too slow is no error.
    pub fn emit<T: Args + ?Sized>(&self, event: &str, args: &T) -> Result<(), EmitError> {
        self.namespaces().iter().try_for_each(|namespace| namespace.emit(event, args))
    }

    /// Sends the event `message` to every client in all of them.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Args + ?Sized>(&self, args: &T) -> Result<(), EmitError> {
        self.emit("message", args)
    }
}

impl fmt::Debug for DynamicNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.namespaces()).finish()
    }
}

impl NamespaceRequest {
    /// The name that the client asks for, as it stands in its packet.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The auth payload that the client sent, as [`Socket::auth`](crate::Socket::auth) gives it.
    ///
    /// # Errors
    /// It is no `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        read_auth(self.auth.as_deref())
    }

    /// The first request of the session.
    pub fn handshake(&self) -> &Handshake {
        self.client.session().handshake()
    }

    /// The server.
    pub fn io(&self) -> SocketIo {
        self.client.io()
    }
}

impl Dynamic {
    pub(super) fn new(
        matcher: Matcher,
        set_up: impl Fn(&Namespace) + Send + Sync + 'static,
    ) -> Self {
        Self { matcher, set_up: Box::new(set_up) }
    }

    /// Whether the name is one of a pattern, and what stands in its places.
    pub(super) fn params(&self, name: &str) -> Option<Params> {
        match &self.matcher.0 {
            Kind::Pattern(pattern) => {
                pattern.at(name).ok().map(|found| found.params.iter().collect())
            }
            Kind::Predicate(_) => None,
        }
    }

    /// Whether the client's wish makes a namespace.
    pub(super) async fn accepts(
        &self,
        request: &NamespaceRequest,
    ) -> Result<Option<Params>, Failure> {
        let Kind::Predicate(predicate) = &self.matcher.0 else {
            return Ok(self.params(&request.name));
        };
        let decision = AssertUnwindSafe(async { predicate(request.clone()).await }).catch_unwind();
        let is_accepted = decision.await.map_err(|panic| panicked(&*panic))?;
        Ok(is_accepted.map_err(Failure::Handler)?.then(Params::default))
    }

    pub(super) fn set_up(&self, namespace: &Namespace) -> Result<(), Failure> {
        catch_unwind(AssertUnwindSafe(|| (self.set_up)(namespace)))
            .map_err(|panic| panicked(&*panic))
    }
}

impl NamespaceMatcher<&str> for &str {
    fn into_matcher(self) -> Matcher {
        let slash = if self.starts_with('/') { "" } else { "/" };
        let mut pattern = matchit::Router::new();
        if let Err(error) = pattern.insert(format!("{slash}{self}"), ()) {
            panic!("{self:?} is no pattern for namespaces: {error}");
        }
        Matcher(Kind::Pattern(pattern))
    }
}

impl<F, R> NamespaceMatcher<(Plain, R)> for F
where
    F: Fn(NamespaceRequest) -> R + Send + Sync + 'static,
    R: NamespaceDecision,
{
    fn into_matcher(self) -> Matcher {
        Matcher(Kind::Predicate(Box::new(move |request| {
            Box::pin(ready(self(request).into_result()))
        })))
    }
}

impl<F, Fut, R> NamespaceMatcher<(Async, R)> for F
where
    F: Fn(NamespaceRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: NamespaceDecision + 'static,
{
    fn into_matcher(self) -> Matcher {
        Matcher(Kind::Predicate(Box::new(move |request| {
            Box::pin(self(request).map(R::into_result))
        })))
    }
}

impl NamespaceDecision for bool {
    fn into_result(self) -> Result<bool, BoxError> {
        Ok(self)
    }
}

impl<E: Into<BoxError>> NamespaceDecision for Result<bool, E> {
    fn into_result(self) -> Result<bool, BoxError> {
        self.map_err(Into::into)
    }
}
