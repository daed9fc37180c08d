//! How the growth of histogram buckets gets into a sketch, and how much of it one scrape may bring.

use std::cmp::Ordering;

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

    /// Both, as they are.
    pub(super) fn ends(self) -> (f64, f64) {
        (self.lower, self.upper)
    }

    /// The bounds between which values are placed. All that is known of those above the last finite bound is that bound.
    pub(super) fn placed(self) -> (f64, f64) {
        (self.lower, if self.upper == f64::INFINITY { self.lower } else { self.upper })
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

/// Spreads `growth` values between bounds into a sketch.
pub(super) fn spread(
    sketch: &mut Sketch,
    bounds: Bounds,
    growth: u64,
    allowance: &mut Allowance,
) -> Result<(), Refused> {
    let left = allowance.0.checked_sub(growth).ok_or(Refused::TooManyValues)?;
    let (lower, upper) = bounds.placed();
    sketch
        .interpolate(lower, upper, growth)
        .map_err(|error| if error.is_too_many() { Refused::TooManyValues } else { Refused::UnboundedBucket })?;
    allowance.0 = left;
    Ok(())
}
