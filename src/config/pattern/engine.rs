//! Chooses who searches, and searches.
//!
//! What `regex` can express it searches, in time linear in the text; the rest is for `fancy-regex`, which gives up after
//! a bounded number of steps.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::syntax::Expression;
use super::translate::{Dialect, Scope, Translation, translate};

/// Bytes that an expression may take when it is compiled.
const SIZE_LIMIT: usize = 10 << 20;

/// Instructions that an expression may take for the backtracking engine.
const PROGRAM_LIMIT: usize = 100_000;

/// Times that a search may go back to a choice that it made.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A compiled expression.
pub(super) enum Engine {
    Linear(Linear),
    Backtracking(Backtracking),
}

pub(super) struct Linear {
    regex: regex::Regex,
    names: Vec<(String, usize)>,
    scope: Scope,
    /// For texts beyond `scope`, which few searches see.
    beyond: Box<Beyond>,
}

struct Beyond {
    /// The whole expression again, for the other engine.
    translation: Translation,
    /// None in it if the expression is too large.
    compiled: OnceLock<Option<Backtracking>>,
}

pub(super) struct Backtracking {
    regex: fancy_regex::Regex,
    names: Vec<(String, usize)>,
    /// Whether a search was given up and logged: once is enough.
    given_up: AtomicBool,
}

/// The named groups that took part in a match, and what they matched.
pub(super) type Groups<'p, 't> = Vec<(&'p str, &'t str)>;

impl Engine {
    /// Compiles an expression; the error says why no engine takes it.
    pub(super) fn new(expression: &Expression) -> Result<Self, String> {
        let backtracking = translate(expression, Dialect::Backtracking).expect("this dialect expresses everything");
        let Some(linear) = translate(expression, Dialect::Linear) else {
            return Backtracking::new(&backtracking).map(Self::Backtracking);
        };
        let regex =
            regex::RegexBuilder::new(&linear.text).size_limit(SIZE_LIMIT).build().map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => too_large(),
                other => format!("it is too complicated: {other}"),
            })?;
        let beyond = Box::new(Beyond { translation: backtracking, compiled: OnceLock::new() });
        Ok(Self::Linear(Linear { regex, names: linear.names, scope: linear.scope, beyond }))
    }

    /// Whether the expression is found; `pattern` is its text, for the log.
    pub(super) fn is_found_in(&self, text: &str, pattern: &str) -> bool {
        match self.for_text(text, pattern) {
            Some(Searcher::Linear(linear)) => linear.regex.is_match(text),
            Some(Searcher::Backtracking(engine)) => {
                engine.regex.is_match(text).unwrap_or_else(|error| engine.give_up(&error, pattern))
            }
            None => false,
        }
    }

    pub(super) fn named_groups<'p, 't>(&'p self, text: &'t str, pattern: &str) -> Option<Groups<'p, 't>> {
        match self.for_text(text, pattern)? {
            Searcher::Linear(linear) => {
                let captures = linear.regex.captures(text)?;
                Some(groups(&linear.names, |group| captures.get(group).map(|matched| matched.as_str())))
            }
            Searcher::Backtracking(engine) => {
                let captures = engine.regex.captures(text).unwrap_or_else(|error| {
                    engine.give_up(&error, pattern);
                    None
                })?;
                Some(groups(&engine.names, |group| captures.get(group).map(|matched| matched.as_str())))
            }
        }
    }

    /// Who searches this text; none if the expression is too large for it.
    fn for_text(&self, text: &str, pattern: &str) -> Option<Searcher<'_>> {
        match self {
            Self::Linear(linear) if linear.scope.contains(text) => Some(Searcher::Linear(linear)),
            Self::Linear(linear) => linear.beyond.engine(pattern).map(Searcher::Backtracking),
            Self::Backtracking(engine) => Some(Searcher::Backtracking(engine)),
        }
    }
}

enum Searcher<'a> {
    Linear(&'a Linear),
    Backtracking(&'a Backtracking),
}

impl Beyond {
    fn engine(&self, pattern: &str) -> Option<&Backtracking> {
        let compiled = self.compiled.get_or_init(|| {
            Backtracking::new(&self.translation)
                .inspect_err(
                    |error| tracing::warn!(pattern, %error, "texts in which this is searched count as without it"),
                )
                .ok()
        });
        compiled.as_ref()
    }
}

impl Backtracking {
    fn new(translation: &Translation) -> Result<Self, String> {
        let regex = fancy_regex::RegexBuilder::new(&translation.text)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(SIZE_LIMIT)
            .max_prog_size(PROGRAM_LIMIT)
            .build()
            .map_err(|error| match error {
                fancy_regex::Error::CompileError(error)
                    if matches!(*error, fancy_regex::CompileError::PatternTooComplex) =>
                {
                    too_large()
                }
                other => format!("it is too complicated: {other}"),
            })?;
        Ok(Self { regex, names: translation.names.clone(), given_up: AtomicBool::new(false) })
    }

    /// Logs the first time that a search is given up. It counts as not found.
    fn give_up(&self, error: &fancy_regex::Error, pattern: &str) -> bool {
        if !self.given_up.swap(true, Ordering::Relaxed) {
            tracing::warn!(pattern, %error, "a search was given up and counts as not found");
        }
        false
    }
}

fn groups<'p, 't>(names: &'p [(String, usize)], matched: impl Fn(usize) -> Option<&'t str>) -> Groups<'p, 't> {
    names.iter().filter_map(|(name, group)| Some((name.as_str(), matched(*group)?))).collect()
}

fn too_large() -> String {
    format!("it needs more than {} MiB when compiled; make the counts of its repetitions smaller", SIZE_LIMIT >> 20)
}
