//! Watches the scrapes of a target for what becomes of each family, and under which names.

use std::collections::HashMap;
use std::sync::Arc;

use crate::map::{
    ContextId, Contexts, MetricKind, NativeSubmission, SeriesId, ServiceCheck, Step, Submission, Submissions, Trace,
};
use crate::parse::Family;
use crate::road::Witness;

use super::catalogue::{Facts, StoredAs};

/// What the metrics of one target are, as far as it was scraped.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// Of the family whose samples come.
    help: Option<Arc<str>>,
    /// Of the families of all series: what is submitted late may be of an earlier one.
    help_of: HashMap<SeriesId, Option<Arc<str>>>,
    found: HashMap<String, Facts>,
}

impl Collector {
    /// Each full name with what is known of it.
    pub(crate) fn into_found(self) -> impl Iterator<Item = (String, Facts)> {
        self.found.into_iter()
    }

    fn note(&mut self, context: ContextId, series: SeriesId, stored: StoredAs, contexts: &Contexts) {
        let context = contexts.get(context);
        let name = context.name.to_string();
        if self.found.contains_key(&name) {
            return;
        }
        let help = self.help_of.get(&series).unwrap_or(&self.help);
        let description = help.as_deref().and_then(described);
        self.found.insert(name, Facts { stored, unit: context.unit, description });
    }
}

/// A help text on one line; none if it says nothing.
fn described(help: &str) -> Option<String> {
    let line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

impl Submissions for Collector {
    fn submit(&mut self, submission: &Submission, contexts: &Contexts) {
        let stored = match submission {
            // Rates are divided here.
            Submission::Metric { kind: MetricKind::Gauge | MetricKind::Rate, .. } => StoredAs::Gauge,
            Submission::Metric { kind: MetricKind::Count | MetricKind::MonotonicCount, .. } => StoredAs::Count,
            Submission::Bucket { .. } => StoredAs::Distribution,
        };
        self.note(submission.context(), submission.origin().series, stored, contexts);
    }

    fn native(&mut self, submission: NativeSubmission, contexts: &Contexts) {
        self.note(submission.context, submission.origin.series, StoredAs::Distribution, contexts);
    }

    fn service_check(&mut self, _: ServiceCheck) {}

    fn health(&mut self, _: ServiceCheck) {}

    fn metadata(&mut self, _: &str, _: &str) {}

    fn trace(&mut self) -> Option<&mut dyn Trace> {
        Some(self)
    }
}

impl Witness for Collector {}

impl Trace for Collector {
    fn family(&mut self, family: &Family) {
        self.help = family.help.as_deref().map(Arc::from);
    }

    fn step(&mut self, _: Step<'_>) {}

    fn sample_end(&mut self, series: Option<SeriesId>) {
        if let Some(series) = series {
            self.help_of.insert(series, self.help.clone());
        }
    }
}
