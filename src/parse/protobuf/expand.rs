//! Makes samples of metrics as the text formats have them: a summary or histogram becomes count, sum, and one sample for
//! each quantile or bucket (rule B8); a native histogram becomes one sample more.

use super::metric::{Bucket, ExemplarFields, Metric, Timestamp, emptied};
use super::native::{NativeExemplars, native_histogram};
use super::number::{push_bound, push_value};
use super::series::SeriesText;
use super::violation::Violation;
use crate::parse::error::ParseErrorKind;
use crate::parse::limits::ReaderLimits;
use crate::parse::model::{Exemplar, Family, Label, MetricType, Quoted, Role, Sample};
use crate::parse::native::ResetHint;
use crate::parse::sink::Sink;
use crate::parse::totals::Totals;

/// Why no more samples are made.
#[derive(Debug)]
pub(super) enum Stop {
    Violation(Violation),
    Limit(ParseErrorKind),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// Where samples go, and how many may.
pub(super) struct Out<'o, S: ?Sized> {
    pub(super) sink: &'o mut S,
    pub(super) family: &'o Family,
    pub(super) limits: &'o ReaderLimits,
    pub(super) totals: &'o mut Totals,
    /// Bytes of the series handed out.
    pub(super) series_bytes: &'o mut u64,
}

impl<S: Sink + ?Sized> Out<'_, S> {
    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Stop> {
        if self.totals.samples >= self.limits.samples {
            return Err(Stop::Limit(ParseErrorKind::TooManySamples(self.limits.samples)));
        }
        *self.series_bytes += sample.series.len() as u64;
        if *self.series_bytes > self.limits.series_bytes {
            return Err(Stop::Limit(ParseErrorKind::TooMuchText(self.limits.series_bytes)));
        }
        self.totals.samples += 1;
        self.sink.sample(self.family, sample);
        Ok(())
    }
}

/// The buffers behind samples.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    series: SeriesText,
    /// The names of count, sum and buckets of the family.
    names: [String; 3],
    value: String,
    exemplar_value: String,
    bounds: Bounds,
}

/// The texts of bounds or quantiles by their place. Those of neighbouring metrics are mostly the same, and printing is
/// slow.
#[derive(Debug, Default)]
struct Bounds(Vec<(u64, String)>);

impl Bounds {
    fn prepare(&mut self, bounds: impl Iterator<Item = f64>) {
        for (at, bound) in bounds.enumerate() {
            if at == self.0.len() {
                // A text that no bound has, so that it is printed below.
                self.0.push((!bound.to_bits(), String::new()));
            }
            let (bits, text) = &mut self.0[at];
            if *bits != bound.to_bits() {
                *bits = bound.to_bits();
                text.clear();
                push_bound(text, bound);
            }
        }
    }

    fn text(&self, at: usize) -> &str {
        &self.0[at].1
    }
}

/// What all samples of a metric have in common.
#[derive(Clone, Copy)]
struct Times {
    timestamp_ms: Option<i64>,
    start_ms: Option<i64>,
}

impl Times {
    fn of(metric: &Metric<'_>, start: Option<Timestamp>) -> Self {
        // As with timestamps, zero is none.
        let start_ms = start.map(Timestamp::milliseconds).filter(|start| *start != 0);
        Self { timestamp_ms: metric.timestamp_ms(), start_ms }
    }

    fn sample<'s>(
        self,
        series: &'s str,
        name: &'s str,
        labels: &'s [Label<'s>],
        role: Role,
        (value, value_text): (f64, &'s str),
    ) -> Sample<'s> {
        let Self { timestamp_ms, start_ms } = self;
        let name = Quoted::new(name, false);
        Sample {
            line: None,
            series,
            name,
            labels,
            role,
            value_text,
            value,
            timestamp_ms,
            start_ms,
            exemplar: None,
            more_exemplars: &[],
            native: None,
        }
    }
}

/// The value and its text.
fn printed(text: &mut String, value: f64) -> (f64, &str) {
    text.clear();
    push_value(text, value);
    (value, text)
}

fn exemplar<'s>(fields: &'s ExemplarFields<'_>, text: &'s mut String) -> Exemplar<'s> {
    let (value, value_text) = printed(text, fields.value);
    let timestamp_ms = fields.timestamp.map(Timestamp::milliseconds);
    Exemplar { labels: &fields.labels, value_text, value, timestamp_ms }
}

/// Takes the labels of a metric, and one more for its bounds or quantiles.
fn with_last<'a>(name: &'a str, labels: &mut Vec<Label<'a>>) -> Vec<Label<'a>> {
    let mut labels = std::mem::take(labels);
    labels.push(Label { name: Quoted::new(name, false), value: Quoted::new("", false) });
    labels
}

/// The labels with another value of the last one.
fn set_last<'l, 'a>(labels: &'l mut [Label<'a>], value: &'a str) -> &'l [Label<'a>] {
    if let Some(last) = labels.last_mut() {
        last.value = Quoted::new(value, false);
    }
    labels
}

impl Expansion {
    /// Makes ready for the metrics of a family.
    pub(super) fn family(&mut self, family: &Family) {
        for (name, suffix) in self.names.iter_mut().zip(["_count", "_sum", "_bucket"]) {
            name.clear();
            name.push_str(&family.name);
            name.push_str(suffix);
        }
    }

    /// Hands out the samples of a metric. A message that does not fit the type counts as zero (rule B7).
    pub(super) fn metric<S: Sink + ?Sized>(
        &mut self,
        metric: &mut Metric<'_>,
        out: &mut Out<'_, S>,
    ) -> Result<(), Stop> {
        self.series.metric(&metric.labels);
        match out.family.metric_type {
            MetricType::Counter => self.counter(metric, out),
            MetricType::Gauge => self.single(metric, metric.gauge, out),
            MetricType::Summary => self.summary(metric, out),
            MetricType::Histogram => self.histogram(metric, ResetHint::Unknown, out),
            MetricType::GaugeHistogram => self.histogram(metric, ResetHint::Gauge, out),
            // The message has no type but the six; these two are none of them.
            MetricType::Unknown | MetricType::Info | MetricType::StateSet => self.single(metric, metric.untyped, out),
        }
    }

    fn single<S: Sink + ?Sized>(&mut self, metric: &Metric<'_>, value: f64, out: &mut Out<'_, S>) -> Result<(), Stop> {
        let name = out.family.name.as_str();
        self.series.name(name);
        let value = printed(&mut self.value, value);
        let times = Times::of(metric, None);
        out.sample(&times.sample(self.series.plain(), name, &metric.labels, Role::Value, value))
    }

    fn counter<S: Sink + ?Sized>(&mut self, metric: &Metric<'_>, out: &mut Out<'_, S>) -> Result<(), Stop> {
        let name = out.family.name.as_str();
        let role = if name.ends_with("_total") { Role::Total } else { Role::Value };
        self.series.name(name);
        let value = printed(&mut self.value, metric.counter.value);
        let times = Times::of(metric, metric.counter.start);
        let mut sample = times.sample(self.series.plain(), name, &metric.labels, role, value);
        if metric.counter.has_exemplar {
            sample.exemplar = Some(exemplar(&metric.exemplar, &mut self.exemplar_value));
        }
        out.sample(&sample)
    }

    /// `_count` and `_sum`.
    fn count_and_sum<S: Sink + ?Sized>(
        &mut self,
        metric: &Metric<'_>,
        times: Times,
        values: [f64; 2],
        out: &mut Out<'_, S>,
    ) -> Result<(), Stop> {
        for (at, role) in [Role::Count, Role::Sum].into_iter().enumerate() {
            let name = self.names[at].as_str();
            self.series.name(name);
            let value = printed(&mut self.value, values[at]);
            out.sample(&times.sample(self.series.plain(), name, &metric.labels, role, value))?;
        }
        Ok(())
    }

    fn summary<S: Sink + ?Sized>(&mut self, metric: &mut Metric<'_>, out: &mut Out<'_, S>) -> Result<(), Stop> {
        let summary = &metric.summary;
        let times = Times::of(metric, summary.start);
        self.count_and_sum(metric, times, [summary.count as f64, summary.sum], out)?;
        let name = out.family.name.as_str();
        self.series.name(name);
        self.bounds.prepare(summary.quantiles.iter().map(|(quantile, _)| *quantile));
        let mut labels = with_last("quantile", &mut metric.labels);
        for (at, (_, value)) in summary.quantiles.iter().enumerate() {
            let text = self.bounds.text(at);
            let value = printed(&mut self.value, *value);
            let series = self.series.with("quantile", text);
            out.sample(&times.sample(series, name, set_last(&mut labels, text), Role::Quantile, value))?;
        }
        metric.labels = emptied(labels);
        Ok(())
    }

    fn histogram<S: Sink + ?Sized>(
        &mut self,
        metric: &mut Metric<'_>,
        hint: ResetHint,
        out: &mut Out<'_, S>,
    ) -> Result<(), Stop> {
        let times = Times::of(metric, metric.histogram.start);
        if metric.histogram.is_native() {
            self.native(metric, times, hint, out)?;
        }
        let total = metric.histogram.total();
        self.count_and_sum(metric, times, [total, metric.histogram.sum], out)?;
        self.buckets(metric, times, total, out)
    }

    fn native<S: Sink + ?Sized>(
        &mut self,
        metric: &mut Metric<'_>,
        times: Times,
        hint: ResetHint,
        out: &mut Out<'_, S>,
    ) -> Result<(), Stop> {
        let exemplars = NativeExemplars::of(&metric.histogram, &mut metric.scratch, out.limits.of_labels())?;
        let exemplars = exemplars.list();
        let native = native_histogram(&metric.histogram, hint, &exemplars)?;
        let name = out.family.name.as_str();
        self.series.name(name);
        let value = printed(&mut self.value, native.count);
        let sample = times.sample(self.series.plain(), name, &metric.labels, Role::NativeHistogram, value);
        out.sample(&Sample { native: Some(&native), ..sample })
    }

    /// The classic buckets up to the infinite one, which is made up if it is missing (rule B8). A histogram that is
    /// native only has just that one, as where the text format exposes it.
    fn buckets<S: Sink + ?Sized>(
        &mut self,
        metric: &mut Metric<'_>,
        times: Times,
        total: f64,
        out: &mut Out<'_, S>,
    ) -> Result<(), Stop> {
        let Metric { labels: metric_labels, histogram, scratch, .. } = metric;
        let name = self.names[2].as_str();
        self.series.name(name);
        let infinite = Bucket::infinite(total);
        let end = histogram.buckets.iter().position(|bucket| bucket.bound == f64::INFINITY);
        let exposed = &histogram.buckets[..end.map_or(histogram.buckets.len(), |at| at + 1)];
        let made_up = end.is_none().then_some(&infinite);
        let buckets = || exposed.iter().chain(made_up);
        self.bounds.prepare(buckets().map(|bucket| bucket.bound));
        let mut labels = with_last("le", metric_labels);
        for (at, bucket) in buckets().enumerate() {
            let text = self.bounds.text(at);
            let value = printed(&mut self.value, bucket.cumulative());
            let series = self.series.with("le", text);
            let mut sample = times.sample(series, name, set_last(&mut labels, text), Role::Bucket, value);
            if let Some(message) = bucket.with_exemplar {
                scratch.decode_of_bucket(message, out.limits.of_labels())?;
                sample.exemplar = Some(exemplar(scratch, &mut self.exemplar_value));
            }
            out.sample(&sample)?;
        }
        *metric_labels = emptied(labels);
        Ok(())
    }
}
