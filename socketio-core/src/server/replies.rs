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

use crate::{
    error::AckError,
    id::SocketId,
    wire::{FromArgs, RawArgs},
};

/// Who waits for a client's acknowledgement. Dropping it means that the client left.
#[derive(Debug)]
pub(crate) enum Waiting {
    All(Share),
    One(oneshot::Sender<Result<RawArgs, AckError>>),
}

impl Waiting {
    pub(crate) fn resolve(self, result: Result<RawArgs, AckError>) {
        match self {
            Waiting::All(share) => share.resolve(result),
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
    _value: PhantomData<fn() -> T>,
}

/// Acknowledgements of a broadcast of which some are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of {} clients did not acknowledge", missing.len(), missing.len() + replies.len())]
pub struct MissingReplies<T> {
    /// The acknowledgements that came, in the order of their coming.
    pub replies: Vec<T>,
    /// Who did not acknowledge, and why.
    pub missing: Vec<(SocketId, AckError)>,
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
    pub(super) fn new(gathering: Arc<Gathering>) -> Self {
        Self { gathering, _value: PhantomData }
    }
}

impl<T: FromArgs> Replies<T> {
    /// The next one, as the stream has it.
    pub(super) async fn next(&mut self) -> Option<(SocketId, Result<T, AckError>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: FromArgs> Stream for Replies<T> {
    type Item = (SocketId, Result<T, AckError>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut gathered = self.gathering.lock();
        match gathered.arrived.pop_front() {
            Some((id, args)) => {
                drop(gathered);
                Poll::Ready(Some((id, args.and_then(|args| Ok(T::from_args(&args)?)))))
            }
            None if gathered.outstanding == 0 => Poll::Ready(None),
            None => {
                gathered.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
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
            if missing.is_empty() { Ok(replies) } else { Err(MissingReplies { replies, missing }) }
        })
    }
}
