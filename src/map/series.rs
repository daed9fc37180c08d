//! What becomes of a series of a collected family: the compilation of its [`Plan`].

use std::sync::Arc;

use crate::config::{HistogramMode, Instance};
use crate::parse::{MetricType, Role, Sample};

use super::context::{Context, ContextId, Contexts, Tag};
use super::dropped::DropReason;
use super::error::MapError;
use super::family::{SelectedFamily, Shape, Suffix, without_prefix};
use super::labels::{LabelSet, UPPER_BOUND};
use super::number::parse_float;
use super::plan::{BucketPlan, Change, Plan, ServiceCheckPlan};
use super::submission::MetricKind;
use super::tags::finished;
use super::trace::{Step, Trace};

/// Compiles the series of one target.
pub(crate) struct SeriesCompiler<'m, T> {
    pub(crate) instance: &'m Instance,
    pub(crate) static_tags: &'m [Tag],
    pub(crate) contexts: &'m mut Contexts,
    pub(crate) trace: &'m mut T,
}

/// Tags and host of a series, its labels already filtered and renamed.
struct Identity {
    tags: Vec<Tag>,
    hostname: Arc<str>,
}

impl<T: Trace> SeriesCompiler<'_, T> {
    /// The plan of the series of `sample`; the error fails the scrape.
    pub(crate) fn compile(&mut self, family: &mut SelectedFamily<'_>, sample: &Sample<'_>) -> Result<Plan, MapError> {
        let plan = match self.decide(family, sample)? {
            Ok(plan) => plan,
            Err(reason) => Plan::Drop(reason),
        };
        if let Plan::Drop(reason) = plan {
            self.trace.step(Step::Dropped(reason));
        }
        Ok(plan)
    }

    fn decide(
        &mut self,
        family: &mut SelectedFamily<'_>,
        sample: &Sample<'_>,
    ) -> Result<Result<Plan, DropReason>, MapError> {
        match sample.role {
            // A metric without a type that is called so was asked for by its name.
            Role::Created if family.exposed != MetricType::Unknown => return Ok(Err(DropReason::Created)),
            Role::NativeHistogram => return Ok(Err(DropReason::NativeHistogram)),
            _ => {}
        }
        let mut labels = LabelSet::of(sample);
        if let Err(reason) = labels.normalise(family.exposed, self.trace) {
            return Ok(Err(reason));
        }
        if let Some(reason) = labels.excluded(self.instance) {
            return Ok(Err(reason));
        }
        Ok(match family.shape {
            Shape::Counter => self.metric(family, &labels, MetricKind::MonotonicCount, Suffix::Count),
            Shape::Gauge => self.metric(family, &labels, MetricKind::Gauge, Suffix::None),
            Shape::Rate => self.metric(family, &labels, MetricKind::Rate, Suffix::None),
            Shape::TimeElapsed => self.changed(family, &labels, MetricKind::Gauge, Change::UntilNow),
            Shape::TemporalPercent { scale: 0.0 } => return Err(MapError::zero_scale(&family.name)),
            Shape::TemporalPercent { scale } => {
                self.changed(family, &labels, MetricKind::Rate, Change::Percent { scale })
            }
            Shape::CounterGauge => self.counter_gauge(family, &labels),
            Shape::Histogram => self.histogram(family, &labels, sample),
            Shape::Summary => self.summary(family, &labels, sample),
            Shape::ServiceCheck(statuses) => Ok(Plan::ServiceCheck(Box::new(ServiceCheckPlan {
                name: family.names.base().to_owned(),
                statuses: statuses.clone(),
                hostname: labels.hostname(self.instance, self.trace),
            }))),
            Shape::Metadata { label } => match labels.get(label) {
                Some(value) => Ok(Plan::Metadata { name: family.sent.as_str().into(), value: value.into() }),
                None => Err(DropReason::MissingLabel),
            },
        })
    }

    fn metric(
        &mut self,
        family: &mut SelectedFamily<'_>,
        labels: &LabelSet<'_>,
        kind: MetricKind,
        suffix: Suffix,
    ) -> Result<Plan, DropReason> {
        let name = family.names.metric(suffix, self.contexts)?;
        let identity = self.identity(labels);
        Ok(Plan::Metric { kind, context: self.context(name, identity), change: Change::Keep })
    }

    fn changed(
        &mut self,
        family: &mut SelectedFamily<'_>,
        labels: &LabelSet<'_>,
        kind: MetricKind,
        change: Change,
    ) -> Result<Plan, DropReason> {
        let name = family.names.metric(Suffix::None, self.contexts)?;
        let identity = self.identity(labels);
        Ok(Plan::Metric { kind, context: self.context(name, identity), change })
    }

    fn counter_gauge(&mut self, family: &mut SelectedFamily<'_>, labels: &LabelSet<'_>) -> Result<Plan, DropReason> {
        let mut context = |suffix| {
            let name = family.names.metric(suffix, self.contexts).ok()?;
            let identity = self.identity(labels);
            Some(self.context(name, identity))
        };
        let (total, count) = (context(Suffix::Total), context(Suffix::Count));
        if total.is_none() && count.is_none() {
            return Err(DropReason::LeftOutByPattern);
        }
        Ok(Plan::CounterGauge { total, count })
    }

    /// Section 4.4.
    fn histogram(
        &mut self,
        family: &mut SelectedFamily<'_>,
        labels: &LabelSet<'_>,
        sample: &Sample<'_>,
    ) -> Result<Plan, DropReason> {
        let mode = self.instance.histograms;
        let counters = !matches!(mode, HistogramMode::Distributions { counters: false, .. });
        match part(&sample.name.text()).ok_or(DropReason::NotOfItsType)? {
            Part::Sum | Part::Count if !counters => Err(DropReason::HistogramOption),
            Part::Sum => self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Sum),
            Part::Count => self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Count),
            Part::Bucket => self.bucket(family, labels, mode),
        }
    }

    fn bucket(
        &mut self,
        family: &mut SelectedFamily<'_>,
        labels: &LabelSet<'_>,
        mode: HistogramMode,
    ) -> Result<Plan, DropReason> {
        if mode == HistogramMode::NoBuckets {
            return Err(DropReason::HistogramOption);
        }
        let bound = labels.get(UPPER_BOUND).ok_or(DropReason::BadBound)?;
        if mode == HistogramMode::Cumulative {
            if bound.ends_with("inf") {
                return Err(DropReason::InfiniteBucket);
            }
            return self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Bucket);
        }
        let upper = parse_float(bound).filter(|bound| !bound.is_nan()).ok_or(DropReason::BadBound)?;
        let Identity { tags, hostname } = self.identity(labels);
        Ok(Plan::Bucket(Box::new(BucketPlan { group: labels.group_key(), upper, tags, hostname })))
    }

    /// Section 4.5.
    fn summary(
        &mut self,
        family: &mut SelectedFamily<'_>,
        labels: &LabelSet<'_>,
        sample: &Sample<'_>,
    ) -> Result<Plan, DropReason> {
        let name = sample.name.text();
        match part(&name) {
            Some(Part::Sum) => self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Sum),
            Some(Part::Count) => self.metric(family, labels, MetricKind::MonotonicCount, Suffix::Count),
            Some(Part::Bucket) | None if without_prefix(&name, self.instance) == family.name => {
                self.metric(family, labels, MetricKind::Gauge, Suffix::Quantile)
            }
            Some(Part::Bucket) | None => Err(DropReason::NotOfItsType),
        }
    }

    fn identity(&mut self, labels: &LabelSet<'_>) -> Identity {
        let mut tags = labels.tags(self.instance, self.contexts, self.trace);
        if self.instance.disable_generic_tags {
            for tag in &mut tags {
                *tag = self.contexts.text(&finished(tag, self.instance));
            }
        }
        tags.extend(self.static_tags.iter().cloned());
        let hostname = labels.hostname(self.instance, self.trace);
        Identity { tags, hostname: self.contexts.text(&hostname) }
    }

    fn context(&mut self, name: Arc<str>, identity: Identity) -> ContextId {
        self.trace.step(Step::Submitted(&name));
        let Identity { tags, hostname } = identity;
        self.contexts.intern(Context { name, tags: tags.into(), hostname })
    }
}

/// The parts of histograms and summaries, told by the end of the sample's name in this order.
enum Part {
    Sum,
    Count,
    Bucket,
}

fn part(name: &str) -> Option<Part> {
    if name.ends_with("_sum") {
        Some(Part::Sum)
    } else if name.ends_with("_count") {
        Some(Part::Count)
    } else if name.ends_with("_bucket") {
        Some(Part::Bucket)
    } else {
        None
    }
}
