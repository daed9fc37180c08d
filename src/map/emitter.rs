//! The last step of the mapping: hands on what samples became, at once or when its family or the body is complete, within
//! the limit on submissions, and with the figures that a scrape submits about itself.

use std::sync::Arc;

use crate::config::{GaugeAggregation, Instance, Status};
use crate::unit::Unit;

use super::context::{ContextId, Tag};
use super::dropped::{DropCounts, DropReason};
use super::limiter::Limiter;
use super::memory::{Memory, Planned};
use super::native::NativeReading;
use super::origin::SeriesId;
use super::plan::{Plan, ServiceCheckPlan};
use super::selection::{FamilyId, Suffix, full_name};
use super::submission::{MetricKind, NativeSubmission, ServiceCheck, Submission, Submissions};
use super::trace::Step;

/// What a sample became, on its way out.
#[derive(Clone, Debug)]
pub(super) enum Emission {
    /// A value; whether a first one is growth is decided when it goes out.
    Submission(Submission),
    /// A native histogram.
    Native(SeriesId, ContextId, NativeReading),
    /// The sum of a histogram that becomes a sketch.
    GroupSum(SeriesId, f64),
    /// The value of a series that becomes a service check.
    ServiceCheck(SeriesId, Arc<ServiceCheckPlan>, f64),
    /// Pieces of metadata.
    Metadata(SeriesId, Arc<Vec<(String, String)>>),
    /// A figure about the scrape.
    Figure(Figure, f64),
}

/// A figure that a scrape submits about itself, with the option `telemetry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    PayloadSize,
    FilteredLines,
    Input,
    Ignored,
    Processed,
}

impl Figure {
    /// Its name without namespace; also what stands for its series, since no series of an exposition is written so.
    fn name(self) -> &'static str {
        match self {
            Self::PayloadSize => "telemetry.payload.size",
            Self::FilteredLines => "telemetry.metrics.blacklist.count",
            Self::Input => "telemetry.metrics.input.count",
            Self::Ignored => "telemetry.metrics.ignored.count",
            Self::Processed => "telemetry.metrics.processed.count",
        }
    }

    fn kind(self) -> MetricKind {
        match self {
            Self::PayloadSize => MetricKind::Gauge,
            Self::FilteredLines | Self::Input | Self::Ignored | Self::Processed => MetricKind::Count,
        }
    }

    fn unit(self) -> Option<Unit> {
        match self {
            Self::PayloadSize => Unit::of_openmetrics("bytes"),
            Self::FilteredLines | Self::Input | Self::Ignored | Self::Processed => None,
        }
    }
}

/// Where emissions go.
pub(super) struct Emitter<'m, S> {
    pub(super) instance: &'m Instance,
    pub(super) static_tags: &'m [Tag],
    pub(super) limiter: Option<&'m mut Limiter>,
    /// Whether first values count as growth.
    pub(super) flush_first_value: bool,
    pub(super) out: &'m mut S,
}

impl<S: Submissions> Emitter<'_, S> {
    /// Hands one emission on.
    pub(super) fn emit(&mut self, emission: Emission, memory: &mut Memory, dropped: &mut DropCounts) {
        match emission {
            Emission::Submission(submission) => {
                self.submit(submission, memory, dropped);
            }
            Emission::Native(series, context, reading) => {
                let flush_first_value = self.flush_first_value;
                let submission =
                    NativeSubmission { context, origin: memory.origin(series), reading, flush_first_value };
                self.out.native(submission, &memory.contexts);
            }
            Emission::GroupSum(series, value) => {
                self.out.group_sum(memory.origin(series), value, self.flush_first_value);
            }
            Emission::ServiceCheck(series, plan, value) => {
                self.resumed(series);
                self.out.service_check(service_check(&plan, value, self.static_tags));
            }
            Emission::Metadata(series, pieces) => {
                for (name, value) in &*pieces {
                    self.resumed(series);
                    self.out.metadata(name, value);
                }
            }
            Emission::Figure(figure, value) => self.figure(figure, value, memory, dropped),
        }
    }

    /// Hands a value on; whether a first one is growth is decided here.
    #[inline]
    pub(super) fn submit(&mut self, mut submission: Submission, memory: &Memory, dropped: &mut DropCounts) {
        match &mut submission {
            Submission::Metric { kind: MetricKind::MonotonicCount, flush_first_value, .. }
            | Submission::Bucket { flush_first_value, .. } => *flush_first_value = self.flush_first_value,
            Submission::Metric { .. } => {}
        }
        if self.limiter.as_mut().is_some_and(|limiter| !limiter.admits(&submission)) {
            dropped.add(DropReason::Limited);
            self.dropped(submission.origin().series, DropReason::Limited);
        } else {
            self.out.submit(&submission, &memory.contexts);
        }
    }

    /// Tells why nothing comes of a series after all.
    pub(super) fn dropped(&mut self, series: SeriesId, reason: DropReason) {
        if let Some(trace) = self.out.trace() {
            trace.resumed(series);
            trace.step(Step::Dropped(reason));
        }
    }

    /// Tells that what comes next is about a series.
    fn resumed(&mut self, series: SeriesId) {
        if let Some(trace) = self.out.trace() {
            trace.resumed(series);
        }
    }

    /// A figure has the static tags and no host, and passes the same gates as any metric.
    fn figure(&mut self, figure: Figure, value: f64, memory: &mut Memory, dropped: &mut DropCounts) {
        let name = full_name(figure.name(), Suffix::None, self.instance);
        if self.instance.metric_patterns.leaves_out(&name) {
            dropped.add(DropReason::LeftOutByPattern);
            return;
        }
        let series = memory.touch(figure.name()).unwrap_or_else(|unknown| {
            let contexts = &mut memory.contexts;
            let context = contexts.intern(&name, "", self.static_tags.iter().map(|tag| &**tag), figure.unit());
            let plan = Plan::Metric { kind: figure.kind(), context, gauges: GaugeAggregation::Last };
            let planned = Planned { plan, group: None, family: FamilyId::NONE, sharing: 0, is_plain: false };
            memory.plan(figure.name(), None, Err(unknown), planned)
        });
        let Plan::Metric { kind, context, gauges } = memory.get(series).plan else { return };
        let origin = memory.origin(series);
        let submission =
            Submission::Metric { kind, context, origin, gauges, lower: None, value, flush_first_value: false };
        self.submit(submission, memory, dropped);
    }
}

/// Service checks carry the static tags only.
fn service_check(plan: &ServiceCheckPlan, value: f64, static_tags: &[Tag]) -> ServiceCheck {
    ServiceCheck {
        name: plan.name.clone(),
        status: plan.statuses.get(&(value as i64)).copied().unwrap_or(Status::Unknown),
        tags: static_tags.iter().map(ToString::to_string).collect(),
        hostname: plan.hostname.clone(),
        message: String::new(),
    }
}
