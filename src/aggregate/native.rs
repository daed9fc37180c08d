//! The growth of native histograms, also where their resolution changed from one reading to the next.

use crate::map::{NativeCount, NativeReading};

/// Two readings side by side, in the smallest buckets that both of them can be told in.
///
/// Buckets of different resolutions nest, so wherever buckets of the two overlap, the larger one is a cell.
#[derive(Debug)]
pub(super) struct Cells(Vec<Cell>);

/// One bucket of both readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) lower: f64,
    pub(super) upper: f64,
    before: f64,
    now: f64,
}

impl Cell {
    /// How much more it counts than before.
    fn growth(self) -> f64 {
        self.now - self.before
    }

    /// How many whole values it has more. Readings are rounded and not their difference, so that what is less than a
    /// value comes out with the scrapes in which it adds up to one.
    pub(super) fn values(self) -> u64 {
        (self.now.round() - self.before.round()) as u64
    }
}

impl Cells {
    pub(super) fn of(now: &NativeReading, before: &NativeReading) -> Self {
        let cell = |bucket: &NativeCount, before: f64, now: f64| Cell {
            lower: bucket.lower,
            upper: bucket.upper,
            before,
            now,
        };
        let now = now.buckets.iter().map(|bucket| cell(bucket, 0.0, bucket.count));
        let before = before.buckets.iter().map(|bucket| cell(bucket, bucket.count, 0.0));
        let mut all: Vec<Cell> = now.chain(before).collect();
        all.sort_by(|a, b| a.lower.total_cmp(&b.lower).then(b.upper.total_cmp(&a.upper)));
        let mut cells: Vec<Cell> = Vec::with_capacity(all.len());
        for next in all {
            match cells.last_mut() {
                Some(last) if overlap(last, &next) => {
                    last.upper = last.upper.max(next.upper);
                    last.before += next.before;
                    last.now += next.now;
                }
                _ => cells.push(next),
            }
        }
        Self(cells)
    }

    /// Whether the histogram was reset between the two readings.
    pub(super) fn fell(&self, now: &NativeReading, before: &NativeReading) -> bool {
        now.count < before.count || self.0.iter().any(|cell| cell.growth() < 0.0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Cell> {
        self.0.iter().copied()
    }
}

/// Neighbours share a bound and do not overlap; a bucket without width is the same as another one at that place.
fn overlap(one: &Cell, next: &Cell) -> bool {
    next.lower < one.upper || (next.lower.total_cmp(&one.lower).is_eq() && next.upper.total_cmp(&one.upper).is_eq())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(buckets: &[(f64, f64, f64)]) -> NativeReading {
        let buckets: Vec<_> =
            buckets.iter().map(|&(lower, upper, count)| NativeCount { lower, upper, count }).collect();
        NativeReading { count: buckets.iter().map(|bucket| bucket.count).sum(), sum: 0.0, buckets }
    }

    fn growth(now: &NativeReading, before: &NativeReading) -> Vec<(f64, f64, f64)> {
        Cells::of(now, before).iter().map(|cell| (cell.lower, cell.upper, cell.growth())).collect()
    }

    #[test]
    fn equal_resolutions_are_told_bucket_by_bucket() {
        let before = reading(&[(0.0, 0.0, 1.0), (1.0, 2.0, 5.0)]);
        let now = reading(&[(0.0, 0.0, 2.0), (1.0, 2.0, 5.0), (2.0, 4.0, 3.0)]);
        assert_eq!(growth(&now, &before), [(0.0, 0.0, 1.0), (1.0, 2.0, 0.0), (2.0, 4.0, 3.0)]);
        assert!(!Cells::of(&now, &before).fell(&now, &before));
        assert!(Cells::of(&before, &now).fell(&before, &now));
    }

    #[test]
    fn a_coarser_reading_takes_in_the_finer_one() {
        let fine = reading(&[(1.0, 1.5, 2.0), (1.5, 2.0, 3.0), (2.0, 3.0, 1.0)]);
        let coarse = reading(&[(1.0, 2.0, 6.0), (2.0, 4.0, 1.0)]);
        assert_eq!(growth(&coarse, &fine), [(1.0, 2.0, 1.0), (2.0, 4.0, 0.0)]);
        // The other way round nothing finer can be told either.
        let finer = reading(&[(1.0, 1.5, 4.0), (1.5, 2.0, 4.0), (2.0, 3.0, 1.0)]);
        assert_eq!(growth(&finer, &coarse), [(1.0, 2.0, 2.0), (2.0, 4.0, 0.0)]);
    }

    #[test]
    fn a_zero_bucket_that_grew_wider_takes_in_its_neighbours() {
        let before = reading(&[(-0.1, 0.1, 1.0), (0.1, 0.2, 2.0), (0.2, 0.4, 3.0)]);
        let now = reading(&[(-0.2, 0.2, 5.0), (0.2, 0.4, 3.0)]);
        assert_eq!(growth(&now, &before), [(-0.2, 0.2, 2.0), (0.2, 0.4, 0.0)]);
    }
}
