//! Metric names of the legacy form: exact ones, and globs with `*`, which the modern form says as regular expressions.
//!
//! What makes this more than a change of letters is `_total`: the legacy form names a counter as its samples are named,
//! the modern form names it without `_total`, and neither can tell from a name whether a metric is a counter.

use crate::config::pattern::{self, Pattern};

/// What counters end with in the legacy form, and not in the modern one.
const TOTAL: &str = "_total";

/// The name of a counter in the modern form, if a legacy name may be that of one.
pub(super) fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(TOTAL).filter(|stem| !stem.is_empty())
}

/// `name` as a key of `metrics` or `exclude_metrics` that means this name only.
pub(super) fn literal_key(name: &str) -> String {
    if Pattern::is_pattern(name) { format!("^{}$", pattern::escape(name)) } else { name.to_owned() }
}

/// A metric name of the legacy form.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Exact(String),
    Glob(Glob),
}

impl Name {
    /// Only a `*` makes a glob; the other signs of globs then have their meaning too.
    pub(super) fn read(text: &str) -> Self {
        if text.contains('*') { Self::Glob(Glob::parse(text)) } else { Self::Exact(text.to_owned()) }
    }

    /// Whether it means the metric `name`.
    pub(super) fn means(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Glob(glob) => glob.matches(name),
        }
    }
}

/// A glob of the legacy form.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    pub(super) text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    /// `*`
    Any,
    /// `?`
    One,
    /// `[...]`, as it is in a regular expression.
    Set(String),
}

/// The names that metrics have in the modern form when a glob means them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Families {
    /// A regular expression for the whole name, without anchors.
    pub(super) body: String,
    /// Whether it also finds metrics that are no counters and that the glob does not mean.
    pub(super) loose: bool,
}

impl Glob {
    fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let after = &rest[character.len_utf8()..];
            let (part, after) = match character {
                '*' => (Part::Any, after),
                '?' => (Part::One, after),
                '[' => match set(after) {
                    Some((set, after)) => (Part::Set(set), after),
                    None => (Part::Literal("[".to_owned()), after),
                },
                _ => (Part::Literal(character.to_string()), after),
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(known)), Part::Literal(more)) => known.push_str(&more),
                (Some(Part::Any), Part::Any) => {}
                (_, part) => parts.push(part),
            }
            rest = after;
        }
        Self { text: text.to_owned(), parts }
    }

    /// Whether there may be a name that both mean: neither how they begin nor how they end forbids it.
    pub(super) fn may_meet(&self, other: &Self) -> bool {
        fn text(part: Option<&Part>) -> &str {
            if let Some(Part::Literal(text)) = part { text } else { "" }
        }
        let (head, other_head) = (text(self.parts.first()), text(other.parts.first()));
        let (tail, other_tail) = (text(self.parts.last()), text(other.parts.last()));
        (head.starts_with(other_head) || other_head.starts_with(head))
            && (tail.ends_with(other_tail) || other_tail.ends_with(tail))
    }

    /// Whether anything may follow in the names that it means.
    pub(super) fn is_open(&self) -> bool {
        is_open(&self.parts)
    }

    fn matches(&self, name: &str) -> bool {
        Pattern::new(&format!("^{}$", body(&self.parts))).is_ok_and(|pattern| pattern.is_found_in(name))
    }

    /// The glob letter by letter, as a regular expression without anchors.
    pub(super) fn plain(&self) -> String {
        body(&self.parts)
    }

    /// The glob as it has to be for names without the `_total` of counters.
    pub(super) fn families(&self) -> Families {
        let families = match self.parts.split_last() {
            Some((Part::Literal(tail), before)) => Families::with_tail(before, tail),
            Some((Part::Any, before)) => Families::with_open_end(before),
            Some((Part::One | Part::Set(_), _)) | None => None,
        };
        families.unwrap_or_else(|| Families { body: self.plain(), loose: false })
    }

    /// Characters that mean something in a regular expression and that no metric has in its name: a sign that the glob
    /// was meant as one.
    pub(super) fn foreign_characters(&self) -> Vec<char> {
        let mut foreign: Vec<char> = self.text.chars().filter(|c| "^$.+()|\\{}".contains(*c)).collect();
        foreign.dedup();
        foreign
    }
}

impl Families {
    /// Of a glob that ends in text; none if `_total` changes nothing.
    fn with_tail(before: &[Part], tail: &str) -> Option<Self> {
        if let Some(kept) = tail.strip_suffix(TOTAL) {
            let stem = followed_by(before, kept);
            return Some(if is_open(&stem) {
                Self { body: body(&stem), loose: true }
            } else {
                Self { body: format!("{}(?:{TOTAL})?", body(&stem)), loose: false }
            });
        }
        (TOTAL.ends_with(tail) && is_open(before)).then(|| Self::ending_in_total(before))
    }

    /// Of a glob that ends in `*`; none if `_total` changes nothing. `a_*` means the counter `a_total`, which is `a` in the
    /// modern form.
    fn with_open_end(before: &[Part]) -> Option<Self> {
        let (Part::Literal(tail), before) = before.split_last()? else { return None };
        if TOTAL.contains(tail.as_str()) && is_open(before) {
            return Some(Self::ending_in_total(before));
        }
        let begun = (1..=TOTAL.len()).rev().map(|length| &TOTAL[..length]).find(|begun| tail.ends_with(begun))?;
        let stem = followed_by(before, &tail[..tail.len() - begun.len()]);
        let loose = is_open(&stem);
        let end = if loose { String::new() } else { format!("(?:{begun}.*)?") };
        (!stem.is_empty()).then(|| Self { body: body(&stem) + &end, loose })
    }

    /// Of a glob whose text behind the `*` that ends `before` may stand in `_total`. So may the end of the text before
    /// it: `a_*al` means the counter `a_total`.
    fn ending_in_total(before: &[Part]) -> Self {
        let wider = before.split_last().and_then(|(_, before)| Self::with_open_end(before));
        Self { body: wider.map_or_else(|| body(before), |wider| wider.body), loose: true }
    }
}

/// Parts and some more text.
fn followed_by(parts: &[Part], text: &str) -> Vec<Part> {
    let more = (!text.is_empty()).then(|| Part::Literal(text.to_owned()));
    parts.iter().cloned().chain(more).collect()
}

/// Whether anything may follow.
fn is_open(parts: &[Part]) -> bool {
    parts.last() == Some(&Part::Any)
}

fn body(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Literal(text) => pattern::escape(text),
        Part::Any => ".*".to_owned(),
        Part::One => ".".to_owned(),
        Part::Set(set) => set.clone(),
    });
    texts.collect()
}

/// The set that begins `rest`, behind its bracket, and what is behind it; none if it does not end.
fn set(rest: &str) -> Option<(String, &str)> {
    let (negated, inner) = match rest.strip_prefix('!') {
        Some(inner) => ("^", inner),
        None => ("", rest),
    };
    // A closing bracket at the beginning is one of the set.
    let first = inner.chars().next()?.len_utf8();
    let end = first + inner[first..].find(']')?;
    let mut members = String::new();
    for character in inner[..end].chars() {
        if "\\^[]&~|".contains(character) {
            members.push('\\');
        }
        members.push(character);
    }
    Some((format!("[{negated}{members}]"), &inner[end + 1..]))
}
