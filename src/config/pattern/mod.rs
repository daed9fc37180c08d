//! Regular expressions as Datadog's settings mean them: those of Python's `re` (3.11 and later), searched anywhere in
//! the text.
//!
//! An expression is read by Python's rules and written anew for an engine, so that both its syntax and its meaning are
//! Python's, whatever the engine's own are.

mod characters;
mod engine;
mod escapes;
mod groups;
mod parser;
mod refusal;
mod sets;
mod syntax;
mod tokens;
mod translate;
mod width;

use std::fmt;
use std::sync::Arc;

use engine::Engine;
use parser::parse;
use refusal::Refusal;
use syntax::{Asker, Expression};

use crate::interned::Interned;

/// The characters that make a metric name in the settings a pattern: those that Python's escaping of regular
/// expressions puts a backslash before.
const PATTERN_CHARACTERS: &[char] = &[
    '(', ')', '[', ']', '{', '}', '?', '*', '+', '-', '|', '^', '$', '\\', '.', '&', '~', '#', ' ', '\t', '\n', '\r',
    '\u{b}', '\u{c}',
];

/// One expression, or several of which any may match. Cloning it is cheap.
#[derive(Clone)]
pub struct Pattern {
    compiled: Arc<Compiled>,
}

struct Compiled {
    text: String,
    engine: Engine,
}

/// Why a list of expressions cannot be joined into one.
#[derive(Debug)]
pub(crate) struct JoinRefusal {
    /// The place in the list of the entry that is to blame; none if all together are too large.
    pub(crate) entry: Option<usize>,
    pub(crate) message: String,
}

impl Compiled {
    fn of(text: &str, expression: &Expression) -> Result<Self, Fault> {
        let engine = Engine::new(expression).map_err(Fault::Uncompiled)?;
        Ok(Self { text: text.to_owned(), engine })
    }
}

impl Pattern {
    /// Compiles one expression; the error says what is wrong with it, at which character, and what to write instead.
    pub fn new(text: &str) -> Result<Self, String> {
        Self::compile(text).map_err(|fault| message(text, &fault))
    }

    /// Compiles an expression with exactly one group, of which [`Pattern::group_in`] tells the match.
    pub fn with_one_group(text: &str) -> Result<Self, String> {
        const GROUP: usize = 1;
        let mut expression = parse(text).map_err(|refusal| message(text, &Fault::Refused(refusal)))?;
        let groups = expression.askers.len() - 1;
        if groups != 1 {
            return Err(format!("the pattern `{text}` has {groups} groups; expected exactly one, `(...)`"));
        }
        // One that the expression itself asks for has to go on doing that.
        if expression.askers[GROUP] == Asker::Nobody {
            expression.askers[GROUP] = Asker::Outside;
        }
        expression.names = vec![(String::new(), GROUP)];
        let compiled = Compiled::of(text, &expression).map_err(|fault| message(text, &fault))?;
        Ok(Self { compiled: Arc::new(compiled) })
    }

    /// Joins expressions into one that matches where any of them does. As in Python the whole is one expression: groups
    /// are counted through, and flags at the beginning of the first entry hold for all.
    pub fn any_of(texts: &[String]) -> Result<Self, String> {
        Self::join(texts).map_err(|refusal| refusal.message)
    }

    /// As [`Pattern::any_of`]; the error says which entry is to blame.
    pub(crate) fn join(texts: &[String]) -> Result<Self, JoinRefusal> {
        let joined = texts.join("|");
        Self::compile(&joined).map_err(|fault| match fault {
            Fault::Refused(Refusal { at, why }) => {
                let (entry, at) = entry_at(texts, at);
                let text = texts.get(entry).map_or("", String::as_str);
                JoinRefusal { entry: Some(entry), message: message(text, &Fault::Refused(Refusal { at, why })) }
            }
            fault @ Fault::Uncompiled(_) => JoinRefusal { entry: None, message: message(&joined, &fault) },
        })
    }

    fn compile(text: &str) -> Result<Self, Fault> {
        static COMPILED: Interned<Compiled> = Interned::new();
        let compile = || Compiled::of(text, &parse(text).map_err(Fault::Refused)?);
        COMPILED.get_or_make(text, compile).map(|compiled| Self { compiled })
    }

    /// Whether a metric name in the settings is a pattern, and not a name to be taken literally.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(PATTERN_CHARACTERS)
    }

    /// Whether the expression is found anywhere in `text`. A search that takes too many steps counts as not found and
    /// is logged once.
    pub fn is_found_in(&self, text: &str) -> bool {
        self.compiled.engine.is_found_in(text, self.as_str())
    }

    /// The named groups (`(?P<name>...)`) that took part in the first match, in the order of the expression, each with
    /// what it matched. None if the expression is not found.
    pub fn named_groups_in<'t>(&self, text: &'t str) -> Option<Vec<(&str, &'t str)>> {
        self.compiled.engine.named_groups(text, self.as_str())
    }

    /// What the group of an expression made by [`Pattern::with_one_group`] matched; none if the expression is not found,
    /// or found without the group.
    pub fn group_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.named_groups_in(text)?.first().map(|&(_, matched)| matched)
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.compiled.text
    }
}

/// Why there is no pattern.
enum Fault {
    /// The text is not an expression.
    Refused(Refusal),
    /// No engine takes the expression.
    Uncompiled(String),
}

fn message(text: &str, fault: &Fault) -> String {
    match fault {
        Fault::Refused(refusal) => format!("`{text}` is not a regular expression: {refusal}"),
        Fault::Uncompiled(why) => format!("the regular expression `{text}` cannot be used: {why}"),
    }
}

/// The entry in which a character of the joined text stands, and the character's place in it.
fn entry_at(texts: &[String], mut at: usize) -> (usize, usize) {
    for (entry, text) in texts.iter().enumerate() {
        let length = text.chars().count();
        if at <= length {
            return (entry, at);
        }
        at -= length + 1;
    }
    (texts.len().saturating_sub(1), at)
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// `text` as an expression that is found where the text is.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if PATTERN_CHARACTERS.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
