//! What the aggregator did not take, and how often: nothing is dropped without a count.

/// Why a submission, or what became of it, is not in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refused {
    /// A value, a bound, or the sum or rate computed from values is NaN or infinite.
    NotFinite,
    /// The context holds values of another kind; the first one decides until the context expires.
    KindChanged,
    /// A rate fell: what it was read from was reset.
    NegativeRate,
    /// No time passed between the two values of a rate.
    RateWithoutTime,
    /// A bucket with a negative count.
    NegativeBucket,
    /// A bucket whose upper bound is below its lower bound.
    ReversedBucket,
    /// A bucket without a finite bound to put its values at, or with one beyond the scale of sketches.
    UnboundedBucket,
    /// More values in buckets than one sketch, or all sketches of one scrape, can hold.
    TooManyValues,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::NotFinite,
        Self::KindChanged,
        Self::NegativeRate,
        Self::RateWithoutTime,
        Self::NegativeBucket,
        Self::ReversedBucket,
        Self::UnboundedBucket,
        Self::TooManyValues,
    ];

    /// The reason in words, as reports show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFinite => "value not finite",
            Self::KindChanged => "kind of the metric changed",
            Self::NegativeRate => "rate negative",
            Self::RateWithoutTime => "rate over no time",
            Self::NegativeBucket => "bucket with negative count",
            Self::ReversedBucket => "bucket with upper bound below lower bound",
            Self::UnboundedBucket => "bucket without finite bound",
            Self::TooManyValues => "too many values in buckets",
        }
    }
}

/// A count per reason.
#[derive(Debug, Default)]
pub(super) struct RefusedCounts([u64; Refused::ALL.len()]);

impl RefusedCounts {
    pub(super) fn add(&mut self, reason: Refused) {
        self.0[reason as usize] += 1;
    }

    /// The reasons that occurred, and starts again from zero.
    pub(super) fn take(&mut self) -> Vec<(Refused, u64)> {
        let counts = std::mem::take(self).0;
        Refused::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
    }
}
