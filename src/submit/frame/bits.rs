//! Streams of bits as zstd has them: what is added first takes the lowest bits of the first byte, and where a stream is
//! read from its end, a one marks where that is.

use super::WORD;

/// Writes bits into room that is there.
pub(super) struct Bits<'b> {
    room: &'b mut [u8],
    /// Where the next whole byte goes.
    at: usize,
    waiting: u64,
    /// How many bits wait: fewer than 8 after a flush.
    count: u32,
}

/// Appends what `write` adds, at most `most` bytes, to be read from its start: the last byte is filled up with zeros.
pub(super) fn forward(out: &mut Vec<u8>, most: usize, write: impl FnOnce(&mut Bits<'_>)) {
    let start = out.len();
    out.resize(start + most + 2 * WORD, 0);
    let mut bits = Bits { room: &mut out[start..], at: 0, waiting: 0, count: 0 };
    write(&mut bits);
    bits.flush();
    bits.room[bits.at] = bits.waiting as u8;
    let length = bits.at + usize::from(bits.count > 0);
    out.truncate(start + length);
}

/// Appends what `write` adds, at most `most` bytes, to be read from its end.
pub(super) fn backward(out: &mut Vec<u8>, most: usize, write: impl FnOnce(&mut Bits<'_>)) {
    forward(out, most, |bits| {
        write(bits);
        bits.flush();
        bits.add(1, 1);
    });
}

impl Bits<'_> {
    /// Adds the lowest `count` bits of a value. Between two flushes there is room for 56 bits.
    #[inline]
    pub(super) fn add(&mut self, value: u64, count: u32) {
        self.add_all(value & ((1 << count) - 1), count);
    }

    /// Adds a value of at most `count` bits.
    #[inline]
    pub(super) fn add_all(&mut self, value: u64, count: u32) {
        debug_assert!(self.count + count < u64::BITS, "{} bits and {count} more", self.count);
        self.waiting |= value << self.count;
        self.count += count;
    }

    /// Writes all whole bytes.
    #[inline]
    pub(super) fn flush(&mut self) {
        self.room[self.at..self.at + WORD].copy_from_slice(&self.waiting.to_le_bytes());
        self.at += (self.count / 8) as usize;
        self.waiting >>= self.count / 8 * 8;
        self.count %= 8;
    }
}
