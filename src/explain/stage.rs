//! The steps of the mapping, in words, each with the entry of the settings that made it.

use std::sync::Arc;

use super::model::{Stage, StageKind};
use super::source::{Rule, Source};
use crate::config::{Instance, MetricMatcher, MetricRule, Pattern, Position, Transformer};
use crate::map::Step;
use crate::parse::MetricType;

/// Tells steps of one instance.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    pub(super) instance: Arc<Instance>,
    pub(super) source: Arc<Source>,
}

impl Teller {
    /// A step in words; none for those that are told otherwise: that a sample was dropped, and where it ended.
    pub(super) fn stage(&self, step: Step<'_>) -> Option<Stage> {
        Some(match step {
            Step::Relabeled { rule, at, action, label, from, to } => {
                self.relabeled(rule, at, action, [label, from, to])
            }
            Step::RelabelDropped { rule, at, action } => Stage {
                kind: StageKind::Relabeled,
                text: format!("rule {rule} of `metric_relabel_configs` (`{action}`) drops the sample"),
                before: None,
                after: None,
                rule: Some(self.source.entry("metric_relabel_configs", at)),
            },
            Step::FamilyRenamed { from, to } => self.known_as(from, to),
            Step::Apart(name) => stage(
                StageKind::Apart,
                format!("the settings name `{name}` itself, so it is a metric of its own, and one without a type"),
                None,
                Some(name),
            ),
            Step::OfFamily(name) => {
                stage(StageKind::KnownAs, "by the name that relabeling gave it".to_owned(), None, Some(name))
            }
            Step::Excluded(found) => Stage {
                kind: StageKind::Excluded,
                text: "`exclude_metrics` matches it".to_owned(),
                before: None,
                after: None,
                rule: self.listed("exclude_metrics", found),
            },
            Step::Selected(rule) => self.selected(rule),
            Step::Transformed { exposed, transformer } => stage(
                StageKind::Transformed,
                becomes(transformer).to_owned(),
                Some(exposed.as_str()),
                Some(transformer),
            ),
            Step::LabelShared { label, from, to } => {
                let text = format!("`share_labels` or `target_info` gives it the label `{label}`, from another metric");
                stage(StageKind::Label, text, from, Some(to))
            }
            Step::CodeClass { label, class } => {
                let text = format!("the class of the status in `{label}` becomes the label `code_class`");
                Stage {
                    rule: self.listed("code_class_labels", label),
                    ..stage(StageKind::Label, text, None, Some(class))
                }
            }
            Step::LabelNormalised { label, from, to_label, to } => return normalised(label, from, to_label, to),
            Step::ExcludedByLabel { label, value } => Stage {
                kind: StageKind::Excluded,
                text: format!("`exclude_metrics_by_labels` matches its label `{label}`, which is `{value}`"),
                before: None,
                after: None,
                rule: self.listed("exclude_metrics_by_labels", label),
            },
            Step::LabelExcluded(label) => Stage {
                rule: self.listed("exclude_labels", label),
                ..stage(StageKind::NoTag, "`exclude_labels` takes it away".to_owned(), Some(label), None)
            },
            Step::LabelNotIncluded(label) => Stage {
                rule: self.option("include_labels"),
                ..stage(StageKind::NoTag, "`include_labels` is set and does not have it".to_owned(), Some(label), None)
            },
            Step::Tag { label, tag } => self.tag(label, tag),
            Step::Hostname(host) => {
                let label = self.instance.hostname.as_ref().map(|rule| rule.label.as_str());
                let text = format!("the label `{}` names the host", label.unwrap_or_default());
                Stage { rule: self.option("hostname_label"), ..stage(StageKind::Hostname, text, label, Some(host)) }
            }
            Step::LeftOutByPattern(full) => Stage {
                rule: self.left_out_by(full),
                ..stage(StageKind::LeftOut, "`metric_patterns` leaves this name out".to_owned(), None, Some(full))
            },
            Step::Submitted(full) => stage(StageKind::Name, "the full name".to_owned(), None, Some(full)),
            Step::Dropped(_) => return None,
        })
    }

    fn relabeled(&self, rule: usize, at: Position, action: &str, [label, from, to]: [&str; 3]) -> Stage {
        let did = match (label, from, to) {
            ("__name__", _, _) => "changes the name".to_owned(),
            (_, "", _) => format!("adds the label `{label}`"),
            (_, _, "") => format!("takes the label `{label}` away"),
            _ => format!("changes the label `{label}`"),
        };
        let text = format!("rule {rule} of `metric_relabel_configs` (`{action}`) {did}");
        let filled = |text| Some(text).filter(|text: &&str| !text.is_empty());
        Stage {
            rule: Some(self.source.entry("metric_relabel_configs", at)),
            ..stage(StageKind::Relabeled, text, filled(from), filled(to))
        }
    }

    fn known_as(&self, from: &str, to: &str) -> Stage {
        let prefix = &self.instance.raw_metric_prefix;
        let prefixed = !prefix.is_empty() && from.starts_with(prefix.as_str());
        let total = from.ends_with("_total") && !to.ends_with("_total");
        let without = match (prefixed, total) {
            (true, true) => "without `raw_metric_prefix`, and, as a counter, without `_total`",
            (true, false) => "without `raw_metric_prefix`",
            (false, _) => "counters are known without `_total`",
        };
        let rule = if prefixed { self.option("raw_metric_prefix") } else { None };
        Stage { rule, ..stage(StageKind::KnownAs, without.to_owned(), Some(from), Some(to)) }
    }

    fn selected(&self, rule: &MetricRule) -> Stage {
        let text = match &rule.matcher {
            MetricMatcher::Exact(name) if rule.name == *name => "by its name".to_owned(),
            MetricMatcher::Exact(_) => {
                let namespace = &self.instance.namespace;
                let is_twice = !namespace.is_empty() && rule.name.starts_with(&format!("{namespace}."));
                let twice = if is_twice { ", before which the namespace is put once more" } else { "" };
                format!("by its name, to be sent as `{}`{twice}", rule.name)
            }
            MetricMatcher::Pattern(pattern) => format!("by the pattern `{pattern}`"),
        };
        let after = matches!(rule.matcher, MetricMatcher::Exact(_)).then_some(rule.name.as_str());
        Stage { rule: Some(self.source.entry("metrics", rule.at)), ..stage(StageKind::Selected, text, None, after) }
    }

    fn tag(&self, label: &str, tag: &str) -> Stage {
        let is_renamed = self.instance.rename_labels.contains_key(label);
        let text = if is_renamed { "which `rename_labels` names anew" } else { "as it is" };
        let rule = if is_renamed { self.listed("rename_labels", label) } else { None };
        Stage { rule, ..stage(StageKind::Tag, text.to_owned(), Some(label), Some(tag)) }
    }

    /// An option by its name.
    pub(super) fn option(&self, option: &str) -> Option<Rule> {
        self.instance.places.option(option).map(|at| self.source.rule(option, at))
    }

    /// The entry of an option that is written so, or else the option.
    pub(super) fn listed(&self, option: &str, entry: &str) -> Option<Rule> {
        let found = self.instance.places.entries_of(option).find(|(written, _)| *written == entry);
        found.map(|(_, at)| self.source.rule(option, at)).or_else(|| self.option(option))
    }

    /// The first entry of an option whose pattern is found in a text.
    pub(super) fn found_in(&self, option: &str, text: &str) -> Option<Rule> {
        let is_found = |entry: &str| Pattern::new(entry).is_ok_and(|pattern| pattern.is_found_in(text));
        let found = self.instance.places.entries_of(option).find(|(entry, _)| is_found(entry));
        found.map(|(_, at)| self.source.rule(option, at)).or_else(|| self.option(option))
    }

    /// What of `exclude_metrics` means a name.
    pub(super) fn excluded_by(&self, name: &str) -> Option<Rule> {
        let names = &self.instance.exclude_metrics.names;
        if names.contains(name) { self.listed("exclude_metrics", name) } else { self.found_in("exclude_metrics", name) }
    }

    /// What of `metric_patterns` leaves a full name out.
    fn left_out_by(&self, full: &str) -> Option<Rule> {
        let excludes = self.instance.metric_patterns.exclude.as_ref();
        if excludes.is_some_and(|pattern| pattern.is_found_in(full)) {
            self.found_in("metric_patterns.exclude", full)
        } else {
            self.option("metric_patterns.include")
        }
    }

    /// An entry of `metrics`.
    pub(super) fn metric_rule(&self, rule: &MetricRule) -> Rule {
        self.source.entry("metrics", rule.at)
    }
}

fn stage(kind: StageKind, text: String, before: Option<&str>, after: Option<&str>) -> Stage {
    Stage { kind, text, before: before.map(str::to_owned), after: after.map(str::to_owned), rule: None }
}

fn normalised(label: &str, from: &str, to_label: &str, to: &str) -> Option<Stage> {
    if (label, from) == (to_label, to) {
        return None;
    }
    let text = if label == to_label {
        "numbers are written as Datadog's check writes them".to_owned()
    } else {
        "so Datadog's check calls the bound of a bucket".to_owned()
    };
    Some(stage(StageKind::Label, text, Some(&format!("{label}={from}")), Some(&format!("{to_label}={to}"))))
}

fn becomes(transformer: &str) -> &'static str {
    match transformer {
        "counter" => "a monotonic count: Datadog gets its growth from scrape to scrape",
        "gauge" => "a gauge: Datadog gets the value",
        "histogram" => "a histogram: its count, sum and buckets, each counted from scrape to scrape",
        "summary" => "a summary: its quantiles as gauges, its count and sum counted from scrape to scrape",
        "counter_gauge" => "both a gauge of the value and a monotonic count of its growth",
        "rate" => "a rate: Datadog gets its growth per second",
        "temporal_percent" => "a rate in percent: the growth per second of a time spent, times 100",
        "time_elapsed" => "a gauge of the seconds since the moment that the value names",
        "service_check" => "a service check: the value decides the status",
        "metadata" => "metadata of the target: what a label says",
        _ => "something that the settings ask for",
    }
}

/// Whether the settings, not the exposition, say what the samples are treated as.
pub(super) fn is_overridden(rule: &MetricRule) -> bool {
    !matches!(rule.transformer, Transformer::Native | Transformer::NativeDynamic)
}

/// A type with its article.
pub(super) fn a_type(metric_type: MetricType) -> &'static str {
    match metric_type {
        MetricType::Counter => "a counter",
        MetricType::Gauge => "a gauge",
        MetricType::Histogram => "a histogram",
        MetricType::GaugeHistogram => "a gauge histogram",
        MetricType::Summary => "a summary",
        MetricType::Info => "an info metric",
        MetricType::StateSet => "a state set",
        MetricType::Unknown => "a metric without a type",
    }
}
