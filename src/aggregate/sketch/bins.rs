//! The bins of a sketch: counts by ascending key, in the shape that goes over the wire.

use super::key::Key;

/// How many bins are kept; beyond it those of the smallest keys are folded together.
const LIMIT: usize = 4096;
/// The most that one bin can count. A key with more has several bins.
const MAX_COUNT: u64 = u16::MAX as u64;

/// How often values of one key were seen, or a part of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) key: Key,
    pub(super) count: u16,
}

/// Bins by ascending key. A key may have several: then all but its first are full, unless folding left them otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bins(Vec<Bin>);

impl Bins {
    pub(super) fn as_slice(&self) -> &[Bin] {
        &self.0
    }

    /// Adds counts that stand in ascending order of their keys. Where a key already has several bins, the new count
    /// joins the first of them, and a second new count of the same key the second, as in the Agent.
    pub(super) fn add(&mut self, counts: impl ExactSizeIterator<Item = (Key, u64)>) {
        let mut merged = Vec::with_capacity(self.0.len() + counts.len());
        let mut old = self.0.iter().copied().peekable();
        for (key, count) in counts {
            while let Some(smaller) = old.next_if(|bin| bin.key < key) {
                merged.push(smaller);
            }
            let known = old.next_if(|bin| bin.key == key).map_or(0, |bin| u64::from(bin.count));
            append(&mut merged, key, known + count);
        }
        merged.extend(old);
        self.0 = merged;
        self.trim();
    }

    /// Adds what another sketch counted.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.0.iter().map(|bin| (bin.key, u64::from(bin.count))));
    }

    /// Folds the bins of the smallest keys into the first one that is kept. What does not fit there stands in full
    /// bins before it, so that the limit is exceeded rather than a count lost.
    fn trim(&mut self) {
        let Some(excess) = self.0.len().checked_sub(LIMIT).filter(|excess| *excess > 0) else {
            return;
        };
        let mut folded = Vec::new();
        let mut rest = 0;
        for bin in &self.0[..excess] {
            rest += u64::from(bin.count);
            if rest > MAX_COUNT {
                folded.push(Bin { key: bin.key, count: u16::MAX });
                rest -= MAX_COUNT;
            }
        }
        let first = &mut self.0[excess];
        let total = u64::from(first.count) + rest;
        first.count = total.min(MAX_COUNT) as u16;
        append(&mut folded, first.key, total.saturating_sub(MAX_COUNT));
        folded.extend_from_slice(&self.0[excess..]);
        self.0 = folded;
    }
}

/// Appends a count of any size: what does not fill a bin first, then full bins.
fn append(bins: &mut Vec<Bin>, key: Key, count: u64) {
    let rest = (count % MAX_COUNT) as u16;
    if rest > 0 {
        bins.push(Bin { key, count: rest });
    }
    let full = (count / MAX_COUNT) as usize;
    bins.extend(std::iter::repeat_n(Bin { key, count: u16::MAX }, full));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(counts: &[(i16, u64)]) -> Bins {
        let mut bins = Bins::default();
        bins.add(counts.iter().map(|&(key, count)| (Key(key), count)));
        bins
    }

    fn plain(bins: &Bins) -> Vec<(i16, u16)> {
        bins.as_slice().iter().map(|bin| (bin.key.0, bin.count)).collect()
    }

    #[test]
    fn a_count_that_fills_a_bin_exactly_has_no_empty_bin_beside_it() {
        assert_eq!(plain(&bins(&[(7, 65535)])), [(7, 65535)]);
        assert_eq!(plain(&bins(&[(7, 131_070)])), [(7, 65535), (7, 65535)]);
        assert_eq!(plain(&bins(&[(7, 65536)])), [(7, 1), (7, 65535)]);
    }

    #[test]
    fn a_new_count_joins_the_first_bin_of_its_key() {
        let mut sum = bins(&[(7, 70_000)]);
        assert_eq!(plain(&sum), [(7, 4465), (7, 65535)]);
        sum.merge(&bins(&[(6, 1), (7, 10), (8, 2)]));
        assert_eq!(plain(&sum), [(6, 1), (7, 4475), (7, 65535), (8, 2)]);
    }

    #[test]
    fn folding_keeps_what_exceeds_a_bin_in_full_bins_of_removed_keys() {
        // 4099 bins: three go. 40,000 + 40,000 pass 65,535 at key 2; what is left, and the one of key 3, exceed the
        // first kept bin by 65,000 + 14,465 + 1 - 65,535.
        let mut counts = vec![(1, 40_000), (2, 40_000), (3, 1), (4, 65_000)];
        counts.extend((5..=4099).map(|key| (key, 1)));
        let folded = plain(&bins(&counts));
        assert_eq!(folded[..3], [(2, 65535), (4, 13_931), (4, 65535)]);
        assert_eq!(folded.len(), 4098);
        assert_eq!(folded.iter().map(|bin| u64::from(bin.1)).sum::<u64>(), counts.iter().map(|bin| bin.1).sum::<u64>());
    }
}
