//! Why an exposition fails as a whole, in contrast to one of its lines.

use std::fmt;

use super::reader::Totals;

/// An exposition that failed as a whole. Whatever was handed out before stays valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    kind: ParseErrorKind,
    totals: Totals,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseErrorKind {
    #[error(
        "the body is {content}, not an exposition: {lines} lines were read and none of them is one of an exposition, \
             the first is `{first}`; check the URL, and whether a login page or a proxy answers in place of the exporter"
    )]
    NotExposition { content: Content, lines: u64, first: String },
    #[error(
        "the OpenMetrics exposition is truncated: its last line is not `# EOF`; what came was read, check the \
             exporter and whatever limits the size or time of its answers"
    )]
    Truncated,
    #[error("the exposition has more than {0} samples; the rest was not read; raise `sample_limit` or expose less")]
    TooManySamples(u64),
}

impl ParseError {
    pub(super) fn new(kind: ParseErrorKind, totals: Totals) -> Self {
        Self { kind, totals }
    }

    /// Whether the body is no exposition at all: an HTML page, a JSON document, binary data, some other text.
    pub fn is_not_exposition(&self) -> bool {
        matches!(self.kind, ParseErrorKind::NotExposition { .. })
    }

    /// Whether an OpenMetrics exposition ended without `# EOF`; everything before its end was handed out.
    pub fn is_truncated(&self) -> bool {
        matches!(self.kind, ParseErrorKind::Truncated)
    }

    /// Whether the exposition has more samples than the limit; the samples up to the limit were handed out.
    pub fn is_too_many_samples(&self) -> bool {
        matches!(self.kind, ParseErrorKind::TooManySamples(_))
    }

    /// One stable word for the reason, for counters.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            ParseErrorKind::NotExposition { .. } => "not_exposition",
            ParseErrorKind::Truncated => "truncated",
            ParseErrorKind::TooManySamples(_) => "sample_limit",
        }
    }

    /// What was read until the exposition failed.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// What a body seems to be that is no exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Html,
    Json,
    Binary,
    Text,
}

impl Content {
    /// Guesses from a line.
    pub(super) fn of(line: &str) -> Self {
        if line.contains(|c: char| c == '\u{FFFD}' || c.is_control() && c != '\t') {
            return Self::Binary;
        }
        match line.trim_start().as_bytes().first() {
            Some(b'<') => Self::Html,
            Some(b'{' | b'[') => Self::Json,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML or XML page",
            Self::Json => "a JSON document",
            Self::Binary => "binary data",
            Self::Text => "some other text",
        })
    }
}
