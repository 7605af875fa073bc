use std::time::Duration;

use bytestring::ByteString;
use serde::Deserialize;
use socketio_core::{BroadcastOperator, IntoRooms, Socket};
use socketio_redis::{EmitterOperator, RedisEmitter};

/// Whom something is for, and how it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Selection {
    /// But for the socket itself.
    others: bool,
    to: Option<Rooms>,
    except: Option<Rooms>,
    volatile: bool,
    local: bool,
    /// In milliseconds.
    timeout: Option<u64>,
}

impl Selection {
    /// As the namespace of a socket, or the socket itself, selects them.
    pub(super) fn of(self, socket: &Socket) -> BroadcastOperator {
        let everyone = socket.namespace().except([""; 0]);
        let mut operator = if self.others { socket.broadcast() } else { everyone };
        if let Some(rooms) = self.to {
            operator = operator.to(rooms);
        }
        if let Some(rooms) = self.except {
            operator = operator.except(rooms);
        }
        if self.volatile {
            operator = operator.volatile();
        }
        if self.local {
            operator = operator.local();
        }
        match self.timeout {
            Some(timeout) => operator.timeout(Duration::from_millis(timeout)),
            None => operator,
        }
    }

    /// As an emitter does, in the namespace of a socket.
    pub(super) fn of_emitter(self, emitter: &RedisEmitter, socket: &Socket) -> EmitterOperator {
        let mut operator = emitter.of(socket.namespace().name()).except([""; 0]);
        if let Some(rooms) = self.to {
            operator = operator.to(rooms);
        }
        if let Some(rooms) = self.except {
            operator = operator.except(rooms);
        }
        match self.volatile {
            true => operator.volatile(),
            false => operator,
        }
    }
}

/// Rooms, or one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Rooms {
    One(String),
    Several(Vec<String>),
}

impl IntoRooms for Rooms {
    fn into_rooms(self) -> Vec<ByteString> {
        match self {
            Rooms::One(room) => room.into_rooms(),
            Rooms::Several(rooms) => rooms.into_rooms(),
        }
    }
}
