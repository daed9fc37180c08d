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
    exact_groups: bool,
    /// For what this engine does not judge, if there is such; few searches see it.
    beyond: Option<Box<Beyond>>,
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
        let judges_all = linear.exact_groups && linear.scope.is_unlimited();
        let beyond = Beyond { translation: backtracking, compiled: OnceLock::new() };
        let beyond = (!judges_all).then(|| Box::new(beyond));
        let Translation { names, scope, exact_groups, .. } = linear;
        Ok(Self::Linear(Linear { regex, names, scope, exact_groups, beyond }))
    }

    /// Whether the expression is found; `pattern` is its text, for the log.
    pub(super) fn is_found_in(&self, text: &str, pattern: &str) -> bool {
        match self {
            Self::Linear(linear) if linear.scope.contains(text) => linear.regex.is_match(text),
            _ => self.backtracking(pattern).is_some_and(|engine| engine.is_match(text, pattern)),
        }
    }

    pub(super) fn named_groups<'p, 't>(&'p self, text: &'t str, pattern: &str) -> Option<Groups<'p, 't>> {
        match self {
            Self::Linear(linear) if linear.exact_groups && linear.scope.contains(text) => {
                let captures = linear.regex.captures(text)?;
                Some(groups(&linear.names, |group| captures.get(group).map(|matched| matched.as_str())))
            }
            _ => self.backtracking(pattern)?.named_groups(text, pattern),
        }
    }

    /// The engine for texts that the linear one does not judge; none if the expression is too large for it.
    fn backtracking(&self, pattern: &str) -> Option<&Backtracking> {
        match self {
            Self::Linear(linear) => linear.beyond.as_ref()?.engine(pattern),
            Self::Backtracking(engine) => Some(engine),
        }
    }
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
            .map_err(|error| if is_size(&error) { too_large() } else { format!("it is too complicated: {error}") })?;
        Ok(Self { regex, names: translation.names.clone(), given_up: AtomicBool::new(false) })
    }

    fn is_match(&self, text: &str, pattern: &str) -> bool {
        self.regex.is_match(text).unwrap_or_else(|error| {
            self.give_up(&error, pattern);
            false
        })
    }

    fn named_groups<'t>(&self, text: &'t str, pattern: &str) -> Option<Groups<'_, 't>> {
        let captures = self.regex.captures(text).unwrap_or_else(|error| {
            self.give_up(&error, pattern);
            None
        })?;
        Some(groups(&self.names, |group| captures.get(group).map(|matched| matched.as_str())))
    }

    /// Logs the first time that a search is given up.
    fn give_up(&self, error: &fancy_regex::Error, pattern: &str) {
        if !self.given_up.swap(true, Ordering::Relaxed) {
            tracing::warn!(pattern, %error, "a search was given up and counts as not found");
        }
    }
}

fn is_size(error: &fancy_regex::Error) -> bool {
    let fancy_regex::Error::CompileError(error) = error else { return false };
    match &**error {
        fancy_regex::CompileError::InnerError(error) => error.size_limit().is_some(),
        fancy_regex::CompileError::PatternTooComplex => true,
        _ => false,
    }
}

fn groups<'p, 't>(names: &'p [(String, usize)], matched: impl Fn(usize) -> Option<&'t str>) -> Groups<'p, 't> {
    names.iter().filter_map(|(name, group)| Some((name.as_str(), matched(*group)?))).collect()
}

fn too_large() -> String {
    format!("it needs more than {} MiB when compiled; make the counts of its repetitions smaller", SIZE_LIMIT >> 20)
}
