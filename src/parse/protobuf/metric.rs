//! Decodes the messages of one metric: labels, values, exemplars, and everything of summaries and histograms. Fields
//! come in any order and may be repeated: the last scalar counts, messages merge, lists grow (rule B1).

use super::super::limits::LabelLimits;
use super::violation::Violation;
use super::wire::{Field, Fields};
use crate::parse::model::{Label, Quoted};
use crate::parse::native::Span;

/// Entries of any list of a histogram or summary. Far above what exporters have; without it, a small message could ask
/// for many times its size in memory.
const LIST: usize = 1 << 16;

/// One metric. It is used again for the next one, so that its lists keep their memory.
#[derive(Debug, Default)]
pub(super) struct Metric<'a> {
    pub(super) labels: Vec<Label<'a>>,
    timestamp_ms: i64,
    pub(super) gauge: f64,
    pub(super) untyped: f64,
    pub(super) counter: Counter,
    pub(super) summary: Summary,
    pub(super) histogram: Histogram<'a>,
    /// Of the counter.
    pub(super) exemplar: ExemplarFields<'a>,
    /// Of one bucket or entry of the histogram after the other.
    pub(super) scratch: ExemplarFields<'a>,
}

#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) value: f64,
    pub(super) has_exemplar: bool,
    pub(super) start: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Quantile and value.
    pub(super) quantiles: Vec<(f64, f64)>,
    pub(super) start: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct Histogram<'a> {
    pub(super) count: u64,
    pub(super) count_float: f64,
    pub(super) sum: f64,
    pub(super) buckets: Vec<Bucket<'a>>,
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    pub(super) zero_count_float: f64,
    pub(super) negative: Side,
    pub(super) positive: Side,
    pub(super) start: Option<Timestamp>,
    /// Messages, already seen to be sound.
    pub(super) exemplars: Vec<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket<'a> {
    count: u64,
    count_float: f64,
    pub(super) bound: f64,
    /// The whole message, if there is an exemplar in it.
    pub(super) with_exemplar: Option<&'a [u8]>,
}

/// The native buckets of one sign.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) spans: Vec<Span>,
    pub(super) deltas: Vec<i64>,
    pub(super) counts: Vec<f64>,
}

#[derive(Debug, Default)]
pub(super) struct ExemplarFields<'a> {
    pub(super) labels: Vec<Label<'a>>,
    pub(super) value: f64,
    pub(super) timestamp: Option<Timestamp>,
}

/// A `google.protobuf.Timestamp`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timestamp {
    seconds: i64,
    nanos: i32,
}

impl Timestamp {
    /// Since the epoch, what is below a millisecond cut off (rule B12).
    pub(super) fn milliseconds(self) -> i64 {
        self.seconds.saturating_mul(1000).saturating_add(i64::from(self.nanos / 1_000_000))
    }

    fn decode(&mut self, message: &[u8]) -> Result<(), Violation> {
        each(message, |field| match field.number {
            1 => set(&mut self.seconds, field.number().map(u64::cast_signed)),
            2 => set(&mut self.nanos, field.number().map(|number| number as i32)),
            _ => Ok(()),
        })
    }
}

/// Calls `take` for every field of a message.
fn each<'a>(message: &'a [u8], mut take: impl FnMut(Field<'a>) -> Result<(), Violation>) -> Result<(), Violation> {
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next()? {
        take(field)?;
    }
    Ok(())
}

fn set<T>(place: &mut T, value: Result<T, Violation>) -> Result<(), Violation> {
    *place = value?;
    Ok(())
}

fn push<T>(list: &mut Vec<T>, entry: T, what: &'static str) -> Result<(), Violation> {
    if list.len() >= LIST {
        return Err(Violation::TooMany(LIST, what));
    }
    list.push(entry);
    Ok(())
}

/// An empty list of another lifetime in the memory of `list`; collecting an emptied vector keeps it.
pub(super) fn emptied<T, U>(mut list: Vec<T>) -> Vec<U> {
    list.clear();
    list.into_iter().map_while(|_| None).collect()
}

impl<'a> Metric<'a> {
    /// Milliseconds since the epoch; zero is none (rule B6).
    pub(super) fn timestamp_ms(&self) -> Option<i64> {
        Some(self.timestamp_ms).filter(|timestamp| *timestamp != 0)
    }

    /// Reads a message in place of what was here before.
    pub(super) fn decode(&mut self, message: &'a [u8], limits: LabelLimits) -> Result<(), Violation> {
        self.clear();
        each(message, |field| match field.number {
            1 => push_label(&mut self.labels, &field, limits),
            2 => decode_value(&mut self.gauge, field.bytes()?),
            3 => self.counter.decode(&mut self.exemplar, field.bytes()?, limits),
            4 => self.summary.decode(field.bytes()?),
            5 => decode_value(&mut self.untyped, field.bytes()?),
            6 => set(&mut self.timestamp_ms, field.number().map(u64::cast_signed)),
            7 => self.histogram.decode(&mut self.scratch, field.bytes()?, limits),
            _ => Ok(()),
        })
    }

    fn clear(&mut self) {
        self.labels.clear();
        (self.timestamp_ms, self.gauge, self.untyped) = (0, 0.0, 0.0);
        self.counter = Counter::default();
        self.summary.clear();
        self.histogram.clear();
        self.exemplar.clear();
    }

    /// Nothing, in the same memory.
    pub(super) fn emptied<'b>(self) -> Metric<'b> {
        Metric {
            labels: emptied(self.labels),
            summary: self.summary,
            histogram: self.histogram.emptied(),
            exemplar: self.exemplar.emptied(),
            scratch: self.scratch.emptied(),
            ..Metric::default()
        }
    }
}

/// Adds the label that a field holds.
fn push_label<'a>(labels: &mut Vec<Label<'a>>, field: &Field<'a>, limits: LabelLimits) -> Result<(), Violation> {
    let (mut name, mut value) = ("", "");
    each(field.bytes()?, |field| match field.number {
        1 => set(&mut name, field.text("name of a label")),
        2 => set(&mut value, field.text("value of a label")),
        _ => Ok(()),
    })?;
    if name.is_empty() {
        return Err(Violation::NoLabelName);
    }
    if name.len() > limits.name_bytes {
        return Err(Violation::LabelNameTooLong(limits.name_bytes));
    }
    if value.len() > limits.value_bytes {
        return Err(Violation::LabelValueTooLong(limits.value_bytes));
    }
    if labels.len() >= limits.number {
        return Err(Violation::TooManyLabels(limits.number));
    }
    labels.push(Label { name: Quoted::new(name, false), value: Quoted::new(value, false) });
    Ok(())
}

/// A gauge, or a value without type.
fn decode_value(value: &mut f64, message: &[u8]) -> Result<(), Violation> {
    each(message, |field| if field.number == 1 { set(value, field.double()) } else { Ok(()) })
}

impl Counter {
    fn decode<'a>(
        &mut self,
        exemplar: &mut ExemplarFields<'a>,
        message: &'a [u8],
        limits: LabelLimits,
    ) -> Result<(), Violation> {
        each(message, |field| match field.number {
            1 => set(&mut self.value, field.double()),
            2 => {
                self.has_exemplar = true;
                exemplar.decode(field.bytes()?, limits)
            }
            3 => self.start.get_or_insert_default().decode(field.bytes()?),
            _ => Ok(()),
        })
    }
}

impl Summary {
    fn clear(&mut self) {
        self.quantiles.clear();
        (self.count, self.sum, self.start) = (0, 0.0, None);
    }

    fn decode(&mut self, message: &[u8]) -> Result<(), Violation> {
        each(message, |field| match field.number {
            1 => set(&mut self.count, field.number()),
            2 => set(&mut self.sum, field.double()),
            3 => {
                let mut entry = (0.0, 0.0);
                each(field.bytes()?, |field| match field.number {
                    1 => set(&mut entry.0, field.double()),
                    2 => set(&mut entry.1, field.double()),
                    _ => Ok(()),
                })?;
                push(&mut self.quantiles, entry, "quantiles")
            }
            4 => self.start.get_or_insert_default().decode(field.bytes()?),
            _ => Ok(()),
        })
    }
}

impl<'a> Histogram<'a> {
    fn decode(
        &mut self,
        scratch: &mut ExemplarFields<'a>,
        message: &'a [u8],
        limits: LabelLimits,
    ) -> Result<(), Violation> {
        each(message, |field| match field.number {
            1 => set(&mut self.count, field.number()),
            2 => set(&mut self.sum, field.double()),
            3 => push(&mut self.buckets, Bucket::decode(scratch, field.bytes()?, limits)?, "buckets"),
            4 => set(&mut self.count_float, field.double()),
            5 => set(&mut self.schema, field.zigzag().map(|number| number as i32)),
            6 => set(&mut self.zero_threshold, field.double()),
            7 => set(&mut self.zero_count, field.number()),
            8 => set(&mut self.zero_count_float, field.double()),
            9 => self.negative.push_span(field.bytes()?),
            10 => field.zigzags(|delta| push(&mut self.negative.deltas, delta, "negative buckets")),
            11 => field.doubles(|count| push(&mut self.negative.counts, count, "negative buckets")),
            12 => self.positive.push_span(field.bytes()?),
            13 => field.zigzags(|delta| push(&mut self.positive.deltas, delta, "positive buckets")),
            14 => field.doubles(|count| push(&mut self.positive.counts, count, "positive buckets")),
            15 => self.start.get_or_insert_default().decode(field.bytes()?),
            16 => {
                scratch.clear();
                scratch.decode(field.bytes()?, limits)?;
                push(&mut self.exemplars, field.bytes()?, "exemplars")
            }
            _ => Ok(()),
        })
    }

    /// All observations; the float counts where it is above zero (rule B9).
    pub(super) fn total(&self) -> f64 {
        if self.count_float > 0.0 { self.count_float } else { self.count as f64 }
    }

    /// Whether it has a native part (rule N1).
    pub(super) fn is_native(&self) -> bool {
        let spans = !self.positive.spans.is_empty() || !self.negative.spans.is_empty();
        spans || self.zero_threshold > 0.0 || self.zero_count > 0
    }

    fn clear(&mut self) {
        self.buckets.clear();
        self.negative.clear();
        self.positive.clear();
        self.exemplars.clear();
        (self.count, self.count_float, self.sum, self.start) = (0, 0.0, 0.0, None);
        (self.schema, self.zero_threshold, self.zero_count, self.zero_count_float) = (0, 0.0, 0, 0.0);
    }

    fn emptied<'b>(self) -> Histogram<'b> {
        Histogram {
            buckets: emptied(self.buckets),
            negative: self.negative,
            positive: self.positive,
            exemplars: emptied(self.exemplars),
            ..Histogram::default()
        }
    }
}

impl<'a> Bucket<'a> {
    /// The bucket of all observations.
    pub(super) fn infinite(count: f64) -> Self {
        Self { count: 0, count_float: count, bound: f64::INFINITY, with_exemplar: None }
    }

    fn decode(scratch: &mut ExemplarFields<'a>, message: &'a [u8], limits: LabelLimits) -> Result<Self, Violation> {
        let mut bucket = Self::default();
        each(message, |field| match field.number {
            1 => set(&mut bucket.count, field.number()),
            2 => set(&mut bucket.bound, field.double()),
            3 => {
                bucket.with_exemplar = Some(message);
                scratch.clear();
                scratch.decode(field.bytes()?, limits)
            }
            4 => set(&mut bucket.count_float, field.double()),
            _ => Ok(()),
        })?;
        Ok(bucket)
    }

    /// The observations in it and in all below it; the float counts where it is above zero (rule B9).
    pub(super) fn cumulative(&self) -> f64 {
        if self.count_float > 0.0 { self.count_float } else { self.count as f64 }
    }
}

impl Side {
    fn push_span(&mut self, message: &[u8]) -> Result<(), Violation> {
        let mut span = Span::default();
        each(message, |field| match field.number {
            1 => set(&mut span.offset, field.zigzag().map(|number| number as i32)),
            2 => set(&mut span.length, field.number().map(|number| number as u32)),
            _ => Ok(()),
        })?;
        push(&mut self.spans, span, "spans")
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.deltas.clear();
        self.counts.clear();
    }
}

impl<'a> ExemplarFields<'a> {
    pub(super) fn clear(&mut self) {
        self.labels.clear();
        (self.value, self.timestamp) = (0.0, None);
    }

    fn emptied<'b>(self) -> ExemplarFields<'b> {
        ExemplarFields { labels: emptied(self.labels), ..ExemplarFields::default() }
    }

    /// Adds what a message holds.
    pub(super) fn decode(&mut self, message: &'a [u8], limits: LabelLimits) -> Result<(), Violation> {
        each(message, |field| match field.number {
            1 => push_label(&mut self.labels, &field, limits),
            2 => set(&mut self.value, field.double()),
            3 => self.timestamp.get_or_insert_default().decode(field.bytes()?),
            _ => Ok(()),
        })
    }

    /// Reads the exemplar of a bucket in place of what was here before.
    pub(super) fn decode_of_bucket(&mut self, bucket: &'a [u8], limits: LabelLimits) -> Result<(), Violation> {
        self.clear();
        each(bucket, |field| if field.number == 3 { self.decode(field.bytes()?, limits) } else { Ok(()) })
    }
}
