//! Native histograms: buckets whose bounds are powers of a base, kept sparse in spans. Every format that has them hands
//! them out in this form.

use super::model::Exemplar;

/// A run of neighbouring buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Of the first span: the index of its first bucket. Of any other: how many buckets are left out before it.
    pub offset: i32,
    /// How many buckets it has; may be none.
    pub length: u32,
}

/// Whether a histogram counts observations, or says something about the present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    /// A counter: whether it was reset is told by comparing it with the one before.
    #[default]
    Unknown,
    /// A gauge: it goes up and down, and comparing means nothing.
    Gauge,
}

/// The counts of one side in the form in which they were exposed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Counts<'a> {
    /// The first count, then what each one has more than the one before.
    Deltas(&'a [i64]),
    Absolute(&'a [f64]),
}

/// The buckets of positive or of negative observations, sparse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeBuckets<'a> {
    spans: &'a [Span],
    counts: Counts<'a>,
}

impl<'a> NativeBuckets<'a> {
    /// Whole-numbered counts as differences; none if the spans mean another number of buckets.
    pub(crate) fn from_deltas(spans: &'a [Span], deltas: &'a [i64]) -> Option<Self> {
        let counts = Counts::Deltas(deltas);
        (Self::length(spans) == deltas.len() as u64).then_some(Self { spans, counts })
    }

    /// Counts as they are; none if the spans mean another number of buckets.
    pub(crate) fn from_counts(spans: &'a [Span], counts: &'a [f64]) -> Option<Self> {
        let absolute = Counts::Absolute(counts);
        (Self::length(spans) == counts.len() as u64).then_some(Self { spans, counts: absolute })
    }

    /// How many buckets the spans mean.
    pub(crate) fn length(spans: &[Span]) -> u64 {
        spans.iter().map(|span| u64::from(span.length)).sum()
    }

    /// The spans as exposed.
    pub fn spans(&self) -> &'a [Span] {
        self.spans
    }

    /// The absolute counts, one for each bucket of the spans. Nothing says that none of them is negative.
    pub fn counts(&self) -> impl Iterator<Item = f64> + use<'a> {
        let (deltas, absolute) = match self.counts {
            Counts::Deltas(deltas) => (deltas, [].as_slice()),
            Counts::Absolute(counts) => ([].as_slice(), counts),
        };
        let summed = deltas.iter().scan(0_i64, |count, delta| {
            // Wraps as in Prometheus; such counts are nonsense, but no reason to stop.
            *count = count.wrapping_add(*delta);
            Some(*count as f64)
        });
        summed.chain(absolute.iter().copied())
    }

    /// Index and absolute count of every bucket, in the order of the exposition, which is by index unless a later span
    /// has a negative offset.
    pub fn iter(&self) -> impl Iterator<Item = (i64, f64)> + use<'a> {
        let indexes = self.spans.iter().scan(0_i64, |next, span| {
            let first = next.saturating_add(i64::from(span.offset));
            *next = first.saturating_add(i64::from(span.length));
            Some(first..*next)
        });
        indexes.flatten().zip(self.counts())
    }
}

/// A histogram with exponential buckets, borrowed from what was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeHistogram<'a> {
    /// The resolution: the bounds are powers of `2^(2^-schema)`. -4 to 8, or one of the numbers kept for later, -9 to 52.
    pub schema: i32,
    /// Observations from minus to plus this number are in the zero bucket.
    pub zero_threshold: f64,
    /// What the zero bucket counts.
    pub zero_count: f64,
    /// All observations, NaN included.
    pub count: f64,
    /// The sum of all observations.
    pub sum: f64,
    /// Whether the counts are whole numbers by nature; otherwise they are weighted or computed.
    pub integer: bool,
    /// Whether it is a counter or a gauge.
    pub reset_hint: ResetHint,
    /// Buckets of observations above the zero bucket.
    pub positive: NativeBuckets<'a>,
    /// Buckets of observations below the zero bucket; their indexes count away from zero.
    pub negative: NativeBuckets<'a>,
    /// Exemplars that have a timestamp.
    pub exemplars: &'a [Exemplar<'a>],
}

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeBucket {
    /// Nothing below it is counted.
    pub lower: f64,
    /// Nothing above it is counted.
    pub upper: f64,
    /// How many observations, absolute.
    pub count: f64,
}

impl<'a> NativeHistogram<'a> {
    /// Whether a schema is one of the standard ones or kept for later ones (rule N4).
    pub(crate) fn knows_schema(schema: i32) -> bool {
        (-9..=52).contains(&schema)
    }

    /// The buckets above the zero bucket with their bounds: the upper one belongs to the bucket, the lower one does not.
    pub fn positive_buckets(&self) -> impl Iterator<Item = NativeBucket> + use<'a> {
        let schema = self.schema;
        self.positive.iter().map(move |(index, count)| NativeBucket {
            lower: bound(schema, index.saturating_sub(1)),
            upper: bound(schema, index),
            count,
        })
    }

    /// The buckets below the zero bucket with their bounds, as exposed: beginning next to zero. The lower bound belongs
    /// to the bucket, the upper one does not.
    pub fn negative_buckets(&self) -> impl Iterator<Item = NativeBucket> + use<'a> {
        let schema = self.schema;
        self.negative.iter().map(move |(index, count)| NativeBucket {
            lower: -bound(schema, index),
            upper: -bound(schema, index.saturating_sub(1)),
            count,
        })
    }
}

/// The upper bound of the positive bucket with this index. The bucket that holds the largest double ends there, the next
/// one at infinity (rule N4).
fn bound(schema: i32, index: i64) -> f64 {
    let (exponent, fraction) = if schema <= 0 {
        (index.saturating_mul(1 << (-schema).min(9)), 0.0)
    } else {
        let resolution = 1_i64 << schema.min(52);
        (index.div_euclid(resolution), index.rem_euclid(resolution) as f64 / resolution as f64)
    };
    if exponent == 1024 && fraction == 0.0 { f64::MAX } else { scaled(fraction.exp2(), exponent) }
}

/// `fraction * 2^exponent`, also where that is subnormal.
fn scaled(fraction: f64, exponent: i64) -> f64 {
    // Beyond these exponents everything is zero or infinite.
    let exponent = exponent.clamp(-1100, 1030) as i32;
    let half = exponent / 2;
    fraction * f64::exp2(f64::from(half)) * f64::exp2(f64::from(exponent - half))
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "powers of two and counts are exact")]
mod tests {
    use super::*;

    fn spans(spans: &[(i32, u32)]) -> Vec<Span> {
        spans.iter().map(|&(offset, length)| Span { offset, length }).collect()
    }

    #[test]
    fn deltas_and_counts_are_the_same_buckets() {
        let spans = spans(&[(-2, 2), (3, 1), (0, 0), (1, 2)]);
        let deltas = NativeBuckets::from_deltas(&spans, &[2, 1, -3, 3, -1]).unwrap();
        let counts = NativeBuckets::from_counts(&spans, &[2.0, 3.0, 0.0, 3.0, 2.0]).unwrap();
        let expected = [(-2, 2.0), (-1, 3.0), (3, 0.0), (5, 3.0), (6, 2.0)];
        assert_eq!(deltas.iter().collect::<Vec<_>>(), expected);
        assert_eq!(counts.iter().collect::<Vec<_>>(), expected);
        assert_eq!(NativeBuckets::from_deltas(&spans, &[1; 4]), None);
        assert_eq!(NativeBuckets::from_counts(&spans, &[1.0; 6]), None);
    }

    #[test]
    fn absurd_spans_do_no_harm() {
        let spans = spans(&[(i32::MAX, 1), (i32::MIN, 1), (i32::MIN, 1), (i32::MAX, 1)]);
        let buckets = NativeBuckets::from_deltas(&spans, &[i64::MAX, i64::MAX, 1, i64::MIN]).unwrap();
        let positive = buckets.iter().map(|(index, _)| index).collect::<Vec<_>>();
        assert_eq!(positive, [2_147_483_647, 0, -2_147_483_647, 1]);
    }

    /// From the tables of the specification: schema 0 has powers of two, schema 3 eight bounds for each of them.
    #[test]
    fn bounds_are_powers_of_the_base() {
        assert_eq!([-1, 0, 1, 10].map(|index| bound(0, index)), [0.5, 1.0, 2.0, 1024.0]);
        assert_eq!([-1, 0, 1, 2].map(|index| bound(-2, index)), [0.0625, 1.0, 16.0, 256.0]);
        assert_eq!([-8, 0, 8, 16].map(|index| bound(3, index)), [0.5, 1.0, 2.0, 4.0]);
        assert!((bound(3, 1) - 1.090_507_732_665_257_7).abs() < 1e-15);
        assert!((bound(1, 1) - std::f64::consts::SQRT_2).abs() < 1e-15);
        assert!((bound(8, -1) - 1.0 / bound(8, 1)).abs() < 1e-15);
    }

    #[test]
    fn the_largest_double_ends_its_bucket() {
        for schema in -4..=8 {
            let last = if schema < 0 { 1024 >> -schema } else { 1024 << schema };
            assert_eq!(bound(schema, last), f64::MAX, "schema {schema}");
            assert_eq!(bound(schema, last + 1), f64::INFINITY, "schema {schema}");
            assert!(bound(schema, last - 1) < f64::MAX, "schema {schema}");
        }
        assert_eq!(bound(0, -1074), f64::from_bits(1));
        assert_eq!(bound(0, -1080), 0.0);
        assert_eq!((bound(52, i64::MIN), bound(-9, i64::MAX)), (0.0, f64::INFINITY));
    }
}
