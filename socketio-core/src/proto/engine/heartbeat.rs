use std::time::Instant;

use super::Settings;
use crate::{proto::after, wire::Revision};

/// In revision 4 the server pings; the client answers in time or is gone. In revision 3 the client
/// pings, in time or it is gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The next ping is due at this time.
    Resting { ping_at: Instant },
    /// The client has its turn. One more `ping_timeout` is granted to a client that was pinged and
    /// sent anything else, and several while the server does not read.
    Waiting { deadline: Instant, active: bool, extended: bool, unread: u32 },
}

/// How often a client that is not read is granted a `ping_timeout`. A handler that never ends must
/// not keep a client for ever that is long gone.
const MAX_UNREAD: u32 = 100;

/// What is to be done at a deadline.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Dead,
    Nothing,
    Ping,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, revision: Revision, settings: &Settings) -> Self {
        let ping_at = after(now, settings.ping_interval);
        match revision {
            Revision::V3 => Heartbeat::Waiting {
                deadline: after(ping_at, settings.ping_timeout),
                active: false,
                extended: true,
                unread: 0,
            },
            Revision::V4 => Heartbeat::Resting { ping_at },
        }
    }

    /// The client did its part: it sent a ping, or the pong to one.
    pub(super) fn handle_beat(&mut self, now: Instant, revision: Revision, settings: &Settings) {
        *self = Heartbeat::new(now, revision, settings);
    }

    pub(super) fn handle_packet(&mut self) {
        if let Heartbeat::Waiting { active, .. } = self {
            *active = true;
        }
    }

    /// `paused` tells that the server does not read, so that the client's pong may be waiting.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        paused: bool,
        settings: &Settings,
    ) -> Beat {
        match self {
            Heartbeat::Resting { ping_at } if *ping_at <= now => {
                let deadline = after(now, settings.ping_timeout);
                *self = Heartbeat::Waiting { deadline, active: false, extended: false, unread: 0 };
                Beat::Ping
            }
            Heartbeat::Waiting { deadline, active, extended, unread } if *deadline <= now => {
                if paused && *unread < MAX_UNREAD {
                    *unread += 1;
                } else if *active && !*extended {
                    *extended = true;
                } else {
                    return Beat::Dead;
                }
                *deadline = after(now, settings.ping_timeout);
                Beat::Nothing
            }
            _ => Beat::Nothing,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        match *self {
            Heartbeat::Resting { ping_at } => ping_at,
            Heartbeat::Waiting { deadline, .. } => deadline,
        }
    }
}
