//! The samples of one histogram at one time: bounds and counts must agree.

use super::finding::{Findings, Place};
use super::seen::Seen;
use crate::parse::diagnostic::Diagnostic;
use crate::parse::model::MetricType;

/// What was seen of one histogram.
#[derive(Debug)]
pub(super) struct Histogram {
    place: Place,
    rule: &'static str,
    /// The last bound and its count.
    last: Option<(f64, f64)>,
    count: Option<f64>,
    sum: Option<f64>,
    has_negative_bound: bool,
}

impl Histogram {
    /// A histogram whose first sample is at `place`; `rule` is the one that its parts must keep.
    pub(super) fn new(place: Place, rule: &'static str) -> Self {
        Self { place, rule, last: None, count: None, sum: None, has_negative_bound: false }
    }

    pub(super) fn count(&mut self, value: f64) {
        self.count = Some(value);
    }

    pub(super) fn sum(&mut self, value: f64) {
        self.sum = Some(value);
    }

    /// Takes a bucket and checks it against the one before.
    pub(super) fn bucket(&mut self, bound: f64, seen: &Seen<'_>, findings: &mut Findings<'_>) {
        if let Some((last, count)) = self.last {
            if bound <= last {
                findings.token(seen.raw_name, self.rule, "the bounds of the buckets must ascend");
            }
            if seen.value < count {
                let message = "the count must not be lower than that of the bucket before";
                findings.token(seen.value_text, self.rule, message);
            }
        }
        self.has_negative_bound |= bound < 0.0;
        self.last = Some((bound, seen.value));
    }

    /// Checks what holds for all samples together. OpenMetrics wants more than the text format.
    pub(super) fn finish(&self, metric_type: Option<MetricType>, report: &mut dyn FnMut(&Diagnostic)) {
        let mut add = |message: &str| self.place.report(self.rule, message, report);
        match self.last {
            Some((bound, infinite)) if bound == f64::INFINITY => {
                if self.count.is_some_and(|count| (count - infinite).abs() > 0.0) {
                    add("the count of the histogram must be that of its bucket `+Inf`");
                }
            }
            _ => add("the histogram has no bucket `+Inf`"),
        }
        let Some(metric_type) = metric_type else { return };
        match (self.count, self.sum) {
            (None, Some(_)) => add("a histogram that has a sum must have a count"),
            (Some(_), None) if !(self.has_negative_bound && metric_type == MetricType::Histogram) => {
                add("a histogram that has a count must have a sum");
            }
            _ => {}
        }
        match metric_type {
            MetricType::GaugeHistogram if !self.has_negative_bound && self.sum.is_some_and(|sum| sum < 0.0) => {
                add("the sum cannot be negative where no bound is");
            }
            MetricType::Histogram if self.has_negative_bound && self.sum.is_some() => {
                add("a histogram with a negative bound must not have a sum");
            }
            _ => {}
        }
    }
}
