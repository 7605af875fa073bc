use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Fifo, Settings, Transport,
    heartbeat::{Beat, Heartbeat},
    queue::Queue,
};
use crate::{
    proto::{DisconnectReason, after},
    wire::{
        Encoded, Frame, Framing, Message, Revision, TextForm,
        engine::{EngineError, Packet},
        payload::{self, Payload},
    },
};

/// When a parked poll is first freed for a client that is to switch transports. It should have read
/// the answer to its probe by then, or it only polls again. The client sends nothing meanwhile: with
/// the 100 ms of Node one in ten of its first acknowledgements took 120 ms on loopback, now 40.
const FIRST_RELEASE: Duration = Duration::from_millis(20);

/// How often it is freed from then on.
const RELEASE_INTERVAL: Duration = Duration::from_millis(100);

/// How long a session that its client closed waits for the poll that the client sent beside the
/// close packet: over another connection, it may come second.
const LATE_GET: Duration = Duration::from_millis(50);

/// An Engine.IO session of one client.
///
/// | state | a GET | a POST | the websocket |
/// |---|---|---|---|
/// | open, polling | parked until there are packets | its packets are handled | may probe, once at a time |
/// | open, probed | answered with a noop | its packets are handled | upgrades with `5` |
/// | open, websocket | – | – | carries everything |
/// | closing | takes the rest and the close packet | ignored | takes the rest and a close frame |
/// | closing, probed | the same | ignored | upgrades with `5`, as the client may poll no more |
/// | closed | answered with a close packet | ignored | is closed |
#[derive(Debug)]
pub(crate) struct Connection {
    settings: Arc<Settings>,
    framing: Framing,
    state: State,
    transport: Transport,
    get: Get,
    /// Until when a GET that comes after the client's close packet is still answered.
    late_get: Option<Instant>,
    post: Post,
    probe: Option<Probe>,
    /// The websocket that carries the session, or tries to.
    websocket: WebSocketId,
    /// The websocket did not take all of what was last written to it.
    blocked: bool,
    /// The server reads no further for now.
    paused: bool,
    queue: Queue,
    /// The answer to a client's ping is in the queue. It is there once, however often a client pings
    /// that reads nothing.
    pong_queued: bool,
    heartbeat: Heartbeat,
    events: Fifo<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing { force_at: Instant },
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Get {
    Absent,
    Parked,
    /// To be answered with this, whatever is queued.
    Answered(Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Close,
    Noop,
    NoopAndClose,
}

impl Answer {
    fn packets(self) -> Fifo<Encoded> {
        let packets: &[&'static str] = match self {
            Answer::Close => &["1"],
            Answer::Noop => &["6"],
            Answer::NoopAndClose => &["6", "1"],
        };
        packets.iter().map(|packet| Encoded::packet(*packet)).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Post {
    Absent,
    /// Its body is under way, and must be here by then.
    Awaited {
        deadline: Instant,
    },
    /// Its packets are with the application; it is yet to be answered.
    Taken,
}

#[derive(Debug)]
struct Probe {
    deadline: Instant,
    /// Set once the client's probe came.
    release_at: Option<Instant>,
    pong_due: bool,
}

/// Tells the websockets of one session apart: a probe that failed may still be closing while the
/// next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WebSocketId(u32);

impl WebSocketId {
    /// One that a session has no use for.
    pub(crate) const REFUSED: Self = Self(u32::MAX);
}

/// What a websocket is to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebSocketState {
    /// It carries the session.
    Active,
    /// It is to be closed, nothing more may be sent.
    Closed,
    /// It is to be closed once the queue is sent.
    Closing,
    /// It tries to take over from polling.
    Probing,
}

/// What happened to the session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It ended; nothing follows.
    Closed(DisconnectReason),
    /// The client sent a message.
    Message(Message),
}

/// A request where one of its kind is under way, or a second upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overlap;

/// A message that could not be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The session has ended.
    Closed,
    /// The client is too slow: too many bytes wait already. The session was closed.
    Overflow,
}

impl Connection {
    /// Begins a session whose first packet is the handshake.
    pub(crate) fn new(
        now: Instant,
        settings: Arc<Settings>,
        framing: Framing,
        transport: Transport,
        handshake: Encoded,
    ) -> Self {
        let mut queue = Queue::default();
        queue.push(handshake);
        Self {
            state: State::Open,
            transport,
            get: Get::Absent,
            late_get: None,
            post: Post::Absent,
            probe: None,
            websocket: WebSocketId::default(),
            blocked: false,
            paused: false,
            queue,
            pong_queued: false,
            heartbeat: Heartbeat::new(now, framing.revision, &settings),
            settings,
            framing,
            events: Fifo::default(),
        }
    }

    /// A GET came and wants packets.
    pub(crate) fn handle_get(&mut self) -> Result<(), Overlap> {
        if self.get != Get::Absent {
            self.abort(DisconnectReason::TransportError);
            return Err(Overlap);
        }
        if self.late_get.take().is_some() {
            self.get = Get::Answered(Answer::Noop);
            return Ok(());
        }
        self.get = match (self.state, self.transport) {
            (State::Closed, _) | (_, Transport::WebSocket) => Get::Answered(Answer::Close),
            (State::Closing { .. }, _) if self.queue.is_empty() => {
                Get::Answered(Answer::NoopAndClose)
            }
            _ => Get::Parked,
        };
        Ok(())
    }

    /// The GET was given up before it was answered.
    pub(crate) fn handle_get_dropped(&mut self) {
        self.get = Get::Absent;
        self.abort_polling();
    }

    /// A POST came; its body is still under way.
    pub(crate) fn handle_post(&mut self, now: Instant) -> Result<(), Overlap> {
        if self.post != Post::Absent {
            self.abort(DisconnectReason::TransportError);
            return Err(Overlap);
        }
        self.post = Post::Awaited { deadline: after(now, self.settings.body_timeout) };
        Ok(())
    }

    /// The POST is answered.
    pub(crate) fn handle_post_done(&mut self) {
        self.post = Post::Absent;
    }

    /// The POST's body broke off, or is of a kind that the protocol does not have.
    pub(crate) fn handle_post_failed(&mut self) {
        self.post = Post::Absent;
        self.abort_polling();
    }

    /// The body of the POST is here.
    pub(crate) fn handle_payload(&mut self, now: Instant, payload: Payload) {
        self.post = Post::Taken;
        let mut packets = payload::decode(payload, self.framing);
        while let Some(packet) = packets.next().filter(|_| self.state == State::Open) {
            self.handle_packet(now, packet);
        }
        if self.framing.text == TextForm::Unknown {
            self.framing.text = packets.text_form();
        }
    }

    /// A websocket wants to take over from polling.
    pub(crate) fn handle_upgrade(&mut self, now: Instant) -> Result<WebSocketId, Overlap> {
        if self.state != State::Open
            || self.transport == Transport::WebSocket
            || self.probe.is_some()
        {
            return Err(Overlap);
        }
        let deadline = after(now, self.settings.upgrade_timeout);
        self.probe = Some(Probe { deadline, release_at: None, pong_due: false });
        self.websocket.0 += 1;
        Ok(self.websocket)
    }

    /// A frame came over a websocket.
    pub(crate) fn handle_frame(&mut self, now: Instant, id: WebSocketId, frame: Frame) {
        match (self.websocket_state(id), Packet::from_frame(frame, self.framing.revision)) {
            (_, None) => self.handle_websocket_closed(id, DisconnectReason::TransportClose),
            (WebSocketState::Active, Some(packet)) => self.handle_packet(now, packet),
            (WebSocketState::Probing, Some(packet)) => self.handle_probe(now, packet),
            (WebSocketState::Closed | WebSocketState::Closing, _) => {}
        }
    }

    /// A websocket has ended.
    pub(crate) fn handle_websocket_closed(&mut self, id: WebSocketId, reason: DisconnectReason) {
        match self.websocket_state(id) {
            WebSocketState::Active | WebSocketState::Closing => self.abort(reason),
            WebSocketState::Probing => self.probe = None,
            WebSocketState::Closed => {}
        }
    }

    /// All that the websocket was given is written.
    pub(crate) fn handle_flushed(&mut self, id: WebSocketId) {
        if self.is_current(id) {
            self.queue.sent();
            self.blocked = false;
        }
    }

    /// The websocket takes no more for now.
    pub(crate) fn handle_blocked(&mut self, id: WebSocketId) {
        self.blocked |= self.is_current(id);
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.late_get.take_if(|deadline| *deadline <= now);
        match self.state {
            State::Closed => return,
            State::Closing { force_at } if force_at <= now => {
                return self.abort(DisconnectReason::ForcedClose);
            }
            State::Closing { .. } | State::Open => {}
        }
        if let Some(probe) = &mut self.probe {
            if probe.deadline <= now {
                self.probe = None;
            } else if probe.release_at.is_some_and(|release_at| release_at <= now) {
                probe.release_at = Some(now + RELEASE_INTERVAL);
                if self.get == Get::Parked && self.queue.is_empty() {
                    self.get = Get::Answered(Answer::Noop);
                }
            }
        }
        if self.state != State::Open {
            return;
        }
        if matches!(self.post, Post::Awaited { deadline } if deadline <= now) {
            return self.abort(DisconnectReason::TransportError);
        }
        match self.heartbeat.handle_timeout(now, self.paused, &self.settings) {
            Beat::Dead => self.abort(DisconnectReason::PingTimeout),
            Beat::Nothing => {}
            Beat::Ping => self.queue.push(Encoded::packet("2")),
        }
    }

    /// Queues a message.
    pub(crate) fn send(&mut self, message: Encoded) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        let bytes = self.queue.bytes();
        if bytes > 0 && bytes + message.len() > self.settings.max_queue {
            self.abort(DisconnectReason::TransportError);
            return Err(SendError::Overflow);
        }
        self.queue.push(message);
        Ok(())
    }

    /// Queues what the client must learn, whatever waits already.
    pub(crate) fn send_control(&mut self, packet: Encoded) {
        if self.state == State::Open {
            self.queue.push(packet);
        }
    }

    /// Queues a message if the transport takes it now, and drops it otherwise.
    pub(crate) fn send_volatile(&mut self, message: Encoded) {
        let takes_it = self.state == State::Open
            && match self.transport {
                Transport::Polling => self.get == Get::Parked,
                Transport::WebSocket => !self.blocked,
            }
            && self.queue.bytes() + message.len() <= self.settings.max_queue;
        if takes_it {
            self.queue.push(message);
        }
    }

    /// Ends the session once the client has what is queued.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.state != State::Open {
            return;
        }
        self.state = State::Closing { force_at: after(now, self.settings.drain_timeout) };
        // Nobody is there for what the client sent meanwhile.
        self.events = Fifo::default();
        // Packets and the close packet never share a payload: the official client would act on the
        // close before it has read what comes with it.
        if self.get == Get::Parked && self.queue.is_empty() {
            self.get = Get::Answered(Answer::Close);
        }
    }

    /// Ends the session at once; what is queued is lost.
    pub(crate) fn abort(&mut self, reason: DisconnectReason) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.probe = None;
        self.post = Post::Absent;
        self.queue.clear();
        if self.get == Get::Parked {
            self.get = Get::Answered(Answer::Close);
        }
        self.events.push(Event::Closed(reason));
    }

    /// Tells whether the server reads what the client sends. While it does not, a missing pong is
    /// not the client's fault.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What the parked GET is to be answered with: the packets of one payload.
    pub(crate) fn poll_get(&mut self) -> Option<Fifo<Encoded>> {
        let packets = match self.get {
            Get::Absent => return None,
            Get::Parked if self.queue.is_empty() => return None,
            Get::Parked => self.take_queue(),
            Get::Answered(answer) => {
                if matches!(self.state, State::Closing { .. }) {
                    self.abort(DisconnectReason::ForcedClose);
                }
                answer.packets()
            }
        };
        self.get = Get::Absent;
        self.queue.sent();
        Some(packets)
    }

    /// What is to be written to this websocket.
    pub(crate) fn poll_transmit(&mut self, id: WebSocketId) -> Option<Fifo<Encoded>> {
        match self.websocket_state(id) {
            WebSocketState::Active | WebSocketState::Closing => {
                (!self.queue.is_empty()).then(|| self.take_queue())
            }
            WebSocketState::Probing => {
                let probe = self.probe.as_mut().filter(|probe| probe.pong_due)?;
                probe.pong_due = false;
                Some(Fifo::from(Encoded::packet("3probe")))
            }
            WebSocketState::Closed => None,
        }
    }

    /// What happened.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// The end of the session, if it has ended; messages that were not taken before are lost.
    pub(crate) fn poll_close(&mut self) -> Option<Event> {
        if !self.is_closed() {
            return None;
        }
        self.events.take_last()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let mut deadline = match self.state {
            State::Closed => return self.late_get,
            State::Closing { force_at } => force_at,
            State::Open => match self.post {
                Post::Awaited { deadline } => deadline.min(self.heartbeat.deadline()),
                Post::Absent | Post::Taken => self.heartbeat.deadline(),
            },
        };
        if let Some(probe) = &self.probe {
            deadline = deadline.min(probe.deadline).min(probe.release_at.unwrap_or(deadline));
        }
        Some(deadline)
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether a GET is still to come for a session that is closed.
    pub(crate) fn awaits_get(&self) -> bool {
        self.late_get.is_some()
    }

    /// Whether the queue takes more without growing long.
    pub(crate) fn is_ready(&self) -> bool {
        self.state != State::Open || self.queue.bytes() <= self.settings.max_queue / 4
    }

    /// Whether a GET waits for packets.
    pub(crate) fn has_get(&self) -> bool {
        self.get == Get::Parked
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether [`poll_get`](Self::poll_get) gives something.
    pub(crate) fn can_answer_get(&self) -> bool {
        match self.get {
            Get::Absent => false,
            Get::Parked => !self.queue.is_empty(),
            Get::Answered(_) => true,
        }
    }

    /// Whether the websocket that waits has something to do: to write, or to end.
    pub(crate) fn can_use_websocket(&self) -> bool {
        match (self.state, &self.probe) {
            (State::Closed, _) => true,
            (_, Some(probe)) => probe.pong_due && !self.blocked,
            (_, None) if self.transport == Transport::Polling => true,
            (State::Open, None) => !self.queue.is_empty() && !self.blocked,
            (State::Closing { .. }, None) => !self.blocked,
        }
    }

    /// Whether this websocket carries the session or is the last that tried to.
    pub(crate) fn is_current(&self, id: WebSocketId) -> bool {
        id == self.websocket
    }

    pub(crate) fn websocket_state(&self, id: WebSocketId) -> WebSocketState {
        if !self.is_current(id) {
            return WebSocketState::Closed;
        }
        match (self.state, self.transport, &self.probe) {
            (State::Closed, ..) => WebSocketState::Closed,
            (State::Closing { .. }, Transport::WebSocket, _) => WebSocketState::Closing,
            (State::Open, Transport::WebSocket, _) => WebSocketState::Active,
            (_, Transport::Polling, Some(_)) => WebSocketState::Probing,
            (_, Transport::Polling, None) => WebSocketState::Closed,
        }
    }

    fn take_queue(&mut self) -> Fifo<Encoded> {
        self.pong_queued = false;
        self.queue.take()
    }

    /// A request broke off. Once a websocket carries the session, that means nothing.
    fn abort_polling(&mut self) {
        if self.transport == Transport::Polling {
            self.abort(DisconnectReason::TransportError);
        }
    }

    fn handle_packet(&mut self, now: Instant, packet: Result<Packet, EngineError>) {
        let revision = self.framing.revision;
        self.heartbeat.handle_packet();
        match packet {
            Ok(Packet::Message(message)) => self.events.push(Event::Message(message)),
            Ok(Packet::Ping(_)) if revision == Revision::V3 => {
                self.heartbeat.handle_beat(now, revision, &self.settings);
                if !mem::replace(&mut self.pong_queued, true) {
                    self.queue.push(Encoded::packet("3"));
                }
            }
            Ok(Packet::Pong(_)) if revision == Revision::V4 => {
                self.heartbeat.handle_beat(now, revision, &self.settings);
            }
            Ok(Packet::Close) => {
                match (self.get, self.transport) {
                    (Get::Parked, _) => self.get = Get::Answered(Answer::Noop),
                    (_, Transport::Polling) => self.late_get = Some(now + LATE_GET),
                    (_, Transport::WebSocket) => {}
                }
                self.abort(DisconnectReason::TransportClose);
            }
            // That is the server's part.
            Ok(Packet::Ping(_) | Packet::Pong(_)) => self.abort(DisconnectReason::TransportError),
            Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop) => {}
            Err(EngineError) => self.abort(DisconnectReason::ParseError),
        }
    }

    fn handle_probe(&mut self, now: Instant, packet: Result<Packet, EngineError>) {
        let Some(probe) = &mut self.probe else {
            return;
        };
        match packet {
            Ok(Packet::Ping(data)) if data == "probe" && probe.release_at.is_none() => {
                probe.pong_due = true;
                probe.release_at = Some(now + FIRST_RELEASE);
            }
            Ok(Packet::Upgrade) if probe.release_at.is_some() => {
                if probe.pong_due {
                    self.queue.push_front(Encoded::packet("3probe"));
                }
                self.probe = None;
                self.transport = Transport::WebSocket;
                if self.get == Get::Parked {
                    self.get = Get::Answered(Answer::Close);
                }
            }
            _ => self.probe = None,
        }
    }
}
