//! What becomes of a series of a collected family: the compilation of its [`Plan`].

use std::sync::Arc;

use crate::config::{HistogramMode, Instance};
use crate::parse::{MetricType, NativeHistogram, ResetHint, Role, Sample};
use crate::unit::Unit;

use super::context::{ContextId, Contexts, Tag};
use super::dropped::DropReason;
use super::error::MapError;
use super::group::GroupName;
use super::labels::{LabelSet, QUANTILE, UPPER_BOUND, without_prefix};
use super::metadata::pieces;
use super::number::{Bounds, parse_float};
use super::origin::Part;
use super::plan::{BucketPlan, Change, ChangedPlan, CounterGaugePlan, Plan, ServiceCheckPlan};
use super::selection::{FullName, SelectedFamily, Shape, Suffix};
use super::sharing::SharedLabels;
use super::submission::MetricKind;
use super::trace::{Step, Trace};

/// Compiles the series of one target.
pub(crate) struct SeriesCompiler<'m, 'l, T> {
    pub(crate) instance: &'m Instance,
    pub(crate) static_tags: &'m [Tag],
    pub(crate) shared: &'l SharedLabels,
    /// What the values of the family are measured in.
    pub(crate) unit: Option<Unit>,
    pub(crate) contexts: &'m mut Contexts,
    pub(crate) bounds: &'m mut Bounds,
    /// Where the name of the group goes.
    pub(crate) group: &'m mut GroupName,
    pub(crate) trace: &'m mut T,
}

/// A series that was compiled.
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    /// What it can say about its group, if it has one.
    pub(crate) part: Option<Part>,
}

/// A sample that is to be compiled, after relabeling.
pub(crate) struct Candidate<'s, 'a> {
    pub(crate) sample: &'s Sample<'a>,
    /// Its name, which relabeling may have changed.
    pub(crate) name: &'s str,
    pub(crate) labels: &'s mut LabelSet<'a>,
}

impl<'l, T: Trace> SeriesCompiler<'_, 'l, T> {
    /// The plan of a series; the error fails the scrape.
    pub(crate) fn compile(
        &mut self,
        family: &SelectedFamily,
        candidate: Candidate<'_, 'l>,
    ) -> Result<Compiled, MapError> {
        let Candidate { sample, name, labels } = candidate;
        if let Err(reason) = self.prepare(family, sample, labels) {
            return Ok(self.dropped(reason));
        }
        let plan = match self.decide(family, sample, name, labels)? {
            Err(reason) => self.dropped(reason).plan,
            Ok(plan) => plan,
        };
        // Also of a series that is dropped: by its count it is found which group a start time is about.
        let part = part_of(family, name, &plan);
        if part.is_some() {
            self.group.set(&family.name, labels, bound_of(&family.shape));
        }
        Ok(Compiled { plan, part })
    }

    fn dropped(&mut self, reason: DropReason) -> Compiled {
        self.trace.step(Step::Dropped(reason));
        Compiled { plan: Plan::Drop(reason), part: None }
    }

    /// Makes the labels those that the transformer sees, unless they say that the sample is not wanted.
    fn prepare(
        &mut self,
        family: &SelectedFamily,
        sample: &Sample<'_>,
        labels: &mut LabelSet<'l>,
    ) -> Result<(), DropReason> {
        self.shared.merge(labels, |label, from, to| self.trace.step(Step::LabelShared { label, from, to }));
        labels.classify(self.instance, self.trace);
        labels.normalise(family.exposed, self.bounds, self.trace)?;
        if let Some(reason) = labels.excluded(self.instance, self.trace) {
            return Err(reason);
        }
        // A metric without a type that is called so was asked for by its name.
        let is_start = sample.role == Role::Created && family.exposed != MetricType::Unknown;
        if is_start { Err(DropReason::Created) } else { Ok(()) }
    }

    fn decide(
        &mut self,
        family: &SelectedFamily,
        sample: &Sample<'_>,
        name: &str,
        labels: &LabelSet<'_>,
    ) -> Result<Result<Plan, DropReason>, MapError> {
        if let Some(native) = sample.native {
            return Ok(self.native(family, labels, native));
        }
        Ok(match &family.shape {
            Shape::Counter => self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Count),
            Shape::Gauge => self.metric(family, labels, MetricKind::Gauge, Suffix::None),
            Shape::Rate => self.metric(family, labels, MetricKind::Rate, Suffix::None),
            Shape::TimeElapsed => self.changed(family, labels, MetricKind::Gauge, Suffix::None, Change::UntilNow),
            Shape::TemporalPercent { scale: 0.0 } => return Err(MapError::zero_scale(&family.name)),
            Shape::TemporalPercent { scale } => {
                self.changed(family, labels, MetricKind::Rate, Suffix::None, Change::Percent { scale: *scale })
            }
            Shape::CounterGauge => self.counter_gauge(family, labels),
            Shape::Histogram => self.histogram(family, labels, name),
            Shape::Summary => self.summary(family, labels, name),
            Shape::ServiceCheck(statuses) => {
                let name = family.full_name(Suffix::None, self.instance).text.clone();
                self.trace.step(Step::Submitted(&name));
                let hostname = labels.hostname(self.instance, self.trace);
                Ok(Plan::ServiceCheck(Arc::new(ServiceCheckPlan { name, statuses: Arc::clone(statuses), hostname })))
            }
            Shape::Metadata(rule) => match labels.get(&rule.label) {
                Some(value) => {
                    let pieces = pieces(&family.sent, value, &rule.scheme);
                    for (name, _) in &pieces {
                        self.trace.step(Step::Submitted(name));
                    }
                    Ok(Plan::Metadata(pieces.into()))
                }
                None => Err(DropReason::MissingLabel),
            },
        })
    }

    fn metric(
        &mut self,
        family: &SelectedFamily,
        labels: &LabelSet<'_>,
        kind: MetricKind,
        suffix: Suffix,
    ) -> Result<Plan, DropReason> {
        let name = self.name(family, suffix)?;
        let unit = self.unit_of(family, kind, suffix, None);
        Ok(Plan::Metric { kind, context: self.context(name, labels, unit), gauges: family.gauges })
    }

    fn changed(
        &mut self,
        family: &SelectedFamily,
        labels: &LabelSet<'_>,
        kind: MetricKind,
        suffix: Suffix,
        change: Change,
    ) -> Result<Plan, DropReason> {
        let name = self.name(family, suffix)?;
        let unit = self.unit_of(family, kind, suffix, Some(change));
        let context = self.context(name, labels, unit);
        Ok(Plan::Changed(Box::new(ChangedPlan { kind, context, change, gauges: family.gauges })))
    }

    fn counter_gauge(&mut self, family: &SelectedFamily, labels: &LabelSet<'_>) -> Result<Plan, DropReason> {
        let mut context = |suffix| {
            let name = self.name(family, suffix).ok()?;
            Some(self.context(name, labels, self.unit))
        };
        let (total, count) = (context(Suffix::Total), context(Suffix::Count));
        if total.is_none() && count.is_none() {
            return Err(DropReason::LeftOutByPattern);
        }
        Ok(Plan::CounterGauge(Box::new(CounterGaugePlan { total, count, gauges: family.gauges })))
    }

    /// Section 4.4.
    fn histogram(&mut self, family: &SelectedFamily, labels: &LabelSet<'_>, name: &str) -> Result<Plan, DropReason> {
        let mode = self.instance.histograms;
        let counters = !matches!(mode, HistogramMode::Distributions { counters: false, .. });
        match suffix_of(name).ok_or(DropReason::NotOfItsType)? {
            Suffix::Sum | Suffix::Count if !counters => Err(DropReason::HistogramOption),
            Suffix::Bucket => self.bucket(family, labels, mode),
            suffix => self.metric(family, labels, MetricKind::MonotonicCount, suffix),
        }
    }

    fn bucket(
        &mut self,
        family: &SelectedFamily,
        labels: &LabelSet<'_>,
        mode: HistogramMode,
    ) -> Result<Plan, DropReason> {
        if mode == HistogramMode::NoBuckets {
            return Err(DropReason::HistogramOption);
        }
        let bound = labels.get(UPPER_BOUND).ok_or(DropReason::MissingBound)?;
        if mode == HistogramMode::Cumulative {
            if bound.ends_with("inf") {
                return Err(DropReason::InfiniteBucket);
            }
            return self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Bucket);
        }
        let upper = parse_float(bound).filter(|bound| !bound.is_nan()).ok_or(DropReason::BadBound)?;
        let (name, unit) = match mode {
            // Distributions pass by `metric_patterns`, as in the original.
            HistogramMode::Distributions { .. } => (&*family.full_name(Suffix::None, self.instance).text, self.unit),
            HistogramMode::NoBuckets | HistogramMode::Cumulative | HistogramMode::Differences => {
                if upper.is_infinite() {
                    return Ok(self.neighbour(upper));
                }
                (self.name(family, Suffix::Bucket)?, None)
            }
        };
        self.trace.step(Step::Submitted(name));
        let base = self.intern(name, labels, unit);
        Ok(Plan::Bucket(Box::new(BucketPlan { base: Some(base), upper, submitted: None })))
    }

    /// A bucket that is not submitted itself, but others are told apart from it.
    fn neighbour(&mut self, upper: f64) -> Plan {
        self.trace.step(Step::Dropped(DropReason::InfiniteBucket));
        Plan::Bucket(Box::new(BucketPlan { base: None, upper, submitted: None }))
    }

    /// A native histogram becomes a sketch, whatever the options say of buckets: it has none that could be tagged.
    fn native(
        &mut self,
        family: &SelectedFamily,
        labels: &LabelSet<'_>,
        native: &NativeHistogram<'_>,
    ) -> Result<Plan, DropReason> {
        if family.shape != Shape::Histogram {
            return Err(DropReason::NativeHistogram);
        }
        match native.reset_hint {
            ResetHint::Unknown => {}
            ResetHint::Gauge => return Err(DropReason::NativeGauge),
        }
        if self.instance.histograms == HistogramMode::NoBuckets {
            return Err(DropReason::HistogramOption);
        }
        let name = &family.full_name(Suffix::None, self.instance).text;
        Ok(Plan::Native(self.context(name, labels, self.unit)))
    }

    /// Section 4.5.
    fn summary(&mut self, family: &SelectedFamily, labels: &LabelSet<'_>, name: &str) -> Result<Plan, DropReason> {
        match suffix_of(name) {
            Some(suffix @ (Suffix::Sum | Suffix::Count)) => {
                self.metric(family, labels, MetricKind::MonotonicCount, suffix)
            }
            _ if without_prefix(name, self.instance) == &*family.name => {
                self.metric(family, labels, MetricKind::Gauge, Suffix::Quantile)
            }
            _ => Err(DropReason::NotOfItsType),
        }
    }

    /// A full name, unless `metric_patterns` leaves it out.
    fn name<'f>(&mut self, family: &'f SelectedFamily, suffix: Suffix) -> Result<&'f str, DropReason> {
        let FullName { text, is_left_out } = family.full_name(suffix, self.instance);
        if *is_left_out {
            self.trace.step(Step::LeftOutByPattern(text));
            return Err(DropReason::LeftOutByPattern);
        }
        Ok(text)
    }

    /// The context of a name with the tags and the host of labels that are already filtered and renamed.
    fn intern(&mut self, name: &str, labels: &LabelSet<'_>, unit: Option<Unit>) -> ContextId {
        self.contexts.begin(name);
        labels.tag(self.instance, self.contexts, self.trace);
        for tag in self.static_tags {
            self.contexts.tag(tag);
        }
        let hostname = labels.hostname(self.instance, self.trace);
        self.contexts.end(&hostname, unit)
    }

    /// What submitted values are measured in. There is no unit for what happens in a second, and observations are counted
    /// without one.
    fn unit_of(
        &self,
        family: &SelectedFamily,
        kind: MetricKind,
        suffix: Suffix,
        change: Option<Change>,
    ) -> Option<Unit> {
        let of_observations = matches!(family.shape, Shape::Histogram | Shape::Summary);
        match (change, kind, suffix) {
            (Some(Change::Percent { .. }), _, _) => Some(Unit::PERCENT),
            (Some(Change::UntilNow), _, _) => Some(Unit::SECOND),
            (None, MetricKind::Rate, _) => None,
            (None, _, Suffix::Count | Suffix::Bucket) if of_observations => None,
            (None, _, _) => self.unit,
        }
    }

    /// The context that a series submits to.
    fn context(&mut self, name: &str, labels: &LabelSet<'_>, unit: Option<Unit>) -> ContextId {
        let context = self.intern(name, labels, unit);
        self.trace.step(Step::Submitted(name));
        context
    }
}

/// What a series can say about the histogram or summary that it is part of, if it is.
fn part_of(family: &SelectedFamily, candidate_name: &str, plan: &Plan) -> Option<Part> {
    if !matches!(family.shape, Shape::Histogram | Shape::Summary) {
        return None;
    }
    match (plan, suffix_of(candidate_name)) {
        (Plan::Native(_) | Plan::Bucket(_), _) | (_, Some(Suffix::Count | Suffix::Bucket)) => Some(Part::Count),
        (_, Some(Suffix::Sum)) => Some(Part::Sum),
        _ => None,
    }
}

/// The label that tells the series of a group apart.
fn bound_of(shape: &Shape) -> &'static str {
    if matches!(shape, Shape::Summary) { QUANTILE } else { UPPER_BOUND }
}

/// Which part of a histogram or summary a sample is, told by the end of its name in this order.
pub(super) fn suffix_of(name: &str) -> Option<Suffix> {
    [("_sum", Suffix::Sum), ("_count", Suffix::Count), ("_bucket", Suffix::Bucket)]
        .into_iter()
        .find_map(|(end, suffix)| name.ends_with(end).then_some(suffix))
}
