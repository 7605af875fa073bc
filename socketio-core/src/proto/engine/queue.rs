use std::mem;

use super::Fifo;
use crate::wire::Encoded;

/// What waits for the client, and how much of it a transport has taken but not yet sent.
#[derive(Debug, Default)]
pub(super) struct Queue {
    packets: Fifo<Encoded>,
    bytes: usize,
    in_flight: usize,
}

impl Queue {
    pub(super) fn push(&mut self, packet: Encoded) {
        self.bytes += packet.len();
        self.packets.push(packet);
    }

    pub(super) fn push_front(&mut self, packet: Encoded) {
        self.bytes += packet.len();
        self.packets.push_front(packet);
    }

    /// Gives all packets to a transport. Their bytes count until [`sent`](Queue::sent).
    pub(super) fn take(&mut self) -> Fifo<Encoded> {
        self.in_flight = mem::take(&mut self.bytes);
        mem::take(&mut self.packets)
    }

    pub(super) fn sent(&mut self) {
        self.in_flight = 0;
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.in_flight
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}
