//! What a reader says about a line that it skipped, or that departs from its format.

use std::fmt;

/// How many characters of the line a diagnostic shows around the column.
const EXCERPT: usize = 100;

/// What became of the line that a diagnostic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The line was skipped, or, of a strict reader, breaks a rule of its format.
    Error,
    /// The line was read, but Prometheus refuses the whole exposition for it.
    Warning,
}

impl Severity {
    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A line with something wrong: where, what was expected, and the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What became of the line.
    pub severity: Severity,
    /// The number in `docs/formats.md` of the rule that it breaks; only a strict reader looks it up.
    pub rule: Option<&'static str>,
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
    /// How many characters of `excerpt` from the caret on are wrong; at least 1.
    pub width: usize,
}

impl Diagnostic {
    /// An error about byte `offset` of `text`, which is line number `line` of the body.
    pub(crate) fn new(line: u64, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = text[..offset].chars().count();
        let skipped = before.saturating_sub(EXCERPT / 2);
        let excerpt = text.chars().skip(skipped).take(EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self {
            severity: Severity::Error,
            rule: None,
            line,
            column: before + 1,
            message: message.into(),
            excerpt,
            caret: before - skipped,
            width: 1,
        }
    }

    /// The same about `token`, which begins at the column.
    pub(crate) fn about(mut self, token: &str) -> Self {
        self.width = token.chars().count().clamp(1, (EXCERPT - self.caret).max(1));
        self
    }

    /// The same as a warning.
    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same about breaking `rule`.
    pub(crate) fn of_rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }
}

/// The message, then the line with a caret below each character that is wrong.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if let Some(rule) = self.rule {
            write!(f, "{rule}: ")?;
        }
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  | {}", self.excerpt)?;
        write!(f, "  | {:caret$}{:^<width$}", "", "", caret = self.caret, width = self.width)
    }
}
