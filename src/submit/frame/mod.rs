//! A zstd frame (RFC 8878) made by someone who knows what repeats: literals, and copies of what stands before, are
//! coded as they are told.
//!
//! Most of the time that a compressor takes goes into finding what repeats. Who knows that does without the search, and
//! never writes out what is compressed.

mod bits;
mod fse;
mod huffman;
mod literals;
mod sequences;
#[cfg(test)]
mod tests;

use sequences::Sequences;

const MAGIC: u32 = 0xfd2f_b528;
/// The size stands in four bytes, behind that of the window.
const DESCRIPTOR: u8 = 2 << 6;
const WINDOW_AT: usize = 5;
const HEADER: usize = 10;
/// The smallest window in which blocks may be as large as they ever may.
const SMALLEST_WINDOW: usize = 128 << 10;
const BLOCK_HEADER: usize = 3;
const RAW_BLOCK: u32 = 0;
const CODED_BLOCK: u32 = 2;

/// After so many bytes a block ends. Coded, the largest stays below the 128 KiB that the format allows: a copy takes up to
/// 48 bits, and is not shorter, but for those that tell long lengths, less than one in 32.
const BLOCK: usize = 120 << 10;
/// The shortest copy from a new distance, and from one of the last three.
pub(super) const SHORTEST_NEW: usize = 6;
const SHORTEST_RECENT: usize = 4;
const _: () = assert!(BLOCK / SHORTEST_RECENT < sequences::MOST);

/// Bytes of a word: where bytes are few, they are told as the first ones of one.
pub(super) const WORD: usize = size_of::<u64>();

/// More than headers, tables and ends take of the blocks that are not written yet, of which there are two at most.
const SPARE: usize = 1 << 10;

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
#[derive(Debug)]
pub(super) struct Frame {
    done: Vec<u8>,
    /// Bytes before compression.
    size: usize,
    literals: Vec<u8>,
    sequences: Sequences,
    /// How many literals belong to the sequences.
    preceding: usize,
    /// Bytes of the present block before compression.
    block: usize,
    /// The copy that was told last, as long as nothing came behind it.
    open: Option<Copy>,
    /// The last three distances.
    recent: [u32; 3],
}

#[derive(Clone, Copy, Debug)]
struct Copy {
    distance: u32,
    length: u32,
    /// The first bytes, as long as there are too few for a copy.
    few: u64,
}

impl Default for Frame {
    fn default() -> Self {
        let mut frame = Self {
            done: Vec::new(),
            size: 0,
            literals: Vec::new(),
            sequences: Sequences::default(),
            preceding: 0,
            block: 0,
            open: None,
            recent: [0; 3],
        };
        frame.begin();
        frame
    }
}

impl Frame {
    fn begin(&mut self) {
        self.done.extend_from_slice(&MAGIC.to_le_bytes());
        self.done.push(DESCRIPTOR);
        self.done.resize(HEADER, 0);
        self.size = 0;
        self.recent = [1, 4, 8];
    }

    /// Bytes before compression.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The most bytes that the frame takes if it is finished after `more` bytes, which fit into a block.
    #[inline]
    pub(super) fn bound(&self, more: usize) -> usize {
        let open = self.block + more;
        self.done.len() + open + open / 32 + SPARE
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn literals(&mut self, bytes: &[u8]) {
        if bytes.len() + self.block > BLOCK {
            return self.long_literals(bytes);
        }
        if bytes.is_empty() {
            return;
        }
        self.settle();
        self.literals.extend_from_slice(bytes);
        self.block += bytes.len();
        self.size += bytes.len();
    }

    #[cold]
    fn long_literals(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(BLOCK) {
            self.end_block(false);
            self.literals(part);
        }
    }

    /// Appends `length` bytes that stand `distance` bytes before too, [`SHORTEST_NEW`] at least.
    #[inline]
    pub(super) fn copy(&mut self, distance: usize, mut length: usize) {
        while length > BLOCK {
            self.copy(distance, BLOCK / 2);
            length -= BLOCK / 2;
        }
        self.reach(distance, length);
    }

    /// Appends the first `count` bytes of a word.
    #[inline]
    pub(super) fn literal_word(&mut self, word: u64, count: usize) {
        if WORD + self.block > BLOCK {
            self.end_block(false);
        }
        if count == 0 {
            return;
        }
        self.settle();
        append_word(&mut self.literals, word, count);
        self.block += count;
        self.size += count;
    }

    /// Appends the first `count` bytes of a word, which stand `distance` bytes before too.
    #[inline]
    pub(super) fn copy_word(&mut self, distance: usize, word: u64, count: usize) {
        let open = self.reach(distance, count);
        let before = open.length as usize - count;
        if before < SHORTEST_NEW && count < WORD {
            open.few |= (word & ((1 << (8 * count)) - 1)) << (8 * before);
        }
    }

    /// Makes the open copy one from this distance that is longer by `length`.
    #[inline]
    fn reach(&mut self, distance: usize, length: usize) -> &mut Copy {
        debug_assert!((1..=self.size).contains(&distance), "{distance} of {}", self.size);
        if self.block + length > BLOCK {
            self.end_block(false);
        }
        self.block += length;
        self.size += length;
        let distance = distance as u32;
        if self.open.is_none_or(|open| open.distance != distance) {
            self.settle();
        }
        let open = self.open.get_or_insert(Copy { distance, length: 0, few: 0 });
        open.length += length as u32;
        open
    }

    /// Ends the copy that was told last.
    #[inline]
    fn settle(&mut self) {
        let Some(Copy { distance, length, few }) = self.open.take() else { return };
        let is_recent = self.recent.contains(&distance);
        if (length as usize) < if is_recent { SHORTEST_RECENT } else { SHORTEST_NEW } {
            self.literals.extend_from_slice(&few.to_le_bytes()[..length as usize]);
            return;
        }
        let literals = (self.literals.len() - self.preceding) as u32;
        self.preceding = self.literals.len();
        let offset = self.offset(distance, literals > 0);
        self.sequences.push(literals, length, offset);
    }

    /// A distance as the format says it, and which ones are the last now.
    #[inline]
    fn offset(&mut self, distance: u32, has_literals: bool) -> u32 {
        let [first, second, third] = self.recent;
        // Without literals, the last distance would be a longer copy before; its number means something else.
        if distance == first && has_literals {
            return 1;
        }
        if distance == second {
            self.recent = [second, first, third];
            return if has_literals { 2 } else { 1 };
        }
        self.recent = [distance, first, second];
        if distance == third {
            return if has_literals { 3 } else { 2 };
        }
        distance + 3
    }

    fn end_block(&mut self, is_last: bool) {
        if self.block == 0 && !is_last {
            return;
        }
        self.settle();
        let start = self.done.len();
        self.done.extend_from_slice(&[0; BLOCK_HEADER]);
        let is_all_literal = self.sequences.is_empty();
        literals::encode(&self.literals, &mut self.done);
        self.sequences.encode(&mut self.done);
        let mut kind = CODED_BLOCK;
        if is_all_literal && self.done.len() - start - BLOCK_HEADER >= self.block {
            // That is no gain, and an empty block would not even be read by all decoders.
            kind = RAW_BLOCK;
            self.done.truncate(start + BLOCK_HEADER);
            self.done.extend_from_slice(&self.literals);
        }
        let length = (self.done.len() - start - BLOCK_HEADER) as u32;
        let header = u32::from(is_last) | kind << 1 | length << 3;
        self.done[start..start + BLOCK_HEADER].copy_from_slice(&header.to_le_bytes()[..BLOCK_HEADER]);
        self.literals.clear();
        (self.preceding, self.block) = (0, 0);
    }

    /// The finished frame. What is told from now on is of the next one.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.end_block(true);
        // All of the frame is in the window, which is 2^10 bytes times a power of two.
        let window = self.size.max(SMALLEST_WINDOW).next_power_of_two().ilog2() as u8;
        self.done[WINDOW_AT] = (window - 10) << 3;
        self.done[WINDOW_AT + 1..HEADER].copy_from_slice(&(self.size as u32).to_le_bytes());
        let done = std::mem::take(&mut self.done);
        self.begin();
        done
    }
}
