//! From the labels of a sample to its tags and host name.

use std::borrow::Cow;

use crate::config::{Instance, LabelFilter};
use crate::parse::{Format, Label, MetricType, Sample};
use crate::unique::{self, Pair};

use super::context::Contexts;
use super::dropped::DropReason;
use super::number::Bounds;
use super::tags::finished;
use super::trace::{Step, Trace};

/// The bound of a bucket under the name that the settings know it by.
pub(crate) const UPPER_BOUND: &str = "upper_bound";
/// The quantile of a summary's value.
pub(crate) const QUANTILE: &str = "quantile";
/// More labels are not compared each with each.
pub(super) const MOST_PLAIN: usize = 32;
const CODE_CLASS: &str = "code_class";

/// `name` without `raw_metric_prefix`.
pub(crate) fn without_prefix<'n>(name: &'n str, instance: &Instance) -> &'n str {
    name.strip_prefix(instance.raw_metric_prefix.as_str()).unwrap_or(name)
}

/// The name of a family that the settings mean: without the prefix, and for counters without `_total` where families are
/// named as their samples are, which is everywhere but in OpenMetrics 1.0.
pub(crate) fn known_name<'n>(name: &'n str, metric_type: MetricType, format: Format, instance: &Instance) -> &'n str {
    let stem = name.strip_suffix("_total").filter(|stem| !stem.is_empty());
    let name = match stem {
        Some(stem) if metric_type == MetricType::Counter && format != Format::OpenMetrics => stem,
        _ => name,
    };
    without_prefix(name, instance)
}

/// The labels of one sample as the settings see them: each name once, in the order of the exposition.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelSet<'a> {
    /// As exposed, if they can be taken so and nothing changed them.
    exposed: Option<&'a [Label<'a>]>,
    /// Otherwise what they are now.
    own: Vec<Pair<'a>>,
}

impl<'a> LabelSet<'a> {
    /// The labels as exposed, with an empty vector for what changes; of two with one name the last value counts, in the
    /// place of the first.
    pub(crate) fn of(sample: &Sample<'a>, room: Vec<Pair<'a>>) -> Self {
        if is_plain(sample.labels) {
            return Self { exposed: Some(sample.labels), own: room };
        }
        let labels = sample.labels.iter().map(|label| (label.name.text(), label.value.text()));
        Self { exposed: None, own: unique::by_name_in(room, labels) }
    }

    /// Labels of which no two have one name.
    pub(crate) fn from_unique(labels: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self { exposed: None, own: labels.into_iter().collect() }
    }

    /// The labels as exposed, of which no two have one name, and nothing is escaped.
    pub(super) fn plain(labels: &'a [Label<'a>]) -> Self {
        Self { exposed: Some(labels), own: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.exposed.map_or(self.own.len(), <[_]>::len)
    }

    /// The name and the value of the label in a place.
    #[inline]
    pub(super) fn pair(&self, place: usize) -> (&str, &str) {
        match self.exposed {
            Some(exposed) => (exposed[place].name.raw(), exposed[place].value.raw()),
            None => (&self.own[place].0, &self.own[place].1),
        }
    }

    /// The labels with their values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.len()).map(|place| self.pair(place))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Adds a label, or changes its value in its place.
    pub(crate) fn insert(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        let own = self.own();
        match own.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => own.push((name, value)),
        }
    }

    /// The labels where they can be changed.
    fn own(&mut self) -> &mut Vec<Pair<'a>> {
        if let Some(exposed) = self.exposed.take() {
            let own = exposed.iter().map(|Label { name, value }| (name.raw().into(), value.raw().into()));
            self.own.extend(own);
        }
        &mut self.own
    }

    /// Bounds and quantiles into their canonical form, by the exposed type of the family: `le` becomes
    /// `upper_bound`.
    pub(crate) fn normalise(
        &mut self,
        exposed: MetricType,
        bounds: &mut Bounds,
        trace: &mut impl Trace,
    ) -> Result<(), DropReason> {
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
        let Some(at) = self.iter().position(|(name, _)| name == label) else { return Ok(()) };
        let from = self.pair(at).1;
        let value = bounds.canonical(from).ok_or(DropReason::BadBound)?.to_owned();
        trace.step(Step::LabelNormalised { label, from, to_label: normalised, to: &value });
        if normalised == label {
            self.own()[at].1 = Cow::Owned(value);
        } else {
            self.own().remove(at);
            self.insert(Cow::Borrowed(normalised), Cow::Owned(value));
        }
        Ok(())
    }

    /// Adds the class of an HTTP status: `code_class` is `2xx` where a label that holds a status is `204`.
    pub(crate) fn classify(&mut self, instance: &Instance, trace: &mut impl Trace) {
        for label in &instance.code_class_labels {
            let Some(status) = self.get(label) else { continue };
            if status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()) {
                let class = format!("{}xx", &status[..1]);
                trace.step(Step::CodeClass { label, class: &class });
                self.insert(Cow::Borrowed(CODE_CLASS), Cow::Owned(class));
                return;
            }
        }
    }

    /// Why the sample is excluded, if one of its labels says so.
    pub(crate) fn excluded(&self, instance: &Instance, trace: &mut impl Trace) -> Option<DropReason> {
        if instance.exclude_metrics_by_labels.is_empty() {
            return None;
        }
        let (label, value) = self.iter().find(|(name, value)| match instance.exclude_metrics_by_labels.get(*name) {
            None => false,
            Some(LabelFilter::Any) => true,
            Some(LabelFilter::Matching(pattern)) => pattern.is_found_in(value),
        })?;
        trace.step(Step::ExcludedByLabel { label, value });
        Some(DropReason::ExcludedByLabel)
    }

    /// Adds the tags of the labels, without the static ones, to the context that is being made.
    pub(crate) fn tag(&self, instance: &Instance, contexts: &mut Contexts, trace: &mut impl Trace) {
        // Where nobody looks at the text of a tag, it need not be made.
        let is_plain = !instance.disable_generic_tags && !trace.listens();
        for (label, value) in self.iter() {
            match tag_key(label, instance) {
                Err(step) => trace.step(step),
                Ok(key) if is_plain => contexts.tag_of(key, value),
                Ok(key) => {
                    let tag = format!("{key}:{value}");
                    trace.step(Step::Tag { label, tag: &tag });
                    contexts.tag(&finished(&tag, instance));
                }
            }
        }
    }

    /// The host that `hostname_label` names; empty if none does.
    pub(crate) fn hostname(&self, instance: &Instance, trace: &mut impl Trace) -> String {
        let Some(rule) = &instance.hostname else { return String::new() };
        let Some(value) = self.get(&rule.label) else { return String::new() };
        let hostname = format!("{}{value}{}", rule.around.0, rule.around.1);
        trace.step(Step::Hostname(&hostname));
        hostname
    }
}

/// Whether what becomes of a series may depend on the value of any of its labels.
pub(super) fn reads_all_values(instance: &Instance) -> bool {
    !instance.metric_relabel_configs.is_empty() || !instance.sharing.is_empty() || instance.disable_generic_tags
}

/// Whether what becomes of a series depends on the value of a label of this name: that of a bound apart, which
/// [`LabelSet::normalise`] reads.
pub(super) fn reads_value(name: &str, instance: &Instance) -> bool {
    instance.exclude_metrics_by_labels.contains_key(name)
        || instance.code_class_labels.iter().any(|label| label == name)
        || instance.hostname.as_ref().is_some_and(|rule| rule.label == name)
}

/// The key of the tag that is made of a label, or why none is.
#[inline]
pub(super) fn tag_key<'l>(label: &'l str, instance: &'l Instance) -> Result<&'l str, Step<'l>> {
    if instance.exclude_labels.contains(label) {
        Err(Step::LabelExcluded(label))
    } else if !instance.include_labels.is_empty() && !instance.include_labels.contains(label) {
        Err(Step::LabelNotIncluded(label))
    } else {
        Ok(instance.rename_labels.get(label).map_or(label, String::as_str))
    }
}

/// Whether nothing is escaped, and no name is there twice.
fn is_plain(labels: &[Label<'_>]) -> bool {
    // A bit for each name that was there, which a few names may have in common.
    let mut seen = 0_u128;
    labels.len() <= MOST_PLAIN
        && labels.iter().enumerate().all(|(place, Label { name, value })| {
            let bit = 1 << unique::mark(name.raw().as_bytes());
            let is_new = seen & bit == 0 || labels[..place].iter().all(|before| before.name.raw() != name.raw());
            seen |= bit;
            is_new && !name.is_escaped() && !value.is_escaped()
        })
}

/// Keeps the room of labels from one sample to the next. They borrow from the sample, so the vector changes its lifetime
/// with each; collecting an emptied vector into one of the same layout keeps its memory.
#[derive(Debug, Default)]
pub(super) struct LabelRoom(Vec<Pair<'static>>);

impl LabelRoom {
    /// An empty vector.
    pub(super) fn take<'a>(&mut self) -> Vec<Pair<'a>> {
        std::mem::take(&mut self.0)
    }

    /// Takes the memory of labels.
    pub(super) fn give_back(&mut self, LabelSet { own: mut used, .. }: LabelSet<'_>) {
        used.clear();
        self.0 = used.into_iter().map_while(|_| None).collect();
    }
}
