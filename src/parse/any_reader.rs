//! Reads an exposition in whatever format it is.

use super::diagnostic::Diagnostic;
use super::error::ParseError;
use super::format::Format;
use super::limits::ReaderLimits;
use super::model::{Family, Sample};
use super::protobuf::ProtobufReader;
use super::reader::TextReader;
use super::sink::Sink;
use super::strict::{Checker, Strictness};
use super::totals::Totals;

/// Reads one exposition.
///
/// ```
/// # use retriever::parse::{Diagnostic, Family, Format, ParseError, Reader, ReaderLimits, Sample, Sink};
/// struct Sum(f64);
///
/// impl Sink for Sum {
///     fn family(&mut self, _: &Family) {}
///     fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
///         self.0 += sample.value;
///     }
///     fn family_end(&mut self, _: &Family) {}
///     fn malformed(&mut self, _: &Diagnostic) {}
/// }
///
/// let mut reader = Reader::new(Format::PrometheusText, ReaderLimits::default());
/// let mut sum = Sum(0.0);
/// reader.push(b"a 1\nb{c=\"d\"", &mut sum)?;
/// reader.push(b"} 2\n", &mut sum)?;
/// assert_eq!(reader.finish(&mut sum)?.samples, 2);
/// assert_eq!(sum.0, 3.0);
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    kind: Kind,
    /// Of a strict reader.
    checker: Option<Box<Checker>>,
    /// Whether the exposition failed: nothing of it is looked at any more.
    failed: bool,
}

#[derive(Debug)]
enum Kind {
    Text(Box<TextReader>),
    Protobuf(Box<ProtobufReader>),
}

impl Reader {
    /// A lenient reader at the beginning of an exposition.
    pub fn new(format: Format, limits: ReaderLimits) -> Self {
        Self::with_strictness(format, limits, Strictness::Lenient)
    }

    /// A reader at the beginning of an exposition. A strict one hands out the same families and samples as a lenient one,
    /// and tells [`Sink::malformed`] of every breach of a rule of the format; its memory grows with the exposition,
    /// and no limit but that of samples holds. Protobuf has no strict reading: its reader ends at the first fault anyway.
    pub fn with_strictness(format: Format, limits: ReaderLimits, strictness: Strictness) -> Self {
        let is_strict = strictness == Strictness::Strict;
        let limits = if is_strict { limits.lifted() } else { limits };
        let kind = match format {
            Format::PrometheusText | Format::OpenMetrics | Format::OpenMetrics2 => {
                Kind::Text(Box::new(TextReader::new(format, limits)))
            }
            Format::PrometheusProtobuf => Kind::Protobuf(Box::new(ProtobufReader::new(limits))),
        };
        let checker = (is_strict && format != Format::PrometheusProtobuf).then(|| Box::new(Checker::new(format)));
        Self { kind, checker, failed: false }
    }

    /// Reads the next bytes of the exposition, cut anywhere.
    ///
    /// # Errors
    ///
    /// When there are too many samples, when the body is clearly no exposition, or when protobuf is malformed. Nothing is
    /// handed out after that; further calls give the same error.
    pub fn push<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), ParseError> {
        if let (Some(checker), false) = (&mut self.checker, self.failed) {
            checker.push(chunk, &mut |finding| sink.malformed(finding));
        }
        let pushed = match &mut self.kind {
            Kind::Text(reader) if self.checker.is_some() => reader.push(chunk, &mut WithoutDiagnostics(sink)),
            Kind::Text(reader) => reader.push(chunk, sink),
            Kind::Protobuf(reader) => reader.push(chunk, sink),
        };
        self.failed = pushed.is_err();
        pushed
    }

    /// Ends the exposition: reads a last line without line end, and closes the open family.
    ///
    /// # Errors
    ///
    /// As [`Reader::push`], and when OpenMetrics ends without `# EOF`, or protobuf within a message.
    pub fn finish<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        let is_strict = self.checker.is_some();
        if let Some(checker) = self.checker.filter(|_| !self.failed) {
            checker.finish(&mut |finding| sink.malformed(finding));
        }
        match self.kind {
            Kind::Text(reader) if is_strict => reader.finish(&mut WithoutDiagnostics(sink)),
            Kind::Text(reader) => reader.finish(sink),
            Kind::Protobuf(reader) => reader.finish(),
        }
    }

    /// Ends an exposition that broke off: a last line without line end is left out, since half of a number is a number
    /// too. Half of a message is none in any case.
    ///
    /// # Errors
    ///
    /// As [`Reader::finish`].
    pub fn finish_cut<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        let is_strict = self.checker.is_some();
        if let Some(checker) = self.checker {
            checker.finish_cut(&mut |finding| sink.malformed(finding));
        }
        match self.kind {
            Kind::Text(reader) if is_strict => reader.finish_cut(&mut WithoutDiagnostics(sink)),
            Kind::Text(reader) => reader.finish_cut(sink),
            Kind::Protobuf(reader) => reader.finish(),
        }
    }

    /// How much was read so far.
    pub fn totals(&self) -> Totals {
        match &self.kind {
            Kind::Text(reader) => reader.totals(),
            Kind::Protobuf(reader) => reader.totals(),
        }
    }
}

/// Passes families and samples on. What the lenient reader says of a line, the strict one says better.
struct WithoutDiagnostics<'s, S: ?Sized>(&'s mut S);

impl<S: Sink + ?Sized> Sink for WithoutDiagnostics<'_, S> {
    fn family(&mut self, family: &Family) {
        self.0.family(family);
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        self.0.sample(family, sample);
    }

    fn family_end(&mut self, family: &Family) {
        self.0.family_end(family);
    }

    fn malformed(&mut self, _: &Diagnostic) {}
}
