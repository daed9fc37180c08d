//! Rules of relabeling, in the words of Prometheus' settings: the option `metric_relabel_configs`.
//!
//! What Prometheus refuses is an error here; what it takes but cannot mean anything is a warning. Texts are taken
//! literally: references to the environment and to files are not expanded, since `$` has another meaning in them.

use std::num::NonZeroU64;

use super::node::{Node, Value};
use super::problem::Position;
use super::section::{Section, nearest};
use crate::relabel::{Action, AnchoredRegex, RelabelRule, SourceLabels, Template};

const DEFAULT_SEPARATOR: &str = ";";
const DEFAULT_REGEX: &str = "(.*)";
const DEFAULT_REPLACEMENT: &str = "$1";

/// The rules of a list; those that are wrong are left out.
pub(crate) fn read_relabel_rules(parent: &Section<'_>, option: &'static str) -> Vec<RelabelRule> {
    if parent.present(option).is_none() {
        return Vec::new();
    }
    let rules = parent.list(option).unwrap_or_default().iter().enumerate();
    let rules = rules.filter_map(|(i, node)| {
        let section = Section::new(parent.reading(), format!("rule {} of `{option}`", i + 1), node)?;
        let rule = read_rule(&section, node.at);
        section.finish_strictly();
        rule
    });
    rules.collect()
}

/// The word of an action.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl Word {
    const ALL: [(&str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, word)| *word == self).map_or("", |(text, _)| text)
    }

    /// What the action makes of an option of the rule.
    fn use_of(self, option: &str) -> Use {
        let used: &[&str] = match self {
            Self::Replace => &["source_labels", "separator", "regex", "target_label", "replacement"],
            Self::Keep | Self::Drop => &["source_labels", "separator", "regex"],
            Self::KeepEqual | Self::DropEqual => &["source_labels", "target_label"],
            Self::HashMod => &["source_labels", "separator", "target_label", "modulus"],
            Self::LabelMap => &["regex", "replacement"],
            Self::LabelDrop | Self::LabelKeep => &["regex"],
            Self::Lowercase | Self::Uppercase => &["source_labels", "separator", "target_label"],
        };
        let refuses = match self {
            Self::KeepEqual | Self::DropEqual | Self::LabelDrop | Self::LabelKeep => true,
            Self::Lowercase | Self::Uppercase => option == "replacement",
            Self::Replace | Self::Keep | Self::Drop | Self::HashMod | Self::LabelMap => false,
        };
        match (used.contains(&option), refuses) {
            (true, _) => Use::Used,
            (false, true) => Use::Refused,
            (false, false) => Use::Ignored,
        }
    }
}

enum Use {
    Used,
    /// Prometheus takes it, to no effect.
    Ignored,
    /// Prometheus does not take it.
    Refused,
}

/// An option with its place.
struct Given<T> {
    value: T,
    at: Position,
}

/// The options of a rule that are given.
struct Options {
    source_labels: Option<Given<Vec<String>>>,
    separator: Option<Given<String>>,
    regex: Option<Given<String>>,
    target_label: Option<Given<String>>,
    replacement: Option<Given<String>>,
    modulus: Option<Given<u64>>,
}

impl Options {
    fn read(section: &Section<'_>) -> Self {
        Self {
            source_labels: read_source_labels(section),
            separator: read_literal(section, "separator"),
            regex: read_literal(section, "regex"),
            target_label: read_literal(section, "target_label"),
            replacement: read_literal(section, "replacement"),
            modulus: read_modulus(section),
        }
    }

    /// The options that say something else than their defaults do.
    fn said(&self, word: Word) -> impl Iterator<Item = (&'static str, Position)> {
        let differs = |given: &Option<Given<String>>, default: &str| {
            given.as_ref().filter(|given| given.value != default).map(|given| given.at)
        };
        // For these two Prometheus does not take the default either when it is written down.
        let strict = matches!(word, Word::KeepEqual | Word::DropEqual);
        let regex =
            if strict { self.regex.as_ref().map(|given| given.at) } else { differs(&self.regex, DEFAULT_REGEX) };
        let said = [
            ("source_labels", self.source_labels.as_ref().map(|given| given.at)),
            ("separator", differs(&self.separator, DEFAULT_SEPARATOR)),
            ("regex", regex),
            ("target_label", differs(&self.target_label, "")),
            ("replacement", differs(&self.replacement, DEFAULT_REPLACEMENT)),
            ("modulus", self.modulus.as_ref().filter(|given| given.value != 0).map(|given| given.at)),
        ];
        said.into_iter().filter_map(|(option, at)| Some((option, at?)))
    }

    fn source(&self) -> SourceLabels {
        SourceLabels {
            names: self.source_labels.as_ref().map(|given| given.value.clone()).unwrap_or_default(),
            separator: self.separator.as_ref().map_or(DEFAULT_SEPARATOR, |given| &given.value).to_owned(),
        }
    }
}

fn read_rule(section: &Section<'_>, at: Position) -> Option<RelabelRule> {
    // All options are read whatever is wrong with one of them, so that all problems are found at once.
    let word = read_word(section);
    let options = Options::read(section);
    let regex = read_regex(section, &options);
    let (word, regex) = (word?, regex?);
    note_uses(section, word, &options);
    let target = || read_target(section, word, &options);
    let source = options.source();
    let action = match word {
        Word::Keep | Word::Drop => {
            if source.names.is_empty() {
                let message = format!(
                    "`{}` without `source_labels` looks at an empty text: it drops everything or nothing",
                    word.as_str()
                );
                section.warning(at, message);
            }
            if word == Word::Keep { Action::Keep { source, regex } } else { Action::Drop { source, regex } }
        }
        Word::Replace => {
            let target = Template::new(&target()?, &regex);
            let replacement = read_replacement(section, &options, &regex);
            note_unknown_groups(section, "target_label", &target, options.target_label.as_ref().map(|given| given.at));
            Action::Replace { source, target, replacement, regex }
        }
        Word::KeepEqual => Action::KeepEqual { source, target: target()? },
        Word::DropEqual => Action::DropEqual { source, target: target()? },
        Word::HashMod => Action::HashMod { source, target: target()?, modulus: read_divisor(section, &options)? },
        Word::LabelMap => {
            let replacement = read_replacement(section, &options, &regex);
            if replacement.as_str().is_empty() {
                let at = options.replacement.map_or(at, |given| given.at);
                section.error(at, "the `replacement` of `labelmap` is empty; expected the new name, such as `$1`");
                return None;
            }
            Action::LabelMap { replacement, regex }
        }
        Word::LabelDrop => Action::LabelDrop { regex },
        Word::LabelKeep => Action::LabelKeep { regex },
        Word::Lowercase => Action::Lowercase { source, target: target()? },
        Word::Uppercase => Action::Uppercase { source, target: target()? },
    };
    Some(RelabelRule { at, action })
}

fn read_word(section: &Section<'_>) -> Option<Word> {
    let words = || Word::ALL.map(|(text, _)| text);
    let Some(node) = section.node("action") else { return Some(Word::Replace) };
    let Value::Text(text) = &node.value else {
        let message = format!("the `action` is {}; expected one of `{}`", node.describe(), words().join("`, `"));
        section.error(node.at, message);
        return None;
    };
    let word = Word::ALL.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|&(_, word)| word);
    if word.is_none() {
        let hint = nearest(&text.to_ascii_lowercase(), words().into_iter()).map_or_else(
            || format!("expected one of `{}`", words().join("`, `")),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        section.error(node.at, format!("there is no action `{text}`; {hint}"));
    }
    word
}

/// Text as it is spelled; null is the empty text, as it is for Prometheus.
fn read_literal(section: &Section<'_>, option: &'static str) -> Option<Given<String>> {
    let node = section.node(option)?;
    let value = literal(node);
    if value.is_none() {
        section.error(node.at, format!("`{option}` is {}; expected text", node.describe()));
    }
    value.map(|value| Given { value, at: node.at })
}

fn literal(node: &Node) -> Option<String> {
    if matches!(node.value, Value::Null) { Some(String::new()) } else { node.key_text() }
}

fn read_source_labels(section: &Section<'_>) -> Option<Given<Vec<String>>> {
    let node = section.present("source_labels")?;
    let Value::List(list) = &node.value else {
        let message = format!("`source_labels` is {}; expected a list such as `[__name__, le]`", node.describe());
        section.error(node.at, message);
        return None;
    };
    let names = list.iter().enumerate().filter_map(|(i, node)| match literal(node) {
        Some(name) if !name.is_empty() => Some(name),
        Some(_) => {
            section
                .error(node.at, format!("entry {} of `source_labels` is empty; expected the name of a label", i + 1));
            None
        }
        None => {
            let message = format!("entry {} of `source_labels` is {}; expected text", i + 1, node.describe());
            section.error(node.at, message);
            None
        }
    });
    Some(Given { value: names.collect(), at: node.at })
}

fn read_modulus(section: &Section<'_>) -> Option<Given<u64>> {
    let node = section.present("modulus")?;
    let value = if let Value::Integer(number) = node.value { u64::try_from(number).ok() } else { None };
    if value.is_none() {
        let message = format!("`modulus` is {}; expected a whole number from 1 to {}", node.describe(), u64::MAX);
        section.error(node.at, message);
    }
    value.map(|value| Given { value, at: node.at })
}

fn read_divisor(section: &Section<'_>, options: &Options) -> Option<NonZeroU64> {
    let divisor = options.modulus.as_ref().and_then(|given| NonZeroU64::new(given.value));
    // What is no number at all has been reported.
    if divisor.is_none() && (options.modulus.is_some() || section.present("modulus").is_none()) {
        let at = options.modulus.as_ref().map_or(section.at(), |given| given.at);
        section.error(at, "`hashmod` needs a `modulus`, a whole number above zero");
    }
    divisor
}

fn read_regex(section: &Section<'_>, options: &Options) -> Option<AnchoredRegex> {
    let (text, at) = options.regex.as_ref().map_or((DEFAULT_REGEX, section.at()), |given| (&given.value, given.at));
    AnchoredRegex::new(text).map_err(|error| section.error(at, error.to_string())).ok()
}

fn read_target(section: &Section<'_>, word: Word, options: &Options) -> Option<String> {
    let given = options.target_label.as_ref();
    let target = given.filter(|given| !given.value.is_empty()).map(|given| given.value.clone());
    // What is no text at all has been reported.
    if target.is_none() && (given.is_some() || section.node("target_label").is_none()) {
        let at = given.map_or(section.at(), |given| given.at);
        section.error(at, format!("`{}` needs a `target_label`, the name of a label", word.as_str()));
    }
    target
}

fn read_replacement(section: &Section<'_>, options: &Options, regex: &AnchoredRegex) -> Template {
    let given = options.replacement.as_ref();
    let template = Template::new(given.map_or(DEFAULT_REPLACEMENT, |given| &given.value), regex);
    note_unknown_groups(section, "replacement", &template, given.map(|given| given.at));
    template
}

/// Reports options that the action does not use.
fn note_uses(section: &Section<'_>, word: Word, options: &Options) {
    for (option, at) in options.said(word) {
        match word.use_of(option) {
            Use::Used => {}
            Use::Ignored => section.warning(at, format!("`{option}` has no effect on the action `{}`", word.as_str())),
            Use::Refused => {
                section.error(at, format!("the action `{}` does not take `{option}`; leave it out", word.as_str()));
            }
        }
    }
}

/// Reports references to groups that the regular expression does not have.
fn note_unknown_groups(section: &Section<'_>, option: &str, template: &Template, at: Option<Position>) {
    for name in template.unknown_groups() {
        let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = name.split_at(digits);
        let hint = if number.is_empty() || rest.is_empty() {
            String::new()
        } else {
            format!("; write `${{{number}}}{rest}` for group {number} and the text `{rest}`")
        };
        let (the_default, at) = at.map_or(("the default ", section.at()), |at| ("", at));
        let message = format!(
            "{the_default}`{option}` `{}` names the group `{name}`, which `regex` does not have, so that it stands for \
             nothing{hint}",
            template.as_str()
        );
        section.warning(at, message);
    }
}
