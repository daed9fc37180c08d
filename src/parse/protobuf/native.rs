//! Makes native histograms of histogram messages: which flavour they are, whether their spans hold, and which exemplars
//! are theirs.

use crate::parse::limits::LabelLimits;
use std::ops::Range;

use super::metric::{ExemplarFields, Histogram, Side, Timestamp};
use super::number::push_value;
use super::violation::Violation;
use crate::parse::model::{Exemplar, Label};
use crate::parse::native::{NativeBuckets, NativeHistogram, ResetHint};

/// The native part of a histogram (rules N2, N3, N8).
pub(super) fn native_histogram<'h>(
    histogram: &'h Histogram<'_>,
    reset_hint: ResetHint,
    exemplars: &'h [Exemplar<'h>],
) -> Result<NativeHistogram<'h>, Violation> {
    if !NativeHistogram::knows_schema(histogram.schema) {
        return Err(Violation::Schema(histogram.schema));
    }
    let integer = !(histogram.count_float > 0.0 || histogram.zero_count_float > 0.0);
    let (count, zero_count) = if integer {
        (histogram.count as f64, histogram.zero_count as f64)
    } else {
        (histogram.count_float, histogram.zero_count_float)
    };
    Ok(NativeHistogram {
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count,
        count,
        sum: histogram.sum,
        integer,
        reset_hint,
        positive: buckets(&histogram.positive, integer, "positive")?,
        negative: buckets(&histogram.negative, integer, "negative")?,
        exemplars,
    })
}

fn buckets<'h>(exposed: &'h Side, integer: bool, side: &'static str) -> Result<NativeBuckets<'h>, Violation> {
    let Side { spans, deltas, counts } = exposed;
    let (buckets, found) = if integer {
        (NativeBuckets::from_deltas(spans, deltas), deltas.len())
    } else {
        (NativeBuckets::from_counts(spans, counts), counts.len())
    };
    buckets.ok_or_else(|| Violation::Spans { side, spans: NativeBuckets::length(spans), buckets: found })
}

/// So many labels the exemplars of one native histogram have at most, all together: they are held at once.
const EXEMPLAR_LABELS: usize = 1 << 16;

/// The exemplars of a native histogram, all their parts in a row.
#[derive(Debug, Default)]
pub(super) struct NativeExemplars<'a> {
    labels: Vec<Label<'a>>,
    values: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    labels: Range<usize>,
    value_text: Range<usize>,
    value: f64,
    timestamp_ms: i64,
}

impl<'a> NativeExemplars<'a> {
    /// Its own exemplars, or else those of its classic buckets; only such as have a timestamp (rule B10).
    pub(super) fn of(
        histogram: &Histogram<'a>,
        scratch: &mut ExemplarFields<'a>,
        limits: LabelLimits,
    ) -> Result<Self, Violation> {
        let mut exemplars = Self::default();
        for message in &histogram.exemplars {
            scratch.clear();
            scratch.decode(message, limits)?;
            exemplars.push(scratch)?;
        }
        if histogram.exemplars.is_empty() {
            for bucket in histogram.buckets.iter().filter_map(|bucket| bucket.with_exemplar) {
                scratch.decode_of_bucket(bucket, limits)?;
                exemplars.push(scratch)?;
            }
        }
        Ok(exemplars)
    }

    fn push(&mut self, exemplar: &ExemplarFields<'a>) -> Result<(), Violation> {
        let Some(timestamp_ms) = exemplar.timestamp.map(Timestamp::milliseconds) else { return Ok(()) };
        if self.labels.len() + exemplar.labels.len() > EXEMPLAR_LABELS {
            return Err(Violation::TooMany(EXEMPLAR_LABELS, "labels of exemplars"));
        }
        let (labels, text) = (self.labels.len(), self.values.len());
        self.labels.extend_from_slice(&exemplar.labels);
        push_value(&mut self.values, exemplar.value);
        self.parts.push(Part {
            labels: labels..self.labels.len(),
            value_text: text..self.values.len(),
            value: exemplar.value,
            timestamp_ms,
        });
        Ok(())
    }

    pub(super) fn list(&self) -> Vec<Exemplar<'_>> {
        let exemplars = self.parts.iter().map(|part| Exemplar {
            labels: &self.labels[part.labels.clone()],
            value_text: &self.values[part.value_text.clone()],
            value: part.value,
            timestamp_ms: Some(part.timestamp_ms),
        });
        exemplars.collect()
    }
}
