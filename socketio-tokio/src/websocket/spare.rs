//! Buffers that the websockets of a thread take turns with, so that one which is idle needs none.

use std::cell::Cell;

/// Bytes that one read takes.
const READ: usize = 64 * 1024;

/// A buffer that has grown longer than this is not kept.
const WRITE: usize = 64 * 1024;

thread_local! {
    static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the buffer to read into.
pub(super) fn with_read_buffer<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    // Where it is lent already, or the thread is ending, it is made anew.
    let mut buffer = READ_BUFFER.try_with(Cell::take).unwrap_or_default();
    // Zeroed once and not for every read.
    buffer.resize(READ, 0);
    let result = read(&mut buffer);
    let _ = READ_BUFFER.try_with(|spare| spare.set(buffer));
    result
}

/// An empty buffer to write into.
pub(super) fn take() -> Vec<u8> {
    WRITE_BUFFER.try_with(Cell::take).unwrap_or_default()
}

/// Gives a buffer for others to use.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() <= WRITE {
        buffer.clear();
        let _ = WRITE_BUFFER.try_with(|spare| spare.set(buffer));
    }
}
