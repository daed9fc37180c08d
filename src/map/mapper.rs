//! The mapping of one target over its scrapes: it receives what the reader reads, and hands on submissions.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{Instance, Status};
use crate::parse::{Diagnostic, Family, Format, Role, Sample, Sink};
use crate::time::UnixTime;

use super::context::{ContextId, Contexts, Tag};
use super::differences::Waiting;
use super::dropped::{DropCounts, DropReason};
use super::error::MapError;
use super::family::{FamilyCompiler, NativeTypes, SelectedFamily};
use super::first_value::FirstValues;
use super::plan::{Change, Plan, ServiceCheckPlan};
use super::series::SeriesCompiler;
use super::submission::{MetricKind, ServiceCheck, Submission, Submissions};
use super::tags::static_tags;
use super::trace::NoTrace;

/// How many malformed lines of a scrape are kept to be shown; all of them are counted.
const KEPT_DIAGNOSTICS: usize = 10;

/// The mapping of one target: its settings, and what it remembers from one scrape to the next.
#[derive(Debug)]
pub struct Mapper {
    instance: Arc<Instance>,
    static_tags: Vec<Tag>,
    contexts: Contexts,
    natives: NativeTypes,
    first_values: FirstValues,
}

impl Mapper {
    /// A target that was never scraped.
    pub fn new(instance: Arc<Instance>) -> Self {
        let mut contexts = Contexts::default();
        let static_tags = static_tags(&instance).iter().map(|tag| contexts.text(tag)).collect();
        Self { instance, static_tags, contexts, natives: HashMap::new(), first_values: FirstValues::default() }
    }

    /// The settings of the target.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The contexts of all submissions so far.
    pub fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// Forgets contexts that are no longer needed.
    pub fn release(&mut self, ids: impl IntoIterator<Item = ContextId>) {
        self.contexts.release(ids);
    }

    /// The service check that says how the request of a scrape went, unless the settings turn it off.
    pub fn health(&self, status: Status, message: &str) -> Option<ServiceCheck> {
        const NAME: &str = "openmetrics.health";
        if !self.instance.enable_health_service_check {
            return None;
        }
        let namespace = &self.instance.namespace;
        Some(ServiceCheck {
            name: if namespace.is_empty() { NAME.to_owned() } else { format!("{namespace}.{NAME}") },
            status,
            tags: self.static_tags.iter().map(ToString::to_string).collect(),
            hostname: String::new(),
            message: message.to_owned(),
        })
    }

    /// Begins to map a body; `now` is the time of the scrape.
    pub fn begin<'m, S: Submissions>(&'m mut self, format: Format, now: UnixTime, out: &'m mut S) -> Mapping<'m, S> {
        Mapping {
            compiler: FamilyCompiler::new(&self.instance),
            instance: &self.instance,
            static_tags: &self.static_tags,
            contexts: &mut self.contexts,
            natives: &mut self.natives,
            flush_first_value: self.first_values.flush(),
            format,
            now,
            family: Err(DropReason::NotSelected),
            apart: Apart::default(),
            waiting: Waiting::default(),
            last: Default::default(),
            outcome: Outcome::default(),
            out,
        }
    }

    /// Remembers how a scrape went.
    pub fn end(&mut self, success: bool) {
        self.first_values = self.first_values.after(success);
    }
}

/// What mapping a body came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Samples and lines that were dropped.
    pub dropped: DropCounts,
    /// The first malformed lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Why mapping ended before the body did.
    pub error: Option<MapError>,
}

/// Samples of the open family, by the end of their name, that the settings mean apart from it.
#[derive(Default)]
struct Apart<'m> {
    total: Aside<'m>,
    created: Aside<'m>,
}

/// What the settings say of such a sample; looked up when the first one comes.
#[derive(Default)]
enum Aside<'m> {
    #[default]
    NotLookedUp,
    /// Nothing: it goes with its family.
    WithFamily,
    /// Something of its own.
    Own(Box<Result<SelectedFamily<'m>, DropReason>>),
}

/// The mapping of one body.
pub struct Mapping<'m, S> {
    compiler: FamilyCompiler<'m>,
    instance: &'m Instance,
    static_tags: &'m [Tag],
    contexts: &'m mut Contexts,
    natives: &'m mut NativeTypes,
    flush_first_value: bool,
    format: Format,
    now: UnixTime,
    /// What becomes of the family that is open.
    family: Result<SelectedFamily<'m>, DropReason>,
    /// What becomes of those of its samples that are metrics of their own for the original.
    apart: Apart<'m>,
    waiting: Waiting,
    /// The series and the timestamp of the last sample, where a repetition counts.
    last: (String, Option<i64>),
    outcome: Outcome,
    out: &'m mut S,
}

impl<S: Submissions> Mapping<'_, S> {
    /// What became of everything that was read.
    pub fn finish(self) -> Outcome {
        self.outcome
    }

    /// Why mapping ended, if it did; nothing more is submitted after that.
    pub fn error(&self) -> Option<&MapError> {
        self.outcome.error.as_ref()
    }

    fn compile(&mut self, exposed: &Family, sample: &Sample<'_>) -> Result<Plan, MapError> {
        let mut apart = match sample.role {
            Role::Total => Some(&mut self.apart.total),
            Role::Created => Some(&mut self.apart.created),
            _ => None,
        };
        if let Some(aside @ Aside::NotLookedUp) = &mut apart {
            let own = self.compiler.compile_apart(exposed, sample, self.format, self.natives);
            **aside = own.map_or(Aside::WithFamily, |own| Aside::Own(Box::new(own)));
        }
        let family = match apart {
            Some(Aside::Own(own)) => &mut **own,
            Some(Aside::NotLookedUp | Aside::WithFamily) | None => &mut self.family,
        };
        let family = match family {
            Ok(_) if !sample.value.is_finite() => return Ok(Plan::Drop(DropReason::NotFinite)),
            Ok(family) => family,
            Err(reason) => return Ok(Plan::Drop(*reason)),
        };
        let mut compiler = SeriesCompiler {
            instance: self.instance,
            static_tags: self.static_tags,
            contexts: self.contexts,
            trace: &mut NoTrace,
        };
        let plan = compiler.compile(family, sample)?;
        let limit = self.instance.http.limits.series;
        if self.contexts.len() as u64 > limit {
            return Err(MapError::too_many_series(limit));
        }
        Ok(plan)
    }

    /// Whether OpenMetrics repeats the sample before, which then stays; two equal samples of the text format both count.
    fn repeats(&mut self, sample: &Sample<'_>) -> bool {
        if self.format != Format::OpenMetrics {
            return false;
        }
        let (series, timestamp_ms) = &mut self.last;
        if series == sample.series && *timestamp_ms == sample.timestamp_ms {
            return true;
        }
        series.clear();
        series.push_str(sample.series);
        *timestamp_ms = sample.timestamp_ms;
        false
    }

    /// Replays a plan for one value.
    fn apply(&mut self, plan: Plan, value: f64) {
        match plan {
            Plan::Drop(reason) => self.outcome.dropped.add(reason),
            Plan::Metric { kind, context, change } => self.metric(kind, context, changed(value, change, self.now)),
            Plan::CounterGauge { total, count } => {
                if let Some(context) = total {
                    self.metric(MetricKind::Gauge, context, value);
                }
                if let Some(context) = count {
                    self.metric(MetricKind::MonotonicCount, context, value);
                }
            }
            Plan::Bucket(plan) => self.waiting.bucket(plan, value),
            Plan::ServiceCheck(plan) => self.out.service_check(service_check(*plan, value, self.static_tags)),
            Plan::Metadata { name, value } => self.out.metadata(&name, &value),
        }
    }

    fn metric(&mut self, kind: MetricKind, context: ContextId, value: f64) {
        if !value.is_finite() {
            self.outcome.dropped.add(DropReason::NotFinite);
            return;
        }
        let flush_first_value = self.flush_first_value && kind == MetricKind::MonotonicCount;
        let submission = Submission::Metric { kind, context, value, flush_first_value };
        if self.waits() { self.waiting.ready(submission) } else { self.out.submit(submission, self.contexts) }
    }

    fn waits(&self) -> bool {
        self.family.as_ref().is_ok_and(|family| family.waits(self.instance.histograms))
    }
}

fn changed(value: f64, change: Change, now: UnixTime) -> f64 {
    match change {
        Change::Keep => value,
        Change::Percent { scale } => value / scale * 100.0,
        Change::UntilNow => now.seconds() - value,
    }
}

/// Service checks carry the static tags only.
fn service_check(plan: ServiceCheckPlan, value: f64, static_tags: &[Tag]) -> ServiceCheck {
    let ServiceCheckPlan { name, statuses, hostname } = plan;
    ServiceCheck {
        name,
        status: statuses.get(&(value as i64)).copied().unwrap_or(Status::Unknown),
        tags: static_tags.iter().map(ToString::to_string).collect(),
        hostname,
        message: String::new(),
    }
}

impl<S: Submissions> Sink for Mapping<'_, S> {
    fn family(&mut self, family: &Family) {
        if self.outcome.error.is_some() {
            return;
        }
        let limit = self.instance.http.limits.series;
        if self.natives.len() as u64 > limit {
            self.outcome.error = Some(MapError::too_many_series(limit));
            return;
        }
        match self.compiler.compile(family, self.format, self.natives, &mut NoTrace) {
            Ok(selected) => self.family = selected,
            Err(error) => self.outcome.error = Some(error),
        }
        self.apart = Apart::default();
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        if self.outcome.error.is_some() {
            return;
        }
        if self.repeats(sample) {
            self.outcome.dropped.add(DropReason::Repeated);
            return;
        }
        match self.compile(family, sample) {
            Ok(plan) => self.apply(plan, sample.value),
            Err(error) => self.outcome.error = Some(error),
        }
    }

    fn family_end(&mut self, _: &Family) {
        if self.outcome.error.is_some() || !self.waits() {
            return;
        }
        let Ok(family) = &mut self.family else { return };
        let out = &mut *self.out;
        self.waiting.finish(
            family,
            self.instance,
            self.contexts,
            self.flush_first_value,
            &mut self.outcome.dropped,
            |submission, contexts| out.submit(submission, contexts),
        );
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.outcome.dropped.add(DropReason::Malformed);
        if self.outcome.diagnostics.len() < KEPT_DIAGNOSTICS {
            self.outcome.diagnostics.push(diagnostic.clone());
        }
    }
}
