//! What a reader says about a line that it skipped.

use std::fmt;

/// How many characters of the line a diagnostic shows around the column.
const EXCERPT: usize = 100;

/// A malformed line: where, what was expected, and the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// The part of the line around the column.
    pub excerpt: String,
    /// Where in `excerpt` the column stands, counted in characters from 0.
    pub caret: usize,
}

impl Diagnostic {
    /// A diagnostic for byte `offset` of `text`, which is line number `line` of the body.
    pub(crate) fn new(line: u64, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = text[..offset].chars().count();
        let skipped = before.saturating_sub(EXCERPT / 2);
        let excerpt = text.chars().skip(skipped).take(EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { line, column: before + 1, message: message.into(), excerpt, caret: before - skipped }
    }
}

/// The message, then the line with a caret below the column.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        writeln!(f, "  | {}", self.excerpt)?;
        write!(f, "  | {:caret$}^", "", caret = self.caret)
    }
}
