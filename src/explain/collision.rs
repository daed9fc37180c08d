//! Gauges of several series that became one, so that only the last of them is seen.

use std::collections::HashMap;

use super::model::{Hint, SeriesAccount};
use super::selector::Selector;
use super::stage::Teller;
use crate::config::{GaugeAggregation, MetricMatcher, MetricRule, Transformer};
use crate::map::{ContextId, SeriesId};

/// The most pairs that are remembered, and that are told.
const KEPT: usize = 1_000;
const TOLD: usize = 5;

/// Watches gauges of a scrape. The aggregator knows of collisions too, but keeps only the first few of a target.
#[derive(Debug, Default)]
pub(super) struct Collisions {
    last: HashMap<ContextId, SeriesId>,
    pairs: Vec<(SeriesId, SeriesId)>,
}

impl Collisions {
    /// A gauge was submitted to a context by a series.
    pub(super) fn gauge(&mut self, context: ContextId, series: SeriesId, aggregation: GaugeAggregation) {
        if aggregation != GaugeAggregation::Last {
            return;
        }
        if let Some(before) = self.last.insert(context, series)
            && before != series
            && self.pairs.len() < KEPT
        {
            self.pairs.push((before, series));
        }
    }

    /// What there is to say about series that match; `exposed` gives a series as exposed.
    pub(super) fn notes(
        &self,
        teller: &Teller,
        series: &[SeriesAccount],
        exposed: impl Fn(SeriesId) -> Option<String>,
    ) -> Vec<Hint> {
        let known: HashMap<SeriesId, &SeriesAccount> = series.iter().filter_map(|one| Some((one.id?, one))).collect();
        let mut notes = Vec::new();
        for (before, after) in &self.pairs {
            let Some(account) = known.get(before).or_else(|| known.get(after)) else { continue };
            if let (Some(before), Some(after)) = (exposed(*before), exposed(*after))
                && notes.len() < TOLD
            {
                notes.push(note(teller, account, &before, &after));
            }
        }
        notes
    }
}

fn note(teller: &Teller, account: &SeriesAccount, before: &str, after: &str) -> Hint {
    let name = account.full_names.first().map_or(account.known.as_str(), String::as_str);
    let rule = account.selected.and_then(|place| teller.instance.metrics.get(place));
    let hint = |why: String| {
        let text = format!(
            "`{before}` and `{after}` are one gauge in Datadog, `{name}`, which has the last value only: {why}"
        );
        Hint::new(text).at(rule.map(|rule| teller.metric_rule(rule)))
    };
    let labels = match &differing(before, after)[..] {
        [] => {
            let why = "they have the same labels. Collect only one of them, or each under a name of its own.";
            return hint(why.to_owned());
        }
        [one] => format!("they differ only in the label `{one}`, which gives no tag. Let it be a tag"),
        several => {
            format!("they differ only in the labels `{}`, which give no tags. Let them be tags", several.join("`, `"))
        }
    };
    let why = format!("{labels}, or say what the values come to (`sum`, `max`, `min` or `avg`):");
    hint(why).write(aggregated(account, rule))
}

/// The entry with an aggregation, and with what it says already.
fn aggregated(account: &SeriesAccount, rule: Option<&MetricRule>) -> String {
    let key = rule.map_or(account.known.as_str(), |rule| rule.matcher.as_str());
    let name = match rule {
        Some(rule) if matches!(rule.matcher, MetricMatcher::Exact(_)) && rule.name != key => {
            format!("name: {}, ", rule.name)
        }
        _ => String::new(),
    };
    let word = match rule.map(|rule| &rule.transformer) {
        Some(Transformer::Gauge) => "type: gauge, ",
        Some(Transformer::CounterGauge) => "type: counter_gauge, ",
        Some(Transformer::TimeElapsed) => "type: time_elapsed, ",
        _ => "",
    };
    format!("metrics:\n  - {key}: {{{name}{word}gauge_aggregation: sum}}")
}

/// The labels in which two series as exposed differ.
fn differing(one: &str, other: &str) -> Vec<String> {
    // A series as exposed is written as a selector is.
    let (Ok(one), Ok(other)) = (Selector::parse(one), Selector::parse(other)) else { return Vec::new() };
    let value = |selector: &Selector, label: &str| {
        selector.matchers().iter().find(|matcher| matcher.label == label).map(|matcher| matcher.value.clone())
    };
    let mut labels: Vec<String> =
        one.matchers().iter().chain(other.matchers()).map(|matcher| matcher.label.clone()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| value(&one, label) != value(&other, label));
    labels
}
