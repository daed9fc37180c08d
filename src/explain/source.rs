//! The text of the settings file, of which explanations quote the entries that did something, and nothing else.

use crate::config::Position;

/// Keys that may stand below the first line of an entry; where another begins, the quotation ends.
const KEYS_OF_ENTRIES: [&str; 15] = [
    "name",
    "type",
    "scale",
    "label",
    "scheme",
    "gauge_aggregation",
    "source_labels",
    "separator",
    "target_label",
    "regex",
    "modulus",
    "replacement",
    "action",
    "values",
    "match",
];

/// The most lines that are quoted of an entry.
const QUOTED_LINES: usize = 7;

/// A settings file.
#[derive(Clone, Debug, Default)]
pub struct Source {
    file: String,
    lines: Vec<String>,
}

/// An entry of the settings that did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The option that it is an entry of.
    pub option: String,
    /// The file.
    pub file: String,
    /// Where it stands.
    pub at: Position,
    /// How it is written; empty if the text of the settings is not known.
    pub text: String,
}

impl Source {
    /// A file of this name with this text.
    pub fn new(file: impl Into<String>, text: &str) -> Self {
        Self { file: file.into(), lines: text.lines().map(str::to_owned).collect() }
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// An entry that stands on one line.
    pub(super) fn rule(&self, option: &str, at: Position) -> Rule {
        let text = self.quote(at).map(|(text, _)| text).unwrap_or_default();
        Rule { option: option.to_owned(), file: self.file.clone(), at, text }
    }

    /// An entry of a list, with the lines that belong to it.
    pub(super) fn entry(&self, option: &str, at: Position) -> Rule {
        let mut rule = self.rule(option, at);
        let Some((_, indent)) = self.quote(at) else { return rule };
        for line in self.lines.iter().skip(line_index(at) + 1).take(QUOTED_LINES) {
            let own = line.len() - line.trim_start().len();
            let is_part = KEYS_OF_ENTRIES.iter().any(|key| line.trim_start().starts_with(&format!("{key}:")));
            if own <= indent || !is_part {
                break;
            }
            rule.text.push('\n');
            rule.text.push_str(line.get(indent..).unwrap_or(line).trim_end());
        }
        rule
    }

    /// What stands at a place up to the end of the entry, with the dash before it, and how far its line is indented.
    /// Other things on the line are not shown: in a mapping in braces a password may be the neighbour.
    fn quote(&self, at: Position) -> Option<(String, usize)> {
        let line = self.lines.get(line_index(at))?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let begin = line.char_indices().nth(column).map(|(begin, _)| begin)?;
        let (before, entry) = line.split_at(begin);
        let dash = if before.trim() == "-" { "- " } else { "" };
        let indent = line.len() - line.trim_start().len();
        Some((format!("{dash}{}", up_to_end(entry)), indent))
    }
}

fn line_index(at: Position) -> usize {
    usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// The text up to where an entry ends: at a comma or bracket that it did not open, or at a comment.
fn up_to_end(text: &str) -> &str {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            // Elsewhere it is an apostrophe.
            (None, '"' | '\'') if " [{,:".contains(before) => quote = Some(character),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') if depth == 0 => return text[..at].trim_end(),
            (None, ']' | '}' | ')') => depth -= 1,
            (None, ',') if depth == 0 && text[at + 1..].starts_with([' ', '\t']) => return text[..at].trim_end(),
            (None, '#') if before.is_whitespace() => return text[..at].trim_end(),
            (Some(_) | None, _) => {}
        }
        before = character;
    }
    text.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "instances:\n  - {openmetrics_endpoint: x, password: secret, metrics: [a, b], namespace: n}\n  \
                        - metrics:\n      - ^x_(a|b), c: {type: gauge} # why\n      - a:\n          name: b\n          \
                        type: gauge\n      password: secret\n";

    #[test]
    fn only_the_entry_itself_is_quoted() {
        let source = Source::new("conf.yaml", TEXT);
        let at = |line, column| Position { line, column };
        let on_second = |text: &str| at(2, TEXT.lines().nth(1).unwrap().find(text).unwrap() as u64 + 1);
        assert_eq!(source.rule("metrics", on_second("a, b")).text, "a");
        assert_eq!(source.rule("namespace", on_second("namespace")).text, "namespace: n");
        assert_eq!(source.entry("metrics", at(4, 9)).text, "- ^x_(a|b)");
        assert_eq!(source.entry("metrics", at(5, 9)).text, "- a:\n    name: b\n    type: gauge");
        assert_eq!(source.entry("metrics", at(99, 1)).text, "");
    }
}
