//! What became of the metrics, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, Conflict, Facts};
use super::change::Edit;

/// What became of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was not compared with what Datadog has.
    Found,
    /// Datadog has all of it.
    Same,
    WouldChange(Vec<Edit>),
    Changed(Vec<Edit>),
    /// Datadog does not know the metric.
    Unknown,
    Failed(String),
    /// Another one failed in a way that concerns all.
    NotTried,
}

impl State {
    /// The word of the JSON form.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Same => "same",
            Self::WouldChange(_) => "would_change",
            Self::Changed(_) => "changed",
            Self::Unknown => "unknown",
            Self::Failed(_) => "failed",
            Self::NotTried => "not_tried",
        }
    }

    /// Whether Datadog did not get what it should have.
    pub(crate) fn is_finding(&self) -> bool {
        matches!(self, Self::Unknown | Self::Failed(_) | Self::NotTried)
    }

    fn edits(&self) -> &[Edit] {
        match self {
            Self::WouldChange(edits) | Self::Changed(edits) => edits,
            Self::Found | Self::Same | Self::Unknown | Self::Failed(_) | Self::NotTried => &[],
        }
    }
}

/// A metric and what became of it.
pub(crate) struct Entry<'c> {
    pub(crate) name: &'c str,
    pub(crate) facts: &'c Facts,
    pub(crate) state: State,
}

/// Each metric that there is something to say about.
pub(crate) fn text(entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for Entry { name, facts, state } in entries {
        let _ = match state {
            State::Same | State::NotTried => Ok(()),
            State::Found => writeln!(text, "{name}"),
            State::WouldChange(_) => writeln!(text, "{name}: would be changed"),
            State::Changed(_) => writeln!(text, "{name}: changed"),
            State::Unknown => writeln!(text, "{name}: Datadog does not know it"),
            State::Failed(reason) => writeln!(text, "{name}: {reason}"),
        };
        if *state == State::Found {
            for (field, value) in fields(facts) {
                let _ = writeln!(text, "  {field:11}  {value}");
            }
        }
        for Edit { field, from, to } in state.edits() {
            let was = from.as_deref().map_or_else(|| "none".to_owned(), |from| format!("`{from}`"));
            let _ = writeln!(text, "  {field:11}  {to} (was {was})");
        }
    }
    text
}

/// How many metrics came to what, on one line, and what to do about it.
pub(crate) fn summary(entries: &[Entry<'_>]) -> String {
    let count = |word: &str| entries.iter().filter(|entry| entry.state.as_str() == word).count();
    let counted = [
        ("would_change", "would be changed"),
        ("changed", "changed"),
        ("same", "as they should be"),
        ("unknown", "not known to Datadog"),
        ("failed", "failed"),
        ("not_tried", "not tried"),
    ];
    let parts = counted.map(|(word, said)| (count(word), said));
    let parts: Vec<_> = parts.iter().filter(|(number, _)| *number > 0).map(|(n, said)| format!("{n} {said}")).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let advice = if count("unknown") > 0 {
        "; a metric is known some minutes after it was first sent, so run this again then"
    } else {
        ""
    };
    format!("{} metrics{parts}{advice}", entries.len())
}

fn fields(facts: &Facts) -> impl Iterator<Item = (&'static str, &str)> {
    let unit = facts.unit.map(|unit| ("unit", unit.name()));
    let description = facts.description.as_deref().map(|text| ("description", text));
    [Some(("type", facts.stored.as_str())), unit, description].into_iter().flatten()
}

/// All metrics with what became of them, and what targets differ in.
pub(crate) fn json(entries: &[Entry<'_>], catalogue: &Catalogue) -> Value {
    let metrics: Value = entries.iter().map(entry).collect();
    let conflicts: Value = catalogue.conflicts.iter().map(conflict).collect();
    json!({ "metrics": metrics, "conflicts": conflicts })
}

fn entry(entry: &Entry<'_>) -> Value {
    let Entry { name, facts, state } = entry;
    let edits = state.edits().iter().map(|edit| (edit.field.to_owned(), json!({ "from": edit.from, "to": edit.to })));
    let error = if let State::Failed(reason) = state { Some(reason) } else { None };
    json!({
        "name": name,
        "type": facts.stored.as_str(),
        "unit": facts.unit.map(crate::unit::Unit::name),
        "description": facts.description,
        "state": state.as_str(),
        "changes": edits.collect::<Map<_, _>>(),
        "error": error,
    })
}

fn conflict(conflict: &Conflict) -> Value {
    let Conflict { metric, field, used, used_of, other, other_of } = conflict;
    json!({
        "metric": metric,
        "field": field,
        "used": { "value": used, "target": &**used_of },
        "other": { "value": other, "target": &**other_of },
    })
}
