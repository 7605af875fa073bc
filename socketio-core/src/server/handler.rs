use std::{
    any::Any,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{self, Poll},
};

use serde::Serialize;

use super::{
    ack::Ack,
    context::{
        Answerable, ConnectContext, DisconnectContext, EventMiddlewareContext, FromContext,
        OutgoingContext, ServerContext, Verdict,
    },
    extract::Data,
};
use crate::{
    error::{BoxError, ConnectError, EmitError, Failure},
    wire::{Args, RawArgs},
};

/// A function that handles connects, events or disconnects: plain or async, with up to 16
/// arguments that are taken [from the context](FromContext).
///
/// `M` keeps the kinds of functions apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle this",
    label = "not a handler",
    note = "every argument must be an extractor for `{C}`, such as `Socket`, or `Data<T>` of a `T` \
            that is `Deserialize`",
    note = "the return value must be `()`, or where it fits `Data<T>` or a `Result`, or a `Send` \
            future of one",
    note = "an async closure that uses captured variables must be written `move |…| {{ let x = \
            x.clone(); async move {{ … }} }}`, or take them as `State<T>`"
)]
pub trait Handler<C, M>: Send + Sync + 'static {
    /// What it returns in the end.
    type Output: Outcome<C>;

    #[doc(hidden)]
    fn call(&self, cx: &C) -> Started;
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler for `{C}` cannot return `{Self}`",
    note = "it may return `()`, `Result<(), E>`, and for events that come `Data<T>` or \
            `Result<Data<T>, E>`"
)]
pub trait Outcome<C> {
    #[doc(hidden)]
    const CAN_REFUSE: bool = false;

    #[doc(hidden)]
    fn finish(self, cx: &C) -> Result<(), Failure>;
}

/// A handler that was called. Its future has not been polled.
pub enum Started {
    #[doc(hidden)]
    Done(Result<(), Failure>),
    #[doc(hidden)]
    Pending(BoxFuture),
}

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Started::Done(_) => "Done",
            Started::Pending(_) => "Pending",
        })
    }
}

/// A handler without its type.
pub(crate) trait Callable<C>: Send + Sync {
    fn call(&self, cx: &C) -> Started;
}

pub(crate) struct Erased<H, M> {
    handler: H,
    _marker: std::marker::PhantomData<fn() -> M>,
}

impl<H, M> Erased<H, M> {
    pub(crate) fn new(handler: H) -> Self {
        Self { handler, _marker: std::marker::PhantomData }
    }
}

impl<C, M, H: Handler<C, M>> Callable<C> for Erased<H, M> {
    fn call(&self, cx: &C) -> Started {
        self.handler.call(cx)
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub enum Plain {}

#[doc(hidden)]
#[derive(Debug)]
pub enum Async {}

macro_rules! handlers {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<C, F, R, $($arg),*> Handler<C, (Plain, $($arg,)*)> for F
        where
            C: ServerContext,
            F: Fn($($arg),*) -> R + Send + Sync + 'static,
            R: Outcome<C>,
            $($arg: FromContext<C>,)*
        {
            type Output = R;

            fn call(&self, cx: &C) -> Started {
                $(let $arg = match $arg::from_context(cx) {
                    Ok(value) => value,
                    Err(error) => return Started::Done(Err(error.into())),
                };)*
                cx.begin();
                Started::Done(self($($arg),*).finish(cx))
            }
        }

        #[allow(non_snake_case, unused_variables)]
        impl<C, F, Fut, R, $($arg),*> Handler<C, (Async, $($arg,)*)> for F
        where
            C: ServerContext + Clone,
            F: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: Outcome<C>,
            $($arg: FromContext<C>,)*
        {
            type Output = R;

            fn call(&self, cx: &C) -> Started {
                $(let $arg = match $arg::from_context(cx) {
                    Ok(value) => value,
                    Err(error) => return Started::Done(Err(error.into())),
                };)*
                cx.begin();
                let future = self($($arg),*);
                let cx = cx.clone();
                Started::Pending(Box::pin(async move { future.await.finish(&cx) }))
            }
        }
    };
}

macro_rules! for_each_arity {
    ($head:ident $($tail:ident)*) => {
        handlers! { $head $($tail)* }
        for_each_arity! { $($tail)* }
    };
    () => { handlers! {} };
}

for_each_arity! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 }

impl<C> Outcome<C> for () {
    fn finish(self, _: &C) -> Result<(), Failure> {
        Ok(())
    }
}

impl<C: Answerable, T: Serialize> Outcome<C> for Data<T> {
    fn finish(self, cx: &C) -> Result<(), Failure> {
        acknowledge(cx, &self.0)
    }
}

impl<C: Answerable> Outcome<C> for RawArgs {
    fn finish(self, cx: &C) -> Result<(), Failure> {
        acknowledge(cx, &self)
    }
}

fn acknowledge<T: Args + ?Sized>(cx: &impl Answerable, args: &T) -> Result<(), Failure> {
    match cx.ack().send(args) {
        // A client that left does not miss the answer.
        Ok(()) | Err(EmitError::Closed) => Ok(()),
        Err(error) => Err(Failure::Handler(error.into())),
    }
}

impl<C: Answerable, R: Outcome<C>, E: Into<BoxError>> Outcome<C> for Result<R, E> {
    fn finish(self, cx: &C) -> Result<(), Failure> {
        self.map_err(|error| Failure::Handler(error.into()))?.finish(cx)
    }
}

impl<T: Serialize> Outcome<EventMiddlewareContext> for Data<T> {
    fn finish(self, cx: &EventMiddlewareContext) -> Result<(), Failure> {
        let args = RawArgs::new(&self.0).map_err(|error| Failure::Handler(error.into()))?;
        args.finish(cx)
    }
}

impl Outcome<EventMiddlewareContext> for RawArgs {
    fn finish(self, cx: &EventMiddlewareContext) -> Result<(), Failure> {
        cx.decide(Verdict::Replace(self));
        Ok(())
    }
}

impl<R: Outcome<EventMiddlewareContext>> Outcome<EventMiddlewareContext> for ControlFlow<(), R> {
    fn finish(self, cx: &EventMiddlewareContext) -> Result<(), Failure> {
        match self {
            ControlFlow::Break(()) => {
                cx.decide(Verdict::Stop);
                Ok(())
            }
            ControlFlow::Continue(outcome) => outcome.finish(cx),
        }
    }
}

impl<R, E> Outcome<EventMiddlewareContext> for Result<R, E>
where
    R: Outcome<EventMiddlewareContext>,
    E: Into<BoxError>,
{
    fn finish(self, cx: &EventMiddlewareContext) -> Result<(), Failure> {
        self.map_err(|error| Failure::Handler(error.into()))?.finish(cx)
    }
}

impl<E: Into<BoxError>> Outcome<OutgoingContext> for Result<(), E> {
    fn finish(self, _: &OutgoingContext) -> Result<(), Failure> {
        self.map_err(|error| Failure::Handler(error.into()))
    }
}

impl<E: Into<BoxError>> Outcome<DisconnectContext> for Result<(), E> {
    fn finish(self, _: &DisconnectContext) -> Result<(), Failure> {
        self.map_err(|error| Failure::Handler(error.into()))
    }
}

impl<E: Into<ConnectError>> Outcome<ConnectContext> for Result<(), E> {
    const CAN_REFUSE: bool = true;

    fn finish(self, _: &ConnectContext) -> Result<(), Failure> {
        self.map_err(|error| Failure::Refused(error.into()))
    }
}

/// A handler that is under way, and what it is for. A panic becomes a [`Failure`].
pub(crate) struct Running<J> {
    future: BoxFuture,
    job: Option<J>,
}

impl<J> Running<J> {
    pub(crate) fn new(future: BoxFuture, job: J) -> Self {
        Self { future, job: Some(job) }
    }
}

impl<J: Unpin> Future for Running<J> {
    type Output = (J, Result<(), Failure>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let future = self.future.as_mut();
        let result = std::task::ready!(poll_caught(future, cx));
        let job = self.job.take().expect("polled after the end");
        Poll::Ready((job, result))
    }
}

fn poll_caught(
    future: Pin<&mut (dyn Future<Output = Result<(), Failure>> + Send)>,
    cx: &mut task::Context<'_>,
) -> Poll<Result<(), Failure>> {
    catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
        .unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
}

/// Calls a handler; a panic becomes a [`Failure`].
pub(crate) fn call_caught<C>(handler: &dyn Callable<C>, cx: &C) -> Started {
    catch_unwind(AssertUnwindSafe(|| handler.call(cx)))
        .unwrap_or_else(|panic| Started::Done(Err(panicked(&*panic))))
}

/// An event's handler has returned: a failure goes into the acknowledgement, and to `report`.
pub(super) fn handled_by(ack: &Ack, result: Result<(), Failure>, report: impl FnOnce(Failure)) {
    let Err(failure) = result else {
        return;
    };
    match &failure {
        Failure::Panic { .. } => ack.send_error("internal error"),
        failure => ack.send_error(&failure.to_string()),
    }
    report(failure);
}

pub(super) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Failure::Panic { message }
}
