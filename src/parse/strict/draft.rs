//! What the OpenMetrics 2.0 draft wants of a sample: its kind of value, and counts that agree.

use super::finding::Findings;
use super::seen::Seen;
use super::values;
use crate::parse::model::MetricType;
use crate::parse::openmetrics2::{Composite, Kind};

/// Checks a sample of the family `name`.
pub(super) fn check(family: &str, metric_type: MetricType, seen: &Seen<'_>, findings: &mut Findings<'_>) {
    let kind = seen.composite.map(|composite| composite.kind);
    let wanted = match metric_type {
        MetricType::Histogram => Some(Kind::Histogram),
        MetricType::GaugeHistogram => Some(Kind::GaugeHistogram),
        MetricType::Summary => Some(Kind::Summary),
        _ => None,
    };
    if kind != wanted {
        let words = match wanted {
            Some(Kind::Histogram) => "a composite value with `count`, `sum` and buckets",
            Some(Kind::GaugeHistogram) => "a composite value with `gcount`, `gsum` and buckets",
            Some(Kind::Summary) => "a composite value with `count`, `sum` and `quantile`",
            None => "a number",
        };
        findings.token(seen.value_text, "M2", format!("the value of a {metric_type} must be {words}"));
        return;
    }
    match metric_type {
        MetricType::Counter => values::not_negative(seen, values::rule(metric_type), findings),
        MetricType::Info => {
            values::info(seen, findings);
            if !family.ends_with("_info") {
                findings.token(seen.raw_name, "M1", "the name of an info metric must end in `_info`");
            }
        }
        MetricType::StateSet => values::state(family, seen, findings),
        _ => {}
    }
    if let Some(composite) = seen.composite {
        check_composite(composite, findings);
    }
}

fn check_composite(composite: &Composite<'_>, findings: &mut Findings<'_>) {
    let is_summary = composite.kind == Kind::Summary;
    let (count_text, count) = composite.count;
    if count.is_nan() || count < 0.0 {
        findings.token(count_text, "M6", "the count must be neither negative nor NaN");
    }
    for pair in composite.buckets.windows(2) {
        let [((_, before), (_, lower)), ((text, bound), (value_text, value))] = pair else { continue };
        if bound <= before {
            let what = if is_summary { "quantiles" } else { "bounds" };
            findings.token(text, "M6", format!("the {what} must ascend"));
        }
        if !is_summary && value < lower {
            findings.token(value_text, "M6", "the count must not be lower than that of the bucket before");
        }
    }
    if is_summary {
        for ((text, quantile), _) in &composite.buckets {
            if !(0.0..=1.0).contains(quantile) {
                findings.token(text, "M6", "the quantile must be a number from 0 to 1");
            }
        }
    } else if let Some((_, (text, infinite))) = composite.buckets.last()
        && (*infinite - count).abs() > 0.0
    {
        findings.token(text, "M6", "the bucket `+Inf` must have the count of the histogram");
    }
}
