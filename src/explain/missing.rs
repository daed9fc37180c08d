//! Why nothing matches: what is in the exposition instead, which entry of the settings waits for it, and what may be
//! meant.

use std::collections::BTreeSet;

use super::advice;
use super::asked::{Asked, family_stem};
use super::model::{Hint, Missing};
use super::seen::{Named, Seen};
use super::selector::Selector;
use super::stage::{Teller, a_type};
use crate::config::{MetricMatcher, MetricRule};
use crate::parse::MetricType;
use crate::pipeline::Report;

/// The most names and values that are shown.
const SHOWN: usize = 5;

/// What is true of many exporters.
const ONCE_COUNTED: &str = " Many exporters expose a metric only once there is something to count.";

/// What a scrape showed.
pub(super) struct Found<'f> {
    pub(super) teller: &'f Teller,
    pub(super) seen: &'f Seen,
    pub(super) report: &'f Report,
    /// The last scrape before this one that had something that matches.
    pub(super) last_match: Option<usize>,
}

/// Why nothing matches.
pub(super) fn missing(found: &Found<'_>, selector: &Selector, asked: Option<&Asked>) -> Missing {
    let mut hints = before(found);
    let lost = lost_lines(found);
    let text = if found.report.failure.is_some() || found.report.ignored.is_some() {
        let samples = found.report.totals.samples;
        match samples {
            0 => "The scrape failed before any sample was read, so it is not known whether the endpoint has it."
                .to_owned(),
            _ => format!("It is not among the {samples} samples that were read before the scrape failed."),
        }
    } else if found.seen.others.series > 0 {
        "There are series of that name, but none with these labels.".to_owned()
    } else if !lost.is_empty() {
        "Lines of the exposition are about it, but none of them is read.".to_owned()
    } else if found.report.totals.samples == 0 {
        "The exposition is empty: the endpoint answered without a single sample.".to_owned()
    } else {
        let what = selector.name().map_or_else(|| selector.to_string(), str::to_owned);
        match asked {
            Some(asked) if found.seen.names.contains_key(&asked.name) => {
                format!("`{what}` is announced, but there is no sample of it: there is nothing to count yet.")
            }
            Some(asked) if asked.name.contains('.') => format!("Nothing is submitted as `{what}`."),
            _ => format!("`{what}` is not in the exposition."),
        }
    };
    hints.extend(labels(found, selector));
    let is_lost = !lost.is_empty();
    hints.extend(lost);
    if let Some(asked) = asked.filter(|_| found.seen.others.series == 0 && !is_lost) {
        hints.extend(guesses(found, asked));
    }
    Missing { text, hints }
}

/// What may be meant, and what is to be written.
fn guesses(found: &Found<'_>, asked: &Asked) -> Vec<Hint> {
    let is_failed = found.report.failure.is_some() || found.report.ignored.is_some();
    let is_announced = found.seen.names.contains_key(&asked.name);
    if is_failed || is_announced {
        let when = if is_failed { "the scrape succeeds and has it" } else { "there is a sample" };
        let rule = exact(found, asked).or_else(|| pattern(found, asked));
        let told = rule.map(|rule| {
            Hint::new(format!("This entry collects it as soon as {when}.")).at(Some(found.teller.metric_rule(rule)))
        });
        return told.into_iter().collect();
    }
    let mut likely = senders(found, asked);
    likely.extend(exact(found, asked).map(|rule| not_exposed(found, asked, rule)));
    likely.extend(other_forms(found, asked));
    let near = nearest_names(found, asked);
    if likely.is_empty() && near.is_none() {
        return vec![nothing_near(found, asked)];
    }
    if likely.is_empty() || exact(found, asked).is_some() {
        likely.extend(near);
    }
    likely
}

/// The last scrape that had it.
fn before(found: &Found<'_>) -> Vec<Hint> {
    let told = found.last_match.map(|scrape| {
        Hint::new(format!(
            "It was there in scrape {scrape} and is not any more: the exporter has stopped exposing it, or exposes it in \
             another way."
        ))
    });
    told.into_iter().collect()
}

/// Which values the labels have.
fn labels(found: &Found<'_>, selector: &Selector) -> Vec<Hint> {
    let others = &found.seen.others;
    if others.series == 0 {
        return Vec::new();
    }
    let told = selector.matchers().iter().map(|matcher| {
        let values = others.values.get(&matcher.label).into_iter().flatten();
        let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
        let all: Vec<String> = others.labels.iter().map(|label| format!("`{label}`")).collect();
        let label = &matcher.label;
        match (&values[..], &all[..]) {
            ([], []) => Hint::new(format!("Nothing has the label `{label}`: these series have no labels.")),
            ([], _) => Hint::new(format!("Nothing has the label `{label}`. The labels are: {}.", shown(&all))),
            (_, _) => Hint::new(format!("The values of `{label}` are: {}.", shown(&values))),
        }
    });
    told.collect()
}

fn shown(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN * 2);
    let text = names[..names.len() - more].join(", ");
    if more == 0 { text } else { format!("{text} and more") }
}

/// Lines about it that were left out or could not be read.
pub(super) fn lost_lines(found: &Found<'_>) -> Vec<Hint> {
    let (teller, seen) = (found.teller, found.seen);
    let filtered = seen.filtered.iter().take(SHOWN).map(|line| {
        let what = if line.starts_with("# TYPE") { "Without it the metric has no type. " } else { "" };
        let text = format!(
            "`raw_line_filters` leaves out the line `{}`. {what}To get it, remove the entry or make it narrower.",
            line.trim_end()
        );
        Hint::new(text).at(teller.found_in("raw_line_filters", line))
    });
    let malformed = seen.malformed.iter().take(SHOWN).map(|diagnostic| {
        Hint::new(format!(
            "A line cannot be read and is skipped; only the exporter can mend it:\n{}",
            diagnostic.to_string().trim_end()
        ))
    });
    filtered.chain(malformed).collect()
}

/// Entries that would send this name, if what they mean were exposed.
fn senders(found: &Found<'_>, asked: &Asked) -> Vec<Hint> {
    let seen = found.seen;
    let told = asked.senders(&found.teller.instance).into_iter().flat_map(|rule| {
        let key = rule.matcher.as_str();
        let place = found.teller.instance.metrics.iter().position(|known| known == rule);
        // Who asks by the exposed name is told of the entry otherwise.
        if key == asked.name || place.is_some_and(|place| seen.selected.contains(&place)) {
            return Vec::new();
        }
        let correction = correction(found, key);
        let later = if correction.is_none() { ONCE_COUNTED } else { "" };
        let text = format!("This entry would send it, but its source `{key}` is not in this scrape.{later}");
        let mut hints = vec![Hint::new(text).at(Some(found.teller.metric_rule(rule)))];
        hints.extend(correction);
        hints
    });
    told.collect()
}

/// What an entry should say whose metric is exposed under another name.
fn correction(found: &Found<'_>, key: &str) -> Option<Hint> {
    let prefix = &found.teller.instance.raw_metric_prefix;
    let unprefixed = |name: &str| -> String { name.strip_prefix(prefix.as_str()).unwrap_or(name).to_owned() };
    let stem = family_stem(key);
    let is_there = |name: &str| {
        let names =
            [name.to_owned(), format!("{name}_total"), format!("{prefix}{name}"), format!("{prefix}{name}_total")];
        names.iter().any(|name| found.seen.names.contains_key(name))
    };
    if stem != key && is_there(stem) {
        let why = if key.ends_with("_total") {
            "counters are selected without `_total`"
        } else {
            "entries stand for the whole metric, without the ending of one of its parts"
        };
        return Some(Hint::new(format!("`{stem}` is there, and {why}: write `{}` in that entry.", unprefixed(stem))));
    }
    let near = nearest(found, key);
    (!near.is_empty()).then(|| Hint::new(format!("Exposed and spelled like `{key}`: {}.", near.join(", "))))
}

/// The same metric in another form: a part that its type does not have, another full name.
fn other_forms(found: &Found<'_>, asked: &Asked) -> Vec<Hint> {
    let seen = found.seen;
    let mut hints = Vec::new();
    let stem = family_stem(&asked.name);
    if stem != asked.name
        && let Some(Named { metric_type, .. }) = seen.names.get(stem)
    {
        let parts: Vec<String> =
            seen.names.keys().filter(|name| family_stem(name) == stem).map(|name| format!("`{name}`")).collect();
        hints.push(Hint::new(format!(
            "`{stem}` is exposed as {}, which has no part `{}`. What there is: {}.",
            a_type(*metric_type),
            asked.name,
            shown(&parts)
        )));
    }
    let instance = &found.teller.instance;
    let sent: Vec<String> = seen
        .submitted
        .iter()
        .filter(|(full, _)| {
            let other = Asked::new(full, instance);
            other.stem == asked.stem || other.bare == asked.stem
        })
        .map(|(full, family)| format!("`{full}` (from `{family}`)"))
        .collect();
    if !sent.is_empty() {
        hints.push(Hint::new(format!("Submitted under a name like it: {}.", shown(&sent))));
    }
    hints
}

/// Names that are spelled like it.
fn nearest_names(found: &Found<'_>, asked: &Asked) -> Option<Hint> {
    let mut near = nearest(found, &asked.name);
    if near.is_empty() && asked.stem != asked.name {
        near = nearest(found, &asked.stem.replace('.', "_"));
    }
    let submitted = found.seen.submitted.iter();
    let full = submitted.filter_map(|(full, family)| Some((distance(&asked.name, full)?, full, family))).min();
    match (full, &near[..]) {
        (Some((_, full, family)), _) if full != family => {
            Some(Hint::new(format!("Do you mean `{full}` (from `{family}`), which is submitted?")))
        }
        (_, []) => None,
        (_, [one]) => Some(Hint::new(format!("Do you mean {one}?"))),
        (_, several) => Some(Hint::new(format!("Do you mean one of these? {}.", several.join(", ")))),
    }
}

/// The name by which the settings would know it.
fn known<'a>(found: &Found<'_>, asked: &'a Asked) -> &'a str {
    let prefix = found.teller.instance.raw_metric_prefix.as_str();
    family_stem(asked.name.strip_prefix(prefix).unwrap_or(&asked.name))
}

/// The entry that has its name.
fn exact<'f>(found: &Found<'f>, asked: &Asked) -> Option<&'f MetricRule> {
    let known = known(found, asked);
    found.teller.instance.metrics.iter().find(|rule| match &rule.matcher {
        MetricMatcher::Exact(name) => *name == known || *name == asked.name,
        MetricMatcher::Pattern(_) => false,
    })
}

/// The pattern that is found in its name.
fn pattern<'f>(found: &Found<'f>, asked: &Asked) -> Option<&'f MetricRule> {
    let known = known(found, asked);
    found.teller.instance.metrics.iter().find(|rule| match &rule.matcher {
        MetricMatcher::Exact(_) => false,
        MetricMatcher::Pattern(pattern) => pattern.is_found_in(known),
    })
}

/// An entry is there, but what it asks for is not.
fn not_exposed(found: &Found<'_>, asked: &Asked, rule: &MetricRule) -> Hint {
    let known = known(found, asked);
    let is_total = rule.matcher.as_str() == asked.name && asked.name.ends_with("_total") && known != asked.name;
    let total = format!(" If it is a counter, the entry has to be `{known}`: counters are selected without `_total`.");
    let total = if is_total { &total } else { "" };
    let text = format!(
        "This entry would collect it, but the endpoint does not expose it, at least not now.{ONCE_COUNTED}{total}"
    );
    Hint::new(text).at(Some(found.teller.metric_rule(rule)))
}

/// What the settings say about it, so that it is known whether it would be collected at all.
fn nothing_near(found: &Found<'_>, asked: &Asked) -> Hint {
    if let Some(rule) = pattern(found, asked) {
        return not_exposed(found, asked, rule);
    }
    if asked.name.contains('.') {
        let text = "No entry of `metrics` sends this name, and no name like it is submitted. An entry that sends it looks \
                    like this, with the name of what is exposed in front:";
        return Hint::new(text).write(format!("metrics:\n  - NAME_AS_EXPOSED: {}", asked.stem));
    }
    let text = format!(
        "No exposed name is spelled like it, so it has to come from another endpoint, or is not exposed yet.{ONCE_COUNTED} \
         To collect it then, the settings need:"
    );
    Hint::new(text).write(advice::entry_for(known(found, asked), MetricType::Counter))
}

/// The exposed names that are spelled most like a name.
fn nearest(found: &Found<'_>, name: &str) -> Vec<String> {
    let mut scored: Vec<(usize, &String)> =
        found.seen.names.keys().filter_map(|known| Some((distance(name, known)?, known))).collect();
    scored.sort_unstable();
    // Parts of one family are told once.
    let mut families = BTreeSet::new();
    let first = scored.into_iter().filter(|(_, known)| families.insert(&found.seen.names[*known].family));
    first.take(SHOWN).map(|(_, known)| with_outcome(found, known)).collect()
}

/// A name, and what becomes of it.
fn with_outcome(found: &Found<'_>, name: &str) -> String {
    let submitted = found.seen.names.get(name).and_then(|named| found.seen.submitted_of(&named.family));
    match submitted {
        Some(full) => format!("`{name}` (submitted as `{full}`)"),
        None => format!("`{name}` (not submitted)"),
    }
}

/// How many slips lie between two names, if they are few, or one name is most of the other.
fn distance(asked: &str, known: &str) -> Option<usize> {
    if asked.eq_ignore_ascii_case(known) {
        return Some(0);
    }
    if asked.len() > 5 && (known.contains(asked) || asked.contains(known) && known.len() * 2 > asked.len()) {
        return Some(1);
    }
    let distance = strsim::damerau_levenshtein(asked, known);
    (distance <= 1 + asked.len().min(known.len()) / 6).then_some(distance).or_else(|| left_out(asked, known))
}

/// How many words a name has more than another one, if it has all words of that one in their order, of which some may be
/// shortened: `node_cpu_secs` is near `node_cpu_seconds_total`.
fn left_out(asked: &str, known: &str) -> Option<usize> {
    /// So many letters have to stay of a word.
    const KEPT: usize = 3;
    let mut rest = known.split('_');
    let (mut found, mut whole) = (0, 0);
    for word in asked.split('_').filter(|word| !word.is_empty()) {
        let begins = |other: &str| word.get(..KEPT).is_some_and(|kept| other.starts_with(kept));
        let other = rest.find(|other| *other == word || begins(other))?;
        found += 1;
        whole += usize::from(other == word);
    }
    let words = known.split('_').filter(|word| !word.is_empty()).count();
    (found > 1 && whole * 2 >= found).then(|| 1 + words - found)
}
