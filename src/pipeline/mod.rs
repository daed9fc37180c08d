//! One scrape of one target from its answer to its submissions: reading and mapping joined, and what a failure of
//! either means for the health check and for first values.
//!
//! Nothing here fetches or waits, so that a live endpoint, a recorded fixture, a benchmark and a fuzzer all drive the
//! same code.

mod drive;
mod filter;
mod recorder;

use std::sync::Arc;

use self::filter::{Kept, LineFilter};
use crate::config::{Instance, Status};
use crate::map::{Contexts, DropCounts, Ending, Forgotten, MapError, Mapper, Mapping, Outcome, SeriesId, Submissions};
use crate::parse::{Diagnostic, Format, ParseError, Reader, ReaderLimits, Totals};
use crate::time::UnixTime;

pub use recorder::{Recorded, Recorder};

/// Where a scrape failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// No answer came.
    Request,
    /// The answer is an HTTP error.
    Status,
    /// The body broke off.
    Body,
    /// The body is no exposition, or not a whole one.
    Exposition,
    /// The settings cannot be applied to what was exposed.
    Mapping,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; 5] = [Self::Request, Self::Status, Self::Body, Self::Exposition, Self::Mapping];

    /// The stage in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Status => "status",
            Self::Body => "body",
            Self::Exposition => "exposition",
            Self::Mapping => "mapping",
        }
    }
}

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// Why, in one stable word, for counters.
    pub reason: &'static str,
    /// What happened and what to do.
    pub message: String,
}

/// A failure to fetch, as the mapping needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// Why, in one stable word, for counters.
    pub reason: &'static str,
    /// What happened and what to do.
    pub message: String,
    /// Whether `ignore_connection_errors` means it.
    pub connection: bool,
    /// Whether the target sent more than it may.
    pub limit: bool,
}

/// How a scrape went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Why it failed; what was submitted before that stays.
    pub failure: Option<Failure>,
    /// A failure that the settings say to ignore.
    pub ignored: Option<Failure>,
    /// What was read.
    pub totals: Totals,
    /// Samples and lines that were dropped.
    pub dropped: DropCounts,
    /// The first malformed lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the target has more series than may be remembered, so that all of them have to be forgotten.
    pub overflowed: bool,
}

impl Report {
    /// The malformed lines that are worth a word: none of a body in which nothing else was found, such as a login page,
    /// because its failure says it all.
    pub fn told_diagnostics(&self) -> &[Diagnostic] {
        let is_nothing_else = self.failure.is_some() && self.totals.samples == 0 && self.totals.families == 0;
        if is_nothing_else { &[] } else { &self.diagnostics }
    }
}

/// The scrapes of one target, one after the other.
#[derive(Debug)]
pub struct Pipeline {
    mapper: Mapper,
    limits: ReaderLimits,
    /// What the last scrape let the mapping forget.
    forgotten: Forgotten,
}

impl Pipeline {
    /// A target that was never scraped. `watched_since`: when the process began that watches it, if that is known.
    pub fn new(instance: Arc<Instance>, watched_since: Option<UnixTime>) -> Self {
        let limits = &instance.http.limits;
        let limits = ReaderLimits {
            line_bytes: limits.line_bytes,
            labels: limits.labels,
            label_name_bytes: limits.label_name_bytes,
            label_value_bytes: limits.label_value_bytes,
            samples: limits.samples,
            message_bytes: limits.message_bytes,
            series_bytes: limits.body_bytes,
        };
        Self { mapper: Mapper::new(instance, watched_since), limits, forgotten: Forgotten::default() }
    }

    /// The settings of the target.
    pub fn instance(&self) -> &Instance {
        self.mapper.instance()
    }

    /// The contexts of all submissions so far.
    pub fn contexts(&self) -> &Contexts {
        self.mapper.contexts()
    }

    /// What is remembered of the target.
    pub fn mapper(&self) -> &Mapper {
        &self.mapper
    }

    /// A series as exposed, if it is remembered.
    pub fn series(&self, series: SeriesId) -> Option<String> {
        self.mapper.series(series)
    }

    /// What was forgotten since the last call.
    pub fn take_forgotten(&mut self) -> Forgotten {
        std::mem::take(&mut self.forgotten)
    }

    /// Lets the mapping know how a scrape went.
    fn ended(&mut self, report: Report) -> Report {
        let ending = match (&report.failure, &report.ignored) {
            (Some(_), _) => Ending::Failed,
            (None, Some(_)) => Ending::Ignored,
            (None, None) => Ending::Succeeded,
        };
        self.forgotten.append(self.mapper.end(ending));
        report
    }

    /// A scrape to which no answer came.
    pub fn unanswered<S: Submissions>(&mut self, failure: FetchFailure, out: &mut S) -> Report {
        self.health(Status::Critical, &failure.message, out);
        self.ended(self.fetch_failed(Stage::Request, failure, Report::default()))
    }

    /// A scrape that was answered with an HTTP error; `message` says with which.
    pub fn refused<S: Submissions>(&mut self, message: &str, out: &mut S) -> Report {
        self.health(Status::Critical, message, out);
        let failure = Failure { stage: Stage::Status, reason: "status", message: message.to_owned() };
        self.ended(Report { failure: Some(failure), ..Report::default() })
    }

    /// A scrape whose body follows; `now` is its time.
    pub fn begin<'p, S: Submissions>(&'p mut self, format: Format, now: UnixTime, out: &'p mut S) -> Scrape<'p, S> {
        let filter = match format {
            // Protobuf has no lines.
            Format::PrometheusProtobuf => None,
            Format::PrometheusText | Format::OpenMetrics | Format::OpenMetrics2 => {
                self.instance().raw_line_filters.clone().map(LineFilter::new)
            }
        };
        let limits = self.limits;
        let mapping = self.mapper.begin(format, now, out);
        let search = mapping.needs_search().then(|| Search { reader: Reader::new(format, limits), held: Vec::new() });
        Scrape { filter, body: Body { search, reader: Reader::new(format, limits), mapping, error: None } }
    }

    /// Ends the scrape that [`Pipeline::begin`] began.
    ///
    /// An answer is a sign of health, whatever can be read of its body, as the original has it; but not one that is
    /// larger than it may be.
    pub fn end<S: Submissions>(&mut self, read: Read, out: &mut S) -> Report {
        let Read { outcome, totals, error, body } = read;
        let Outcome { dropped, diagnostics, error: map_error } = outcome;
        let overflowed = map_error.as_ref().is_some_and(MapError::is_too_many_series);
        let limit = map_error.as_ref().is_some_and(MapError::is_over_limit)
            || body.as_ref().is_some_and(|failure| failure.limit)
            || error.as_ref().is_some_and(ParseError::is_over_limit);
        let report = Report { totals, dropped, diagnostics, overflowed, ..Report::default() };
        let report = match (map_error, error, body) {
            (Some(error), ..) => failed(report, Stage::Mapping, error.reason(), error.to_string()),
            (None, Some(error), None) => failed(report, Stage::Exposition, error.reason(), error.to_string()),
            // A body that broke off is always truncated; what the reader says of that adds nothing.
            (None, Some(error), Some(failure)) if !error.is_truncated() || failure.connection => {
                let message = format!("{}; {error}", failure.message);
                failed(report, Stage::Exposition, error.reason(), message)
            }
            (None, _, Some(failure)) => self.fetch_failed(Stage::Body, failure, report),
            (None, None, None) => report,
        };
        match &report.failure {
            Some(failure) if limit => self.health(Status::Critical, &failure.message, out),
            _ => self.health(Status::Ok, "", out),
        }
        self.ended(report)
    }

    fn fetch_failed(&self, stage: Stage, failure: FetchFailure, report: Report) -> Report {
        let FetchFailure { reason, message, connection, .. } = failure;
        if self.instance().ignore_connection_errors && connection {
            return Report { ignored: Some(Failure { stage, reason, message }), ..report };
        }
        failed(report, stage, reason, message)
    }

    fn health<S: Submissions>(&self, status: Status, message: &str, out: &mut S) {
        if let Some(check) = self.mapper.health(status, message) {
            out.health(check);
        }
    }
}

fn failed(report: Report, stage: Stage, reason: &'static str, message: String) -> Report {
    Report { failure: Some(Failure { stage, reason, message }), ..report }
}

/// A scrape whose body is being read.
pub struct Scrape<'p, S> {
    filter: Option<LineFilter>,
    body: Body<'p, S>,
}

/// The body of a scrape, behind the filter of its lines.
struct Body<'p, S> {
    /// As long as sources of shared labels are searched.
    search: Option<Search>,
    reader: Reader,
    mapping: Mapping<'p, S>,
    error: Option<ParseError>,
}

/// A body that is searched before it is mapped.
struct Search {
    reader: Reader,
    /// What has come so far, and has to be mapped yet.
    held: Vec<u8>,
}

/// A body that was read, for [`Pipeline::end`].
#[derive(Debug)]
pub struct Read {
    outcome: Outcome,
    totals: Totals,
    error: Option<ParseError>,
    body: Option<FetchFailure>,
}

impl<S: Submissions> Scrape<'_, S> {
    /// How many bytes the payload has, before the first of them is pushed.
    pub fn payload(&mut self, bytes: u64) {
        self.body.mapping.payload(bytes);
    }

    /// Reads the next bytes of the body, cut anywhere. False: the scrape failed, and the rest of the body is not wanted.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        let Self { filter, body } = self;
        match filter {
            None => body.push(chunk),
            Some(filter) => filter.push(chunk, |kept| body.take(kept)),
        }
        body.goes_on()
    }

    /// Ends the body; `failure` says why it broke off, if it did.
    pub fn finish(self, failure: Option<FetchFailure>) -> Read {
        let Self { filter, mut body } = self;
        if let Some(filter) = filter {
            filter.finish(|kept| body.take(kept));
        }
        body.end_search(failure.is_none());
        let Body { reader, mut mapping, error, .. } = body;
        let finished = match failure {
            None => reader.finish(&mut mapping),
            Some(_) => reader.finish_cut(&mut mapping),
        };
        let (totals, error) = match (finished, error) {
            (Ok(totals), error) => (totals, error),
            (Err(late), error) => (*late.totals(), error.or(Some(late))),
        };
        Read { outcome: mapping.finish(), totals, error, body: failure }
    }
}

impl<S: Submissions> Body<'_, S> {
    fn goes_on(&self) -> bool {
        self.error.is_none() && self.mapping.error().is_none()
    }

    fn take(&mut self, kept: Kept<'_>) {
        match kept {
            Kept::Bytes(bytes) => self.push(bytes),
            // Behind a failure nothing is read any more.
            Kept::FilteredLine(line) if self.goes_on() => self.mapping.filtered_line(line),
            Kept::FilteredLine(_) => {}
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        let Some(search) = &mut self.search else { return self.map(chunk) };
        search.held.extend_from_slice(chunk);
        // Whatever is wrong with the body, mapping it will tell.
        let mut failed = false;
        self.mapping.searching(|sink| failed = search.reader.push(chunk, sink).is_err());
        if failed || !self.mapping.needs_search() {
            self.replay();
        }
    }

    /// Ends the search with the body; `whole`: whether the body did not break off.
    fn end_search(&mut self, whole: bool) {
        let Some(search) = self.search.take() else { return };
        let Search { reader, held } = search;
        self.mapping.searching(|sink| {
            // As above.
            let _ = if whole { reader.finish(sink) } else { reader.finish_cut(sink) };
        });
        self.mapping.searched();
        self.map(&held);
    }

    /// Maps what was held while sources were searched.
    fn replay(&mut self) {
        if let Some(search) = self.search.take() {
            self.map(&search.held);
        }
    }

    fn map(&mut self, chunk: &[u8]) {
        self.mapping.came(chunk.len());
        if self.goes_on()
            && let Err(error) = self.reader.push(chunk, &mut self.mapping)
        {
            self.error = Some(error);
        }
    }
}
