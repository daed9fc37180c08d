//! `type_overrides`: the types of metrics that `metrics` collects, by name or glob. The modern form has them in the entries
//! of `metrics` themselves.

use std::cell::Cell;

use crate::config::node::Node;
use crate::config::problem::Position;
use crate::config::section::{Section, nearest};

use super::counters::Counters;
use super::glob::{Glob, Name};

/// The types that the legacy form collects.
const TYPES: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

/// What an override makes of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of [`TYPES`].
    Known(&'static str),
    /// The legacy form collects no metric of any other type.
    NotCollected,
}

/// All entries of `type_overrides`.
pub(super) struct Overrides {
    entries: Vec<Override>,
    /// What exposed names begin with, and those of overrides with them, while the names in `metrics` do not.
    prefix: String,
}

struct Override {
    /// Without the prefix.
    name: Name,
    kind: Kind,
    text: String,
    at: Position,
    has_effect: Cell<bool>,
}

impl Overrides {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let prefix = section.node("raw_metric_prefix").or_else(|| section.node("prometheus_metrics_prefix"));
        let prefix = prefix.and_then(Node::key_text).unwrap_or_default();
        let overrides = section.present("type_overrides").and_then(|_| section.mapping("type_overrides"));
        let entries = overrides.iter().flat_map(Section::pairs).filter_map(|(text, at, node)| {
            let word = section.expect_text(&format!("the type of `{text}` in `type_overrides`"), node)?;
            let kind = TYPES.into_iter().find(|kind| *kind == word);
            if kind.is_none() {
                let hint = nearest(&word, TYPES.into_iter()).map_or_else(
                    || format!("expected one of `{}`", TYPES.join("`, `")),
                    |nearest| format!("did you mean `{nearest}`?"),
                );
                let message =
                    format!("`{text}` is not collected, since `type_overrides` gives it the type `{word}`; {hint}");
                section.warning(node.at, message);
            }
            let name = Name::read(text.strip_prefix(prefix.as_str()).unwrap_or(text));
            let kind = kind.map_or(Kind::NotCollected, Kind::Known);
            Some(Override { name, kind, text: text.to_owned(), at, has_effect: Cell::new(false) })
        });
        Self { entries: entries.collect(), prefix }
    }

    /// What becomes of a metric that `metrics` names, if there is an override for it. Names win over globs.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        let whole = format!("{}{name}", self.prefix);
        let (exact, globs): (Vec<_>, Vec<_>) =
            self.entries.iter().partition(|entry| matches!(entry.name, Name::Exact(_)));
        let found = exact.into_iter().chain(globs).find(|entry| entry.name.means(name) || entry.name.means(&whole))?;
        found.has_effect.set(true);
        Some(found.kind)
    }

    /// The names with an override that a glob in `metrics` means.
    pub(super) fn names_of(&self, glob: &Glob) -> Vec<String> {
        let glob = Name::Glob(glob.clone());
        let names = self.entries.iter().filter_map(|entry| match &entry.name {
            Name::Exact(name) if glob.means(name) => Some(name.clone()),
            _ => None,
        });
        names.collect()
    }

    /// Patterns for what globs with an override and a glob in `metrics` mean together; `body` is the latter as a regular
    /// expression.
    pub(super) fn patterns_of(&self, glob: &Glob, body: &str) -> Vec<(String, Kind)> {
        let patterns = self.entries.iter().filter_map(|entry| {
            let Name::Glob(other) = &entry.name else { return None };
            if !glob.may_meet(other) {
                return None;
            }
            entry.has_effect.set(true);
            // A pattern that also finds other metrics must not force a type on them. Counters have theirs anyway.
            let families = other.families();
            let other = if families.loose { other.plain() } else { families.body };
            let both = match (body, other.as_str()) {
                (_, ".*") => body.to_owned(),
                (".*", _) => other,
                _ if body == other => other,
                _ => format!("(?={other}$){body}"),
            };
            Some((format!("^{both}$"), entry.kind))
        });
        patterns.collect()
    }

    /// Says what became of each override.
    pub(super) fn report(&self, section: &Section<'_>, counters: &Counters) {
        for entry in &self.entries {
            let what = format!("`type_overrides` for `{}`", entry.text);
            match entry.kind {
                _ if !entry.has_effect.get() => {
                    section.warning(entry.at, format!("{what} has no effect: `metrics` collects no such metric"));
                }
                Kind::Known(kind) => {
                    let becomes = counters.of(Some(kind)).unwrap_or(kind);
                    section.note(entry.at, format!("{what} is read as `type: {becomes}` in entries of `metrics`"));
                    report_loose(section, entry, kind);
                }
                Kind::NotCollected => {}
            }
        }
    }
}

/// A glob that knows counters by their `_total` does not find them by their names in the modern form.
fn report_loose(section: &Section<'_>, entry: &Override, kind: &str) {
    if let Name::Glob(glob) = &entry.name
        && glob.families().loose
        && kind != "counter"
    {
        let message = format!(
            "`type_overrides` for `{}` has no effect on metrics that are exposed as counters and collected by a glob: \
             their names have no `_total` in the modern form; give `type: {kind}` to each of them in `metrics`",
            entry.text
        );
        section.warning(entry.at, message);
    }
}
