//! Where encoded points go: to bytes, or straight into a frame, for which it counts what repeats.

use crate::submit::frame::{Frame, SHORTEST_NEW};

/// Takes bytes in, and copies of what it took before.
pub(in crate::submit) trait Sink {
    /// How many bytes it has.
    fn size(&self) -> usize;

    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends `length` bytes, [`SHORTEST_NEW`] at least, that stand `distance` bytes ahead too.
    fn copy(&mut self, distance: usize, length: usize);

    /// Appends fewer bytes than these that stand `distance` bytes ahead too.
    fn copy_few(&mut self, distance: usize, bytes: &[u8]);

    /// Appends bytes that stand `distance` bytes ahead too.
    #[inline]
    fn copy_any(&mut self, distance: usize, bytes: &[u8]) {
        if bytes.len() < SHORTEST_NEW {
            self.copy_few(distance, bytes);
        } else {
            self.copy(distance, bytes.len());
        }
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
    fn copy_few(&mut self, _distance: usize, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Frame {
    #[inline]
    fn size(&self) -> usize {
        Self::size(self)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.literals(bytes);
    }

    #[inline]
    fn copy(&mut self, distance: usize, length: usize) {
        Self::copy(self, distance, length);
    }

    #[inline]
    fn copy_few(&mut self, distance: usize, bytes: &[u8]) {
        Self::copy_few(self, distance, bytes);
    }
}
