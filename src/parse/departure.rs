//! Departures: places where a line leaves the letter of its format and can be read all the same.

use std::fmt;

use super::format::Format;

/// One way to leave the letter of a format. What it means is beyond doubt, so the line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Departure {
    /// A byte order mark in front of the body.
    ByteOrderMark,
    /// CRLF where LF ends a line.
    CarriageReturn,
    /// Bytes that are no UTF-8.
    Replaced,
    /// A blank where the format has none.
    Blank,
    /// None, several, or a tab where the format has one blank.
    OneBlank,
    MissingComma,
    TrailingComma,
    /// A quoted metric name that is not the first in its braces.
    NameNotFirst,
    /// A `-` before a timestamp in milliseconds.
    SignedTimestamp,
    /// An exemplar in the text format.
    Exemplar,
    /// An exemplar without the timestamp that OpenMetrics 2.0 wants.
    ExemplarTimestamp,
    BlankLine,
    Comment,
    /// A metadata keyword without a name behind it.
    NoName,
    /// `HELP` or `UNIT` without the blank that text would follow.
    NoText,
    /// Blanks around the word of a `TYPE` or `UNIT` line, or behind `# EOF`.
    Padding,
    /// A type word of the other format.
    ForeignType,
    /// The type `gaugehistogram` in the text format, whose own library reads and writes it.
    GaugeHistogram,
    /// A unit that the family's name does not end with.
    UnitNoSuffix,
    /// A blank line behind `# EOF`.
    AfterEnd,
}

impl Departure {
    /// Whether Prometheus 3 refuses the scrape for it.
    pub(super) fn is_refused_by_prometheus(self, format: Format) -> bool {
        match self {
            Self::TrailingComma | Self::NameNotFirst | Self::ExemplarTimestamp => false,
            Self::MissingComma | Self::Blank | Self::OneBlank => format != Format::PrometheusText,
            Self::UnitNoSuffix => format != Format::OpenMetrics2,
            _ => true,
        }
    }

    /// The rule of `docs/formats.md` that it breaks; `None` where the format as specified allows it.
    pub(super) fn rule(self, format: Format) -> Option<&'static str> {
        if format == Format::PrometheusText { self.text_rule() } else { self.open_metrics_rule(format) }
    }

    fn text_rule(self) -> Option<&'static str> {
        Some(match self {
            Self::ByteOrderMark | Self::CarriageReturn => "P1",
            Self::NoName => "P3",
            Self::ForeignType => "P5",
            Self::Replaced => "P8",
            Self::Exemplar => "P10",
            Self::MissingComma => "P11",
            // The format lets blanks stand anywhere and one comma behind the labels, it defines the sign, and says
            // nothing of the name's place. The rest is not noted in it.
            _ => return None,
        })
    }

    fn open_metrics_rule(self, format: Format) -> Option<&'static str> {
        Some(match self {
            Self::AfterEnd => "O2",
            Self::BlankLine | Self::Comment | Self::NoName => "O3",
            Self::NoText | Self::ForeignType => "O8",
            Self::UnitNoSuffix if format == Format::OpenMetrics2 => return None,
            Self::UnitNoSuffix => "O9",
            Self::ExemplarTimestamp => "M4",
            _ => "O1",
        })
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "the body begins with a byte order mark; the format has none",
            Self::CarriageReturn => "the line ends with CRLF; the format has LF alone",
            Self::Replaced => "the line holds U+FFFD, which stands for bytes that are not UTF-8",
            Self::Blank => "no blank may stand here",
            Self::OneBlank => "exactly one blank must stand here",
            Self::MissingComma => "expected `,` between two labels",
            Self::TrailingComma => "no `,` may stand behind the last label",
            Self::NameNotFirst => "the quoted metric name must be the first in its braces",
            Self::SignedTimestamp => "Prometheus reads no timestamp with a sign in this format",
            Self::Exemplar => "exemplars belong to OpenMetrics, the Prometheus text format has none",
            Self::ExemplarTimestamp => "an exemplar must have a timestamp in OpenMetrics 2.0",
            Self::BlankLine => "OpenMetrics has no blank lines",
            Self::Comment => "OpenMetrics has no comments; expected `# TYPE`, `# HELP`, `# UNIT` or `# EOF`",
            Self::NoName => "expected a metric name after the keyword",
            Self::NoText => "expected a blank behind the name, even before an empty text",
            Self::Padding => "one blank must stand before this word, and none behind it",
            Self::ForeignType | Self::GaugeHistogram => "this type belongs to the other text format",
            Self::UnitNoSuffix => "the family's name must end with `_` and this unit",
            Self::AfterEnd => "nothing may follow `# EOF`",
        })
    }
}

/// A departure and the line from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departed<'a> {
    pub(super) rest: &'a str,
    pub(super) departure: Departure,
}

/// Collects the departures of one line.
#[derive(Debug)]
pub(super) struct Departures<'a> {
    format: Format,
    /// The first one that Prometheus refuses.
    pub(super) refused: Option<Departed<'a>>,
    /// All of them, if anyone wants to know.
    all: Option<Vec<Departed<'a>>>,
}

impl<'a> Departures<'a> {
    /// Keeps the first departure that Prometheus refuses.
    pub(super) fn first(format: Format) -> Self {
        Self { format, refused: None, all: None }
    }

    /// Keeps every departure.
    pub(super) fn every(format: Format) -> Self {
        Self { format, refused: None, all: Some(Vec::new()) }
    }

    pub(super) fn add(&mut self, rest: &'a str, departure: Departure) {
        if self.refused.is_none() && departure.is_refused_by_prometheus(self.format) {
            self.refused = Some(Departed { rest, departure });
        }
        if let Some(all) = &mut self.all {
            all.push(Departed { rest, departure });
        }
    }

    pub(super) fn all(&self) -> &[Departed<'a>] {
        self.all.as_deref().unwrap_or_default()
    }
}
