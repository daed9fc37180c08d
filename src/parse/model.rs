//! The model behind every exposition format: families, and samples borrowed from the bytes that were read.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;

use super::native::NativeHistogram;

/// What a family says its samples measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Only goes up, until its process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations in cumulative buckets.
    Histogram,
    /// A histogram whose buckets go up and down.
    GaugeHistogram,
    /// Quantiles computed by the exporter, with sum and count.
    Summary,
    /// Labels that describe the target; the value is always 1.
    Info,
    /// One series per state, 1 for those that hold.
    StateSet,
    /// No type was declared (`untyped`, `unknown`).
    #[default]
    Unknown,
}

impl MetricType {
    /// The type that a `TYPE` line names; `untyped` and `unknown` are the same in any format.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" | "untyped" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word of OpenMetrics for this type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A family of samples, as its metadata lines announce it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// The name as exposed, quotes and escapes removed.
    pub name: String,
    /// The declared type.
    pub metric_type: MetricType,
    /// The unescaped text of the `HELP` line.
    pub help: Option<String>,
    /// The text of the `UNIT` line.
    pub unit: Option<String>,
    /// Whether a metadata line announced it; otherwise a sample did, by standing outside every announced family.
    pub declared: bool,
}

/// What a sample is within its family, decided from the family's type and the sample's suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The value of a gauge or of a family without type; the bare name of a counter in the text format.
    Value,
    /// `_total` of a counter.
    Total,
    /// `_created`: when the series began, in seconds since the epoch; never a measurement.
    Created,
    /// `_bucket` of a histogram.
    Bucket,
    /// `_sum` (`_gsum`) of a histogram or summary.
    Sum,
    /// `_count` (`_gcount`) of a histogram or summary.
    Count,
    /// The bare name of a summary.
    Quantile,
    /// `_info` of an info family.
    Info,
    /// One state of a state set.
    State,
    /// A native histogram, which is a sample of its own beside those of the classic histogram: [`Sample::native`].
    NativeHistogram,
}

/// Text inside quotes as it stands in the body, with its escapes not yet undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Quoted<'a> {
    /// Text between two quotes; `escaped` tells that it holds a backslash.
    pub(crate) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The text as exposed.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Whether [`Quoted::text`] may be another than the text as exposed.
    pub(crate) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The text with `\\`, `\"` and `\n` undone; any other backslash stays with its follower (rule P7).
    pub fn text(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(super::escape::unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// One label of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The name; quoted names may hold escapes.
    pub name: Quoted<'a>,
    /// The value; may be empty.
    pub value: Quoted<'a>,
}

/// An example that an exporter attached to a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar<'a> {
    /// Its labels in the order of the exposition.
    pub labels: &'a [Label<'a>],
    /// The value as exposed.
    pub value_text: &'a str,
    /// The value.
    pub value: f64,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
}

/// One sample, borrowed from the line it was read from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The line that it stands in, or begins in, from 1; none in protobuf, which has no lines.
    pub line: Option<NonZeroU64>,
    /// Name and label block exactly as exposed: what identifies the series between two scrapes of one target.
    pub series: &'a str,
    /// The name of the sample, suffix included.
    pub name: Quoted<'a>,
    /// The labels in the order of the exposition, duplicates included, without the name.
    pub labels: &'a [Label<'a>],
    /// What the sample is within its family.
    pub role: Role,
    /// The value as exposed.
    pub value_text: &'a str,
    /// The value; NaN and infinities included. Of a native histogram: the count of all observations.
    pub value: f64,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// When the series began, in milliseconds since the epoch, where the format tells it beside the value. The older text
    /// formats tell it as a sample of [`Role::Created`] instead.
    pub start_ms: Option<i64>,
    /// The exemplar behind the value; those of a native histogram are kept there.
    pub exemplar: Option<Exemplar<'a>>,
    /// The exemplars behind that one; only OpenMetrics 2.0 has several.
    pub more_exemplars: &'a [Exemplar<'a>],
    /// The histogram of a sample that is a [`Role::NativeHistogram`].
    pub native: Option<&'a NativeHistogram<'a>>,
}
