use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

/// A response's body: Socket.IO's own, or that of the service within.
#[pin_project::pin_project(project = Projected)]
#[derive(Debug)]
pub enum ResponseBody<B> {
    /// Of the service within.
    Inner(#[pin] B),
    /// Of the Socket.IO server.
    Own(#[pin] Full<Bytes>),
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            Projected::Inner(body) => body.poll_frame(cx),
            Projected::Own(body) => body.poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner(body) => body.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner(body) => body.size_hint(),
            Self::Own(body) => body.size_hint(),
        }
    }
}

/// Empty, as layers in front want it for the responses that they make themselves.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::Own(Full::default())
    }
}
