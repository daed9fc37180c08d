//! The state of a context that gathers histogram buckets: the last raw count of each bucket, and the sketch into which
//! their growth goes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::refused::Refused;
use super::sketch::Sketch;

/// The most values that the buckets of one scrape may bring, over all contexts: 2^36. Bins hold 65,535 values at most,
/// so this keeps what a peer can make a scrape allocate by claiming huge counts to a few MiB.
const VALUES_PER_SCRAPE: u64 = 1 << 36;

/// How many values the buckets of the current scrape may still bring.
#[derive(Debug)]
pub(super) struct Allowance(u64);

impl Default for Allowance {
    fn default() -> Self {
        Self(VALUES_PER_SCRAPE)
    }
}

/// The bounds between which a bucket counts. Ordered as numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    lower: f64,
    upper: f64,
}

impl Bounds {
    /// Bounds of a bucket; either may be infinite.
    pub(super) fn new(lower: f64, upper: f64) -> Result<Self, Refused> {
        if lower.is_nan() || upper.is_nan() {
            return Err(Refused::NotFinite);
        }
        if upper < lower {
            return Err(Refused::ReversedBucket);
        }
        // Adding zero makes the negative zero the positive one.
        Ok(Self { lower: lower + 0.0, upper: upper + 0.0 })
    }
}

impl Ord for Bounds {
    fn cmp(&self, other: &Self) -> Ordering {
        self.upper.total_cmp(&other.upper).then(self.lower.total_cmp(&other.lower))
    }
}

impl PartialOrd for Bounds {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bounds {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bounds {}

/// One reading of one bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) bounds: Bounds,
    /// Above zero.
    pub(super) count: u64,
    /// Whether a bucket without a past, or fallen, has started from zero within our watch.
    pub(super) flush: bool,
    /// Whether other buckets share the context.
    pub(super) one_of_several: bool,
}

/// What the last reading of a bucket was, and how old the aggregator was then.
#[derive(Clone, Copy, Debug)]
struct Last {
    count: u64,
    age: u32,
}

/// The buckets of one context.
#[derive(Debug, Default)]
pub(super) struct Distribution {
    /// Of buckets that have the context to themselves, whatever their bounds.
    alone: Option<u64>,
    by_bounds: BTreeMap<Bounds, Last>,
    sketch: Sketch,
}

impl Distribution {
    /// Takes a reading: its growth goes into the sketch.
    pub(super) fn add(&mut self, bucket: Bucket, age: u32, allowance: &mut Allowance) -> Result<(), Refused> {
        let last = if bucket.one_of_several {
            let last = self.by_bounds.insert(bucket.bounds, Last { count: bucket.count, age });
            last.map(|last| last.count)
        } else {
            self.alone.replace(bucket.count)
        };
        let growth = match last {
            Some(last) if bucket.count >= last => bucket.count - last,
            _ if bucket.flush => bucket.count,
            _ => 0,
        };
        if growth == 0 { Ok(()) } else { self.spread(bucket.bounds, growth, allowance) }
    }

    fn spread(&mut self, bounds: Bounds, growth: u64, allowance: &mut Allowance) -> Result<(), Refused> {
        let left = allowance.0.checked_sub(growth).ok_or(Refused::TooManyValues)?;
        // All that is known of the values above the last finite bound is that bound.
        let upper = if bounds.upper == f64::INFINITY { bounds.lower } else { bounds.upper };
        self.sketch
            .interpolate(bounds.lower, upper, growth)
            .map_err(|error| if error.is_too_many() { Refused::TooManyValues } else { Refused::UnboundedBucket })?;
        allowance.0 = left;
        Ok(())
    }

    /// The sketch of what came since the last commit.
    pub(super) fn take(&mut self) -> Option<Sketch> {
        if self.sketch.is_empty() { None } else { Some(std::mem::take(&mut self.sketch)) }
    }

    /// Forgets buckets that had no reading since `age`, so that bounds that change over and over do not add up.
    pub(super) fn forget_before(&mut self, age: u32) {
        self.by_bounds.retain(|_, last| last.age >= age);
    }
}
