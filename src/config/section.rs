//! Reads one mapping of the settings, option by option, and reports what does not fit.

use std::cell::RefCell;
use std::collections::HashSet;

use super::expand::{Surroundings, expand};
use super::node::{Node, Value};
use super::pattern::Pattern;
use super::problem::{Position, Problems};

/// What is shared by all sections of a file.
pub(crate) struct Reading<'a> {
    pub(crate) problems: &'a RefCell<Problems>,
    pub(crate) surroundings: &'a dyn Surroundings,
}

/// A mapping that is being read. Every option that is asked for is known; [`Section::finish`] reports the others.
pub(crate) struct Section<'a> {
    reading: &'a Reading<'a>,
    /// What the section is, for messages: `the instance`.
    name: String,
    at: Position,
    entries: Vec<(String, Position, &'a Node)>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The mapping behind `node`; anything else is an error, nothing at all is an empty mapping.
    pub(crate) fn new(reading: &'a Reading<'a>, name: impl Into<String>, node: &'a Node) -> Option<Self> {
        let name = name.into();
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                let message = format!("{name} is {}; expected a mapping of options", node.describe());
                reading.problems.borrow_mut().error(node.at, message);
                return None;
            }
        };
        let mut named = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match key.key_text() {
                Some(text) => named.push((text, key.at, value)),
                None => reading.problems.borrow_mut().error(key.at, format!("a key of {name} is {}", key.describe())),
            }
        }
        Some(Self { reading, name, at: node.at, entries: named, known: RefCell::default() })
    }

    pub(crate) fn at(&self) -> Position {
        self.at
    }

    pub(crate) fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// The node of an option and the place of its key.
    pub(crate) fn node(&self, option: &'static str) -> Option<&'a Node> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&option) {
            known.push(option);
        }
        self.entries.iter().find(|(key, ..)| key == option).map(|&(_, _, node)| node)
    }

    /// Like [`Section::node`], but null is as good as nothing: options whose default is that there is none.
    pub(crate) fn present(&self, option: &'static str) -> Option<&'a Node> {
        self.node(option).filter(|node| !matches!(node.value, Value::Null))
    }

    /// All pairs; used where the keys are the user's own.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, Position, &'a Node)> {
        self.entries.iter().map(|(key, at, node)| (key.as_str(), *at, *node))
    }

    pub(crate) fn error(&self, at: Position, message: impl Into<String>) {
        self.reading.problems.borrow_mut().error(at, message);
    }

    pub(crate) fn warning(&self, at: Position, message: impl Into<String>) {
        self.reading.problems.borrow_mut().warning(at, message);
    }

    pub(crate) fn note(&self, at: Position, message: impl Into<String>) {
        self.reading.problems.borrow_mut().note(at, message);
    }

    /// Text with its references expanded; any other kind of value is an error.
    pub(crate) fn text(&self, option: &'static str) -> Option<String> {
        let node = self.node(option)?;
        self.expect_text(&format!("`{option}`"), node)
    }

    /// Like [`Section::text`], where null is as good as nothing.
    pub(crate) fn text_if_any(&self, option: &'static str) -> Option<String> {
        self.present(option).and_then(|node| self.expect_text(&format!("`{option}`"), node))
    }

    /// Text that may also be spelled as a number or boolean, as is common for names and tokens.
    pub(crate) fn scalar_text(&self, option: &'static str) -> Option<String> {
        let node = self.node(option)?;
        match &node.value {
            Value::Null => None,
            Value::List(_) | Value::Mapping(_) => {
                self.error(node.at, format!("`{option}` is {}; expected text", node.describe()));
                None
            }
            _ => self.expand(node.at, &node.key_text()?),
        }
    }

    /// The lenient boolean of the Agent: text is true if it is one of `yes`, `true`, `1`, `y`, `on` in any case; null,
    /// zero and what is empty are false.
    pub(crate) fn affirmative(&self, option: &'static str, default: bool) -> bool {
        let Some(node) = self.node(option) else { return default };
        match &node.value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Integer(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::List(list) => !list.is_empty(),
            Value::Mapping(entries) => !entries.is_empty(),
            Value::Text(text) => self.expand(node.at, text).is_some_and(|text| is_affirmative(&text)),
        }
    }

    /// A number, or text that spells one, that is not negative.
    pub(crate) fn number(&self, option: &'static str) -> Option<f64> {
        let node = self.node(option)?;
        let number = match &node.value {
            Value::Integer(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            Value::Text(text) => self.expand(node.at, text)?.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() && number >= 0.0 => Some(number),
            Some(number) => {
                self.error(node.at, format!("`{option}` is `{number}`; expected a number that is not negative"));
                None
            }
            None => {
                self.error(node.at, format!("`{option}` is {}; expected a number", node.describe()));
                None
            }
        }
    }

    /// A whole number that is not negative; text may have one of the units of Prometheus' sizes, all of them powers of
    /// 1024: `10MB`.
    pub(crate) fn size(&self, option: &'static str) -> Option<u64> {
        const UNITS: [(&str, u32); 9] = [
            ("KiB", 10),
            ("MiB", 20),
            ("GiB", 30),
            ("TiB", 40),
            ("KB", 10),
            ("MB", 20),
            ("GB", 30),
            ("TB", 40),
            ("B", 0),
        ];
        let node = self.present(option)?;
        let size = match &node.value {
            Value::Integer(value) => u64::try_from(*value).ok(),
            Value::Text(text) => {
                let text = self.expand(node.at, text)?;
                let text = text.trim();
                let unit = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
                let (digits, shift) = unit.unwrap_or((text, &0));
                digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift))
            }
            _ => None,
        };
        if size.is_none() {
            let message = format!(
                "`{option}` is {}; expected a whole number, or one with a unit such as `10MB`",
                node.describe()
            );
            self.error(node.at, message);
        }
        size
    }

    /// A list of texts with their references expanded; entries of another kind are errors with their place in the list.
    pub(crate) fn text_list(&self, option: &'static str) -> Vec<String> {
        let Some(list) = self.list(option) else { return Vec::new() };
        let entries = list.iter().enumerate();
        entries.filter_map(|(i, node)| self.expect_text(&format!("entry {} of `{option}`", i + 1), node)).collect()
    }

    /// A list of regular expressions, taken literally: references are not expanded in patterns.
    pub(crate) fn pattern_list(&self, option: &'static str) -> Vec<(Position, String)> {
        let Some(list) = self.list(option) else { return Vec::new() };
        self.patterns_of(&format!("`{option}`"), list)
    }

    /// The texts of a list of patterns, which [`Section::joined`] compiles; `what` names the list in messages.
    pub(crate) fn patterns_of(&self, what: &str, list: &[Node]) -> Vec<(Position, String)> {
        let text = |(i, node): (usize, &Node)| {
            let Value::Text(text) = &node.value else {
                self.error(node.at, format!("entry {} of {what} is {}; expected text", i + 1, node.describe()));
                return None;
            };
            Some((node.at, text.clone()))
        };
        list.iter().enumerate().filter_map(text).collect()
    }

    /// One pattern out of all those of the list at `at`; none if there are none. Each entry that is to blame for an error
    /// is reported where it stands.
    pub(crate) fn joined(&self, at: Position, patterns: &[(Position, String)]) -> Option<Pattern> {
        let (mut places, mut texts): (Vec<_>, Vec<_>) = patterns.iter().cloned().unzip();
        let mut is_faulty = false;
        while !texts.is_empty() {
            let refusal = match Pattern::join(&texts) {
                Ok(pattern) => return (!is_faulty).then_some(pattern),
                Err(refusal) => refusal,
            };
            is_faulty = true;
            let Some(entry) = refusal.entry else {
                self.error(at, refusal.message);
                break;
            };
            self.error(places[entry], refusal.message);
            places.remove(entry);
            // What is wrong only among the others says nothing about the others.
            if Pattern::new(&texts.remove(entry)).is_ok() {
                break;
            }
        }
        None
    }

    /// A list as it stands.
    pub(crate) fn list(&self, option: &'static str) -> Option<&'a [Node]> {
        let node = self.node(option)?;
        if let Value::List(list) = &node.value {
            return Some(list);
        }
        self.error(node.at, format!("`{option}` is {}; expected a list", node.describe()));
        None
    }

    /// A mapping with keys of the user's own.
    pub(crate) fn mapping(&self, option: &'static str) -> Option<Section<'a>> {
        let node = self.node(option)?;
        if let Value::Mapping(_) = node.value {
            return Section::new(self.reading, format!("`{option}`"), node);
        }
        self.error(node.at, format!("`{option}` is {}; expected a mapping", node.describe()));
        None
    }

    /// Text, whatever it is called in messages.
    pub(crate) fn expect_text(&self, what: &str, node: &Node) -> Option<String> {
        if let Value::Text(text) = &node.value {
            return self.expand(node.at, text);
        }
        self.error(node.at, format!("{what} is {}; expected text", node.describe()));
        None
    }

    fn expand(&self, at: Position, text: &str) -> Option<String> {
        expand(text, self.reading.surroundings).map_err(|message| self.error(at, message)).ok()
    }

    /// Reports every key that nobody asked for, with the nearest known spelling.
    pub(crate) fn finish(self) {
        for (at, message) in self.unknown() {
            self.warning(at, message.unwrap_or_else(|unknown| format!("{unknown}; it has no effect")));
        }
    }

    /// Like [`Section::finish`] for settings that are not the Agent's, where such a key is an error.
    pub(crate) fn finish_strictly(self) {
        for (at, message) in self.unknown() {
            let known = self.known.borrow().join("`, `");
            self.error(at, message.unwrap_or_else(|unknown| format!("{unknown}; expected one of `{known}`")));
        }
    }

    /// What is said of each key that nobody asked for; an error if no known key is spelled like it.
    fn unknown(&self) -> Vec<(Position, Result<String, String>)> {
        let known: HashSet<&str> = self.known.borrow().iter().copied().collect();
        let unknown = self.entries.iter().filter(|(key, ..)| !known.contains(key.as_str()));
        let said = unknown.map(|(key, at, _)| {
            let message = format!("{} has no option `{key}`", self.name);
            let hint =
                nearest(key, known.iter().copied()).map(|nearest| format!("{message}; did you mean `{nearest}`?"));
            (*at, hint.ok_or(message))
        });
        said.collect()
    }
}

/// Whether text stands for true in the Agent's settings.
pub(crate) fn is_affirmative(text: &str) -> bool {
    ["yes", "true", "1", "y", "on"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The candidate that is spelled most like `word`, if any is near.
pub(crate) fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let scored = candidates.map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let (distance, candidate) = scored.min()?;
    (distance <= 1 + word.len() / 4).then_some(candidate)
}
