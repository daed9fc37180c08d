//! What is wrong with the settings: every problem with its place, all of them together.

use std::fmt;

/// A place in a settings file; both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// Whether a problem keeps the settings from being used. Notes are no problem at all, and change no exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The settings cannot be used.
    Error,
    /// The settings can be used, but not all of them take effect.
    Warning,
    /// Nothing is lost, and nothing is to be done; only `retriever validate` mentions it.
    Note,
}

impl Severity {
    /// The word for it, as printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the environment variable, that holds the setting.
    pub source: String,
    /// Where in the file; none for an environment variable and for a file that cannot be read.
    pub position: Option<Position>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, what is expected, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity.as_str(), self.message)
    }
}

/// The problems of one file, gathered while it is read.
#[derive(Debug)]
pub(crate) struct Problems {
    source: String,
    found: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), found: Vec::new() }
    }

    pub(crate) fn error(&mut self, at: Position, message: impl Into<String>) {
        self.push(Some(at), Severity::Error, message.into());
    }

    pub(crate) fn warning(&mut self, at: Position, message: impl Into<String>) {
        self.push(Some(at), Severity::Warning, message.into());
    }

    pub(crate) fn note(&mut self, at: Position, message: impl Into<String>) {
        self.push(Some(at), Severity::Note, message.into());
    }

    /// A problem of the file as a whole.
    pub(crate) fn whole(&mut self, message: impl Into<String>) {
        self.push(None, Severity::Error, message.into());
    }

    /// A problem of an environment variable.
    pub(crate) fn variable(&mut self, name: &str, message: impl Into<String>) {
        self.push_variable(name, Severity::Error, message.into());
    }

    /// A variable that takes less effect than one may think.
    pub(crate) fn variable_warning(&mut self, name: &str, message: impl Into<String>) {
        self.push_variable(name, Severity::Warning, message.into());
    }

    /// How many errors there are so far: what was read between two equal answers is sound.
    pub(crate) fn errors(&self) -> usize {
        self.found.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// The errors found since there were `before` of them.
    pub(crate) fn errors_since(&self, before: usize) -> Vec<Problem> {
        let errors = self.found.iter().filter(|problem| problem.severity == Severity::Error);
        errors.skip(before).cloned().collect()
    }

    /// All problems in the order of the file, those of the environment first.
    pub(crate) fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found;
        found.sort_by_key(|problem| problem.position);
        found
    }

    fn push_variable(&mut self, name: &str, severity: Severity, message: String) {
        let source = format!("environment variable `{name}`");
        let problem = Problem { source, position: None, severity, message };
        // One variable may be looked at for several purposes.
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    fn push(&mut self, position: Option<Position>, severity: Severity, message: String) {
        let problem = Problem { source: self.source.clone(), position, severity, message };
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }
}
