//! Streams of bits as zstd reads them from their end: what is added first takes the lowest bits of the first byte, and a
//! one marks where the last byte ends.

/// So many bytes are written at once, of which only some count.
const WORD: usize = size_of::<u64>();

/// Appends bits to bytes.
pub(super) struct Bits<'b> {
    bytes: &'b mut Vec<u8>,
    /// Where the next whole byte goes; what stands behind it is room.
    at: usize,
    waiting: u64,
    /// How many bits wait: fewer than 8 after a flush.
    count: u32,
}

impl<'b> Bits<'b> {
    /// Bits behind the bytes that are there, at most `most` bytes of them.
    pub(super) fn new(bytes: &'b mut Vec<u8>, most: usize) -> Self {
        let at = bytes.len();
        bytes.resize(at + most + 2 * WORD, 0);
        Self { bytes, at, waiting: 0, count: 0 }
    }

    /// Adds the lowest `count` bits of a value. Between two flushes there is room for 56 bits.
    #[inline]
    pub(super) fn add(&mut self, value: u64, count: u32) {
        debug_assert!(self.count + count <= u64::BITS, "{} bits and {count} more", self.count);
        self.waiting |= (value & ((1 << count) - 1)) << self.count;
        self.count += count;
    }

    /// Writes all whole bytes.
    #[inline]
    pub(super) fn flush(&mut self) {
        self.bytes[self.at..self.at + WORD].copy_from_slice(&self.waiting.to_le_bytes());
        let whole = self.count / 8;
        self.at += whole as usize;
        self.waiting = self.waiting.checked_shr(whole * 8).unwrap_or(0);
        self.count %= 8;
    }

    /// Ends a stream that is read from its end.
    pub(super) fn close(mut self) {
        self.add(1, 1);
        self.end();
    }

    /// Ends a stream that is read from its start: the last byte is filled up.
    pub(super) fn end(mut self) {
        self.flush();
        let end = self.at + usize::from(self.count > 0);
        self.bytes[self.at] = self.waiting as u8;
        self.bytes.truncate(end);
    }
}
