use std::time::Instant;

use super::Settings;

/// The server pings; the client answers in time or is gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// The next ping is due at this time.
    Resting { ping_at: Instant },
    /// A ping was sent. One more `ping_timeout` is granted to a client that sent anything else.
    Waiting { deadline: Instant, active: bool, extended: bool },
}

/// What is to be done at a deadline.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Dead,
    Nothing,
    Ping,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, settings: &Settings) -> Self {
        Heartbeat::Resting { ping_at: now + settings.ping_interval }
    }

    pub(super) fn handle_pong(&mut self, now: Instant, settings: &Settings) {
        *self = Heartbeat::new(now, settings);
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
                let deadline = now + settings.ping_timeout;
                *self = Heartbeat::Waiting { deadline, active: false, extended: false };
                Beat::Ping
            }
            Heartbeat::Waiting { deadline, active, extended } if *deadline <= now => {
                if paused || (*active && !*extended) {
                    *deadline = now + settings.ping_timeout;
                    *extended |= !paused;
                    Beat::Nothing
                } else {
                    Beat::Dead
                }
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
