//! A token that stood in a line before and is likely to stand in this one.
//!
//! To recognise it takes one comparison, and more than that is gained: where the next token begins then follows from the
//! guess, so that the processor need not wait for the outcome of a search before it goes on.

use wide::u8x16;

/// Longer tokens are not remembered.
const LANES: usize = 16;

/// A remembered token of at most 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    lanes: u8x16,
    /// A bit for each lane that belongs to the token.
    used: u32,
    length: usize,
}

impl Default for Recent {
    /// Stands for nothing: these bytes occur in no text.
    fn default() -> Self {
        Self { lanes: u8x16::splat(0xFF), used: 0xFFFF, length: 0 }
    }
}

impl Recent {
    /// Where the token ends, if it stands at `at`. Never at the very end of the bytes, where 16 of them cannot be read.
    #[inline]
    pub(super) fn end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let equal = sixteen(bytes, at)?.simd_eq(self.lanes).to_bitmask();
        (equal & self.used == self.used).then_some(at + self.length)
    }

    /// Remembers what stands from `at` to `end` and returns true, unless that is too long.
    pub(super) fn remember(&mut self, bytes: &[u8], at: usize, end: usize) -> bool {
        let length = end.saturating_sub(at);
        match sixteen(bytes, at) {
            Some(lanes) if (1..=LANES).contains(&length) => {
                *self = Self { lanes, used: (1 << length) - 1, length };
                true
            }
            _ => false,
        }
    }
}

/// The bytes from `at` on.
#[inline]
fn sixteen(bytes: &[u8], at: usize) -> Option<u8x16> {
    Some(u8x16::new(*bytes.get(at..)?.first_chunk::<LANES>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_recognised() {
        let bytes = b"namespace=\"default\",pod=\"a\",namespacf=\"b\",namespace=\"c\",end";
        let mut recent = Recent::default();
        assert_eq!(recent.end(bytes, 0), None);
        assert!(recent.remember(bytes, 0, 11));
        for at in 0..bytes.len() + 20 {
            let expected = (at == 0 || bytes.get(at..at + 11) == Some(b"namespace=\"")).then_some(at + 11);
            let readable = at + LANES <= bytes.len();
            assert_eq!(recent.end(bytes, at), expected.filter(|_| readable), "at {at}");
        }
        assert!(!recent.remember(bytes, 0, 17), "17 bytes are too many");
        assert!(!recent.remember(bytes, 3, 3), "nothing cannot be recognised");
        assert_eq!(recent.end(bytes, 0), Some(11));
        assert!(recent.remember(bytes, 0, 16));
        assert_eq!(recent.end(bytes, 0), Some(16));
    }
}
