//! Native histograms on their way to a sketch: their buckets, taken from the exposition.

use crate::parse::NativeHistogram;

/// One reading of a native histogram that counts over time.
#[derive(Clone, Debug, PartialEq)]
pub struct NativeReading {
    /// All observations, NaN included.
    pub count: f64,
    /// The sum of all observations.
    pub sum: f64,
    /// The buckets with anything in them: the bounds, and the count. From low to high.
    pub buckets: Vec<NativeCount>,
}

/// A bucket of a native histogram with the values it counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeCount {
    /// Nothing below it is counted.
    pub lower: f64,
    /// Nothing above it is counted.
    pub upper: f64,
    /// How many values.
    pub count: f64,
}

impl NativeReading {
    /// The buckets of a histogram. Empty ones say nothing.
    pub(crate) fn of(native: &NativeHistogram<'_>) -> Self {
        let mut buckets: Vec<NativeCount> = native
            .negative_buckets()
            .chain(native.positive_buckets())
            .map(|bucket| NativeCount { lower: bucket.lower, upper: bucket.upper, count: bucket.count })
            .collect();
        let threshold = native.zero_threshold.abs();
        buckets.push(NativeCount { lower: -threshold, upper: threshold, count: native.zero_count });
        buckets.retain(|bucket| bucket.count != 0.0);
        buckets.sort_by(|a, b| a.lower.total_cmp(&b.lower).then(a.upper.total_cmp(&b.upper)));
        Self { count: native.count, sum: native.sum, buckets }
    }
}
