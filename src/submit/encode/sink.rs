//! Where encoded points go: to bytes, or straight into what is compressed, for which it counts what repeats.

use crate::submit::frame::{WORD, append_word};

/// Takes bytes in, and copies of what it took before.
pub(in crate::submit) trait Sink {
    /// How many bytes it has.
    fn size(&self) -> usize;

    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends `length` bytes, [`SHORTEST_NEW`](crate::submit::frame::SHORTEST_NEW) at least, that stand `distance` bytes before too.
    fn copy(&mut self, distance: usize, length: usize);

    /// Appends the first `count` bytes of a word.
    fn put_word(&mut self, word: u64, count: usize);

    /// Appends the first `count` bytes of a word, which stand `distance` bytes before too.
    fn copy_word(&mut self, distance: usize, word: u64, count: usize);

    /// Appends the value of a point, which stands nowhere else.
    #[inline]
    fn put_value(&mut self, value: f64) {
        self.put_word(value.to_bits(), WORD);
    }

    /// Appends bytes that tell the time of points, as all later ones are copies of.
    #[inline]
    fn put_time(&mut self, bytes: &[u8]) {
        self.put(bytes);
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn copy(&mut self, distance: usize, length: usize) {
        let start = self.len() - distance;
        self.extend_from_within(start..start + length);
    }

    #[inline]
    fn put_word(&mut self, word: u64, count: usize) {
        append_word(self, word, count);
    }

    #[inline]
    fn copy_word(&mut self, _distance: usize, word: u64, count: usize) {
        self.put_word(word, count);
    }
}
