//! The drawing as plain data: it knows no sockets.
//!
//! Points are pairs of `u16`: how far to the right and how far down, as parts of 65535 of the
//! board. So they mean the same on every screen, and there is no wrong one. Packed they are 4 bytes
//! each, and kept as they came.
//!
//! The whole drawing is its strokes, the oldest first, each of them
//!
//! | bytes | |
//! |---|---|
//! | 8 | id; a later stroke has a higher one |
//! | 1 | colour, a place in the page's palette; 0 erases |
//! | 1 | width, a place in the page's list |
//! | 2 | number of points |
//! | 4 each | points: x, y |
//!
//! with all numbers in little-endian order. It has at most 256 KiB, in at most 4096 strokes: past
//! either bound the oldest strokes are dropped.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use crate::messages::{Draw, Refusal};

const COLOURS: u8 = 9;
const WIDTHS: u8 = 4;
const MESSAGE_POINTS: usize = 256;
const STROKE_POINTS: u16 = 4096;
const STROKES: usize = 4096;
const DRAWING_BYTES: usize = 256 * 1024;

const HEADER_BYTES: usize = 12;
const POINT_BYTES: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Board {
    /// In the order of their ids.
    strokes: VecDeque<Stroke>,
    /// What `strokes` would have if packed.
    bytes: usize,
    last_id: u64,
}

#[derive(Debug)]
struct Stroke {
    id: u64,
    owner: u64,
    pen: Pen,
    points: Vec<u8>,
}

/// A colour and a width that exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: u8,
    pub(crate) width: u8,
}

/// Points of one message: at least one, and not too many.
#[derive(Debug)]
pub(crate) struct Points(Bytes);

impl Board {
    /// Adds a stroke and gives its id.
    pub(crate) fn begin(&mut self, owner: u64, pen: Pen, points: &Points) -> u64 {
        self.last_id += 1;
        self.bytes += HEADER_BYTES + points.0.len();
        let points = points.0.to_vec();
        self.strokes.push_back(Stroke { id: self.last_id, owner, pen, points });
        self.last_id
    }

    /// Goes on with a stroke.
    pub(crate) fn extend(&mut self, id: u64, points: &Points) -> Result<(), Refusal> {
        let place = self.strokes.binary_search_by_key(&id, |stroke| stroke.id);
        let stroke = &mut self.strokes[place.map_err(|_| Refusal::NoStroke)?];
        let max = usize::from(STROKE_POINTS);
        if stroke.points.len() + points.0.len() > max * POINT_BYTES {
            return Err(Refusal::LongStroke { max });
        }
        stroke.points.extend_from_slice(&points.0);
        self.bytes += points.0.len();
        Ok(())
    }

    /// Removes the last stroke of this owner and gives its id.
    pub(crate) fn undo(&mut self, owner: u64) -> Result<u64, Refusal> {
        let place = self.strokes.iter().rposition(|stroke| stroke.owner == owner);
        let stroke = place.and_then(|place| self.strokes.remove(place));
        let stroke = stroke.ok_or(Refusal::NothingToUndo)?;
        self.bytes -= stroke.packed_bytes();
        Ok(stroke.id)
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.strokes = VecDeque::new();
        self.bytes = 0;
    }

    /// Drops the oldest strokes until the drawing is within its bounds, and gives their ids.
    pub(crate) fn trim(&mut self) -> Vec<u64> {
        let mut dropped = Vec::new();
        while self.bytes > DRAWING_BYTES || self.strokes.len() > STROKES {
            let Some(stroke) = self.strokes.pop_front() else { break };
            self.bytes -= stroke.packed_bytes();
            dropped.push(stroke.id);
        }
        dropped
    }

    /// The whole drawing, packed.
    pub(crate) fn pack(&self) -> Bytes {
        let mut packed = BytesMut::with_capacity(self.bytes);
        for stroke in &self.strokes {
            packed.put_u64_le(stroke.id);
            packed.put_u8(stroke.pen.colour);
            packed.put_u8(stroke.pen.width);
            packed.put_u16_le(stroke.point_count());
            packed.put_slice(&stroke.points);
        }
        packed.freeze()
    }
}

impl Stroke {
    fn point_count(&self) -> u16 {
        let count = self.points.len() / POINT_BYTES;
        count.try_into().expect("a stroke has no more than STROKE_POINTS")
    }

    fn packed_bytes(&self) -> usize {
        HEADER_BYTES + self.points.len()
    }
}

impl TryFrom<&Draw> for Pen {
    type Error = Refusal;

    fn try_from(&Draw { colour, width, .. }: &Draw) -> Result<Self, Refusal> {
        if colour >= COLOURS {
            return Err(Refusal::UnknownColour);
        }
        if width >= WIDTHS {
            return Err(Refusal::UnknownWidth);
        }
        Ok(Self { colour, width })
    }
}

impl TryFrom<Bytes> for Points {
    type Error = Refusal;

    fn try_from(packed: Bytes) -> Result<Self, Refusal> {
        if !packed.len().is_multiple_of(POINT_BYTES) {
            return Err(Refusal::BrokenPoints);
        }
        match packed.len() / POINT_BYTES {
            1..=MESSAGE_POINTS => Ok(Self(packed)),
            _ => Err(Refusal::PointCount { max: MESSAGE_POINTS }),
        }
    }
}

impl Points {
    /// As they came.
    pub(crate) fn packed(&self) -> &Bytes {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: u64 = 1;
    const BO: u64 = 2;
    const PEN: Pen = Pen { colour: 1, width: 0 };

    fn points(count: usize) -> Points {
        Points::try_from(Bytes::from(vec![7; count * POINT_BYTES])).expect("a fine number")
    }

    fn ids(board: &Board) -> Vec<u64> {
        board.strokes.iter().map(|stroke| stroke.id).collect()
    }

    #[test]
    fn a_drawing_is_packed_as_documented() {
        let mut board = Board::default();
        let first = Points::try_from(Bytes::from_static(&[1, 0, 2, 0])).expect("one point");
        let second = Points::try_from(Bytes::from_static(&[255, 255, 0, 1])).expect("one point");
        let id = board.begin(ADA, Pen { colour: 8, width: 3 }, &first);
        board.begin(BO, PEN, &first);
        assert_eq!(board.extend(id, &second), Ok(()));
        let packed = [
            &[1, 0, 0, 0, 0, 0, 0, 0, 8, 3, 2, 0, 1, 0, 2, 0, 255, 255, 0, 1][..],
            &[2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 2, 0],
        ];
        assert_eq!(board.pack(), packed.concat());
    }

    #[test]
    fn everyone_undoes_their_own() {
        let mut board = Board::default();
        for owner in [ADA, BO, ADA, BO] {
            board.begin(owner, PEN, &points(1));
        }
        assert_eq!(board.undo(ADA), Ok(3));
        assert_eq!(board.extend(3, &points(1)), Err(Refusal::NoStroke));
        assert_eq!(board.extend(4, &points(1)), Ok(()));
        assert_eq!(board.undo(ADA), Ok(1));
        assert_eq!(board.undo(ADA), Err(Refusal::NothingToUndo));
        assert_eq!(ids(&board), [2, 4]);
    }

    #[test]
    fn ids_go_on_after_a_clear() {
        let mut board = Board::default();
        board.begin(ADA, PEN, &points(1));
        board.clear();
        assert!(board.pack().is_empty());
        assert_eq!(board.begin(ADA, PEN, &points(1)), 2);
    }

    #[test]
    fn the_oldest_strokes_make_room() {
        let mut board = Board::default();
        let mut dropped = Vec::new();
        for _ in 0..300 {
            board.begin(ADA, PEN, &points(256));
            dropped.extend(board.trim());
            assert_eq!(board.pack().len(), board.bytes);
            assert!(board.bytes <= DRAWING_BYTES);
        }
        assert_eq!([dropped, ids(&board)].concat(), (1..=300).collect::<Vec<_>>());

        board.clear();
        for _ in 0..5000 {
            board.begin(ADA, PEN, &points(1));
        }
        assert_eq!(board.trim().len(), 5000 - STROKES);
        assert_eq!(board.strokes.len(), STROKES);
    }

    #[test]
    fn a_stroke_has_an_end() {
        let mut board = Board::default();
        let id = board.begin(ADA, PEN, &points(256));
        for _ in 1..16 {
            assert_eq!(board.extend(id, &points(256)), Ok(()));
        }
        assert_eq!(board.extend(id, &points(1)), Err(Refusal::LongStroke { max: 4096 }));
        assert_eq!(board.pack().len(), HEADER_BYTES + 4096 * POINT_BYTES);
        assert_eq!(board.undo(ADA), Ok(id));
        assert_eq!(board.bytes, 0);
    }

    #[test]
    fn what_a_client_asks_for_is_checked() {
        let pen = |colour, width| {
            Pen::try_from(&Draw { colour, width, points: Bytes::new() }).map(|_| ())
        };
        assert_eq!(pen(8, 3), Ok(()));
        assert_eq!(pen(9, 0), Err(Refusal::UnknownColour));
        assert_eq!(pen(0, 4), Err(Refusal::UnknownWidth));

        let points = |bytes| Points::try_from(Bytes::from(vec![0; bytes])).map(|_| ());
        assert_eq!(points(1024), Ok(()));
        assert_eq!(points(1023), Err(Refusal::BrokenPoints));
        assert_eq!(points(0), Err(Refusal::PointCount { max: 256 }));
        assert_eq!(points(1028), Err(Refusal::PointCount { max: 256 }));
    }
}
