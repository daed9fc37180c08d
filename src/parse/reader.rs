//! Reads an exposition in a text format chunk by chunk and hands its families, samples and malformed lines to a [`Sink`].

use super::diagnostic::Diagnostic;
use super::error::{Content, ParseError, ParseErrorKind};
use super::escape::unescape_help;
use super::family::Families;
use super::format::Format;
use super::labels::LabelBuffer;
use super::line::{self, Labels, Line, SampleLine};
use super::lines::{Lines, RawLine};
use super::model::{Exemplar, Label, MetricType, Role, Sample};
use super::sink::Sink;
use super::token::{Fault, Reason};

/// After this many malformed lines without a good one the body is given up as no exposition.
const HOPELESS: u64 = 100;

/// What a reader accepts of an exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Bytes of a line; a longer one is malformed.
    pub line_bytes: usize,
    /// Labels of a sample, and of an exemplar; a line with more is malformed.
    pub labels: usize,
    /// Samples of an exposition; one more fails it.
    pub samples: u64,
    /// Bytes of a metric family in protobuf, which is held in memory as a whole; a larger one fails the exposition.
    pub message_bytes: usize,
    /// Bytes of the names and labels of all samples of an exposition in protobuf, which says them once for many samples;
    /// more of them fail it.
    pub series_bytes: u64,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self { line_bytes: 16 << 20, labels: 512, samples: 5_000_000, message_bytes: 64 << 20, series_bytes: 2 << 30 }
    }
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes pushed.
    pub bytes: u64,
    /// Lines, blank ones and comments included; protobuf has none.
    pub lines: u64,
    /// Families announced.
    pub families: u64,
    /// Samples handed out.
    pub samples: u64,
    /// Lines skipped with a diagnostic.
    pub malformed: u64,
}

/// Reads one exposition in a text format.
#[derive(Debug)]
pub(super) struct TextReader {
    lines: Lines,
    state: State,
    failure: Option<ParseError>,
}

/// Everything but the line cutter, so that a line may borrow from the cutter while it is read.
#[derive(Debug)]
struct State {
    format: Format,
    limits: ReaderLimits,
    families: Families,
    labels: LabelBuffer,
    exemplar_labels: LabelBuffer,
    totals: Totals,
    /// Whether `# EOF` was read.
    ended: bool,
    /// Whether anything but blank lines was read.
    content: bool,
    /// Whether a sample or metadata was read.
    good: bool,
    /// The beginning of the first malformed line, as long as nothing good was read.
    first_malformed: Option<String>,
}

impl TextReader {
    /// A reader at the beginning of an exposition.
    pub(super) fn new(format: Format, limits: ReaderLimits) -> Self {
        let state = State {
            format,
            limits,
            families: Families::new(format),
            labels: LabelBuffer::default(),
            exemplar_labels: LabelBuffer::default(),
            totals: Totals::default(),
            ended: false,
            content: false,
            good: false,
            first_malformed: None,
        };
        Self { lines: Lines::new(limits.line_bytes), state, failure: None }
    }

    /// Reads the next bytes of the exposition, cut anywhere.
    ///
    /// # Errors
    ///
    /// When there are too many samples, or when the body is clearly no exposition. Nothing is handed out after that;
    /// further calls give the same error.
    pub(super) fn push<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), ParseError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.state.totals.bytes += chunk.len() as u64;
        let mut rest = chunk;
        while let Some(line) = self.lines.next(&mut rest) {
            if let Err(kind) = self.state.line(line, sink) {
                let failure = self.state.fail(kind, sink);
                return Err(self.failure.insert(failure).clone());
            }
        }
        Ok(())
    }

    /// Ends the exposition: reads a last line without line end, and closes the open family. In OpenMetrics, which ends
    /// with a marker, such a line is only read if it is the marker: anything else was cut.
    ///
    /// # Errors
    ///
    /// As [`TextReader::push`], and when OpenMetrics ends without `# EOF`.
    pub(super) fn finish<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        let cut = self.state.format == Format::OpenMetrics;
        self.end(sink, |line| !cut || matches!(line, RawLine::Text("# EOF")))
    }

    /// Ends an exposition that broke off: a last line without line end is left out, since half of a number is a number
    /// too.
    ///
    /// # Errors
    ///
    /// As [`TextReader::finish`].
    pub(super) fn finish_cut<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        self.end(sink, |_| false)
    }

    fn end<S: Sink + ?Sized>(
        mut self,
        sink: &mut S,
        wanted: impl FnOnce(&RawLine<'_>) -> bool,
    ) -> Result<Totals, ParseError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let read = match self.lines.last() {
            Some(line) if wanted(&line) => self.state.line(line, sink),
            Some(line) => self.state.cut_line(line, sink),
            None => Ok(()),
        };
        match read.and_then(|()| self.state.verdict()) {
            Ok(()) => {
                self.state.families.close(sink);
                Ok(self.state.totals())
            }
            Err(kind) => Err(self.state.fail(kind, sink)),
        }
    }

    /// How much was read so far.
    pub(super) fn totals(&self) -> Totals {
        self.state.totals()
    }
}

impl State {
    fn totals(&self) -> Totals {
        Totals { families: self.families.announced(), ..self.totals }
    }

    /// Closes the open family, so that a sink sees whole families even of an exposition that fails.
    fn fail<S: Sink + ?Sized>(&mut self, kind: ParseErrorKind, sink: &mut S) -> ParseError {
        self.families.close(sink);
        ParseError::new(kind, self.totals())
    }

    /// Whether the exposition, now at its end, holds as a whole.
    fn verdict(&mut self) -> Result<(), ParseErrorKind> {
        if let (false, Some(first)) = (self.good, self.first_malformed.take()) {
            return Err(self.not_exposition(first));
        }
        if self.format == Format::OpenMetrics && self.content && !self.ended {
            return Err(ParseErrorKind::Truncated);
        }
        Ok(())
    }

    fn not_exposition(&self, first: String) -> ParseErrorKind {
        ParseErrorKind::NotExposition { content: Content::of(&first), lines: self.totals.lines, first }
    }

    /// A last line that was cut says nothing, unless it is all there is: then it shows what the body is.
    fn cut_line<S: Sink + ?Sized>(&mut self, line: RawLine<'_>, sink: &mut S) -> Result<(), ParseErrorKind> {
        let (RawLine::Text(text) | RawLine::TooLong(text)) = line;
        if self.good || Content::of(text) == Content::Text {
            self.totals.lines += 1;
            self.content = true;
            return Ok(());
        }
        self.line(line, sink)
    }

    fn line<S: Sink + ?Sized>(&mut self, line: RawLine<'_>, sink: &mut S) -> Result<(), ParseErrorKind> {
        self.totals.lines += 1;
        match line {
            RawLine::Text(text) => self.text_line(text, sink),
            RawLine::TooLong(head) => {
                self.content = true;
                let limit = self.limits.line_bytes;
                self.malformed(head, 0, format!("the line is longer than the limit of {limit} bytes"), sink)
            }
        }
    }

    fn text_line<S: Sink + ?Sized>(&mut self, text: &str, sink: &mut S) -> Result<(), ParseErrorKind> {
        let line = match line::classify(text, self.format) {
            Ok(Line::Blank) => return Ok(()),
            Ok(_) if self.ended => {
                return self.malformed(text, 0, "nothing may follow `# EOF`; the line is ignored".into(), sink);
            }
            Ok(line) => line,
            Err(fault) => return self.fault(text, fault, sink),
        };
        self.content = true;
        match line {
            Line::Blank | Line::Comment => return Ok(()),
            Line::End => {
                self.ended = true;
                self.families.close(sink);
            }
            Line::Help { name, text } => {
                let help = unescape_help(text, self.format);
                self.families.help(&name.text(), help, sink);
            }
            Line::Unit { name, unit } => self.families.unit(&name.text(), unit, sink),
            Line::Type { name, word } => {
                let metric_type = metric_type(word);
                // With an unknown word too the line begins the family: its samples must not join the one before.
                self.families.metric_type(&name.text(), metric_type.unwrap_or_default(), sink);
                if metric_type.is_none() {
                    return self.fault(text, Fault { rest: word, reason: Reason::Type(word) }, sink);
                }
            }
            Line::Sample(input) => return self.sample(text, input, sink),
        }
        self.good = true;
        Ok(())
    }

    /// Reads `input`, which is `text` without leading blanks, as a sample.
    fn sample<'a, S: Sink + ?Sized>(
        &mut self,
        text: &'a str,
        input: &'a str,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        let mut sample_labels: Vec<Label<'a>> = self.labels.take();
        let mut exemplar_labels: Vec<Label<'a>> = self.exemplar_labels.take();
        let mut labels =
            Labels { sample: &mut sample_labels, exemplar: &mut exemplar_labels, limit: self.limits.labels };
        let result = match line::sample(input, self.format, &mut labels) {
            Ok(_) if self.totals.samples >= self.limits.samples => {
                Err(ParseErrorKind::TooManySamples(self.limits.samples))
            }
            Ok(line) => {
                self.good = true;
                self.totals.samples += 1;
                let sample = assemble(&line, &sample_labels, &exemplar_labels);
                self.families.sample(&line.name.text(), sample, sink);
                Ok(())
            }
            Err(fault) => self.fault(text, fault, sink),
        };
        self.labels.give_back(sample_labels);
        self.exemplar_labels.give_back(exemplar_labels);
        result
    }

    fn fault<S: Sink + ?Sized>(&mut self, text: &str, fault: Fault<'_>, sink: &mut S) -> Result<(), ParseErrorKind> {
        // `rest` need not reach to the end of the line, so its place is told by its address.
        let offset = (fault.rest.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        self.malformed(text, offset, fault.reason.to_string(), sink)
    }

    fn malformed<S: Sink + ?Sized>(
        &mut self,
        text: &str,
        offset: usize,
        message: String,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        self.content = true;
        self.totals.malformed += 1;
        let diagnostic = Diagnostic::new(self.totals.lines, text, offset, message);
        sink.malformed(&diagnostic);
        if self.good {
            return Ok(());
        }
        let first = self.first_malformed.get_or_insert_with(|| text.trim().chars().take(100).collect());
        if self.totals.malformed < HOPELESS {
            return Ok(());
        }
        let first = std::mem::take(first);
        Err(self.not_exposition(first))
    }
}

/// The sample, but for its role.
fn assemble<'a>(line: &SampleLine<'a>, labels: &'a [Label<'a>], exemplar_labels: &'a [Label<'a>]) -> Sample<'a> {
    Sample {
        series: line.series,
        name: line.name,
        labels,
        role: Role::Value,
        value_text: line.value_text,
        value: line.value,
        timestamp_ms: line.timestamp_ms,
        start_ms: None,
        native: None,
        exemplar: line.exemplar.map(|tail| Exemplar {
            labels: exemplar_labels,
            value_text: tail.value_text,
            value: tail.value,
            timestamp_ms: tail.timestamp_ms,
        }),
    }
}

/// The type that a `TYPE` line names; `untyped` and `unknown` are the same in either format.
fn metric_type(word: &str) -> Option<MetricType> {
    Some(match word {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        "unknown" | "untyped" => MetricType::Unknown,
        _ => return None,
    })
}
