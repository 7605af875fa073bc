use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use futures_util::{Sink, Stream};

use super::{
    driver::Driver,
    session::{PumpState, Session, Writing},
    timer::Timer,
};
use crate::{
    proto::{
        DisconnectReason,
        engine::{Fifo, WebSocketId, WebSocketState},
    },
    wire::{Encoded, Frame, Frames, Framing},
};

/// Frames read before the writer has its turn: a client that floods must not starve itself.
const READ_BUDGET: usize = 64;

/// How long a closed websocket is read on. Dropping it with data unread would reset the connection,
/// and the peer might never see the close frame.
const LINGER: Duration = Duration::from_secs(2);

/// Why a websocket broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebSocketError {
    /// The connection is gone.
    #[error("connection lost")]
    Io,
    /// The peer broke the rules and is to be told so with a close code of RFC 6455, section 7.4.1.
    /// The stream may be read on, for the peer to see the code; what comes is ignored.
    #[error("rejected with code {code}")]
    Rejected {
        /// 1002 for the protocol, 1007 for bad UTF-8, 1009 for a message over the limit.
        code: u16,
    },
}

/// A websocket of a session: frames in, frames out, and the driver with them once it carries the
/// session.
pub(crate) struct Pump {
    session: Arc<Session>,
    id: WebSocketId,
    framing: Framing,
    driver: Option<Driver>,
    /// The session, once it is this task that it wakes: for all that wakes the task otherwise.
    waker: Option<Waker>,
    timer: Timer,
    packets: Fifo<Encoded>,
    frames: Option<Frames>,
    flushed: bool,
    phase: Phase,
}

/// How far the websocket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The close frame is yet to be written.
    Closing {
        code: Option<u16>,
        until: Instant,
    },
    /// The close frame is written; the peer's end is waited for.
    Lingering {
        until: Instant,
    },
    Gone,
}

enum Sent {
    Frame,
    Nothing,
}

impl Pump {
    pub(crate) fn new(
        session: Arc<Session>,
        id: WebSocketId,
        framing: Framing,
        driver: Option<Driver>,
    ) -> Self {
        let waker = driver.is_some().then(|| Waker::from(Arc::clone(&session)));
        Self {
            session,
            id,
            framing,
            driver,
            waker,
            timer: Timer::default(),
            packets: Fifo::default(),
            frames: None,
            flushed: true,
            phase: Phase::Open,
        }
    }

    /// Runs the websocket. Ready when both it and the driver, if it has it, are finished.
    pub(crate) fn poll<W>(&mut self, mut ws: Pin<&mut Option<W>>, cx: &mut Context<'_>) -> Poll<()>
    where
        W: Stream<Item = Result<Frame, WebSocketError>> + Sink<Frame, Error = WebSocketError>,
    {
        if self.poll_delivery(ws.as_mut(), cx).is_pending() {
            return Poll::Pending;
        }
        loop {
            let now = self.session.now();
            if let Phase::Closing { until, .. } | Phase::Lingering { until } = self.phase
                && until <= now
            {
                self.phase = Phase::Gone;
            }
            if let Some(driver) = self.session.start_websocket(self.id) {
                self.driver = Some(driver);
                self.waker = Some(Waker::from(Arc::clone(&self.session)));
            }
            let waker = self.waker.as_ref().unwrap_or(cx.waker()).clone();
            let inner = &mut Context::from_waker(&waker);
            let mut read = match ws.as_mut().as_pin_mut() {
                Some(ws) => self.poll_read(now, ws, inner),
                None => Poll::Pending,
            };
            let was_saturated = self.is_saturated();
            if let Some(driver) = &mut self.driver
                && driver.poll(now, inner).is_ready()
            {
                self.driver = None;
            }
            if was_saturated && !self.is_saturated() {
                // What was left unread is read at the next turn.
                read = Poll::Ready(());
            }
            let writing = match ws.as_mut().as_pin_mut() {
                Some(ws) => self.poll_write(now, ws, inner),
                None => Writing::Flushed,
            };
            if self.phase == Phase::Gone {
                // Handlers may run on for long; the connection need not stay for them.
                ws.set(None);
            }
            if self.phase == Phase::Gone && self.driver.is_none() {
                self.driver = self.session.start_websocket(self.id);
                match self.driver {
                    Some(_) => continue,
                    None => return Poll::Ready(()),
                }
            }
            let state = PumpState {
                id: self.id,
                drives: self.driver.is_some(),
                ended: self.phase != Phase::Open,
                saturated: self.is_saturated(),
                writing,
            };
            if self.session.poll_websocket(cx, state).is_ready() {
                continue;
            }
            let deadline = self.arm();
            if self.timer.poll(|| self.session.clock(), deadline, inner).is_ready() {
                continue;
            }
            if read.is_ready() {
                // The budget is used up but more may wait; others have their turn first.
                waker.wake();
            }
            return Poll::Pending;
        }
    }

    /// As a rule the task was woken to write, and that is all it then does: every delivery of a
    /// broadcast comes this way. Pending if it sleeps again, ready if it is to look at everything.
    fn poll_delivery<W>(&mut self, ws: Pin<&mut Option<W>>, cx: &mut Context<'_>) -> Poll<()>
    where
        W: Sink<Frame, Error = WebSocketError>,
    {
        let is_idle = self.phase == Phase::Open && self.flushed && self.has_sent_all();
        let (true, Some(waker), Some(ws)) = (is_idle, &self.waker, ws.as_pin_mut()) else {
            return Poll::Ready(());
        };
        let Some(packets) = self.session.poll_delivery(self.id) else {
            return Poll::Ready(());
        };
        let waker = waker.clone();
        self.packets = packets;
        let writing = self.poll_send_all(ws, &mut Context::from_waker(&waker));
        if writing == Writing::Blocked || self.phase != Phase::Open {
            return Poll::Ready(());
        }
        self.session.poll_delivered(self.id, cx)
    }

    /// Reads frames and dispatches each. Pending when the websocket has no more for now.
    fn poll_read<W>(&mut self, now: Instant, mut ws: Pin<&mut W>, cx: &mut Context<'_>) -> Poll<()>
    where
        W: Stream<Item = Result<Frame, WebSocketError>>,
    {
        for _ in 0..READ_BUDGET {
            if self.phase == Phase::Gone || self.is_saturated() {
                return Poll::Pending;
            }
            let frame = ready!(ws.as_mut().poll_next(cx));
            if self.phase != Phase::Open {
                if !matches!(frame, Some(Ok(_))) {
                    self.phase = Phase::Gone;
                }
                continue;
            }
            match frame {
                Some(Ok(frame)) => self.session.handle_frame(now, self.id, frame),
                Some(Err(WebSocketError::Rejected { code })) => {
                    self.end(DisconnectReason::TransportError);
                    self.close(Some(code), now);
                }
                Some(Err(WebSocketError::Io)) | None => {
                    self.end(DisconnectReason::TransportClose);
                    self.phase = Phase::Gone;
                }
            }
            if let Some(driver) = &mut self.driver {
                driver.handle_events(now, cx);
            }
        }
        Poll::Ready(())
    }

    /// Writes all there is, with one flush.
    fn poll_write<W>(&mut self, now: Instant, ws: Pin<&mut W>, cx: &mut Context<'_>) -> Writing
    where
        W: Sink<Frame, Error = WebSocketError>,
    {
        let state = match self.phase == Phase::Open && self.has_sent_all() {
            true => {
                let (state, packets) = self.session.poll_transmit(self.id);
                self.packets = packets.unwrap_or_default();
                state
            }
            false => self.session.read(|connection| connection.websocket_state(self.id)),
        };
        if self.phase == Phase::Open && state == WebSocketState::Closed {
            self.close(None, now);
        }
        let writing = self.poll_send_all(ws, cx);
        if writing == Writing::Flushed
            && self.phase == Phase::Open
            && state == WebSocketState::Closing
        {
            self.end(DisconnectReason::ForcedClose);
            self.close(None, now);
        }
        writing
    }

    /// Gives all frames to the websocket, and has them on their way.
    fn poll_send_all<W>(&mut self, mut ws: Pin<&mut W>, cx: &mut Context<'_>) -> Writing
    where
        W: Sink<Frame, Error = WebSocketError>,
    {
        let written = loop {
            match self.poll_send(ws.as_mut(), cx) {
                Poll::Ready(Ok(Sent::Frame)) => self.flushed = false,
                Poll::Ready(Ok(Sent::Nothing)) if self.flushed => break Poll::Ready(Ok(())),
                Poll::Ready(Ok(Sent::Nothing)) => break ws.poll_flush(cx),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        match written {
            Poll::Pending => return Writing::Blocked,
            Poll::Ready(Ok(())) => self.flushed = true,
            Poll::Ready(Err(_)) => {
                self.end(DisconnectReason::TransportClose);
                self.phase = Phase::Gone;
            }
        }
        Writing::Flushed
    }

    /// Gives one frame to the websocket.
    fn poll_send<W>(
        &mut self,
        mut ws: Pin<&mut W>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Sent, WebSocketError>>
    where
        W: Sink<Frame, Error = WebSocketError>,
    {
        if matches!(self.phase, Phase::Lingering { .. } | Phase::Gone) {
            return Poll::Ready(Ok(Sent::Nothing));
        }
        // Readiness comes before the frame, so that a frame once taken is always sent.
        ready!(ws.as_mut().poll_ready(cx))?;
        let frame = match self.phase {
            Phase::Closing { code, until } => {
                self.phase = Phase::Lingering { until };
                Some(Frame::Close(code))
            }
            _ => self.next_frame(),
        };
        let Some(frame) = frame else {
            return Poll::Ready(Ok(Sent::Nothing));
        };
        ws.start_send(frame)?;
        Poll::Ready(Ok(Sent::Frame))
    }

    /// Whether the websocket has taken all that the session gave.
    fn has_sent_all(&self) -> bool {
        self.packets.is_empty() && self.frames.is_none()
    }

    fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let mut frames = match self.frames.take() {
                Some(frames) => frames,
                None => self.packets.pop()?.into_frames(self.framing),
            };
            let frame = frames.next();
            if !frames.is_empty() {
                self.frames = Some(frames);
            }
            if frame.is_some() {
                return frame;
            }
        }
    }

    /// Has the close frame written next; what was to be written before it is lost.
    fn close(&mut self, code: Option<u16>, now: Instant) {
        self.phase = Phase::Closing { code, until: now + LINGER };
        self.packets = Fifo::default();
        self.frames = None;
    }

    fn end(&mut self, reason: DisconnectReason) {
        let id = self.id;
        self.session.with(|connection| connection.handle_websocket_closed(id, reason));
    }

    /// Whether nobody takes what would be read: the application is busy, or the driver is still on
    /// its way here.
    fn is_saturated(&self) -> bool {
        match &self.driver {
            Some(driver) => !driver.is_ready(),
            None => {
                let state = self.session.read(|connection| connection.websocket_state(self.id));
                state == WebSocketState::Active
            }
        }
    }

    /// The deadline to sleep to.
    fn arm(&self) -> Option<Instant> {
        let linger = match self.phase {
            Phase::Closing { until, .. } | Phase::Lingering { until } => Some(until),
            Phase::Open | Phase::Gone => None,
        };
        match &self.driver {
            Some(driver) => driver.arm(linger),
            None => linger,
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.end(DisconnectReason::TransportClose);
        drop(self.session.start_websocket(self.id));
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").field("session", &self.session).finish_non_exhaustive()
    }
}
