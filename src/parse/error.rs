//! Why an exposition fails as a whole, in contrast to one of its lines.

use std::fmt;

use super::protobuf::Violation;
use super::totals::Totals;

/// An exposition that failed as a whole. Whatever was handed out before stays valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    kind: ParseErrorKind,
    totals: Box<Totals>,
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
    #[error(
        "names and labels of the exposition's series are longer than {0} bytes in all; the rest was not read, raise \
             `body_size_limit` or expose less"
    )]
    TooMuchText(u64),
    #[error("the body is {content}, not an exposition in protobuf; check the URL, and what answers there")]
    NotProtobuf { content: Content },
    #[error(
        "the exposition is malformed: the length of a metric family at byte {position} is no number of at most 5 bytes; \
             what came before it was read"
    )]
    MessageLength { position: u64 },
    #[error(
        "a metric family has {length} bytes, which is above the limit of {limit}; what came before it was read, raise \
             `message_size_limit` or expose less"
    )]
    MessageTooLarge { length: u64, limit: usize },
    #[error(
        "the exposition is truncated: it ends {bytes} bytes into the metric family that begins at byte {position}; what \
             came before it was read, check the exporter and whatever limits the size or time of its answers"
    )]
    TruncatedMessage { position: u64, bytes: usize },
    #[error(
        "the exposition is malformed in {}: {violation}; what came before it was read, the rest cannot be",
        Place { position: *position, family, metric: *metric }
    )]
    Protobuf { position: u64, family: String, metric: u64, violation: Violation },
}

/// Where in a protobuf exposition.
struct Place<'a> {
    position: u64,
    family: &'a str,
    metric: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, family, metric } = self;
        if *metric > 0 {
            write!(f, "metric {metric} of ")?;
        }
        write!(f, "the metric family ")?;
        if !family.is_empty() {
            write!(f, "`{}` ", family.escape_debug())?;
        }
        write!(f, "that begins at byte {position}")
    }
}

impl ParseError {
    pub(super) fn new(kind: ParseErrorKind, totals: Totals) -> Self {
        Self { kind, totals: Box::new(totals) }
    }

    /// Whether the body is no exposition at all: an HTML page, a JSON document, binary data, some other text.
    pub fn is_not_exposition(&self) -> bool {
        matches!(self.kind, ParseErrorKind::NotExposition { .. } | ParseErrorKind::NotProtobuf { .. })
    }

    /// Whether an OpenMetrics exposition ended without `# EOF`, or one in protobuf within a message; everything before
    /// its end was handed out.
    pub fn is_truncated(&self) -> bool {
        matches!(self.kind, ParseErrorKind::Truncated | ParseErrorKind::TruncatedMessage { .. })
    }

    /// Whether the exposition has more samples than the limit; the samples up to the limit were handed out.
    pub fn is_too_many_samples(&self) -> bool {
        matches!(self.kind, ParseErrorKind::TooManySamples(_))
    }

    /// Whether the exposition is more than one of the limits allows.
    pub fn is_over_limit(&self) -> bool {
        match self.kind {
            ParseErrorKind::TooManySamples(_)
            | ParseErrorKind::TooMuchText(_)
            | ParseErrorKind::MessageTooLarge { .. }
            | ParseErrorKind::Protobuf {
                violation:
                    Violation::TooManyLabels(_) | Violation::LabelNameTooLong(_) | Violation::LabelValueTooLong(_),
                ..
            } => true,
            ParseErrorKind::NotExposition { .. }
            | ParseErrorKind::Truncated
            | ParseErrorKind::NotProtobuf { .. }
            | ParseErrorKind::MessageLength { .. }
            | ParseErrorKind::TruncatedMessage { .. }
            | ParseErrorKind::Protobuf { .. } => false,
        }
    }

    /// One stable word for the reason, for counters.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            ParseErrorKind::NotExposition { .. } | ParseErrorKind::NotProtobuf { .. } => "not_exposition",
            ParseErrorKind::Truncated | ParseErrorKind::TruncatedMessage { .. } => "truncated",
            ParseErrorKind::TooManySamples(_) => "sample_limit",
            ParseErrorKind::TooMuchText(_) => "body_limit",
            ParseErrorKind::MessageTooLarge { .. } => "message_limit",
            ParseErrorKind::Protobuf {
                violation:
                    Violation::TooManyLabels(_) | Violation::LabelNameTooLong(_) | Violation::LabelValueTooLong(_),
                ..
            } => "label_limit",
            ParseErrorKind::MessageLength { .. } | ParseErrorKind::Protobuf { .. } => "malformed",
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
