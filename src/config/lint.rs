//! Entries of `metrics` that are valid but cannot mean what they seem to say: names that no family has, patterns that
//! never get a turn, and names under which different things would be sent.

use std::collections::HashMap;

use super::metrics::{MetricMatcher, MetricRule, Transformer};
use super::pattern::Pattern;
use super::section::Section;

/// Warns of everything in the merged entries that looks like a mistake.
pub(super) fn warn(instance: &Section<'_>, rules: &[MetricRule]) {
    warn_of_parts(instance, rules);
    warn_of_shadows(instance, rules);
    warn_of_outputs(instance, rules);
}

/// Exact names of samples where the name of the family is wanted. With a type of its own a name means what it says; and
/// whoever names the family as well knows.
fn warn_of_parts(instance: &Section<'_>, rules: &[MetricRule]) {
    let named = |stem: &str| rules.iter().any(|rule| matches!(&rule.matcher, MetricMatcher::Exact(key) if key == stem));
    for rule in rules.iter().filter(|rule| rule.transformer == Transformer::Native) {
        let MetricMatcher::Exact(key) = &rule.matcher else { continue };
        let stem = |suffix: &str| key.strip_suffix(suffix).filter(|stem| !stem.is_empty() && !named(stem));
        let message = if let Some(stem) = stem("_total") {
            format!("counters are selected without `_total`; write `{stem}` if `{key}` is a counter")
        } else if let Some(stem) = stem("_bucket") {
            format!(
                "buckets are selected with their histogram; write `{stem}` if `{key}` belongs to the histogram `{stem}`"
            )
        } else if let Some(stem) = stem("_sum").or_else(|| stem("_count")) {
            format!(
                "sums and counts are selected with their histogram or summary; write `{stem}` if `{key}` belongs to one \
                 called `{stem}`"
            )
        } else {
            continue;
        };
        instance.warning(rule.at, message);
    }
}

/// Patterns that are only found where an earlier one is found already.
fn warn_of_shadows(instance: &Section<'_>, rules: &[MetricRule]) {
    let patterns = rules.iter().filter_map(|rule| match &rule.matcher {
        MetricMatcher::Pattern(pattern) => Some((rule, pattern, Beginning::of(pattern))),
        MetricMatcher::Exact(_) => None,
    });
    let patterns: Vec<_> = patterns.collect();
    for (place, (rule, pattern, beginning)) in patterns.iter().enumerate() {
        let earlier = patterns[..place].iter().find(|(_, earlier, _)| Reach::of(earlier).covers(beginning));
        if let Some((earlier, by, _)) = earlier {
            let message = format!(
                "`{pattern}` never gets a turn: `{by}` in line {} is found in the same names, and the first pattern that \
                 is found decides; put the narrower one first",
                earlier.at.line
            );
            instance.warning(rule.at, message);
        }
    }
}

/// What every name that a pattern is found in has in it: a text, perhaps at its beginning.
struct Beginning<'p> {
    anchored: bool,
    literal: &'p str,
}

impl<'p> Beginning<'p> {
    /// What is certain; nothing is where there are alternatives.
    fn of(pattern: &'p Pattern) -> Self {
        let text = pattern.as_str();
        let (anchored, rest) = without_anchor(text);
        if text.contains('|') || text.contains("(?") {
            return Self { anchored: false, literal: "" };
        }
        let end = rest.find(|c: char| !is_plain(c)).unwrap_or(rest.len());
        let optional = rest[end..].starts_with(['*', '?', '{']);
        // The last character may be missing.
        let end = if optional { rest[..end].char_indices().last().map_or(0, |(at, _)| at) } else { end };
        Self { anchored, literal: &rest[..end] }
    }
}

/// The names that a pattern is certainly found in.
enum Reach<'p> {
    All,
    /// Those with this text in them, or at their beginning.
    With {
        anchored: bool,
        literal: &'p str,
    },
    Unknown,
}

impl<'p> Reach<'p> {
    fn of(pattern: &'p Pattern) -> Self {
        let (anchored, rest) = without_anchor(pattern.as_str());
        let literal = rest.strip_suffix('$').filter(|rest| rest.ends_with(".*") || *rest == ".+").unwrap_or(rest);
        let literal = literal.strip_suffix(".*").unwrap_or(literal);
        match literal {
            // A name has at least one character.
            "" | ".+" | "." => Self::All,
            _ if literal.chars().all(is_plain) => Self::With { anchored, literal },
            _ => Self::Unknown,
        }
    }

    fn covers(&self, names: &Beginning<'_>) -> bool {
        match *self {
            Self::All => true,
            Self::With { anchored: true, literal } => names.anchored && names.literal.starts_with(literal),
            Self::With { anchored: false, literal } => names.literal.contains(literal),
            Self::Unknown => false,
        }
    }
}

fn without_anchor(text: &str) -> (bool, &str) {
    text.strip_prefix('^').map_or((false, text), |rest| (true, rest))
}

/// Whether a character of a pattern stands for itself, and for nothing else.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Exact entries that would send different kinds of values under one name.
fn warn_of_outputs(instance: &Section<'_>, rules: &[MetricRule]) {
    let mut sent: HashMap<String, (&str, &MetricRule)> = HashMap::new();
    for rule in rules.iter().filter(|rule| matches!(rule.matcher, MetricMatcher::Exact(_))) {
        for (suffix, kind) in outputs(&rule.transformer) {
            let name = format!("{}{suffix}", rule.name);
            match sent.get(&name) {
                Some((other, earlier)) if other != kind => {
                    let message = format!(
                        "`{}` sends `{name}` as a {kind}, and `{}` in line {} as a {other}: Datadog keeps one type for \
                         each name, so give one of them another `name`",
                        rule.matcher.as_str(),
                        earlier.matcher.as_str(),
                        earlier.at.line
                    );
                    instance.warning(rule.at, message);
                }
                Some(_) => {}
                None => _ = sent.insert(name, (kind, rule)),
            }
        }
    }
}

/// What a transformer sends: what stands behind the name, and what kind of value it is. Of a type that the exposition
/// decides nothing is known.
fn outputs(transformer: &Transformer) -> &'static [(&'static str, &'static str)] {
    match transformer {
        Transformer::Counter => &[(".count", "count")],
        Transformer::Gauge | Transformer::TimeElapsed => &[("", "gauge")],
        Transformer::Rate | Transformer::TemporalPercent { .. } => &[("", "rate")],
        Transformer::CounterGauge => &[(".total", "gauge"), (".count", "count")],
        Transformer::Histogram => &[(".bucket", "count"), (".sum", "count"), (".count", "count")],
        Transformer::Summary => &[(".quantile", "gauge"), (".sum", "count"), (".count", "count")],
        Transformer::Native
        | Transformer::NativeDynamic
        | Transformer::ServiceCheck(_)
        | Transformer::Metadata(_)
        | Transformer::Faulty(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(earlier: &str, later: &str) -> bool {
        let (earlier, later) = (Pattern::new(earlier).unwrap(), Pattern::new(later).unwrap());
        Reach::of(&earlier).covers(&Beginning::of(&later))
    }

    #[test]
    fn a_wider_pattern_before_a_narrower_one_covers_it() {
        for (earlier, later) in [
            (".*", "^node_.+"),
            (".+", "x*"),
            ("^node_", "^node_cpu.+"),
            ("^node_.*", "^node_cpu_seconds$"),
            ("^node_.*$", "^node_$"),
            ("cpu.*", "^node_cpu_.+"),
            ("^a.*", "^ab?c"),
        ] {
            assert!(covers(earlier, later), "{earlier} before {later}");
        }
    }

    #[test]
    fn patterns_that_may_be_found_elsewhere_are_not_covered() {
        for (earlier, later) in [
            ("^node_", "node_cpu.+"),
            ("^node_cpu.*", "^node_.+"),
            ("^node_$", "^node_.+"),
            ("^node_[a-z]+", "^node_cpu.+"),
            ("cpu.*", "^node_c.+"),
            ("^ab.*", "^ab?c"),
            ("^ab.*", "^ab|^c.*"),
            ("^ab.*", "^(?!ab).*"),
            ("^a.+$", "^a$"),
        ] {
            assert!(!covers(earlier, later), "{earlier} before {later}");
        }
    }
}
