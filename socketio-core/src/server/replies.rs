//! Acknowledgements that the server asks clients for, on their way to who asked.

use std::{
    collections::VecDeque,
    future::IntoFuture,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_channel::oneshot;
use futures_util::Stream;

use super::cluster::{Relay, Request};
use crate::{
    error::AckError,
    id::SocketId,
    proto::cluster::{Answer, MissingNodes},
    wire::{FromArgs, RawArgs},
};

/// Who waits for a client's acknowledgement. Dropping it means that the client left.
#[derive(Debug)]
pub(crate) enum Waiting {
    All(Share),
    Node(Arc<Relay>, SocketId),
    One(oneshot::Sender<Result<RawArgs, AckError>>),
}

impl Waiting {
    pub(crate) fn resolve(self, result: Result<RawArgs, AckError>) {
        match self {
            Waiting::All(share) => share.resolve(result),
            // That none came it sees for itself.
            Waiting::Node(relay, id) => drop(result.map(|args| relay.pass(id, &args))),
            // Whoever asked may have given up.
            Waiting::One(sender) => drop(sender.send(result)),
        }
    }
}

/// One client's part in a [`Gathering`].
#[derive(Debug)]
pub(crate) struct Share {
    gathering: Arc<Gathering>,
    id: SocketId,
    is_open: bool,
}

impl Share {
    pub(super) fn new(gathering: &Arc<Gathering>, id: SocketId) -> Self {
        gathering.lock().outstanding += 1;
        Self { gathering: Arc::clone(gathering), id, is_open: true }
    }

    fn resolve(mut self, result: Result<RawArgs, AckError>) {
        self.is_open = false;
        self.gathering.add(self.id, result);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.is_open {
            self.gathering.add(self.id, Err(AckError::Disconnected));
        }
    }
}

/// A future of one client's acknowledgement.
#[derive(Debug)]
#[must_use = "the acknowledgement is lost if nobody waits for it"]
pub struct AckFuture<T> {
    state: Result<oneshot::Receiver<Result<RawArgs, AckError>>, Option<AckError>>,
    _value: PhantomData<fn() -> T>,
}

impl<T> AckFuture<T> {
    pub(super) fn new(receiver: oneshot::Receiver<Result<RawArgs, AckError>>) -> Self {
        Self { state: Ok(receiver), _value: PhantomData }
    }

    pub(super) fn failed(error: AckError) -> Self {
        Self { state: Err(Some(error)), _value: PhantomData }
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let args = match &mut self.state {
            Ok(receiver) => std::task::ready!(Pin::new(receiver).poll(cx)),
            Err(error) => return Poll::Ready(Err(error.take().expect("polled after the end"))),
        };
        Poll::Ready(match args {
            Ok(args) => args.and_then(|args| Ok(T::from_args(&args)?)),
            Err(oneshot::Canceled) => Err(AckError::Disconnected),
        })
    }
}

/// The acknowledgements of a broadcast: a stream of each as it comes, or a future of all.
#[derive(Debug)]
#[must_use = "the acknowledgements are lost if nobody waits for them"]
pub struct Replies<T> {
    gathering: Arc<Gathering>,
    /// Those of the other nodes' clients.
    elsewhere: Option<Request>,
    _value: PhantomData<fn() -> T>,
}

/// Acknowledgements of a broadcast of which some are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} of {} clients did not acknowledge{}",
    self.clients(),
    self.clients() + replies.len(),
    self.silent_nodes()
)]
pub struct MissingReplies<T> {
    /// The acknowledgements that came, in the order of their coming.
    pub replies: Vec<T>,
    /// Who did not acknowledge, and why. Those of other nodes are among them only if what they
    /// answered does not fit, and without an id if their node does not tell it.
    pub missing: Vec<(Option<SocketId>, AckError)>,
    /// How many clients of other nodes were asked and did not acknowledge.
    pub elsewhere: usize,
    /// Other nodes that did not even say whom they asked.
    pub nodes: MissingNodes,
}

impl<T> MissingReplies<T> {
    fn clients(&self) -> usize {
        self.missing.len() + self.elsewhere
    }

    fn silent_nodes(&self) -> String {
        if self.nodes.is_empty() { String::new() } else { format!("; {}", self.nodes) }
    }
}

/// Acknowledgements on their way from many clients to one [`Replies`].
#[derive(Debug, Default)]
pub(crate) struct Gathering(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    outstanding: usize,
    arrived: VecDeque<(SocketId, Result<RawArgs, AckError>)>,
    waker: Option<Waker>,
}

impl Gathering {
    fn add(&self, id: SocketId, result: Result<RawArgs, AckError>) {
        let mut gathered = self.lock();
        gathered.outstanding -= 1;
        gathered.arrived.push_back((id, result));
        let waker = gathered.waker.take();
        drop(gathered);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Replies<T> {
    pub(super) fn new(gathering: Arc<Gathering>, elsewhere: Option<Request>) -> Self {
        Self { gathering, elsewhere, _value: PhantomData }
    }
}

impl<T: FromArgs> Replies<T> {
    /// The next one, as the stream has it.
    pub(super) async fn next(&mut self) -> Option<(Option<SocketId>, Result<T, AckError>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The first one, of a single client wherever it is.
    pub(super) async fn one(mut self) -> Result<T, AckError> {
        if let Some((_, reply)) = self.next().await {
            return reply;
        }
        let (nodes, clients) = self.missing_elsewhere();
        match nodes.is_empty() && clients == 0 {
            true => Err(AckError::Disconnected),
            false => Err(AckError::Timeout),
        }
    }

    fn missing_elsewhere(&self) -> (MissingNodes, usize) {
        self.elsewhere.as_ref().map(Request::missing).unwrap_or_default()
    }

    fn poll_here(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(SocketId, Result<RawArgs, AckError>)>> {
        let mut gathered = self.gathering.lock();
        match gathered.arrived.pop_front() {
            Some(arrived) => Poll::Ready(Some(arrived)),
            None if gathered.outstanding == 0 => Poll::Ready(None),
            None => {
                gathered.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T: FromArgs> Stream for Replies<T> {
    /// Who acknowledged, which nodes that run the Node server do not tell of their clients; and
    /// what.
    type Item = (Option<SocketId>, Result<T, AckError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let read = |args: RawArgs| Ok(T::from_args(&args)?);
        let here = self.poll_here(cx);
        if let Poll::Ready(Some((id, reply))) = here {
            return Poll::Ready(Some((Some(id), reply.and_then(read))));
        }
        while let Some(request) = &mut self.elsewhere {
            match std::task::ready!(request.poll_answer(cx)) {
                Some(Answer::Ack { socket, args }) => {
                    return Poll::Ready(Some((socket, read(args))));
                }
                Some(Answer::Args(_) | Answer::Sockets(_)) => {}
                None => break,
            }
        }
        here.map(|_| None)
    }
}

impl<T: FromArgs + Send + 'static> IntoFuture for Replies<T> {
    type Output = Result<Vec<T>, MissingReplies<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let (mut replies, mut missing) = (Vec::new(), Vec::new());
            while let Some((id, reply)) = self.next().await {
                match reply {
                    Ok(reply) => replies.push(reply),
                    Err(error) => missing.push((id, error)),
                }
            }
            let (nodes, elsewhere) = self.missing_elsewhere();
            match missing.is_empty() && elsewhere == 0 && nodes.is_empty() {
                true => Ok(replies),
                false => Err(MissingReplies { replies, missing, elsewhere, nodes }),
            }
        })
    }
}
