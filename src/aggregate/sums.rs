//! Exact sums of distributions: what `_sum` of a histogram grew by, in place of the sum that its buckets would be guessed
//! to have.
//!
//! A sum is that of a sketch only if both count the same observations: all buckets that grew, and the sum, since one and
//! the same moment. Where that is not certain, or a sum fell, the sketch keeps what its buckets say.

use std::collections::HashMap;

use super::distribution::Bounds;
use super::tally::Tally;
use crate::map::GroupId;
use crate::slots::SlotId;
use crate::time::UnixTime;

/// Since when growth is growth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Since {
    /// The reading of this moment.
    Reading(UnixTime),
    /// Its beginning, after the reading before.
    Beginning,
}

/// What several buckets came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    count: u64,
    /// The bounds of all buckets with values.
    low: f64,
    high: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { count: 0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Spread {
    /// Adds the values of a bucket.
    pub(super) fn add(&mut self, bounds: Bounds, count: u64) {
        if count > 0 {
            let (lower, upper) = bounds.placed();
            (self.low, self.high) = (self.low.min(lower), self.high.max(upper));
            self.count = self.count.saturating_add(count);
        }
    }

    fn join(&mut self, other: Self) {
        (self.low, self.high) = (self.low.min(other.low), self.high.max(other.high));
        self.count = self.count.saturating_add(other.count);
    }

    /// Whether values between these bounds can have this sum, but for rounding.
    fn can_sum_up_to(&self, sum: f64) -> bool {
        let mean = sum / self.count as f64;
        let slack = mean.abs() * 1e-9;
        self.count > 0 && self.low - slack <= mean && mean <= self.high + slack
    }
}

/// What is known of the growth of one histogram.
#[derive(Clone, Copy, Debug, Default)]
struct Growing {
    buckets: Option<(SlotId, Since, Spread)>,
    sum: Option<(Since, f64)>,
    /// Whether its buckets do not tell of the same observations.
    is_doubtful: bool,
}

/// Of one target, within the end of a scrape.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Whether there ever was a bucket that shares its context with the others of its histogram. Where there is none, sums
    /// are not looked at.
    pub(super) are_wanted: bool,
    histograms: HashMap<GroupId, Growing>,
    /// Sums with what they are the sums of.
    exact: Vec<(SlotId, f64, Spread)>,
}

impl Sums {
    /// A bucket grew, or began anew; `since` is none if it is not known by how much.
    pub(super) fn bucket(&mut self, group: GroupId, slot: SlotId, since: Option<Since>, bounds: Bounds, count: u64) {
        let growing = self.histograms.entry(group).or_default();
        let Some(since) = since else {
            growing.is_doubtful = true;
            return;
        };
        if count == 0 {
            return;
        }
        let (known_slot, known, spread) = growing.buckets.get_or_insert((slot, since, Spread::default()));
        growing.is_doubtful |= *known_slot != slot || *known != since;
        spread.add(bounds, count);
    }

    /// The sum grew.
    pub(super) fn sum(&mut self, group: GroupId, since: Since, amount: f64) {
        self.histograms.entry(group).or_default().sum = Some((since, amount));
    }

    /// A native histogram grew, which tells its sum itself; one that tells none has zero there.
    pub(super) fn native(&mut self, slot: SlotId, amount: f64, spread: Spread) {
        if spread.can_sum_up_to(amount) {
            self.exact.push((slot, amount, spread));
        }
    }

    /// Ends a scrape: sketches that have all their values from histograms with exact sums get these.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        for growing in self.histograms.values() {
            if let Growing { buckets: Some((slot, since, spread)), sum: Some((summed, amount)), is_doubtful: false } =
                *growing
                && since == summed
                && spread.low >= 0.0
                && amount >= 0.0
            {
                self.exact.push((slot, amount, spread));
            }
        }
        self.histograms.clear();
        // A stable order, so that sums of sums come out the same.
        self.exact.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for same in self.exact.chunk_by(|one, next| one.0 == next.0) {
            let (mut sum, mut spread) = (0.0, Spread::default());
            for (_, amount, of) in same {
                sum += amount;
                spread.join(*of);
            }
            let sketch = tally.sketch(same[0].0);
            if sketch.count().unsigned_abs() == spread.count && sum.is_finite() {
                sketch.set_exact(sum, spread.low, spread.high);
            }
        }
        self.exact.clear();
    }
}
