//! Entries of `metrics` that nearly mean a metric, and why they do not.

use super::asked::{family_stem, without_namespace};
use super::model::Hint;
use super::stage::Teller;
use crate::config::{MetricMatcher, MetricRule, Pattern};

/// A metric that no entry means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unselected<'a> {
    /// As the settings know it.
    pub(super) known: &'a str,
    /// As exposed.
    pub(super) family: &'a str,
    /// The name of the sample.
    pub(super) sample: &'a str,
}

/// The most entries that are worth a word.
const MOST: usize = 3;

/// The entries that were probably written for the metric; of those that are only spelled like it, the nearest.
pub(super) fn hints(teller: &Teller, metric: Unselected<'_>) -> Vec<Hint> {
    let told = |(rule, text): (&MetricRule, String)| Hint::new(text).at(Some(teller.metric_rule(rule)));
    let rules = teller.instance.metrics.iter();
    let hints: Vec<Hint> =
        rules.filter_map(|rule| Some((rule, mistake(teller, rule, metric)?))).map(told).take(MOST).collect();
    if hints.is_empty() { misspelled(teller, metric.known).map(told).into_iter().collect() } else { hints }
}

/// Why an entry that was written for the metric does not mean it.
fn mistake(teller: &Teller, rule: &MetricRule, metric: Unselected<'_>) -> Option<String> {
    let Unselected { known, family, sample } = metric;
    let key = rule.matcher.as_str();
    let prefix = &teller.instance.raw_metric_prefix;
    if let MetricMatcher::Pattern(pattern) = &rule.matcher {
        return pattern_mistake(teller, pattern, metric);
    }
    let is_part = key != known && family_stem(key) == known;
    if key == sample || key == family || is_part {
        if !prefix.is_empty() && key.starts_with(prefix.as_str()) {
            return Some(format!(
                "This entry is written for it, but `raw_metric_prefix` takes `{prefix}` off before entries are compared: \
                 write `{known}` here."
            ));
        }
        return Some(suffix_mistake(key, known));
    }
    if key.eq_ignore_ascii_case(known) {
        return Some(format!("This entry differs in upper and lower case only: write `{known}`."));
    }
    if rule.name == known && rule.name != key {
        return Some(format!(
            "This entry is the wrong way round: it sends a metric `{key}` as `{known}`. What is exposed stands first: \
             write `{known}: {key}`."
        ));
    }
    let namespace = &teller.instance.namespace;
    let bare = key.strip_prefix(namespace.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let is_namespaced = !namespace.is_empty() && bare == Some(known);
    is_namespaced.then(|| {
        format!("This entry has the namespace in it, which is put before names on its own: write `{known}` here.")
    })
}

fn suffix_mistake(key: &str, known: &str) -> String {
    if key.ends_with("_total") {
        format!("This entry is written for it, but counters are selected without `_total`: write `{known}` here.")
    } else {
        format!(
            "This entry is written for one part of it, but entries stand for the whole metric, with all its parts: write \
             `{known}` here."
        )
    }
}

fn pattern_mistake(teller: &Teller, pattern: &Pattern, metric: Unselected<'_>) -> Option<String> {
    let Unselected { known, family, sample } = metric;
    let text = pattern.as_str();
    let missed = [sample, family].into_iter().find(|name| *name != known && pattern.is_found_in(name));
    if let Some(name) = missed {
        return Some(format!(
            "The pattern is found in `{name}`, but is compared with the name that the settings know, `{known}`, and is \
             not found there."
        ));
    }
    let bare = without_namespace(text.trim_start_matches('^'), &teller.instance);
    let stem = bare.trim_end_matches('$').replace("\\.", ".");
    let stem =
        [".count", ".sum", ".bucket", ".quantile"].iter().find_map(|suffix| stem.strip_suffix(suffix)).unwrap_or(&stem);
    let datadog = stem == known || stem.replace('.', "_") == known || stem == family_stem(sample);
    datadog.then(|| {
        format!(
            "This entry looks like a name of Datadog's, but entries are compared with what is exposed; namespace and \
             suffixes such as `.count` come on their own. Write `{known}` here."
        )
    })
}

/// The entry that is spelled most like a name.
fn misspelled<'i>(teller: &'i Teller, known: &str) -> Option<(&'i MetricRule, String)> {
    let exact = teller.instance.metrics.iter().filter(|rule| matches!(rule.matcher, MetricMatcher::Exact(_)));
    let scored = exact.map(|rule| (strsim::damerau_levenshtein(rule.matcher.as_str(), known), rule));
    let (distance, rule) = scored.min_by_key(|(distance, _)| *distance)?;
    // One or two slips; names of one exporter are alike anyhow.
    (distance <= 2 && known.len() > 2 * distance + 2)
        .then(|| (rule, format!("This entry is spelled nearly like it, but not quite: `{known}`.")))
}
