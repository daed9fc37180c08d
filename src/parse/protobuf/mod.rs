//! Reads the protobuf format of Prometheus: `io.prometheus.client.MetricFamily` messages, each behind its length. It is
//! decoded as it arrives, one family at a time, into the families and samples that the text formats give.

mod expand;
mod frames;
mod head;
mod metric;
mod native;
mod number;
mod series;
mod violation;
mod wire;

pub(super) use number::push_bound;
pub(super) use violation::Violation;

use expand::{Expansion, Out, Stop};
use frames::{Frame, Frames};
use head::{Head, METRIC};
use metric::Metric;
use wire::Fields;

use super::error::{Content, ParseError, ParseErrorKind};
use super::limits::ReaderLimits;
use super::model::Family;
use super::sink::Sink;
use super::totals::Totals;

/// Reads one exposition. The first violation ends it: protobuf has no place at which reading could begin anew. Families
/// before it, and metrics of its own family before it, have been handed out by then.
#[derive(Debug)]
pub(super) struct ProtobufReader {
    frames: Frames,
    state: State,
    failure: Option<ParseError>,
}

/// Everything but the message cutter, so that a message may borrow from the cutter while it is read.
#[derive(Debug)]
struct State {
    limits: ReaderLimits,
    family: Family,
    /// Nothing but memory to use again.
    metric: Metric<'static>,
    expansion: Expansion,
    totals: Totals,
    series_bytes: u64,
    /// The first two bytes of the body.
    begin: Vec<u8>,
}

impl ProtobufReader {
    pub(super) fn new(limits: ReaderLimits) -> Self {
        let state = State {
            limits,
            family: Family::default(),
            metric: Metric::default(),
            expansion: Expansion::default(),
            totals: Totals::default(),
            series_bytes: 0,
            begin: Vec::new(),
        };
        Self { frames: Frames::new(limits.message_bytes), state, failure: None }
    }

    /// Reads the next bytes of the body, cut anywhere. After an error nothing is handed out; further calls give the same
    /// error.
    pub(super) fn push<S: Sink + ?Sized>(&mut self, chunk: &[u8], sink: &mut S) -> Result<(), ParseError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.state.begin(chunk);
        let mut rest = chunk;
        while let Some(frame) = self.frames.next(&mut rest) {
            let read = match frame {
                Frame::Message(message) => self.state.message(message, sink),
                Frame::BadLength => Err(Failure::Length),
                Frame::TooLarge(length) => {
                    let limit = self.state.limits.message_bytes;
                    Err(Failure::Limit(ParseErrorKind::MessageTooLarge { length, limit }))
                }
            };
            if let Err(failure) = read {
                let failure = self.state.fail(failure, self.frames.position());
                return Err(self.failure.insert(failure).clone());
            }
        }
        Ok(())
    }

    /// Ends the body, which must not be in the middle of a message.
    pub(super) fn finish(self) -> Result<Totals, ParseError> {
        match self.failure {
            Some(failure) => Err(failure),
            None if self.frames.partial().is_empty() => Ok(self.state.totals),
            None => Err(self.state.fail(Failure::Truncated(self.frames.partial().len()), self.frames.position())),
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.state.totals
    }
}

/// Why reading ends, before it is known where.
enum Failure {
    Length,
    Violation { family: String, metric: u64, violation: Violation },
    Limit(ParseErrorKind),
    Truncated(usize),
}

impl State {
    fn begin(&mut self, chunk: &[u8]) {
        self.totals.bytes += chunk.len() as u64;
        let missing = 2 - self.begin.len();
        self.begin.extend_from_slice(&chunk[..chunk.len().min(missing)]);
    }

    fn fail(&self, failure: Failure, position: u64) -> ParseError {
        let kind = match (failure, self.other_content()) {
            (Failure::Limit(kind), _) => kind,
            (_, Some(content)) => ParseErrorKind::NotProtobuf { content },
            (Failure::Length, None) => ParseErrorKind::MessageLength { position },
            (Failure::Truncated(bytes), None) => ParseErrorKind::TruncatedMessage { position, bytes },
            (Failure::Violation { family, metric, violation }, None) => {
                ParseErrorKind::Protobuf { position, family, metric, violation }
            }
        };
        ParseError::new(kind, self.totals)
    }

    /// What the body is that gave no family and begins like none: behind the length of one stands the key of a field.
    fn other_content(&self) -> Option<Content> {
        match self.begin[..] {
            _ if self.totals.families > 0 => None,
            [b'<', b'!' | b'?' | b'A'..=b'Z' | b'a'..=b'z'] => Some(Content::Html),
            [b'{', b'"' | b'}'] | [b'[', b'"' | b'{' | b'['] => Some(Content::Json),
            // A comment or a word.
            [b'#', b' '] | [b'_' | b'A'..=b'Z' | b'a'..=b'z', b'_' | b'A'..=b'Z' | b'a'..=b'z'] => Some(Content::Text),
            _ => None,
        }
    }

    /// Reads a family.
    fn message<S: Sink + ?Sized>(&mut self, message: &[u8], sink: &mut S) -> Result<(), Failure> {
        let anonymous = |violation| Failure::Violation { family: String::new(), metric: 0, violation };
        let head = Head::of(message).map_err(anonymous)?;
        if !head.has_metrics {
            return Ok(());
        }
        let violation = |metric, violation| Failure::Violation { family: head.shown_name(), metric, violation };
        head.describe(&mut self.family).map_err(|found| violation(0, found))?;
        self.totals.families += 1;
        sink.family(&self.family);
        let mut number = 0;
        let read = self.metrics(message, &mut number, sink);
        // Also where reading failed, so that a sink sees whole families even of an exposition that fails.
        sink.family_end(&self.family);
        read.map_err(|stop| match stop {
            Stop::Violation(found) => violation(number, found),
            Stop::Limit(kind) => Failure::Limit(kind),
        })
    }

    /// Reads the metrics of the family; `number` counts them.
    fn metrics<'m, S: Sink + ?Sized>(&mut self, message: &'m [u8], number: &mut u64, sink: &mut S) -> Result<(), Stop> {
        self.expansion.family(&self.family);
        let mut out = Out {
            sink,
            family: &self.family,
            limits: &self.limits,
            totals: &mut self.totals,
            series_bytes: &mut self.series_bytes,
        };
        let mut metric: Metric<'m> = std::mem::take(&mut self.metric);
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            if field.number == METRIC {
                *number += 1;
                metric.decode(field.bytes()?, self.limits.of_labels())?;
                self.expansion.metric(&mut metric, &mut out)?;
            }
        }
        self.metric = metric.emptied();
        Ok(())
    }
}
