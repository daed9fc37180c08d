//! The sketch of the Datadog Agent: a distribution as counts in bins of growing width, beside its exact summary.
//!
//! It is bit for bit the Agent's own, so that distributions from here and from Agents merge into one; it is a relative
//! of the published `DDSketch`, with another mapping, store and payload.

mod bins;
mod interpolate;
mod key;
mod summary;

use std::borrow::Cow;
use std::fmt;

use bins::Bins;
use key::Key;
use summary::Summary;

/// How many single values wait before they are sorted into the bins.
const BUFFER: usize = 512;

/// The distribution of the values that were put into it.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    summary: Summary,
    bins: Bins,
    /// Keys of single values that are in the summary but not yet in the bins.
    waiting: Vec<Key>,
}

impl Sketch {
    /// The most values that weighted values and buckets may bring a sketch to: 2^32. A bin counts to 65,535 only, so
    /// the memory of a sketch grows with its count, and the count is what a peer claims.
    pub const MAX_COUNT: u64 = 1 << 32;

    /// Puts in one value. One that is not finite has no place in a distribution and is left out.
    pub fn insert(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.summary.add(Summary::of(value));
        self.waiting.push(Key::of(value));
        if self.waiting.len() >= BUFFER {
            self.settle();
        }
    }

    /// Puts in one value that stands for `1 / rate` values, of which the fraction is not counted.
    ///
    /// # Errors
    ///
    /// When the value is not finite, the rate is not within `(0, 1]`, or the count would exceed [`Self::MAX_COUNT`].
    /// Nothing is put in then.
    pub fn insert_sampled(&mut self, value: f64, rate: f64) -> Result<(), SketchError> {
        if !value.is_finite() {
            return Err(SketchError(Kind::NotFinite(value)));
        }
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(SketchError(Kind::Rate(rate)));
        }
        let weight = 1.0 / rate;
        self.make_room(weight as u64)?;
        self.settle();
        self.summary.add(Summary::weighted(value, weight));
        self.bins.add(std::iter::once((Key::of(value), weight as u64)));
        Ok(())
    }

    /// Puts in the `count` values of a histogram bucket, as if they were evenly spread from `lower` to `upper`.
    ///
    /// Values stand at the middles of bins, so extremes and sum are off by up to 0.79 %; the count is exact. Bounds that
    /// are equal put everything at one value.
    ///
    /// # Errors
    ///
    /// When a bound is not finite or beyond about 4.1e211, `upper` is below `lower`, or the count is zero or would
    /// bring the sketch above [`Self::MAX_COUNT`]. Nothing is put in then.
    pub fn interpolate(&mut self, lower: f64, upper: f64, count: u64) -> Result<(), SketchError> {
        for bound in [lower, upper] {
            if bound.is_nan() || bound.abs() > Key::MAX_VALUE {
                return Err(SketchError(Kind::Bound(bound)));
            }
        }
        if upper < lower {
            return Err(SketchError(Kind::Reversed { lower, upper }));
        }
        if count == 0 {
            return Err(SketchError(Kind::Empty));
        }
        self.make_room(count)?;
        self.settle();
        let spread = interpolate::spread(lower, upper, count);
        for &(key, count) in &spread {
            self.summary.add(Summary::weighted(key.value(), count as f64));
        }
        self.bins.add(spread.into_iter());
        Ok(())
    }

    /// Replaces what is known of the values by what is known from elsewhere: their sum, and bounds between which they all
    /// lie, as far as these do not contradict the mean.
    pub(super) fn set_exact(&mut self, sum: f64, low: f64, high: f64) {
        let avg = sum / self.summary.count as f64;
        let (min, max) = if self.summary.count == 1 { (avg, avg) } else { (low.min(avg), high.max(avg)) };
        self.summary = Summary { sum, avg, min, max, ..self.summary };
    }

    /// Puts in all that is in `other`.
    pub fn merge(&mut self, other: &Self) {
        self.settle();
        self.summary.add(other.summary);
        self.bins.merge(&other.settled());
    }

    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.summary.count == 0
    }

    /// How many values; always the sum of the counts of the bins.
    pub fn count(&self) -> i64 {
        self.summary.count
    }

    /// The smallest value; 0 when empty.
    pub fn min(&self) -> f64 {
        self.summary.min
    }

    /// The greatest value; 0 when empty.
    pub fn max(&self) -> f64 {
        self.summary.max
    }

    /// The sum of the values.
    pub fn sum(&self) -> f64 {
        self.summary.sum
    }

    /// The mean of the values, kept along with the sum rather than computed from it; 0 when empty.
    pub fn avg(&self) -> f64 {
        self.summary.avg
    }

    /// The value that stands for all values of the bins of `key`; infinite for the keys at both ends of the scale.
    pub fn bin_value(key: i16) -> f64 {
        Key(key).value()
    }

    /// Keys and counts as they go over the wire: keys ascend, counts are not zero, and a key stands several times where
    /// its count exceeds 65,535.
    pub fn bins(&self) -> impl ExactSizeIterator<Item = (i16, u16)> + '_ {
        let bins = self.settled();
        (0..bins.as_slice().len()).map(move |place| {
            let bin = bins.as_slice()[place];
            (bin.key.0, bin.count)
        })
    }

    fn make_room(&self, count: u64) -> Result<(), SketchError> {
        let total = self.summary.count.unsigned_abs().saturating_add(count);
        if total > Self::MAX_COUNT { Err(SketchError(Kind::TooMany(total))) } else { Ok(()) }
    }

    /// Sorts waiting values into the bins.
    fn settle(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.waiting.sort_unstable();
        let counts: Vec<_> = self.waiting.chunk_by(Key::eq).map(|same| (same[0], same.len() as u64)).collect();
        self.waiting.clear();
        self.bins.add(counts.into_iter());
    }

    /// The bins with waiting values sorted in.
    fn settled(&self) -> Cow<'_, Bins> {
        if self.waiting.is_empty() {
            return Cow::Borrowed(&self.bins);
        }
        let mut copy = self.clone();
        copy.settle();
        Cow::Owned(copy.bins)
    }
}

impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        self.summary == other.summary && self.settled() == other.settled()
    }
}

/// Why something cannot be put into a sketch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SketchError(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    NotFinite(f64),
    Rate(f64),
    Bound(f64),
    Reversed { lower: f64, upper: f64 },
    Empty,
    TooMany(u64),
}

impl SketchError {
    /// Whether it was for the number of values and not for what they are.
    pub fn is_too_many(&self) -> bool {
        matches!(self.0, Kind::TooMany(_))
    }
}

impl fmt::Display for SketchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::NotFinite(value) => write!(f, "the value `{value}` has no place in a distribution"),
            Kind::Rate(rate) => write!(f, "the sample rate `{rate}` is not above 0 and at most 1"),
            Kind::Bound(bound) => write!(f, "a bucket cannot be spread up to the bound `{bound}`"),
            Kind::Reversed { lower, upper } => {
                write!(f, "the upper bound `{upper}` of a bucket is below its lower bound `{lower}`")
            }
            Kind::Empty => f.write_str("a bucket without values cannot be spread"),
            Kind::TooMany(count) => {
                write!(f, "a distribution of {count} values would exceed the limit of {}", Sketch::MAX_COUNT)
            }
        }
    }
}

impl std::error::Error for SketchError {}
