//! The order of samples within a family of OpenMetrics: metrics stand together, and time does not run backwards.

use std::collections::HashSet;

use super::finding::Findings;
use super::seen::{Identity, Seen};
use crate::parse::format::Format;
use crate::parse::model::MetricType;

/// What was seen of one family.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The metrics so far.
    seen: HashSet<Identity>,
    current: Option<Group>,
}

/// The metric at hand.
#[derive(Debug)]
struct Group {
    labels: Identity,
    timestamp_ms: Option<i64>,
    /// The series of the current timestamp.
    series: HashSet<(String, Identity)>,
    /// The last series.
    last: (String, Identity),
}

impl Groups {
    /// Takes a sample; `inner` is the label that tells samples of one metric apart. Returns whether another point begins
    /// with it: another metric or another time.
    pub(super) fn sample(
        &mut self,
        seen: &Seen<'_>,
        inner: Option<&str>,
        (format, metric_type): (Format, MetricType),
        findings: &mut Findings<'_>,
    ) -> bool {
        // The labels of an info metric are its content, so that all of its samples are one metric.
        let labels = if metric_type == MetricType::Info { Identity::new() } else { seen.identity(inner) };
        let series = (seen.name.to_owned(), seen.identity(None));
        let Some(group) = self.current.as_mut().filter(|group| group.labels == labels) else {
            if !self.seen.insert(labels.clone()) {
                let message = "samples with the same labels must stand together; others stood between these";
                findings.token(seen.raw_name, "O6", message);
            }
            let mut all = HashSet::new();
            all.insert(series.clone());
            self.current = Some(Group { labels, timestamp_ms: seen.timestamp_ms, series: all, last: series });
            return true;
        };
        let same_time = group.timestamp_ms == seen.timestamp_ms;
        // In 2.0 time runs by sample, in 1.0 by metric.
        let restarts = format == Format::OpenMetrics2 && group.last != series;
        if group.timestamp_ms.is_some() != seen.timestamp_ms.is_some() {
            findings.token(seen.raw_name, "O6", "all samples of a metric must have a timestamp, or none");
        } else if !restarts && metric_type != MetricType::Info && group.timestamp_ms > seen.timestamp_ms {
            findings.token(seen.raw_name, "O6", "the timestamps of a metric must ascend");
        }
        if !same_time {
            group.series.clear();
        }
        // With timestamps equal ones are excused: they may have been cut to milliseconds.
        if !group.series.insert(series.clone()) && seen.timestamp_ms.is_none() {
            findings.token(seen.raw_name, "O13", "the series stands in the exposition twice");
        }
        group.timestamp_ms = seen.timestamp_ms;
        group.last = series;
        !same_time
    }
}
