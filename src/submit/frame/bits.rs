//! Streams of bits as zstd has them: what is added first takes the lowest bits of the first byte, and where a stream is
//! read from its end, a one marks where that is.

use super::WORD;

/// Writes bits into room that is there: numbers, and states of the other code.
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
        debug_assert!(self.count + count < u64::BITS, "{} bits and {count} more", self.count);
        self.waiting |= (value & ((1 << count) - 1)) << self.count;
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

/// Appends the codes that `write` adds, at most `most` bytes, to be read from their end.
pub(super) fn codes(out: &mut Vec<u8>, most: usize, write: impl FnOnce(&mut CodeBits<'_>)) {
    let start = out.len();
    out.resize(start + most + 2 * WORD, 0);
    let mut bits = CodeBits { room: &mut out[start..], at: 0, waiting: 0, count: 0 };
    write(&mut bits);
    bits.flush();
    let left = bits.left();
    bits.room[bits.at] = left as u8 | 1 << bits.count;
    let length = bits.at + 1;
    out.truncate(start + length);
}

/// A code, or several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    /// The code at the top of a word, above zeros.
    top: u64,
    /// How many bits the code has.
    length: u64,
}

impl Code {
    /// The lowest `length` bits of a number.
    pub(super) fn new(code: u16, length: u8) -> Self {
        let top = u64::from(code).checked_shl(u64::BITS - u32::from(length)).unwrap_or_default();
        Self { top, length: u64::from(length) }
    }

    /// This code and then another one.
    #[inline]
    pub(super) fn then(self, next: Self) -> Self {
        Self { top: self.top >> (next.length & 63) | next.top, length: self.length + next.length }
    }
}

/// Writes codes of literals into room that is there. Those that wait stand at the top of a word, the last one the
/// highest: to add one takes a shift, and what was written need not be taken away.
pub(super) struct CodeBits<'b> {
    room: &'b mut [u8],
    /// Where the next whole byte goes.
    at: usize,
    waiting: u64,
    /// How many bits wait: fewer than 8 after a flush.
    count: u64,
}

impl CodeBits<'_> {
    /// Adds codes. Between two flushes there is room for 56 bits.
    #[inline]
    pub(super) fn add(&mut self, code: Code) {
        self.waiting = self.waiting >> (code.length & 63) | code.top;
        self.count += code.length;
    }

    /// Writes all whole bytes.
    #[inline]
    pub(super) fn flush(&mut self) {
        debug_assert!(self.count < 64, "{} bits", self.count);
        let left = self.left().to_le_bytes();
        self.room[self.at..self.at + WORD].copy_from_slice(&left);
        self.at += (self.count / 8) as usize;
        self.count %= 8;
    }

    /// What waits, the first code the lowest.
    #[inline]
    fn left(&self) -> u64 {
        // Without a bit, nothing of the word is meant.
        self.waiting.checked_shr(u64::BITS - self.count as u32).unwrap_or_default()
    }
}
