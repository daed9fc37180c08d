//! Applies rules to labels.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::case;
use super::labels::LabelBuilder;
use super::names::NameValidation;
use super::pattern::AnchoredRegex;
use super::rule::{Action, RelabelRule};
use super::template::Template;

/// Rules that are applied one after the other.
#[derive(Clone, Debug, Default)]
pub struct Relabeler {
    rules: Vec<RelabelRule>,
    names: NameValidation,
}

/// What became of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// They are kept, as changed. There may be none left, or no name of the metric: what that means is for the caller.
    Kept,
    /// They are dropped, and what has them.
    Dropped {
        /// Index of the rule that did it; those after it had no say.
        rule: usize,
    },
}

/// Is told what each rule does.
pub trait RelabelObserver {
    /// The rule with this index gave `label` another value. An absent label has the empty value.
    fn changed(&mut self, rule: usize, label: &str, before: &str, after: &str);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl RelabelObserver for NoObserver {
    #[inline]
    fn changed(&mut self, _: usize, _: &str, _: &str, _: &str) {}
}

impl Relabeler {
    /// Rules in their order, and which names they may give to labels.
    pub fn new(rules: Vec<RelabelRule>, names: NameValidation) -> Self {
        Self { rules, names }
    }

    /// The rules; the indices of verdicts and changes mean them.
    pub fn rules(&self) -> &[RelabelRule] {
        &self.rules
    }

    /// Whether nothing is ever changed or dropped.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Applies all rules up to the first that drops the labels.
    pub fn apply(&self, labels: &mut LabelBuilder<'_>, observer: &mut impl RelabelObserver) -> Verdict {
        for (index, rule) in self.rules.iter().enumerate() {
            let mut step = Step { index, names: self.names, labels, observer };
            if !step.keeps(&rule.action) {
                return Verdict::Dropped { rule: index };
            }
        }
        Verdict::Kept
    }
}

/// One rule at work.
struct Step<'s, 'a, O> {
    index: usize,
    names: NameValidation,
    labels: &'s mut LabelBuilder<'a>,
    observer: &'s mut O,
}

impl<'a, O: RelabelObserver> Step<'_, 'a, O> {
    /// Does what the action says; false if that is to drop the labels.
    fn keeps(&mut self, action: &Action) -> bool {
        match action {
            Action::Keep { source, regex } => return regex.is_match(&source.input(self.labels)),
            Action::Drop { source, regex } => return !regex.is_match(&source.input(self.labels)),
            Action::KeepEqual { source, target } => return source.input(self.labels) == self.labels.get(target),
            Action::DropEqual { source, target } => return source.input(self.labels) != self.labels.get(target),
            Action::Replace { source, regex, target, replacement } => {
                let replaced = replace(&source.input(self.labels), regex, target, replacement);
                if let Some((name, value)) = replaced.filter(|(name, _)| self.names.accepts(name)) {
                    self.set(name, value);
                }
            }
            Action::HashMod { source, target, modulus } => {
                let number = hash(&source.input(self.labels)) % modulus.get();
                self.set(target.clone(), number.to_string());
            }
            Action::Lowercase { source, target } => {
                let lowered = case::lower(&source.input(self.labels));
                self.set(target.clone(), lowered);
            }
            Action::Uppercase { source, target } => {
                let raised = case::upper(&source.input(self.labels));
                self.set(target.clone(), raised);
            }
            Action::LabelMap { regex, replacement } => {
                for (name, value) in self.labels.select(|name| expanded(name, regex, replacement)) {
                    if !name.is_empty() {
                        self.set(name, value);
                    }
                }
            }
            Action::LabelDrop { regex } => self.retain(|name| !regex.is_match(name)),
            Action::LabelKeep { regex } => self.retain(|name| regex.is_match(name)),
        }
        true
    }

    fn set(&mut self, name: String, value: impl Into<Cow<'a, str>>) {
        let (index, observer) = (self.index, &mut *self.observer);
        let changed = |label: &str, before: &str, after: &str| observer.changed(index, label, before, after);
        self.labels.exchange(name.into(), value.into(), changed);
    }

    fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let (index, observer) = (self.index, &mut *self.observer);
        self.labels.retain(keep, |label, before| observer.changed(index, label, before, ""));
    }
}

/// Name and value of the label to be set, if the input matches.
fn replace(input: &str, regex: &AnchoredRegex, target: &Template, value: &Template) -> Option<(String, String)> {
    if !regex.is_match(input) {
        return None;
    }
    let captures = if target.is_constant() && value.is_constant() { None } else { regex.captures(input) };
    Some((target.expand(captures.as_ref()), value.expand(captures.as_ref())))
}

/// The new name of a label whose name matches.
fn expanded(name: &str, regex: &AnchoredRegex, replacement: &Template) -> Option<String> {
    regex.is_match(name).then(|| replacement.expand(regex.captures(name).as_ref()))
}

/// The last eight bytes of the MD5, the first of them the most significant.
fn hash(input: &str) -> u64 {
    u128::from_be_bytes(Md5::digest(input).into()) as u64
}
