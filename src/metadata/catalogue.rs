//! What is said of each metric, by the name that Datadog stores; where targets differ, the first one counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collect::Collector;
use crate::config::Instance;
use crate::discover::redact;
use crate::submit::{cut_to, metric_name};
use crate::unit::Unit;

/// The most that Datadog takes as a description. Characters.
const DESCRIPTION: usize = 400;

/// How Datadog stores the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoredAs {
    Gauge,
    Count,
    Distribution,
}

impl StoredAs {
    /// The word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Count => "count",
            Self::Distribution => "distribution",
        }
    }
}

/// What a target says of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) stored: StoredAs,
    pub(crate) unit: Option<Unit>,
    /// One line.
    pub(crate) description: Option<String>,
}

/// A metric, with what counts of it.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) facts: Facts,
    /// The namespace of its instance.
    pub(crate) namespace: String,
    /// Who said it first, without credentials.
    target: Arc<str>,
}

/// Something that two targets, or two families of one, say differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) metric: String,
    pub(crate) field: &'static str,
    /// What counts.
    pub(crate) used: String,
    pub(crate) used_of: Arc<str>,
    pub(crate) other: String,
    pub(crate) other_of: Arc<str>,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { metric, field, used, used_of, other, other_of } = self;
        write!(f, "the {field} of `{metric}` is `{used}`, as `{used_of}` says; `{other_of}` says `{other}`")
    }
}

/// All metrics, by name.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) metrics: BTreeMap<String, Metric>,
    /// One for each metric and field.
    pub(crate) conflicts: Vec<Conflict>,
}

impl Catalogue {
    /// Takes in what was collected of a target.
    pub(crate) fn add(&mut self, instance: &Instance, collected: Collector) {
        let target: Arc<str> = Arc::from(redact(&instance.endpoint));
        let mut found: Vec<_> = collected.into_found().collect();
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (name, facts) in found {
            // What has no name in Datadog is not sent either.
            let Some(name) = metric_name(&name) else { continue };
            self.add_metric(name.into_owned(), facts, instance, &target);
        }
    }

    fn add_metric(&mut self, name: String, mut facts: Facts, instance: &Instance, target: &Arc<str>) {
        facts.description = facts.description.map(|text| cut_to(&text, DESCRIPTION).to_owned());
        let Some(known) = self.metrics.get_mut(&name) else {
            let metric = Metric { facts, namespace: instance.namespace.clone(), target: Arc::clone(target) };
            self.metrics.insert(name, metric);
            return;
        };
        let fields = [
            ("type", Some(known.facts.stored.as_str().to_owned()), Some(facts.stored.as_str().to_owned())),
            ("unit", known.facts.unit.map(named), facts.unit.map(named)),
            ("description", known.facts.description.clone(), facts.description.clone()),
        ];
        for (field, used, other) in fields {
            let (Some(used), Some(other)) = (used, other) else { continue };
            let is_told = || self.conflicts.iter().any(|told| told.metric == name && told.field == field);
            if used != other && !is_told() {
                self.conflicts.push(Conflict {
                    metric: name.clone(),
                    field,
                    used,
                    used_of: Arc::clone(&known.target),
                    other,
                    other_of: Arc::clone(target),
                });
            }
        }
        // Who says nothing does not contradict.
        known.facts.unit = known.facts.unit.or(facts.unit);
        known.facts.description = known.facts.description.take().or(facts.description);
    }
}

fn named(unit: Unit) -> String {
    unit.name().to_owned()
}
