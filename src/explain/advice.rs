//! Why a series is not submitted, in a sentence or two, and what to write to get it.

use super::histogram;
use super::model::{Hint, SeriesAccount, StageKind};
use super::near::{self, Unselected};
use super::source::Rule;
use super::stage::{Teller, a_type, is_overridden};
use crate::config::{MetricMatcher, MetricRule};
use crate::map::DropReason;
use crate::parse::{MetricType, Role};

/// What a reason means for a series, and what to do.
pub(super) fn hints(teller: &Teller, series: &SeriesAccount, reason: DropReason) -> Vec<Hint> {
    let known = &series.known;
    let because = |text: &str| vec![Hint::new(text)];
    let by = |kind: StageKind, text: String| vec![Hint::new(text).at(rule_of(series, kind))];
    match reason {
        DropReason::NotSelected => not_selected(teller, series),
        DropReason::Excluded => vec![
            Hint::new(format!(
                "An entry of `exclude_metrics` leaves `{known}` out, whatever `metrics` says. To get it, remove that entry \
                 or make it narrower."
            ))
            .at(rule_of(series, StageKind::Excluded).or_else(|| teller.excluded_by(known))),
        ],
        DropReason::Untyped => untyped(teller, series),
        DropReason::Info => without_meaning(teller, series, "describes the target by its labels, and its value is always 1"),
        DropReason::StateSet => without_meaning(teller, series, "has one series for each state, of which 1 marks those that hold"),
        DropReason::GaugeHistogram => without_meaning(teller, series, "is a histogram that goes up and down, which Datadog has no type for"),
        DropReason::Relabeled => by(
            StageKind::Relabeled,
            "A rule of `metric_relabel_configs` drops it. To get it, change what the rule matches.".to_owned(),
        ),
        DropReason::RelabeledNameless => by(
            StageKind::Relabeled,
            "The rules of `metric_relabel_configs` left it without a name (the label `__name__`), and what has no name \
             cannot be submitted."
                .to_owned(),
        ),
        DropReason::ExcludedByLabel => by(
            StageKind::Excluded,
            "`exclude_metrics_by_labels` leaves out every series with such a label. To get it, remove the entry or make \
             its pattern narrower."
                .to_owned(),
        ),
        DropReason::LeftOutByPattern => left_out(series),
        DropReason::NotFinite => not_finite(series),
        DropReason::Created => because(
            "It only says when a series began. Retriever uses that to tell how much a first value has grown, and does not \
             submit it: nothing is lost.",
        ),
        DropReason::NotOfItsType => not_of_its_type(teller, series),
        DropReason::InfiniteBucket => vec![Hint::new(format!(
            "The bucket without an upper bound holds all observations, which is what the count says, and that is submitted \
             as `{}`. Nothing is lost.",
            full_name(teller, series, ".count")
        ))],
        DropReason::HistogramOption => vec![histogram::left_out(teller, series.role)],
        DropReason::BadBound => because(
            "The label `le` of a bucket, and the label `quantile` of a quantile, is a number. Here it is something else, \
             which only the exporter can mend.",
        ),
        DropReason::MissingBound => because(
            "A bucket needs a label `le` that says up to which value it counts, and a type under which `le` means that: \
             `histogram`. If the exposition gives another type, say `type: gauge` to have each bucket as a gauge.",
        ),
        DropReason::MissingLabel => missing_label(teller, series),
        DropReason::NativeHistogram => {
            let rule = selected(teller, series).map(|rule| teller.metric_rule(rule));
            vec![
                Hint::new("It is a native histogram, and the entry says that it is something else. Take the `type` away.")
                    .at(rule),
            ]
        }
        DropReason::NativeGauge => because(
            "It is a native histogram that does not count over time, but shows what is there now. Datadog's distributions \
             are made of what comes new, so nothing can be made of it.",
        ),
        DropReason::ReplacedByNative => because(
            "The same histogram is exposed as a native histogram too, which is more exact: the distribution is made of \
             that one. Nothing is lost.",
        ),
        DropReason::Limited => vec![
            Hint::new(format!(
                "`max_returned_metrics` allows {} metrics in a scrape, and they were taken by the time this one came. Allow \
                 more, take the option away (there is no limit then), or collect fewer metrics.",
                teller.instance.max_returned_metrics.unwrap_or_default()
            ))
            .at(teller.option("max_returned_metrics")),
        ],
        DropReason::Repeated => because(
            "It repeats the sample before it: the same series with the same timestamp. OpenMetrics allows each series only \
             once, so the first one counts. The exporter should expose it once.",
        ),
        DropReason::FilteredLine => because("`raw_line_filters` leaves the line out."),
        DropReason::Malformed => because("The line cannot be read."),
    }
}

fn rule_of(series: &SeriesAccount, kind: StageKind) -> Option<Rule> {
    series.stages.iter().rev().find(|stage| stage.kind == kind).and_then(|stage| stage.rule.clone())
}

pub(super) fn selected<'t>(teller: &'t Teller, series: &SeriesAccount) -> Option<&'t MetricRule> {
    teller.instance.metrics.get(series.selected?)
}

/// What to write to collect a metric: a name that the exposition gives a type to, or a type as well.
pub(super) fn entry_for(known: &str, metric_type: MetricType) -> String {
    match metric_type {
        MetricType::Counter | MetricType::Gauge | MetricType::Histogram | MetricType::Summary => {
            format!("metrics:\n  - {known}")
        }
        MetricType::GaugeHistogram | MetricType::Info | MetricType::StateSet | MetricType::Unknown => {
            format!("metrics:\n  - {known}: {{type: gauge}}")
        }
    }
}

fn not_selected(teller: &Teller, series: &SeriesAccount) -> Vec<Hint> {
    let SeriesAccount { known, family, name, metric_type, .. } = series;
    let kept = if teller.instance.metrics.is_empty() {
        "The instance has no `metrics`, so nothing is collected. To collect this one, write:".to_owned()
    } else {
        format!("No entry of `metrics` matches `{known}`. To collect it, add:")
    };
    let mut hints = near::hints(teller, Unselected { known, family, sample: name });
    // Who has an entry that is nearly right mends that one.
    if hints.is_empty() {
        hints.push(Hint::new(kept).write(entry_for(known, *metric_type)));
    } else {
        hints.insert(0, Hint::new(format!("No entry of `metrics` matches `{known}`, but one is close.")));
    }
    if *metric_type == MetricType::Unknown {
        hints.push(Hint::new(
            "The type is needed because the exposition gives none; `counter` instead of `gauge` is right for what only goes \
             up.",
        ));
    }
    hints
}

/// An entry with a type for a metric that is selected already.
fn typed(teller: &Teller, series: &SeriesAccount) -> String {
    let known = &series.known;
    match selected(teller, series) {
        Some(MetricRule { matcher: MetricMatcher::Exact(_), name, .. }) if name != known => {
            format!("metrics:\n  - {known}: {{name: {name}, type: gauge}}")
        }
        _ => format!("metrics:\n  - {known}: {{type: gauge}}"),
    }
}

fn untyped(teller: &Teller, series: &SeriesAccount) -> Vec<Hint> {
    let rule = selected(teller, series);
    let instead = match rule.map(|rule| &rule.matcher) {
        Some(MetricMatcher::Exact(_)) => "Write instead of the entry that selects it:",
        _ => "Write an entry with its name, which goes before patterns:",
    };
    let SeriesAccount { known, family, .. } = series;
    let why = if series.declared {
        format!("The exposition says of `{family}` that its type is unknown")
    } else {
        format!("The exposition has no line `# TYPE {family} ...`, so `{known}` has no type")
    };
    vec![
        Hint::new(format!(
            "{why}, and it is not guessed whether its value is a state (`gauge`) or only ever goes up (`counter`). {instead}"
        ))
        .at(rule.map(|rule| teller.metric_rule(rule)))
        .write(typed(teller, series)),
    ]
}

fn without_meaning(teller: &Teller, series: &SeriesAccount, is: &str) -> Vec<Hint> {
    let rule = selected(teller, series);
    let text = format!(
        "`{}` has the type `{}`: it {is}. It is submitted only where an entry says as what. Write:",
        series.known, series.metric_type
    );
    vec![Hint::new(text).at(rule.map(|rule| teller.metric_rule(rule))).write(typed(teller, series))]
}

fn left_out(series: &SeriesAccount) -> Vec<Hint> {
    let left_out = series.stages.iter().rev().find(|stage| stage.kind == StageKind::LeftOut);
    let full = left_out.and_then(|stage| stage.after.as_deref()).unwrap_or_default();
    let rule = left_out.and_then(|stage| stage.rule.clone());
    if rule.as_ref().is_some_and(|rule| rule.option == "metric_patterns.include") {
        let pattern = full.replace('.', "\\.");
        let text = format!("`metric_patterns` includes some full names only, and no entry is found in `{full}`. Add:");
        return vec![Hint::new(text).at(rule).write(format!("metric_patterns:\n  include:\n    - ^{pattern}$"))];
    }
    let text =
        format!("`metric_patterns` excludes the full name `{full}`. To get it, remove that entry or make it narrower.");
    vec![Hint::new(text).at(rule)]
}

fn not_finite(series: &SeriesAccount) -> Vec<Hint> {
    let value = &series.value;
    let why = match series.role {
        Role::Quantile => {
            "That is how a summary says that nothing was observed of late, so nothing is missing: the quantile comes with \
             the next observations."
        }
        _ => {
            "That is how an exporter says that it has no value now. Nothing in the settings keeps it away; it is submitted \
             as soon as it is a number."
        }
    };
    vec![Hint::new(format!("Its value is `{value}`, which is no number that can be stored. {why}"))]
}

fn not_of_its_type(teller: &Teller, series: &SeriesAccount) -> Vec<Hint> {
    let SeriesAccount { name, metric_type, .. } = series;
    let rule = selected(teller, series);
    if rule.is_some_and(is_overridden) {
        let text = format!(
            "The entry says what its `type` is, but the sample `{name}` is no part of such a metric: those of histograms end \
             in `_bucket`, `_sum` or `_count`. The exposition says that it is {}; take the `type` away if that is right.",
            a_type(*metric_type)
        );
        return vec![Hint::new(text).at(rule.map(|rule| teller.metric_rule(rule)))];
    }
    let text = format!(
        "By its name `{name}` is no part of {}: the parts end in `_bucket`, `_sum` or `_count`. Only the exporter can mend \
         that.",
        a_type(*metric_type)
    );
    vec![Hint::new(text)]
}

fn missing_label(teller: &Teller, series: &SeriesAccount) -> Vec<Hint> {
    let labels: Vec<String> = series.labels.keys().map(|label| format!("`{label}`")).collect();
    let has = if labels.is_empty() { "none at all".to_owned() } else { labels.join(", ") };
    let text = format!("The entry makes metadata of a label that the series does not have. Its labels: {has}.");
    vec![Hint::new(text).at(selected(teller, series).map(|rule| teller.metric_rule(rule)))]
}

/// The name, without namespace and suffix, under which a family is sent.
pub(super) fn sent<'a>(teller: &'a Teller, series: &'a SeriesAccount) -> &'a str {
    match selected(teller, series) {
        Some(rule) if matches!(rule.matcher, MetricMatcher::Exact(_)) => &rule.name,
        Some(_) | None => &series.known,
    }
}

/// A name as Datadog has it.
fn full_name(teller: &Teller, series: &SeriesAccount, suffix: &str) -> String {
    let namespace = &teller.instance.namespace;
    let dot = if namespace.is_empty() { "" } else { "." };
    format!("{namespace}{dot}{}{suffix}", sent(teller, series))
}
