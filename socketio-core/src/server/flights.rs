use std::collections::VecDeque;

use bytestring::ByteString;
use rustc_hash::FxHashSet;

use super::{rooms::Selection, shrink::Shrink};
use crate::{id::SocketId, wire::Draft};

/// Events of this node on their way to the log of the cluster and back, in their order. A plain data
/// structure.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: VecDeque<Flight>,
    bytes: usize,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) number: u64,
    pub(super) selection: Selection,
    pub(super) draft: Draft,
    /// Who has it already, having left a room or the namespace meanwhile.
    pub(super) early: FxHashSet<SocketId>,
    /// Its number in the journal, if all who are here had it without waiting for the log.
    pub(super) delivered: Option<u64>,
}

impl Flight {
    pub(super) fn new(number: u64, selection: Selection, draft: Draft) -> Self {
        Self { number, selection, draft, early: FxHashSet::default(), delivered: None }
    }

    /// Bytes that it takes, but for a few.
    fn len(&self) -> usize {
        let Selection { rooms, except, .. } = &self.selection;
        let rooms = rooms.iter().flatten().chain(except);
        let rooms: usize = rooms.map(|room| size_of::<ByteString>() + room.len()).sum();
        size_of::<Self>() + self.draft.len() + rooms
    }
}

impl Flights {
    pub(super) fn push(&mut self, flight: Flight) {
        self.bytes += flight.len();
        self.flights.push_back(flight);
    }

    /// Takes the event of this number, behind those before it.
    pub(super) fn land(&mut self, number: u64) -> Vec<Flight> {
        let count = self.flights.partition_point(|flight| flight.number <= number);
        (0..count).filter_map(|_| self.pop()).collect()
    }

    /// Takes the event of this number alone.
    pub(super) fn remove(&mut self, number: u64) -> Option<Flight> {
        let index = self.flights.binary_search_by_key(&number, |flight| flight.number).ok()?;
        let flight = self.flights.remove(index)?;
        self.bytes -= flight.len();
        Some(flight)
    }

    /// Takes the oldest where there are more than so many bytes.
    pub(super) fn shed(&mut self, limit: usize) -> Option<Flight> {
        if self.bytes > limit { self.pop() } else { None }
    }

    /// The first that nobody has had yet, among those up to a number.
    pub(super) fn first_undelivered(&mut self, up_to: u64) -> Option<&mut Flight> {
        let index = self.flights.partition_point(|flight| flight.delivered.is_some());
        self.flights.get_mut(index).filter(|flight| flight.number <= up_to)
    }

    /// Those that not all have had yet.
    pub(super) fn undelivered(&mut self) -> impl Iterator<Item = &mut Flight> {
        self.flights.iter_mut().filter(|flight| flight.delivered.is_none())
    }

    fn pop(&mut self) -> Option<Flight> {
        let flight = self.flights.pop_front()?;
        self.bytes -= flight.len();
        self.flights.shrink();
        Some(flight)
    }
}
