//! What each type of OpenMetrics wants of the values, labels and exemplars of its samples.

use super::finding::Findings;
use super::seen::Seen;
use crate::parse::model::{Exemplar, MetricType};
use crate::parse::token::number;

/// The rule about samples of a type.
pub(super) fn rule(metric_type: MetricType) -> &'static str {
    match metric_type {
        MetricType::Counter => "T1",
        MetricType::Summary => "T2",
        MetricType::Histogram => "T3",
        MetricType::GaugeHistogram => "T4",
        MetricType::Info => "T5",
        MetricType::StateSet => "T6",
        MetricType::Gauge | MetricType::Unknown => "O1",
    }
}

/// Checks a sample of OpenMetrics 1.0 that has `suffix` behind the name of its family. Returns the bound of a bucket.
pub(super) fn check(
    family: &str,
    metric_type: MetricType,
    suffix: &str,
    seen: &Seen<'_>,
    findings: &mut Findings<'_>,
) -> Option<f64> {
    let rule = rule(metric_type);
    let mut bound = None;
    match (metric_type, suffix) {
        (MetricType::Counter, "_total") | (MetricType::Summary | MetricType::Histogram, "_sum") => {
            not_negative(seen, rule, findings);
        }
        (MetricType::Summary, "") => quantile(seen, findings),
        (MetricType::Summary | MetricType::Histogram, "_count") | (MetricType::GaugeHistogram, "_gcount") => {
            whole(seen, rule, findings);
        }
        (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => {
            whole(seen, rule, findings);
            bound = bucket_bound(seen, rule, findings);
        }
        (MetricType::GaugeHistogram, "_gsum") if seen.value.is_nan() => {
            findings.token(seen.value_text, rule, "the sum must not be NaN");
        }
        (MetricType::Info, _) => info(seen, findings),
        (MetricType::StateSet, _) => state(family, seen, findings),
        _ => {}
    }
    let forbidden = match (metric_type, suffix) {
        (MetricType::Histogram | MetricType::GaugeHistogram, suffix) if suffix != "_bucket" => Some("le"),
        (MetricType::Summary, suffix) if !suffix.is_empty() => Some("quantile"),
        _ => None,
    };
    if let Some(label) = forbidden.and_then(|name| seen.label(name)) {
        let message = format!("the label `{}` belongs to other samples of the family", label.name.text());
        findings.token(label.name.raw(), rule, message);
    }
    let has_exemplars = match metric_type {
        MetricType::Counter => suffix == "_total",
        MetricType::Histogram | MetricType::GaugeHistogram => suffix == "_bucket",
        _ => false,
    };
    for exemplar in seen.exemplars {
        check_exemplar(exemplar, has_exemplars, bound, findings);
    }
    bound
}

/// Checks the value of an info metric.
pub(super) fn info(seen: &Seen<'_>, findings: &mut Findings<'_>) {
    if ![1.0].contains(&seen.value) {
        findings.token(seen.value_text, rule(MetricType::Info), "the value must be 1");
    }
}

/// Checks a state of the state set `family`.
pub(super) fn state(family: &str, seen: &Seen<'_>, findings: &mut Findings<'_>) {
    let rule = rule(MetricType::StateSet);
    if ![0.0, 1.0].contains(&seen.value) {
        findings.token(seen.value_text, rule, "the value must be 0 or 1");
    }
    if seen.label(family).is_none() {
        let message = format!("the sample must have the label `{family}`, which names the state");
        findings.token(seen.raw_name, rule, message);
    }
}

/// Checks a value that only grows.
pub(super) fn not_negative(seen: &Seen<'_>, rule: &'static str, findings: &mut Findings<'_>) {
    if seen.value.is_nan() || seen.value < 0.0 {
        findings.token(seen.value_text, rule, "the value must be neither negative nor NaN");
    }
}

fn whole(seen: &Seen<'_>, rule: &'static str, findings: &mut Findings<'_>) {
    if !(seen.value >= 0.0 && (seen.value.is_infinite() || seen.value.fract() == 0.0)) {
        findings.token(seen.value_text, rule, "the count must be a whole number, and not negative");
    }
}

fn quantile(seen: &Seen<'_>, findings: &mut Findings<'_>) {
    let rule = rule(MetricType::Summary);
    match seen.label("quantile") {
        None => findings.token(seen.raw_name, rule, "the sample must have the label `quantile`"),
        Some(label) if !number(label.value.raw()).is_ok_and(|number| (0.0..=1.0).contains(&number)) => {
            findings.token(label.value.raw(), rule, "the quantile must be a number from 0 to 1");
        }
        Some(_) => {}
    }
    if seen.value < 0.0 {
        findings.token(seen.value_text, rule, "the value of a quantile must not be negative");
    }
}

fn bucket_bound(seen: &Seen<'_>, rule: &'static str, findings: &mut Findings<'_>) -> Option<f64> {
    let Some(label) = seen.label("le") else {
        findings.token(seen.raw_name, rule, "a bucket must have the label `le`");
        return None;
    };
    let raw = label.value.raw();
    let bound =
        number(raw).ok().filter(|bound| !bound.is_nan() && (bound.is_finite() || matches!(raw, "+Inf" | "-Inf")));
    if bound.is_none() {
        findings.token(raw, rule, "the bound must be a number or `+Inf`");
    }
    bound
}

/// At most so many characters may the labels of an exemplar have, names and values together.
const EXEMPLAR_CHARACTERS: usize = 128;

fn check_exemplar(exemplar: &Exemplar<'_>, may_stand: bool, bound: Option<f64>, findings: &mut Findings<'_>) {
    let place = exemplar.value_text;
    if !may_stand {
        findings.token(place, "O16", "only buckets and the `_total` of counters may have exemplars");
    }
    let characters = |text: &str| text.chars().count();
    let length: usize =
        exemplar.labels.iter().map(|label| characters(&label.name.text()) + characters(&label.value.text())).sum();
    if length > EXEMPLAR_CHARACTERS {
        let message = format!("the labels of the exemplar have {length} characters; {EXEMPLAR_CHARACTERS} are allowed");
        findings.token(place, "O16", message);
    }
    if bound.is_some_and(|bound| exemplar.value > bound) {
        findings.token(place, "O16", "the value of the exemplar is above the bound of its bucket");
    }
}
