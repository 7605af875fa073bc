//! The extractors: what handlers can have as arguments.

use std::any::type_name;

use bytestring::ByteString;
use serde::de::DeserializeOwned;

use super::{
    ack::Ack,
    context::{
        Context, DisconnectContext, EventContext, EventMiddlewareContext, FromContext, HasEvent,
        ServerContext, ServerEventContext,
    },
    handshake::Handshake,
    io::SocketIo,
    socket::Socket,
};
use crate::{error::ExtractError, proto::DisconnectReason, wire::RawArgs};

/// The arguments of an event as a value: a tuple takes one each, anything else the first.
///
/// As a return value of a handler it is the acknowledgement, of a middleware the arguments that the
/// event goes on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data<T>(pub T);

/// The auth payload that the client sent with its connect. Without one it is `{}`, or where that
/// does not fit, `None`. That of a 1.x or 2.x client is the query of the namespace, an object of
/// strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auth<T>(pub T);

/// What the application gave to [`SocketIo::insert_state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<T>(pub T);

/// A value of the socket's [extensions](Socket::extensions), or else of the first request's, where
/// middleware of the framework puts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extension<T>(pub T);

/// The name of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName(pub ByteString);

impl<C: Context> FromContext<C> for Socket {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(cx.socket().clone())
    }
}

impl<C: ServerContext> FromContext<C> for SocketIo {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(cx.io())
    }
}

impl<C: Context> FromContext<C> for Handshake {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(cx.socket().handshake().clone())
    }
}

impl<C: Context, T: DeserializeOwned> FromContext<C> for Auth<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        cx.socket()
            .auth()
            .map(Auth)
            .map_err(|error| ExtractError::clients(format!("auth payload: {error}")))
    }
}

impl<C: ServerContext, T: Clone + Send + Sync + 'static> FromContext<C> for State<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        let state = cx.io().state();
        state.map(State).ok_or_else(|| missing::<T>("state"))
    }
}

impl<C: Context, T: Clone + Send + Sync + 'static> FromContext<C> for Extension<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        let socket = cx.socket();
        let own = socket.extensions().get();
        own.or_else(|| socket.handshake().extensions().get().cloned())
            .map(Extension)
            .ok_or_else(|| missing::<T>("extension"))
    }
}

/// `None` where it cannot be had.
impl<C, T: FromContext<C>> FromContext<C> for Option<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(T::from_context(cx).ok())
    }
}

/// The error where it cannot be had, for the handler to deal with.
impl<C, T: FromContext<C>> FromContext<C> for Result<T, ExtractError> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(T::from_context(cx))
    }
}

fn missing<T>(what: &str) -> ExtractError {
    ExtractError::new(format!("no {what} of type {}", type_name::<T>()))
}

impl<C: HasEvent, T: DeserializeOwned> FromContext<C> for Data<T> {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(Data(cx.args().parse()?))
    }
}

impl<C: HasEvent> FromContext<C> for RawArgs {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(cx.args().clone())
    }
}

impl<C: HasEvent> FromContext<C> for EventName {
    fn from_context(cx: &C) -> Result<Self, ExtractError> {
        Ok(EventName(cx.name().clone()))
    }
}

impl FromContext<EventContext> for Ack {
    fn from_context(cx: &EventContext) -> Result<Self, ExtractError> {
        Ok(cx.ack.take())
    }
}

impl FromContext<ServerEventContext> for Ack {
    fn from_context(cx: &ServerEventContext) -> Result<Self, ExtractError> {
        Ok(cx.ack.take())
    }
}

impl FromContext<EventMiddlewareContext> for Ack {
    fn from_context(cx: &EventMiddlewareContext) -> Result<Self, ExtractError> {
        Ok(cx.event.ack.take())
    }
}

impl FromContext<DisconnectContext> for DisconnectReason {
    fn from_context(cx: &DisconnectContext) -> Result<Self, ExtractError> {
        Ok(cx.reason)
    }
}
