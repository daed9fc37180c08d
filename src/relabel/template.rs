//! Texts with places for what the groups of a regular expression matched: `$1`, `${name}`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::pattern::AnchoredRegex;

/// What may stand between the braces of a reference, or after its dollar.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}_]+").expect("the pattern is valid, as every use of it shows"));

/// A replacement whose references are resolved against the groups of one regular expression.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    /// The first of these groups that took part in the match; nothing if none did.
    Group {
        name: String,
        groups: Vec<usize>,
    },
}

impl Template {
    /// Reads a text as Go's `Regexp.Expand` does: names are as long as they can be, `$$` is a dollar, and a dollar
    /// without a name after it is one as well.
    pub fn new(text: &str, regex: &AnchoredRegex) -> Self {
        let mut template = Self { text: text.to_owned(), parts: Vec::new() };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            template.literal(before);
            if let Some(after) = after.strip_prefix('$') {
                template.literal("$");
                rest = after;
            } else if let Some((name, after)) = reference(after) {
                template.parts.push(Part::Group { name: name.to_owned(), groups: regex.groups(name) });
                rest = after;
            } else {
                template.literal("$");
                rest = after;
            }
        }
        template.literal(rest);
        template
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The references that no group answers to, so that they stand for nothing.
    pub fn unknown_groups(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Group { name, groups } if groups.is_empty() => Some(name.as_str()),
            Part::Group { .. } | Part::Literal(_) => None,
        })
    }

    /// Whether the text comes out the same whatever was matched.
    pub(super) fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Literal(_) => true,
            Part::Group { groups, .. } => groups.is_empty(),
        })
    }

    /// The text for one match; none will do for a template that is constant.
    pub(super) fn expand(&self, captures: Option<&Captures<'_>>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(match part {
                Part::Literal(literal) => literal,
                Part::Group { groups, .. } => {
                    let found = groups.iter().find_map(|&group| captures?.get(group));
                    found.map_or("", |group| group.as_str())
                }
            });
        }
        text
    }

    fn literal(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(literal)) => literal.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Literal(text.to_owned())),
        }
    }
}

/// The name after a dollar, with or without braces, and what follows.
fn reference(after: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match after.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (after, false),
    };
    let (name, rest) = inner.split_at(NAME.find(inner)?.end());
    Some((name, if braced { rest.strip_prefix('}')? } else { rest }))
}
