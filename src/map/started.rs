//! When series began: start times from the exposition, told to the aggregator, and the start of the target's process.

use crate::parse::{Format, MetricType, Role, Sample};
use crate::time::UnixTime;

use super::memory::Memory;
use super::submission::Begun;

/// The metric that says when the process of a target started.
pub(super) const PROCESS_START: &str = "process_start_time_seconds";

const CREATED: &str = "_created";

/// Whether the samples of a family may say when other series began: in the formats of Prometheus start times are gauges
/// of their own.
pub(super) fn is_apart(name: &str, metric_type: MetricType, format: Format) -> bool {
    let plain = matches!(metric_type, MetricType::Gauge | MetricType::Unknown);
    plain && format != Format::OpenMetrics && name.len() > CREATED.len() && name.ends_with(CREATED)
}

/// What a sample called `x_created` is about, as far as it is known: the series `x_total` or `x`, or the histogram or
/// summary of `x_count`, with the same labels.
pub(super) fn begun(sample: &Sample<'_>, memory: &mut Memory) -> Option<Begun> {
    let name = sample.name.text();
    let base = name.strip_suffix(CREATED)?;
    // The name as it stands in the series: quoted in braces, it is not at the front.
    let labels = sample.series.strip_prefix(&*name)?;
    let known = |memory: &mut Memory, suffixes: [&str; 2]| {
        suffixes.into_iter().find_map(|suffix| memory.find_named(&[base, suffix].concat(), labels))
    };
    if let Some(series) = known(memory, ["_count", "_sum"])
        && let Some((group, _)) = memory.get(series).group
    {
        return Some(Begun::Group(group));
    }
    known(memory, ["_total", ""]).map(Begun::Series)
}

/// The time that a sample holds, if it is one.
pub(super) fn time(sample: &Sample<'_>) -> Option<UnixTime> {
    (sample.value.is_finite() && sample.value > 0.0).then(|| UnixTime::from_seconds(sample.value))
}

/// When the series of a sample began, where the format tells it beside the value.
pub(super) fn beside(sample: &Sample<'_>) -> Option<UnixTime> {
    let milliseconds = sample.start_ms.filter(|_| sample.role != Role::Created)?;
    (milliseconds > 0).then(|| UnixTime::from_seconds(milliseconds as f64 / 1000.0))
}
