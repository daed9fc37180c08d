//! A block of a frame (RFC 8878, section 3.1.1.2): literals, and copies of what stands before, which are coded once.
//!
//! Nothing in a block refers to what is outside of it, so that it can stand anywhere in any frame, as often as it is
//! wanted, each time with other literals of the same number.

use super::literals::{self, KeptCodes};
use super::sequences::{self, Sequences};
use super::{WORD, append_word};

/// What a block may have before it is coded. Coded, the largest stays below the 128 KiB that the format allows: of a copy,
/// three states take up to 26 bits, a new distance 16, and short lengths 3 each; from a recent distance, up to 32 bits in
/// all. So none takes more bytes than it has, but for those that tell long lengths, less than one in 32.
pub(in crate::submit) const BLOCK: usize = 120 << 10;
/// The shortest copy from a new distance, and from one of the last three.
pub(in crate::submit) const SHORTEST_NEW: usize = 6;
const SHORTEST_RECENT: usize = 4;
const _: () = assert!(BLOCK / SHORTEST_RECENT < sequences::MOST);
/// No distance: the last ones of the block before are not known.
const UNKNOWN: u32 = 0;

/// A block that is complete.
#[derive(Debug)]
pub(in crate::submit) struct Block {
    literals: Box<[u8]>,
    kept: Option<KeptCodes>,
    /// The section of the sequences.
    sequences: Box<[u8]>,
    /// Bytes before compression.
    size: usize,
}

impl Block {
    /// Bytes before compression.
    #[inline]
    pub(in crate::submit) fn size(&self) -> usize {
        self.size
    }

    /// The most bytes that it takes.
    #[inline]
    pub(super) fn bound(&self) -> usize {
        literals::HEADER + self.literals.len() + self.sequences.len()
    }

    /// The bytes that are copied from nowhere, in their order.
    #[inline]
    pub(in crate::submit) fn literals(&mut self) -> &mut [u8] {
        &mut self.literals
    }

    /// Appends what a frame has of the block behind its header; false if that is just its bytes.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        literals::encode(&self.literals, &mut self.kept, out);
        out.extend_from_slice(&self.sequences);
        if self.literals.len() < self.size || out.len() - start < self.size {
            return true;
        }
        // That is no gain, and an empty block would not even be read by all decoders.
        out.truncate(start);
        out.extend_from_slice(&self.literals);
        false
    }
}

/// A block that grows.
#[derive(Debug, Default)]
pub(in crate::submit) struct BlockBuilder {
    size: usize,
    literals: Vec<u8>,
    sequences: Sequences,
    /// The section of the sequences while it is made: what is kept takes no more than it needs.
    coded: Vec<u8>,
    /// How many literals belong to the sequences.
    preceding: usize,
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

impl BlockBuilder {
    /// Bytes before compression: never more than [`BLOCK`].
    #[inline]
    pub(in crate::submit) fn size(&self) -> usize {
        self.size
    }

    /// The place among the literals where those come that are told next.
    #[inline]
    pub(in crate::submit) fn place(&mut self) -> usize {
        self.settle();
        self.literals.len()
    }

    /// Appends bytes.
    #[inline]
    pub(in crate::submit) fn put(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.settle();
            self.literals.extend_from_slice(bytes);
            self.grow(bytes.len());
        }
    }

    /// Appends the first `count` bytes of a word.
    #[inline]
    pub(in crate::submit) fn put_word(&mut self, word: u64, count: usize) {
        if count > 0 {
            self.settle();
            append_word(&mut self.literals, word, count);
            self.grow(count);
        }
    }

    /// Appends `length` bytes that stand `distance` bytes before too, [`SHORTEST_NEW`] at least.
    #[inline]
    pub(in crate::submit) fn copy(&mut self, distance: usize, length: usize) {
        self.reach(distance, length);
    }

    /// Appends the first `count` bytes of a word, which stand `distance` bytes before too.
    #[inline]
    pub(in crate::submit) fn copy_word(&mut self, distance: usize, word: u64, count: usize) {
        let open = self.reach(distance, count);
        let before = open.length as usize - count;
        if before < SHORTEST_NEW && count < WORD {
            open.few |= (word & ((1 << (8 * count)) - 1)) << (8 * before);
        }
    }

    #[inline]
    fn grow(&mut self, length: usize) {
        self.size += length;
        debug_assert!(self.size <= BLOCK, "a block of {} bytes", self.size);
    }

    /// Makes the open copy one from this distance that is longer by `length`.
    #[inline]
    fn reach(&mut self, distance: usize, length: usize) -> &mut Copy {
        debug_assert!((1..=self.size).contains(&distance), "{distance} of {}", self.size);
        self.grow(length);
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

    /// The block. What is told from now on is of the next one.
    pub(in crate::submit) fn finish(&mut self) -> Block {
        self.settle();
        self.coded.clear();
        self.sequences.encode(&mut self.coded);
        let (literals, sequences) = (self.literals.as_slice().into(), self.coded.as_slice().into());
        let block = Block { literals, kept: None, sequences, size: self.size };
        self.literals.clear();
        (self.preceding, self.size, self.recent) = (0, 0, [UNKNOWN; 3]);
        block
    }
}
