//! What the mapping makes of samples: the calls that Datadog's check makes into the Agent, as values.

use crate::config::{GaugeAggregation, Status};
use crate::time::UnixTime;

use super::context::{ContextId, Contexts};
use super::native::NativeReading;
use super::origin::{GroupId, Origin, SeriesId};
use super::trace::Trace;

/// How the aggregator treats the values of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// The last value counts.
    Gauge,
    /// Values add up.
    Count,
    /// Values are readings of a counter; their growth counts.
    MonotonicCount,
    /// The growth of the last two values per second counts.
    Rate,
}

impl MetricKind {
    /// Whether what becomes of a value depends on the value before.
    pub(crate) fn grows(self) -> bool {
        matches!(self, Self::MonotonicCount | Self::Rate)
    }

    /// The word of the Agent for this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Count => "count",
            Self::MonotonicCount => "monotonic_count",
            Self::Rate => "rate",
        }
    }
}

/// One value on its way to the aggregator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Submission {
    /// A value of a plain metric.
    Metric {
        /// How the value is treated.
        kind: MetricKind,
        /// Name, tags and host.
        context: ContextId,
        /// The series it was read from.
        origin: Origin,
        /// What several gauges of the context come to.
        gauges: GaugeAggregation,
        /// Of a bucket without those below it: the bound above which it counts. With another one it counts something
        /// else, and what is less than before has not fallen.
        lower: Option<f64>,
        /// Finite.
        value: f64,
        /// Whether a first value is growth from zero (monotonic counts only).
        flush_first_value: bool,
    },
    /// The reading of one histogram bucket that goes into a sketch.
    Bucket {
        /// Name, tags and host of the sketch.
        context: ContextId,
        /// The series of the bucket.
        origin: Origin,
        /// Exclusive lower bound; may be `-inf`.
        lower: f64,
        /// Inclusive upper bound; may be `inf`.
        upper: f64,
        /// Cumulative over time, not over buckets; a negative one is refused by the aggregator.
        value: i64,
        /// Whether a first value is growth from zero.
        flush_first_value: bool,
        /// Whether several buckets share the context, so that each is told apart by its bounds.
        multiple_buckets: bool,
    },
}

impl Submission {
    /// Name, tags and host.
    pub fn context(&self) -> ContextId {
        match *self {
            Self::Metric { context, .. } | Self::Bucket { context, .. } => context,
        }
    }

    /// The series it was read from.
    pub fn origin(&self) -> Origin {
        match *self {
            Self::Metric { origin, .. } | Self::Bucket { origin, .. } => origin,
        }
    }
}

/// The reading of a whole native histogram that goes into a sketch.
#[derive(Clone, Debug, PartialEq)]
pub struct NativeSubmission {
    /// Name, tags and host of the sketch.
    pub context: ContextId,
    /// The series of the histogram.
    pub origin: Origin,
    /// Its buckets.
    pub reading: NativeReading,
    /// Whether a first reading is growth from zero.
    pub flush_first_value: bool,
}

/// What a start time is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// One series.
    Series(SeriesId),
    /// All series of a histogram or summary.
    Group(GroupId),
}

/// One report of a service check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCheck {
    /// The full name, namespace included.
    pub name: String,
    /// What it reports.
    pub status: Status,
    /// In the order of submission, duplicates included.
    pub tags: Vec<String>,
    /// Empty where the host of the submitter is meant.
    pub hostname: String,
    /// Why it is not OK; empty when there is nothing to say.
    pub message: String,
}

/// Receives what the mapping makes of a scrape, in the order of the exposition.
pub trait Submissions {
    /// A value; `contexts` knows its context.
    fn submit(&mut self, submission: &Submission, contexts: &Contexts);

    /// The same submission as the last one of a series, but for its value, which is finite, and the flag. False, and
    /// nothing happened: it has to be submitted in full.
    fn again(&mut self, _series: SeriesId, _value: f64, _flush_first_value: bool) -> bool {
        false
    }

    /// There are likely to be so many series in all.
    fn expect(&mut self, _series: usize) {}

    /// The sum of a histogram that becomes a sketch, where the sum is not submitted itself.
    fn group_sum(&mut self, _origin: Origin, _value: f64, _flush_first_value: bool) {}

    /// A native histogram; `contexts` knows its context.
    fn native(&mut self, submission: NativeSubmission, contexts: &Contexts);

    /// A service check.
    fn service_check(&mut self, check: ServiceCheck);

    /// The service check of the scrape itself. How a scrape went is known at its end, but this one stands before all
    /// others of it.
    fn health(&mut self, check: ServiceCheck);

    /// A piece of metadata about the target, such as its version.
    fn metadata(&mut self, name: &str, value: &str);

    /// When a series, or all of a group, began to count. May come before or after its values.
    fn begun(&mut self, _: Begun, _: UnixTime) {}

    /// When the process of the target started: no counter of it began before. Told only where the settings say that
    /// counters begin with the process.
    fn process_started(&mut self, _: UnixTime) {}

    /// Who wants to know how each decision was made. With nobody, nothing is traced, and decisions are taken from
    /// memory.
    fn trace(&mut self) -> Option<&mut dyn Trace> {
        None
    }
}
