//! Which sample names a family of each type owns in OpenMetrics.

use crate::parse::model::MetricType;

/// The suffixes of the samples of a type; every family also owns its bare name, whatever its samples are called.
pub(super) fn suffixes(metric_type: MetricType) -> &'static [&'static str] {
    match metric_type {
        MetricType::Counter => &["_total", "_created"],
        MetricType::Summary => &["", "_sum", "_count", "_created"],
        MetricType::Histogram => &["_bucket", "_sum", "_count", "_created"],
        MetricType::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        MetricType::Info => &["_info"],
        MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => &[""],
    }
}

/// What stands behind the family's name in the name of one of its samples; `None` for a sample of another family.
pub(super) fn suffix_of<'n>(family: &str, metric_type: MetricType, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(family).filter(|suffix| suffixes(metric_type).contains(suffix))
}

/// The label that tells samples of one metric apart: bounds, quantiles, states.
pub(super) fn inner_label<'f>(family: &'f str, metric_type: MetricType, suffix: &str) -> Option<&'f str> {
    match (metric_type, suffix) {
        (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => Some("le"),
        (MetricType::Summary, "") => Some("quantile"),
        (MetricType::StateSet, _) => Some(family),
        _ => None,
    }
}
