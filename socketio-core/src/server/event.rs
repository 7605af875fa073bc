//! Events as types. They only add names and checks to the untyped methods, through which they go.

use std::{fmt, marker::PhantomData};

use serde::Serialize;

use super::{
    ack::Ack,
    broadcast::BroadcastOperator,
    context::{EventContext, FromContext},
    dynamic::DynamicNamespace,
    extract::Data,
    handler::Handler,
    listeners::ListenerId,
    namespace::Namespace,
    remote::RemoteSocket,
    replies::{AckFuture, Replies},
    socket::{Socket, SocketOperator},
};
use crate::{
    error::{AckError, EmitError, ExtractError},
    wire::{Args, FromArgs},
};

/// An event as a type: its fields are the arguments, and it knows its name and what acknowledges
/// it.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use socketio_core::{Data, EmitError, Event, Socket, SocketIo};
///
/// /// A client says something in a room.
/// #[derive(Event, Deserialize)]
/// #[event(name = "say", ack = Receipt)]
/// struct Message {
///     room: String,
///     text: String,
/// }
///
/// #[derive(Serialize)]
/// struct Receipt {
///     characters: usize,
/// }
///
/// /// The others in the room hear who says what.
/// #[derive(Event, Serialize)]
/// struct Said<'a>(&'a str, &'a str);
///
/// let io = SocketIo::new();
/// io.on_event(async |socket: Socket, Data(message): Data<Message>| {
///     let Message { room, text } = message;
///     socket.to(&room).emit_event(&Said(socket.id().as_str(), &text))?;
///     Ok::<_, EmitError>(Data(Receipt { characters: text.chars().count() }))
/// });
/// ```
///
/// A client sends `socket.emit("say", { room, text }, (receipt) => …)` to it, and has
/// `socket.on("said", (id, text) => …)`: a struct with named fields is one argument, an object; one
/// without is [several](Args), or none.
///
/// # The derive
///
/// With the feature `derive`. What is sent is `Serialize`, what is received `Deserialize`; what goes
/// both ways is both. The attribute `#[event(…)]` takes
///
/// - `name = "…"`: the name on the wire. The default is the type's name in camel case, as a
///   JavaScript property: `UserJoined` is `userJoined`.
/// - `ack = Type`: what the other side acknowledges the event with; as arguments, so a tuple is
///   several and `()` is none. By default it is not acknowledged.
/// - `crate = path`: where this crate is. By default it is found in `Cargo.toml`, by its name or
///   that of a crate that re-exports it, such as `socketio-axum`. Only where both stand there, but
///   one of them among the `dev-dependencies`, the choice may be the wrong one.
///
/// Names that stand for the life of a socket, such as `disconnect`, do not compile.
///
/// # What is checked
///
/// That what is received is an event, that its handler acknowledges it as the type says, that what
/// is sent is an event, and that it is asked for the acknowledgement it has. None of this compiles:
///
/// ```compile_fail,E0277
/// # use serde::Deserialize;
/// # use socketio_core::{Data, Event, SocketIo};
/// #[derive(Event, Deserialize)]
/// #[event(ack = i64)]
/// struct Sum(i64, i64);
///
/// # let io = SocketIo::new();
/// // Returns a text.
/// io.on_event(|Data(Sum(a, b)): Data<Sum>| Data(format!("{a} and {b}")));
/// ```
///
/// ```compile_fail,E0277
/// # use serde::Deserialize;
/// # use socketio_core::{Data, Event, SocketIo};
/// # #[derive(Event, Deserialize)]
/// # #[event(ack = i64)]
/// # struct Sum(i64, i64);
/// # let io = SocketIo::new();
/// // Returns nothing.
/// io.on_event(|Data(Sum(a, b)): Data<Sum>| println!("{}", a + b));
/// ```
///
/// ```compile_fail,E0308
/// # use serde::Deserialize;
/// # use socketio_core::{AckOf, Data, Event, SocketIo};
/// # #[derive(Event, Deserialize)]
/// # #[event(ack = i64)]
/// # struct Sum(i64, i64);
/// # let io = SocketIo::new();
/// // Answers with nothing.
/// io.on_event(|Data(Sum(a, b)): Data<Sum>, ack: AckOf<Sum>| ack.send(&()));
/// ```
///
/// ```compile_fail,E0277
/// # use serde::Deserialize;
/// # use socketio_core::{Data, Event, SocketIo};
/// #[derive(Event, Deserialize)]
/// struct Typing(bool);
///
/// # let io = SocketIo::new();
/// // Acknowledges what has no acknowledgement.
/// io.on_event(|Data(Typing(typing)): Data<Typing>| Data(typing));
/// ```
///
/// ```compile_fail,E0277
/// # use serde::Deserialize;
/// # use socketio_core::{Data, SocketIo};
/// #[derive(Deserialize)]
/// struct Plain(bool);
///
/// # let io = SocketIo::new();
/// // Handles what is no event.
/// io.on_event(|Data(Plain(plain)): Data<Plain>| println!("{plain}"));
/// ```
///
/// ```compile_fail,E0271
/// # use serde::Serialize;
/// # use socketio_core::{Event, SocketIo};
/// #[derive(Event, Serialize)]
/// #[event(ack = String)]
/// struct Question(String);
///
/// # let io = SocketIo::new();
/// // Does not wait for the acknowledgement.
/// io.emit_event(&Question("why?".into()))?;
/// # Ok::<(), socketio_core::EmitError>(())
/// ```
///
/// ```compile_fail
/// # use socketio_core::Event;
/// // Is reserved.
/// #[derive(Event)]
/// struct Disconnect;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "an event's type has `#[derive(Event)]`, which comes with the feature `derive`"
)]
pub trait Event {
    /// The name on the wire.
    const NAME: &'static str;

    /// What acknowledges it, or [`NoAck`].
    type Ack;
}

/// In place of an acknowledgement: the event has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAck {}

/// The answer that an event asks for, in the hands of a typed handler, as [`Ack`] is in others'.
///
/// It is the last argument, behind the event; what the handler returns is `()` or `Result<(), _>`
/// then.
pub struct AckOf<E: Event>(Ack, PhantomData<fn() -> E>);

impl<E: Event> AckOf<E> {
    /// Whether the client asked for an answer. If not, sending one does nothing.
    pub fn is_wanted(&self) -> bool {
        self.0.is_wanted()
    }

    /// Answers.
    ///
    /// # Errors
    /// As [`Ack::send`].
    pub fn send(&self, ack: &E::Ack) -> Result<(), EmitError>
    where
        E::Ack: Args,
    {
        self.0.send(ack)
    }
}

impl<E: Event> Clone for AckOf<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<E: Event> fmt::Debug for AckOf<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Event> FromContext<EventContext> for AckOf<E> {
    fn from_context(cx: &EventContext) -> Result<Self, ExtractError> {
        Ack::from_context(cx).map(|ack| Self(ack, PhantomData))
    }
}

/// The arguments of a typed handler: any number of extractors, the event as [`Data`], and, to
/// answer by hand, its [`AckOf`].
#[diagnostic::on_unimplemented(
    message = "the last argument of this handler is not an event",
    note = "the last argument is `Data<E>` of an event `E`, or that and an `AckOf<E>`"
)]
pub trait EventArgs {
    /// The event.
    type Event: Event;

    /// What the handler returns.
    type Answer;
}

/// What a handler of an event may return whose acknowledgement is `A`.
#[diagnostic::on_unimplemented(
    message = "the acknowledgement of this event is `{A}`, but its handler returns `{Self}`",
    label = "does not acknowledge the event",
    note = "with an acknowledgement `A` it returns `Data<A>` or a `Result` of it, without one \
            (`NoAck`) `()` or a `Result` of it",
    note = "to answer by hand it takes `AckOf<E>` as its last argument, and returns `()`"
)]
pub trait Answers<A> {}

impl<A> Answers<A> for Data<A> {}

impl Answers<NoAck> for () {}

impl Answers<()> for () {}

impl<A, R: Answers<A>, E> Answers<A> for Result<R, E> {}

macro_rules! event_args {
    ($($arg:ident)*) => {
        impl<K, $($arg,)* E: Event> EventArgs for (K, $($arg,)* Data<E>) {
            type Event = E;
            type Answer = E::Ack;
        }

        impl<K, $($arg,)* E: Event> EventArgs for (K, $($arg,)* Data<E>, AckOf<E>) {
            type Event = E;
            type Answer = NoAck;
        }
    };
}

macro_rules! for_each_arity {
    ($head:ident $($tail:ident)*) => {
        event_args! { $head $($tail)* }
        for_each_arity! { $($tail)* }
    };
    () => { event_args! {} };
}

for_each_arity! { A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 }

impl Namespace {
    /// Adds what runs for an event that has a type: [`on`](Self::on), with the name that the type
    /// says. The event is the last argument.
    ///
    /// The handler returns the event's acknowledgement as [`Data`], or a `Result` of it; if the
    /// event has none, `()` or a `Result` of that. Or it takes an [`AckOf`] behind the event, and
    /// answers by hand.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    pub fn on_event<H, M>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
        M: EventArgs + 'static,
        H::Output: Answers<M::Answer>,
    {
        self.on(M::Event::NAME, handler)
    }

    /// As [`on_event`](Self::on_event), for the next such event of any socket alone.
    ///
    /// # Panics
    /// As [`on`](Self::on).
    pub fn once_event<H, M>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
        M: EventArgs + 'static,
        H::Output: Answers<M::Answer>,
    {
        self.once(M::Event::NAME, handler)
    }
}

impl Socket {
    /// Adds what runs for an event of this client that has a type, as [`Namespace::on_event`] does
    /// for all.
    ///
    /// # Panics
    /// As [`Namespace::on`].
    pub fn on_event<H, M>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
        M: EventArgs + 'static,
        H::Output: Answers<M::Answer>,
    {
        self.on(M::Event::NAME, handler)
    }

    /// As [`on_event`](Self::on_event), for the next such event alone.
    ///
    /// # Panics
    /// As [`Namespace::on`].
    pub fn once_event<H, M>(&self, handler: H) -> ListenerId
    where
        H: Handler<EventContext, M>,
        M: EventArgs + 'static,
        H::Output: Answers<M::Answer>,
    {
        self.once(M::Event::NAME, handler)
    }
}

impl Socket {
    /// Sends an event that has a type and no acknowledgement.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(&self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }

    /// Sends an event that has a type and waits for its acknowledgement.
    pub fn emit_event_with_ack<E>(&self, event: &E) -> AckFuture<E::Ack>
    where
        E: Event<Ack: FromArgs> + Serialize,
    {
        self.emit_with_ack(E::NAME, event)
    }
}

impl SocketOperator<'_> {
    /// Sends an event that has a type and no acknowledgement.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }

    /// Sends an event that has a type and waits for its acknowledgement.
    pub fn emit_event_with_ack<E>(self, event: &E) -> AckFuture<E::Ack>
    where
        E: Event<Ack: FromArgs> + Serialize,
    {
        self.emit_with_ack(E::NAME, event)
    }
}

impl Namespace {
    /// Sends an event that has a type and no acknowledgement to every client.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(&self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }

    /// Sends an event that has a type to every client and gathers its acknowledgements.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event_with_ack<E>(&self, event: &E) -> Result<Replies<E::Ack>, EmitError>
    where
        E: Event<Ack: FromArgs> + Serialize,
    {
        self.emit_with_ack(E::NAME, event)
    }
}

impl BroadcastOperator {
    /// Sends an event that has a type and no acknowledgement to each selected client once.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(&self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }

    /// Sends an event that has a type to each selected client once and gathers its
    /// acknowledgements.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event_with_ack<E>(&self, event: &E) -> Result<Replies<E::Ack>, EmitError>
    where
        E: Event<Ack: FromArgs> + Serialize,
    {
        self.emit_with_ack(E::NAME, event)
    }
}

impl RemoteSocket {
    /// Sends an event that has a type and no acknowledgement.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(&self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }

    /// Sends an event that has a type and waits for its acknowledgement.
    ///
    /// # Errors
    /// As [`AckError`] says.
    pub async fn emit_event_with_ack<E>(&self, event: &E) -> Result<E::Ack, AckError>
    where
        E: Event<Ack: FromArgs> + Serialize,
    {
        self.emit_with_ack(E::NAME, event).await
    }
}

impl DynamicNamespace {
    /// Sends an event that has a type and no acknowledgement to every client in all of them.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_event<E>(&self, event: &E) -> Result<(), EmitError>
    where
        E: Event<Ack = NoAck> + Serialize,
    {
        self.emit(E::NAME, event)
    }
}
