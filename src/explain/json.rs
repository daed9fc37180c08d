//! Explanations for programs. The form is described in `docs/explain.md`.

use serde_json::{Value, json};

use super::growth::word;
use super::model::{Dropped, Explanation, GrowthAccount, Hint, ScrapeAccount, SeriesAccount, Stage};
use super::source::Rule;

/// An explanation as JSON.
pub fn json(explanation: &Explanation) -> Value {
    json!({
        "endpoint": explanation.endpoint,
        "file": explanation.file,
        "line": explanation.at.map(|at| at.line),
        "error": explanation.error,
        "scrapes": explanation.scrapes.iter().map(scrape).collect::<Value>(),
    })
}

fn scrape(scrape: &ScrapeAccount) -> Value {
    let missing = scrape.missing.as_ref();
    json!({
        "number": scrape.number,
        "error": scrape.failure.as_ref().or(scrape.ignored.as_ref()),
        "submitted": scrape.is_submitted(),
        "series": scrape.series.iter().map(series).collect::<Value>(),
        "more_series": scrape.unkept,
        "about_the_scrape": scrape.own,
        "missing": missing.map(|missing| json!({ "text": missing.text, "hints": hints(&missing.hints) })),
        "notes": hints(&scrape.notes),
    })
}

fn series(series: &SeriesAccount) -> Value {
    json!({
        "series": series.series,
        "name": series.name,
        "labels": series.labels,
        "value": series.value,
        "line": series.line,
        "family": series.family,
        "type": series.metric_type.as_str(),
        "role": role(series),
        "known_as": series.known,
        "steps": series.stages.iter().map(stage).collect::<Value>(),
        "submissions": series.submissions,
        "growth": series.growth.as_ref().map(growth),
        "dropped": series.dropped.as_ref().map(dropped),
    })
}

fn role(series: &SeriesAccount) -> &'static str {
    use crate::parse::Role;
    match series.role {
        Role::Value => "value",
        Role::Total => "total",
        Role::Created => "created",
        Role::Bucket => "bucket",
        Role::Sum => "sum",
        Role::Count => "count",
        Role::Quantile => "quantile",
        Role::Info => "info",
        Role::State => "state",
        Role::NativeHistogram => "native_histogram",
    }
}

fn stage(stage: &Stage) -> Value {
    json!({
        "step": stage.kind.as_str(),
        "text": stage.text,
        "before": stage.before,
        "after": stage.after,
        "rule": stage.rule.as_ref().map(rule),
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "option": rule.option,
        "file": rule.file,
        "line": rule.at.line,
        "column": rule.at.column,
        "text": rule.text,
    })
}

fn growth(account: &GrowthAccount) -> Value {
    json!({
        "decision": word(account.growth),
        "previous": account.previous,
        "present": account.present,
        "amount": account.amount,
        "text": account.text,
    })
}

fn dropped(dropped: &Dropped) -> Value {
    json!({ "reason": dropped.reason.as_str(), "hints": hints(&dropped.hints) })
}

fn hints(hints: &[Hint]) -> Value {
    let hint = |hint: &Hint| json!({ "text": hint.text, "rule": hint.rule.as_ref().map(rule), "write": hint.write });
    hints.iter().map(hint).collect()
}
