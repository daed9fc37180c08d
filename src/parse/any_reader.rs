//! Reads an exposition in whatever format it is.

use super::error::ParseError;
use super::format::Format;
use super::protobuf::ProtobufReader;
use super::reader::{ReaderLimits, TextReader, Totals};
use super::sink::Sink;

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
pub struct Reader(Kind);

#[derive(Debug)]
enum Kind {
    Text(Box<TextReader>),
    Protobuf(Box<ProtobufReader>),
}

impl Reader {
    /// A reader at the beginning of an exposition.
    pub fn new(format: Format, limits: ReaderLimits) -> Self {
        Self(match format {
            Format::PrometheusText | Format::OpenMetrics | Format::OpenMetrics2 => {
                Kind::Text(Box::new(TextReader::new(format, limits)))
            }
            Format::PrometheusProtobuf => Kind::Protobuf(Box::new(ProtobufReader::new(limits))),
        })
    }

    /// Reads the next bytes of the exposition, cut anywhere.
    ///
    /// # Errors
    ///
    /// When there are too many samples, when the body is clearly no exposition, or when protobuf is malformed. Nothing is
    /// handed out after that; further calls give the same error.
    pub fn push<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), ParseError> {
        match &mut self.0 {
            Kind::Text(reader) => reader.push(chunk, sink),
            Kind::Protobuf(reader) => reader.push(chunk, sink),
        }
    }

    /// Ends the exposition: reads a last line without line end, and closes the open family.
    ///
    /// # Errors
    ///
    /// As [`Reader::push`], and when OpenMetrics ends without `# EOF`, or protobuf within a message.
    pub fn finish<S: Sink + ?Sized>(self, sink: &mut S) -> Result<Totals, ParseError> {
        match self.0 {
            Kind::Text(reader) => reader.finish(sink),
            Kind::Protobuf(reader) => reader.finish(),
        }
    }

    /// How much was read so far.
    pub fn totals(&self) -> Totals {
        match &self.0 {
            Kind::Text(reader) => reader.totals(),
            Kind::Protobuf(reader) => reader.totals(),
        }
    }
}
