//! Makes of a sample line the samples that the older formats have for it.

use std::fmt::Write as _;
use std::num::NonZeroU64;

use super::composite::{Composite, Kind, Number, Side};
use super::{SampleLine, Value};
use crate::parse::model::{Exemplar, Label, Quoted, Role, Sample};
use crate::parse::native::{NativeBuckets, NativeHistogram, ResetHint};
use crate::parse::number::canonical_number;

/// Hands the samples of the line with this number to `hand_out`, each with its name and without a role, unless it is a native histogram.
/// Stops at the first error.
///
/// A composite value comes out in the order of protobuf: the native histogram, count, sum, buckets; or count, sum,
/// quantiles. An exemplar goes to the classic bucket that holds its value, and to the native histogram.
pub(in crate::parse) fn expand<'s, E>(
    number: u64,
    line: &'s SampleLine<'_>,
    labels: &'s [Label<'s>],
    exemplars: &'s [Exemplar<'s>],
    mut hand_out: impl FnMut(&str, Sample<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let plain = Sample {
        line: NonZeroU64::new(number),
        series: line.series,
        name: line.name,
        labels,
        role: Role::Value,
        value_text: "",
        value: 0.0,
        timestamp_ms: line.timestamp_ms,
        start_ms: line.start_ms,
        exemplar: None,
        more_exemplars: &[],
        native: None,
    };
    match &line.value {
        Value::Number(value_text, value) => {
            let (exemplar, more_exemplars) = first_and_others(exemplars);
            hand_out(&line.name.text(), Sample { value_text, value: *value, exemplar, more_exemplars, ..plain })
        }
        Value::Composite(composite) => Expansion { plain, composite, exemplars }.run(&mut hand_out),
    }
}

fn first_and_others<'s>(exemplars: &'s [Exemplar<'s>]) -> (Option<Exemplar<'s>>, &'s [Exemplar<'s>]) {
    exemplars.split_first().map_or((None, &[]), |(first, others)| (Some(*first), others))
}

/// The expansion of one composite value.
struct Expansion<'s> {
    /// What all samples have in common.
    plain: Sample<'s>,
    composite: &'s Composite<'s>,
    exemplars: &'s [Exemplar<'s>],
}

impl Expansion<'_> {
    fn run<E>(&self, hand_out: &mut impl FnMut(&str, Sample<'_>) -> Result<(), E>) -> Result<(), E> {
        let (count, sum, bucket) = match self.composite.kind {
            Kind::Histogram => ("_count", "_sum", Some("_bucket")),
            Kind::GaugeHistogram => ("_gcount", "_gsum", Some("_bucket")),
            Kind::Summary => ("_count", "_sum", None),
        };
        self.native(hand_out)?;
        self.sample(count, None, self.composite.count, &[], hand_out)?;
        self.sample(sum, None, self.composite.sum, &[], hand_out)?;
        let Some(bucket) = bucket else {
            return self.composite.buckets.iter().try_for_each(|((_, quantile), value)| {
                self.sample("", Some(("quantile", *quantile)), *value, &[], hand_out)
            });
        };
        if self.composite.buckets.is_empty() {
            // As protobuf has it: the classic view of a histogram that is native only.
            return self.sample(bucket, Some(("le", f64::INFINITY)), self.composite.count, &[], hand_out);
        }
        self.buckets(bucket, hand_out)
    }

    /// Hands out the buckets; what they have in common is written once.
    fn buckets<E>(&self, suffix: &str, hand_out: &mut impl FnMut(&str, Sample<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut exemplars = self.exemplars.to_vec();
        exemplars.sort_by(|a, b| a.value.total_cmp(&b.value));
        let mut exemplars = exemplars.as_slice();
        let bounds: Vec<_> = self.composite.buckets.iter().map(|((_, bound), _)| canonical_number(*bound)).collect();
        let mut labels = self.plain.labels.to_vec();
        let written = Written::new(self.plain.name.raw(), suffix, &labels);
        let mut series = written.stem.clone();
        for (((_, bound), (value_text, value)), text) in self.composite.buckets.iter().zip(&bounds) {
            labels.truncate(self.plain.labels.len());
            labels.push(Label { name: Quoted::new("le", false), value: Quoted::new(text, false) });
            series.truncate(written.stem.len());
            written.finish(&mut series, Some(("le", text)));
            let (held, above) = exemplars.split_at(exemplars.partition_point(|exemplar| exemplar.value <= *bound));
            exemplars = above;
            let (exemplar, more_exemplars) = first_and_others(held);
            let (series, labels) = (series.as_str(), labels.as_slice());
            let (name, value_text, value) = (written.name(), *value_text, *value);
            let sample = Sample { series, name, labels, value_text, value, exemplar, more_exemplars, ..self.plain };
            hand_out(&name.text(), sample)?;
        }
        Ok(())
    }

    /// Hands out one sample, its name and label written out as the older formats have them.
    fn sample<E>(
        &self,
        suffix: &str,
        label: Option<(&str, f64)>,
        (value_text, value): Number<'_>,
        exemplars: &[Exemplar<'_>],
        hand_out: &mut impl FnMut(&str, Sample<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bound = label.map(|(label, bound)| (label, canonical_number(bound)));
        let bound = bound.as_ref().map(|(label, bound)| (*label, bound.as_str()));
        let written = Written::new(self.plain.name.raw(), suffix, self.plain.labels);
        let mut labels = self.plain.labels.to_vec();
        labels.extend(
            bound.map(|(label, bound)| Label { name: Quoted::new(label, false), value: Quoted::new(bound, false) }),
        );
        let mut series = written.stem.clone();
        written.finish(&mut series, bound);
        let (exemplar, more_exemplars) = first_and_others(exemplars);
        let (series, labels, name) = (series.as_str(), labels.as_slice(), written.name());
        let sample = Sample { series, name, labels, value_text, value, exemplar, more_exemplars, ..self.plain };
        hand_out(&name.text(), sample)
    }

    /// Hands out the native histogram, if there is one.
    fn native<E>(&self, hand_out: &mut impl FnMut(&str, Sample<'_>) -> Result<(), E>) -> Result<(), E> {
        let Some(native) = &self.composite.native else { return Ok(()) };
        let (Some(positive), Some(negative)) = (buckets(&native.positive), buckets(&native.negative)) else {
            return Ok(());
        };
        let (value_text, count) = self.composite.count;
        let counts = positive.counts().chain(negative.counts());
        let histogram = NativeHistogram {
            schema: native.schema,
            zero_threshold: native.zero_threshold,
            zero_count: native.zero_count,
            count,
            sum: self.composite.sum.1,
            integer: counts.chain([count, native.zero_count]).all(|number| number.fract() == 0.0),
            reset_hint: match self.composite.kind {
                Kind::GaugeHistogram => ResetHint::Gauge,
                Kind::Histogram | Kind::Summary => ResetHint::Unknown,
            },
            positive,
            negative,
            exemplars: self.exemplars,
        };
        let role = Role::NativeHistogram;
        let sample = Sample { role, value_text, value: count, native: Some(&histogram), ..self.plain };
        hand_out(&self.plain.name.text(), sample)
    }
}

fn buckets(side: &Side) -> Option<NativeBuckets<'_>> {
    NativeBuckets::from_counts(&side.spans, &side.counts)
}

/// A series as OpenMetrics 1.0 would expose it, but for its end; names and values are raw, their escapes not undone.
struct Written {
    name: String,
    stem: String,
    /// What comes before one more label.
    separator: char,
    /// Whether there is a `{` to be closed.
    is_open: bool,
}

impl Written {
    fn new(base: &str, suffix: &str, labels: &[Label<'_>]) -> Self {
        let name = format!("{base}{suffix}");
        let is_bare_name = is_bare(&name, true);
        let stem = if is_bare_name { name.clone() } else { format!("{{\"{name}\"") };
        let separator = if is_bare_name { '{' } else { ',' };
        let mut written = Self { name, stem, separator, is_open: !is_bare_name };
        for label in labels {
            push_label(&mut written.stem, written.separator, label.name.raw(), label.value.raw());
            (written.separator, written.is_open) = (',', true);
        }
        written
    }

    fn name(&self) -> Quoted<'_> {
        Quoted::new(&self.name, self.name.contains('\\'))
    }

    /// Ends `series`, a copy of the stem, with one more label if there is one.
    fn finish(&self, series: &mut String, label: Option<(&str, &str)>) {
        if let Some((name, value)) = label {
            push_label(series, self.separator, name, value);
        }
        if self.is_open || label.is_some() {
            series.push('}');
        }
    }
}

fn push_label(series: &mut String, separator: char, name: &str, value: &str) {
    let quote = if is_bare(name, false) { "" } else { "\"" };
    write!(series, "{separator}{quote}{name}{quote}=\"{value}\"").expect("a string takes text");
}

/// Whether a name needs no quotes; only names of metrics may have colons.
fn is_bare(name: &str, colons: bool) -> bool {
    let first = |c: char| c.is_ascii_digit();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    !name.starts_with(first) && name.bytes().all(allowed)
}
