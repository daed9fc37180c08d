//! From the labels of a sample to its tags and host name.

use std::borrow::Cow;

use crate::config::{Instance, LabelFilter};
use crate::parse::{MetricType, Sample};

use super::context::{Contexts, Tag};
use super::dropped::DropReason;
use super::number::{canonical, parse_float};
use super::trace::{Step, Trace};

/// The bound of a bucket under the name that the settings know it by.
pub(crate) const UPPER_BOUND: &str = "upper_bound";
const QUANTILE: &str = "quantile";

/// The labels of one sample as the settings see them: each name once, in the order of the exposition.
#[derive(Debug, Default)]
pub(crate) struct LabelSet<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> LabelSet<'a> {
    /// The labels as exposed; of two with one name the last value counts, in the place of the first.
    pub(crate) fn of(sample: &Sample<'a>) -> Self {
        let mut set = Self(Vec::with_capacity(sample.labels.len() + 1));
        for label in sample.labels {
            set.insert(label.name.text(), label.value.text());
        }
        set
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    fn insert(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// Bounds and quantiles into their canonical form, by the exposed type of the family: `le` becomes
    /// `upper_bound`.
    pub(crate) fn normalise(&mut self, exposed: MetricType, trace: &mut impl Trace) -> Result<(), DropReason> {
        let (label, normalised) = match exposed {
            MetricType::Histogram => ("le", UPPER_BOUND),
            MetricType::Summary => (QUANTILE, QUANTILE),
            MetricType::Counter
            | MetricType::Gauge
            | MetricType::GaugeHistogram
            | MetricType::Info
            | MetricType::StateSet
            | MetricType::Unknown => return Ok(()),
        };
        let Some(at) = self.0.iter().position(|(name, _)| name == label) else { return Ok(()) };
        let from = self.0[at].1.clone();
        let value = canonical(parse_float(&from).ok_or(DropReason::BadBound)?);
        trace.step(Step::LabelNormalised { label, from: &from, to_label: normalised, to: &value });
        if normalised == label {
            self.0[at].1 = Cow::Owned(value);
        } else {
            self.0.remove(at);
            self.insert(Cow::Borrowed(normalised), Cow::Owned(value));
        }
        Ok(())
    }

    /// Why the sample is excluded, if one of its labels says so.
    pub(crate) fn excluded(&self, instance: &Instance) -> Option<DropReason> {
        if instance.exclude_metrics_by_labels.is_empty() {
            return None;
        }
        let excluded = self.0.iter().any(|(name, value)| match instance.exclude_metrics_by_labels.get(name.as_ref()) {
            None => false,
            Some(LabelFilter::Any) => true,
            Some(LabelFilter::Matching(pattern)) => pattern.is_found_in(value),
        });
        excluded.then_some(DropReason::ExcludedByLabel)
    }

    /// The tags of the labels, without the static ones.
    pub(crate) fn tags(&self, instance: &Instance, contexts: &mut Contexts, trace: &mut impl Trace) -> Vec<Tag> {
        let mut tags = Vec::with_capacity(self.0.len() + 4);
        let mut text = String::new();
        for (label, value) in &self.0 {
            if instance.exclude_labels.contains(label.as_ref()) {
                trace.step(Step::LabelExcluded(label));
            } else if !instance.include_labels.is_empty() && !instance.include_labels.contains(label.as_ref()) {
                trace.step(Step::LabelNotIncluded(label));
            } else {
                let key = instance.rename_labels.get(label.as_ref()).map_or(label.as_ref(), String::as_str);
                text.clear();
                text.push_str(key);
                text.push(':');
                text.push_str(value);
                trace.step(Step::Tag { label, tag: &text });
                tags.push(contexts.text(&text));
            }
        }
        tags
    }

    /// The host that `hostname_label` names; empty if none does.
    pub(crate) fn hostname(&self, instance: &Instance, trace: &mut impl Trace) -> String {
        let Some(rule) = &instance.hostname else { return String::new() };
        let Some(value) = self.get(&rule.label) else { return String::new() };
        let hostname = format!("{}{value}{}", rule.around.0, rule.around.1);
        trace.step(Step::Hostname(&hostname));
        hostname
    }

    /// What buckets of one histogram have in common: all labels but the bound.
    pub(crate) fn group_key(&self) -> Vec<(String, String)> {
        let others = self.0.iter().filter(|(name, _)| name != UPPER_BOUND);
        let mut key: Vec<_> = others.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        key.sort_unstable();
        key
    }
}
