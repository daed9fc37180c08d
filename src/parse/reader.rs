//! Reads an exposition in a text format chunk by chunk and hands its families, samples and malformed lines to a [`Sink`].

use std::num::NonZeroU64;

use super::departure::{Departed, Departure, Departures};
use super::diagnostic::Diagnostic;
use super::error::{Content, ParseError, ParseErrorKind};
use super::escape::unescape_help;
use super::family::Families;
use super::format::Format;
use super::held::Held;
use super::labels::LabelBuffer;
use super::limits::ReaderLimits;
use super::line::{self, Labels, Line, SampleLine};
use super::lines::{Lines, RawLine};
use super::model::{Exemplar, Label, MetricType, Role, Sample};
use super::openmetrics2;
use super::scan::{self, Scanner};
use super::sink::Sink;
use super::token::{Fault, Reason};
use super::totals::Totals;
use super::wire::Wire;

mod plain;

/// After this many malformed lines without a good one the body is given up as no exposition.
const HOPELESS: u64 = 100;

/// Reads one exposition in a text format.
#[derive(Debug)]
pub(super) struct TextReader {
    lines: Lines,
    wire: Wire,
    state: State,
    failure: Option<ParseError>,
}

/// What stood around a line and is no part of it.
#[derive(Clone, Copy, Debug)]
struct LineEnd {
    /// It ended with CRLF.
    returns: bool,
    /// It began with a byte order mark.
    marked: bool,
}

/// Everything but the line cutter, so that a line may borrow from the cutter while it is read.
#[derive(Debug)]
struct State {
    format: Format,
    limits: ReaderLimits,
    families: Families,
    labels: LabelBuffer,
    exemplar_labels: LabelBuffer,
    /// None for a format that it does not read.
    scanner: Option<Scanner>,
    /// Bytes of the series that lines of the draft mean.
    written: u64,
    totals: Totals,
    /// Whether `# EOF` was read.
    ended: bool,
    /// Whether anything but blank lines was read.
    content: bool,
    /// Whether a sample or metadata was read.
    good: bool,
    /// The beginning of the first malformed line, as long as nothing good was read.
    first_malformed: Option<String>,
    /// The number of the line being read.
    line: u64,
    /// Lines that wait for the end of a quote.
    held: Option<Held>,
    /// The kinds of departures that were reported; each is reported once.
    reported: Vec<Departure>,
    /// The number of the last line that departs from the format.
    departing: u64,
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
            scanner: Scanner::of(format, limits.labels),
            written: 0,
            totals: Totals::default(),
            ended: false,
            content: false,
            good: false,
            first_malformed: None,
            line: 0,
            held: None,
            reported: Vec::new(),
            departing: 0,
        };
        Self { lines: Lines::new(limits.line_bytes), wire: Wire::default(), state, failure: None }
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
        self.read(chunk, sink).map_err(|kind| {
            let failure = self.state.fail(kind, sink);
            self.failure.insert(failure).clone()
        })
    }

    fn read<S: Sink + ?Sized>(&mut self, mut chunk: &[u8], sink: &mut S) -> Result<(), ParseErrorKind> {
        // Whole lines at the front of the chunk.
        let mut lines = "";
        loop {
            if self.lines.at_line_start() {
                let known = self.state.offer(chunk, sink);
                self.wire.watch(&chunk[..known]);
                chunk = &chunk[known..];
                lines = lines.get(known..).unwrap_or_default();
                if lines.is_empty() {
                    // Where lines are known, only those between them are read.
                    lines = scan::whole_lines(chunk, if known > 0 { scan::FEW } else { scan::BLOCK });
                }
                let rest = self.state.plain_lines(lines, sink)?;
                let (plain, others) = chunk.split_at(lines.len() - rest.len());
                self.wire.watch(plain);
                (chunk, lines) = (others, rest);
                if lines.is_empty() && !plain.is_empty() {
                    continue;
                }
            }
            let before = chunk;
            let line = self.lines.next(&mut chunk);
            let passed = &before[..before.len() - chunk.len()];
            let returns = self.wire.watch(passed);
            let Some(line) = line else { return Ok(()) };
            let end = LineEnd { returns, marked: self.wire.take_mark() };
            self.state.line(line, end, sink)?;
            lines = lines.get(passed.len()..).unwrap_or_default();
        }
    }

    /// Ends the exposition: reads a last line without line end, and closes the open family. In OpenMetrics, which ends
    /// with a marker, such a line is only read if it is the marker: anything else was cut.
    ///
    /// # Errors
    ///
    /// As [`TextReader::push`], and when OpenMetrics ends without `# EOF`.
    pub(super) fn finish<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        let cut = self.state.format != Format::PrometheusText;
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
        let end = LineEnd { returns: self.wire.ends_with_return(), marked: self.wire.take_mark() };
        let read = match self.lines.last() {
            Some(line) if wanted(&line) => self.state.line(line, end, sink),
            Some(line) => self.state.cut_line(line, end, sink),
            None => Ok(()),
        };
        match read.and_then(|()| self.state.release(sink)).and_then(|()| self.state.verdict()) {
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
            return Err(self.not_exposition(&first));
        }
        if self.format != Format::PrometheusText && self.content && !self.ended {
            return Err(ParseErrorKind::Truncated);
        }
        Ok(())
    }

    fn not_exposition(&self, first: &str) -> ParseErrorKind {
        let content = Content::of(first);
        let first = first.replace(char::is_control, "\u{fffd}");
        ParseErrorKind::NotExposition { content, lines: self.totals.lines, first }
    }

    /// A last line that was cut says nothing, unless it is all there is, and shows what the body is, or should not be
    /// there.
    fn cut_line<S: Sink + ?Sized>(
        &mut self,
        line: RawLine<'_>,
        end: LineEnd,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        let (RawLine::Text(text) | RawLine::TooLong(text)) = line;
        if !self.ended && (self.good || Content::of(text) == Content::Text) {
            self.totals.lines += 1;
            self.content = true;
            return Ok(());
        }
        self.line(line, end, sink)
    }

    fn line<S: Sink + ?Sized>(&mut self, line: RawLine<'_>, end: LineEnd, sink: &mut S) -> Result<(), ParseErrorKind> {
        self.totals.lines += 1;
        self.line = self.totals.lines;
        let (RawLine::Text(text) | RawLine::TooLong(text)) = line;
        if end.marked {
            self.departs(text, Departed { rest: text, departure: Departure::ByteOrderMark }, sink);
        }
        // The end of an overlong line may not have come yet.
        if end.returns && matches!(line, RawLine::Text(_)) {
            self.departs(text, Departed { rest: &text[text.len()..], departure: Departure::CarriageReturn }, sink);
        }
        match line {
            RawLine::Text(text) if self.held.is_some() => self.continue_held(text, sink),
            RawLine::Text(text) => self.text_line(text, sink),
            RawLine::TooLong(head) => {
                self.release(sink)?;
                self.line = self.totals.lines;
                self.content = true;
                let limit = self.limits.line_bytes;
                self.malformed(head, 0, format!("the line is longer than the limit of {limit} bytes"), "", sink)
            }
        }
    }

    /// Reads a line behind one whose quote is open.
    fn continue_held<S: Sink + ?Sized>(&mut self, text: &str, sink: &mut S) -> Result<(), ParseErrorKind> {
        let Some(mut held) = self.held.take() else { return self.text_line(text, sink) };
        held.join(text);
        match self.open_quote(held.text()) {
            Ok(None) => {
                self.line = held.first();
                self.whole_line(held.text(), sink)
            }
            Ok(Some(quote)) if held.goes_on(quote, self.limits.line_bytes) => {
                self.held = Some(held);
                Ok(())
            }
            _ => self.give_up(&held, sink),
        }
    }

    /// Where in `text` a quote is open at its end; an error when something else is wrong.
    fn open_quote(&self, text: &str) -> Result<Option<usize>, ()> {
        let mut departures = Departures::first(self.format);
        let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
        let fault = match line::classify(text, self.format, &mut departures) {
            Ok(Line::Sample(input)) => {
                let limit = self.limits.labels;
                let (sample, exemplar) = (&mut sample, &mut exemplar);
                let mut labels = Labels { sample, exemplar, limit, departures: &mut departures };
                line::sample(input, self.format, &mut labels).err()
            }
            Ok(_) => None,
            Err(fault) => Some(fault),
        };
        match fault {
            None => Ok(None),
            Some(Fault { rest, reason: Reason::OpenQuote }) => Ok(Some(offset(text, rest))),
            Some(_) => Err(()),
        }
    }

    /// The lines held are no line together: the first is malformed, the others stand for themselves.
    fn give_up<S: Sink + ?Sized>(&mut self, held: &Held, sink: &mut S) -> Result<(), ParseErrorKind> {
        for (number, line) in held.lines() {
            self.line = number;
            if number == held.first() {
                self.whole_line(line, sink)?;
            } else if self.held.is_some() {
                self.continue_held(line, sink)?;
            } else {
                self.text_line(line, sink)?;
            }
        }
        Ok(())
    }

    /// Gives the lines up that wait for the end of a quote.
    fn release<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), ParseErrorKind> {
        while let Some(held) = self.held.take() {
            self.give_up(&held, sink)?;
        }
        Ok(())
    }

    /// Reads a line, or holds it when its quote is open and the format lets a line feed stand there (rule P7).
    fn text_line<S: Sink + ?Sized>(&mut self, text: &str, sink: &mut S) -> Result<(), ParseErrorKind> {
        self.read_line(text, self.format == Format::PrometheusText, sink)
    }

    /// Reads a line that has no other line behind it.
    fn whole_line<S: Sink + ?Sized>(&mut self, text: &str, sink: &mut S) -> Result<(), ParseErrorKind> {
        self.read_line(text, false, sink)
    }

    fn read_line<S: Sink + ?Sized>(&mut self, text: &str, hold: bool, sink: &mut S) -> Result<(), ParseErrorKind> {
        let mut departures = Departures::first(self.format);
        let line = match line::classify(text, self.format, &mut departures) {
            Ok(Line::Blank) => {
                if self.format != Format::PrometheusText {
                    let departure = if self.ended { Departure::AfterEnd } else { Departure::BlankLine };
                    self.departs(text, Departed { rest: text, departure }, sink);
                }
                return Ok(());
            }
            Ok(_) if self.ended => {
                return self.malformed(text, 0, "nothing may follow `# EOF`; the line is ignored".into(), text, sink);
            }
            Ok(line) => line,
            Err(fault) => return self.hold_or_fault(text, fault, hold, sink),
        };
        self.content = true;
        if !matches!(line, Line::Comment)
            && memchr::memchr(0xEF, text.as_bytes()).is_some()
            && let Some(at) = text.find('\u{FFFD}')
        {
            departures.add(&text[at..], Departure::Replaced);
        }
        if let Line::Sample(input) = line {
            return match self.format {
                Format::OpenMetrics2 => self.sample_of_draft(text, input, departures, sink),
                _ => self.sample(text, input, departures, hold, sink),
            };
        }
        if let Some(departed) = departures.refused {
            self.departs(text, departed, sink);
        }
        match line {
            Line::Blank | Line::Comment | Line::Sample(_) => return Ok(()),
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
                let metric_type = MetricType::from_word(word);
                // With an unknown word too the line begins the family: its samples must not join the one before.
                self.families.metric_type(&name.text(), metric_type.unwrap_or_default(), sink);
                if metric_type.is_none() {
                    return self.fault(text, Fault { rest: word, reason: Reason::Type(word) }, sink);
                }
            }
        }
        self.good = true;
        Ok(())
    }

    /// Reads `input`, which is `text` without leading blanks, as a sample.
    fn sample<'a, S: Sink + ?Sized>(
        &mut self,
        text: &'a str,
        input: &'a str,
        mut departures: Departures<'a>,
        hold: bool,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        let mut sample_labels: Vec<Label<'a>> = self.labels.take();
        let mut exemplar_labels: Vec<Label<'a>> = self.exemplar_labels.take();
        let mut labels = Labels {
            sample: &mut sample_labels,
            exemplar: &mut exemplar_labels,
            limit: self.limits.labels,
            departures: &mut departures,
        };
        let read = line::sample(input, self.format, &mut labels);
        let overlong = self.overlong(text, &sample_labels, &exemplar_labels);
        let result = match overlong.map_or(read, Err) {
            Ok(line) => {
                if let (Some(departed), true) = (departures.refused, self.totals.samples < self.limits.samples) {
                    self.departs(text, departed, sink);
                }
                self.take(&line, &sample_labels, &exemplar_labels, None, sink).map(|_| ())
            }
            Err(fault) => self.hold_or_fault(text, fault, hold, sink),
        };
        self.labels.give_back(sample_labels);
        self.exemplar_labels.give_back(exemplar_labels);
        result
    }

    /// The first label of a line that is longer than it may be.
    fn overlong<'a>(&self, text: &str, labels: &[Label<'a>], exemplar_labels: &[Label<'a>]) -> Option<Fault<'a>> {
        let limits = &self.limits;
        if text.len() <= limits.shortest() {
            return None;
        }
        labels.iter().chain(exemplar_labels).find_map(|label| {
            let (name, value) = (label.name.raw(), label.value.raw());
            if name.len() > limits.label_name_bytes {
                Some(Fault { rest: name, reason: Reason::LabelNameTooLong(limits.label_name_bytes) })
            } else if value.len() > limits.label_value_bytes {
                Some(Fault { rest: value, reason: Reason::LabelValueTooLong(limits.label_value_bytes) })
            } else {
                None
            }
        })
    }

    /// Reads `input`, a part of `text`, as a sample line of OpenMetrics 2.0, which may stand for several samples.
    fn sample_of_draft<'a, S: Sink + ?Sized>(
        &mut self,
        text: &'a str,
        input: &'a str,
        mut departures: Departures<'a>,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        let (mut sample, mut exemplar) = (Vec::new(), Vec::new());
        let limit = self.limits.labels;
        let mut labels = Labels { sample: &mut sample, exemplar: &mut exemplar, limit, departures: &mut departures };
        let read = openmetrics2::sample(input, &mut labels);
        let line = match self.overlong(text, &sample, &exemplar).map_or(read, Err) {
            Ok(line) => line,
            Err(fault) => return self.fault(text, fault, sink),
        };
        if let Some(departed) = departures.refused {
            self.departs(text, departed, sink);
        }
        self.good = true;
        let Self { totals, limits, families, written, .. } = self;
        openmetrics2::expand(self.line, &line, &sample, &line.exemplars(&exemplar), |name, sample| {
            if totals.samples >= limits.samples {
                return Err(ParseErrorKind::TooManySamples(limits.samples));
            }
            // A short line can mean long series many times over.
            *written = written.saturating_add(sample.series.len() as u64);
            if *written > limits.series_bytes {
                return Err(ParseErrorKind::TooMuchText(limits.series_bytes));
            }
            totals.samples += 1;
            families.sample(name, sample, sink);
            Ok(())
        })
    }

    /// Keeps a line whose quote is open until the next line comes; reports any other fault.
    fn hold_or_fault<S: Sink + ?Sized>(
        &mut self,
        text: &str,
        fault: Fault<'_>,
        hold: bool,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        if hold && fault.reason == Reason::OpenQuote {
            self.held = Some(Held::new(text, offset(text, fault.rest), self.line));
            return Ok(());
        }
        self.fault(text, fault, sink)
    }

    fn fault<S: Sink + ?Sized>(&mut self, text: &str, fault: Fault<'_>, sink: &mut S) -> Result<(), ParseErrorKind> {
        if fault.reason.is_limit() {
            // The line is one of an exposition all the same.
            self.good = true;
        }
        let token = fault.reason.token();
        self.malformed(text, offset(text, fault.rest), fault.reason.to_string(), token, sink)
    }

    /// Counts a line that is read although Prometheus refuses it, and reports it if it is the first of its kind.
    fn departs<S: Sink + ?Sized>(&mut self, text: &str, Departed { rest, departure }: Departed<'_>, sink: &mut S) {
        if self.departing != self.line {
            self.departing = self.line;
            self.totals.departing += 1;
        }
        if self.reported.contains(&departure) {
            return;
        }
        self.reported.push(departure);
        let refused = if self.format == Format::OpenMetrics2 { "" } else { ", Prometheus refuses the scrape" };
        let message = format!("{departure}; the line is read{refused}");
        sink.departing(&Diagnostic::new(self.line, text, offset(text, rest), message).warning());
    }

    fn malformed<S: Sink + ?Sized>(
        &mut self,
        text: &str,
        offset: usize,
        message: String,
        token: &str,
        sink: &mut S,
    ) -> Result<(), ParseErrorKind> {
        self.content = true;
        self.totals.malformed += 1;
        let diagnostic = Diagnostic::new(self.line, text, offset, message).about(token);
        sink.malformed(&diagnostic);
        if self.good {
            return Ok(());
        }
        let first = self.first_malformed.get_or_insert_with(|| text.trim().chars().take(100).collect());
        if self.totals.malformed < HOPELESS {
            return Ok(());
        }
        let first = std::mem::take(first);
        Err(self.not_exposition(&first))
    }
}

/// Where in `text` its part `rest` begins; `rest` need not reach to the end, so its place is told by its address.
fn offset(text: &str, rest: &str) -> usize {
    (rest.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The sample of the line with this number, but for its role.
fn assemble<'s, 'a: 's>(
    number: u64,
    line: &SampleLine<'a>,
    labels: &'s [Label<'a>],
    exemplar_labels: &'s [Label<'a>],
) -> Sample<'s> {
    Sample {
        line: NonZeroU64::new(number),
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
        more_exemplars: &[],
    }
}
