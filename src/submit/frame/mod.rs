//! A zstd frame (RFC 8878) made by someone who knows what repeats: literals, and copies of what stands before, are
//! coded as they are told, and blocks that were coded once serve again.
//!
//! Most of the time that a compressor takes goes into finding what repeats. Who knows that does without the search, and
//! never writes out what is compressed.

mod bits;
mod block;
mod fse;
mod huffman;
mod literals;
mod sequences;
#[cfg(test)]
mod tests;

pub(super) use block::{BLOCK, Block, BlockBuilder, SHORTEST_NEW};

const MAGIC: u32 = 0xfd2f_b528;
/// The size stands in four bytes, behind that of the window.
const DESCRIPTOR: u8 = 2 << 6;
const SIZE_AT: usize = 6;
const HEADER: usize = 10;
/// The window is two to the power of this: no copy reaches further back than its block does, and in a smaller one
/// blocks may not be as large as they ever may.
const WINDOW: u8 = 17;
const BLOCK_HEADER: usize = 3;
const LAST: u8 = 1;
const RAW_BLOCK: u32 = 0;
const CODED_BLOCK: u32 = 2;

/// Bytes of a word: where bytes are few, they are told as the first ones of one.
pub(super) const WORD: usize = size_of::<u64>();

/// The first bytes as a word, the first one the lowest.
#[inline]
pub(super) fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(WORD).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Appends the first `count` bytes of a word: all of it, which takes less time than a part, and then not what is too much.
#[inline]
pub(super) fn append_word(bytes: &mut Vec<u8>, word: u64, count: usize) {
    bytes.extend_from_slice(&word.to_le_bytes());
    bytes.truncate(bytes.len() - (WORD - count));
}

/// A frame that grows.
#[derive(Debug, Default)]
pub(super) struct Frame {
    done: Vec<u8>,
    /// Bytes before compression.
    size: usize,
    /// Where the last block begins.
    last: usize,
}

impl Frame {
    /// Bytes before compression.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The most bytes that the frame takes with one more block.
    pub(super) fn bound(&self, block: &Block) -> usize {
        self.done.len().max(HEADER) + BLOCK_HEADER + block.bound()
    }

    /// Appends a block.
    pub(super) fn add(&mut self, block: &mut Block) {
        self.begin();
        self.last = self.done.len();
        self.size += block.size();
        self.done.extend_from_slice(&[0; BLOCK_HEADER]);
        let kind = if block.write(&mut self.done) { CODED_BLOCK } else { RAW_BLOCK };
        let length = (self.done.len() - self.last - BLOCK_HEADER) as u32;
        let header = (kind << 1 | length << 3).to_le_bytes();
        self.done[self.last..self.last + BLOCK_HEADER].copy_from_slice(&header[..BLOCK_HEADER]);
    }

    fn begin(&mut self) {
        if self.done.is_empty() {
            self.done.extend_from_slice(&MAGIC.to_le_bytes());
            self.done.extend_from_slice(&[DESCRIPTOR, (WINDOW - 10) << 3]);
            self.done.resize(HEADER, 0);
        }
    }

    /// The finished frame, which has a block at least. What is added from now on is of the next one.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut done = std::mem::take(&mut self.done);
        done[SIZE_AT..HEADER].copy_from_slice(&(self.size as u32).to_le_bytes());
        done[self.last] |= LAST;
        self.size = 0;
        done
    }
}
