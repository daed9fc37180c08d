//! Regular expressions as Datadog's settings mean them: Python's syntax, searched anywhere in the text.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The characters that make a metric name in the settings a pattern: those that Python's escaping of regular
/// expressions puts a backslash before.
const PATTERN_CHARACTERS: &[char] = &[
    '(', ')', '[', ']', '{', '}', '?', '*', '+', '-', '|', '^', '$', '\\', '.', '&', '~', '#', ' ', '\t', '\n', '\r',
    '\u{b}', '\u{c}',
];

/// One expression, or several of which any may match.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    /// Linear in the length of the text, whatever the expression.
    Linear(regex::Regex),
    /// For look-around and back-references; gives up after a bounded number of steps.
    Backtracking(Arc<Backtracking>),
}

struct Backtracking {
    regex: fancy_regex::Regex,
    /// Whether a search was given up and logged: once is enough.
    given_up: AtomicBool,
}

impl Pattern {
    /// Compiles one expression; the error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let engine = match regex::Regex::new(text) {
            Ok(regex) => Engine::Linear(regex),
            Err(regex::Error::CompiledTooBig(limit)) => {
                return Err(format!("the regular expression `{text}` needs more than {limit} bytes when compiled"));
            }
            Err(_) => match fancy_regex::Regex::new(&python_syntax(text)) {
                Ok(regex) => Engine::Backtracking(Arc::new(Backtracking { regex, given_up: AtomicBool::new(false) })),
                Err(error) => return Err(format!("`{text}` is not a regular expression: {error}")),
            },
        };
        Ok(Self { text: text.to_owned(), engine })
    }

    /// Joins expressions that are each valid into one that matches where any of them does.
    pub fn any_of(texts: &[String]) -> Result<Self, String> {
        Self::new(&texts.join("|"))
    }

    /// Whether a metric name in the settings is a pattern, and not a name to be taken literally.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(PATTERN_CHARACTERS)
    }

    /// Whether the expression is found anywhere in `text`. A search that takes too many steps counts as not found and
    /// is logged once.
    pub fn is_found_in(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(engine) => engine.regex.is_match(text).unwrap_or_else(|error| {
                if !engine.given_up.swap(true, Ordering::Relaxed) {
                    tracing::warn!(pattern = %self.text, %error, "a search was given up and counts as not found");
                }
                false
            }),
        }
    }

    /// How many groups the expression has.
    pub(crate) fn groups(&self) -> usize {
        let all = match &self.engine {
            Engine::Linear(regex) => regex.captures_len(),
            Engine::Backtracking(engine) => engine.regex.captures_len(),
        };
        all.saturating_sub(1)
    }

    /// What the first group stands for where the expression is first found in `text`.
    pub(crate) fn first_group<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.engine {
            Engine::Linear(regex) => regex.captures(text)?.get(1).map(|group| group.as_str()),
            Engine::Backtracking(engine) => {
                engine.regex.captures(text).ok().flatten()?.get(1).map(|group| group.as_str())
            }
        }
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Python's end-of-text anchor `\Z` is spelled `\z` here.
fn python_syntax(text: &str) -> String {
    let mut translated = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        translated.push(character);
        if character == '\\'
            && let Some(escaped) = characters.next()
        {
            translated.push(if escaped == 'Z' { 'z' } else { escaped });
        }
    }
    translated
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
