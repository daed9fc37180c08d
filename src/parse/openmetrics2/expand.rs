//! Makes of a sample line the samples that the older formats have for it.

use std::fmt::Write as _;

use super::composite::{Composite, Kind, Number, Side};
use super::{SampleLine, Value};
use crate::parse::model::{Exemplar, Label, Quoted, Role, Sample};
use crate::parse::native::{NativeBuckets, NativeHistogram, ResetHint};
use crate::parse::number::canonical_number;

/// Hands the samples of a line to `hand_out`, each with its name and without a role, unless it is a native histogram.
/// Stops at the first error.
///
/// A composite value comes out in the order of protobuf: the native histogram, count, sum, buckets; or count, sum,
/// quantiles. An exemplar goes to the classic bucket that holds its value, and to the native histogram.
pub(in crate::parse) fn expand<'s, E>(
    line: &'s SampleLine<'_>,
    labels: &'s [Label<'s>],
    exemplars: &'s [Exemplar<'s>],
    mut hand_out: impl FnMut(&str, Sample<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let plain = Sample {
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
        let mut below = f64::NEG_INFINITY;
        for ((_, bound), value) in &self.composite.buckets {
            let held: Vec<_> =
                self.exemplars.iter().filter(|e| e.value > below && e.value <= *bound).copied().collect();
            self.sample(bucket, Some(("le", *bound)), *value, &held, hand_out)?;
            below = *bound;
        }
        if self.composite.buckets.is_empty() {
            // As protobuf has it: the classic view of a histogram that is native only.
            self.sample(bucket, Some(("le", f64::INFINITY)), self.composite.count, &[], hand_out)?;
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
        let name = format!("{}{suffix}", self.plain.name.raw());
        let bound = label.map(|(label, bound)| (label, canonical_number(bound)));
        let mut labels = self.plain.labels.to_vec();
        if let Some((label, bound)) = &bound {
            labels.push(Label { name: Quoted::new(label, false), value: Quoted::new(bound, false) });
        }
        let series = series(&name, &labels);
        let name = Quoted::new(&name, name.contains('\\'));
        let (exemplar, more_exemplars) = first_and_others(exemplars);
        let (series, labels) = (series.as_str(), labels.as_slice());
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

/// The series as OpenMetrics 1.0 would expose it; names and values are raw, their escapes not undone.
fn series(name: &str, labels: &[Label<'_>]) -> String {
    let bare = is_bare(name);
    let mut series = if bare { name.to_owned() } else { format!("{{\"{name}\"") };
    for (at, label) in labels.iter().enumerate() {
        series.push(if bare && at == 0 { '{' } else { ',' });
        let quote = if is_bare(label.name.raw()) { "" } else { "\"" };
        let written = write!(series, "{quote}{}{quote}=\"{}\"", label.name.raw(), label.value.raw());
        written.expect("a string takes text");
    }
    if !bare || !labels.is_empty() {
        series.push('}');
    }
    series
}

fn is_bare(name: &str) -> bool {
    let first = |c: char| c.is_ascii_digit();
    !name.starts_with(first) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}
