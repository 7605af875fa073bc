use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::spare;

/// A payload of this many bytes is not copied behind the others: it is written from where it is.
/// Copying 4 KiB is cheaper than that; a delivery of so much takes 6.2 µs with half the limit and 5.9
/// so.
const LARGE: usize = 8192;

/// Pieces that one call writes.
const PIECES: usize = 16;

/// Frames on their way to the client. With none it holds no memory.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Large payloads, and what is to be written before each.
    large: VecDeque<(Vec<u8>, Bytes)>,
    /// What is to be written behind them.
    last: Vec<u8>,
    /// How much is written of the first of these vectors.
    written: usize,
    len: usize,
}

impl Encoder {
    /// Bytes that are not written yet.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.large.capacity() + self.last.capacity()
    }

    /// Adds a frame.
    pub(super) fn push(&mut self, opcode: u8, payload: Bytes) {
        let is_large = payload.len() >= LARGE;
        if self.last.capacity() == 0 && !is_large {
            self.last = spare::take();
        }
        let before = self.last.len();
        self.push_head(opcode, payload.len());
        self.len += self.last.len() - before + payload.len();
        if is_large {
            self.large.push_back((mem::take(&mut self.last), payload));
        } else {
            self.last.extend_from_slice(&payload);
        }
    }

    /// RFC 6455, section 5.2. What a server sends is not masked.
    fn push_head(&mut self, opcode: u8, len: usize) {
        const FIN: u8 = 0x80;
        let head = &mut self.last;
        head.push(FIN | opcode);
        match len {
            0..126 => head.push(len as u8),
            126..0x1_0000 => {
                head.push(126);
                head.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                head.push(127);
                head.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
    }

    /// Writes all there is.
    pub(super) fn poll_write<C: AsyncWrite>(
        &mut self,
        mut connection: Pin<&mut C>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.len > 0 {
            let written = if self.large.is_empty() {
                connection.as_mut().poll_write(cx, &self.last[self.written..])
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let count = self.pieces(&mut pieces);
                connection.as_mut().poll_write_vectored(cx, &pieces[..count])
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.advance(count),
            }
        }
        if self.written > 0 {
            self.written = 0;
            spare::give(mem::take(&mut self.last));
        }
        Poll::Ready(Ok(()))
    }

    fn pieces<'a>(&'a self, pieces: &mut [IoSlice<'a>; PIECES]) -> usize {
        let large = self.large.iter().flat_map(|(before, payload)| [&before[..], &payload[..]]);
        let mut written = self.written;
        let all = large.chain([&self.last[..]]).map(|piece| &piece[mem::take(&mut written)..]);
        let mut count = 0;
        for piece in all.filter(|piece| !piece.is_empty()).take(PIECES) {
            pieces[count] = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while let Some((before, payload)) = self.large.front_mut() {
            let left = before.len() - self.written;
            if count < left {
                break;
            }
            count -= left;
            self.written = 0;
            before.clear();
            if count < payload.len() {
                return payload.advance(count);
            }
            count -= payload.len();
            self.large.pop_front();
            if self.large.is_empty() {
                self.large = VecDeque::new();
            }
        }
        self.written += count;
    }
}
