//! The whole road of one target up to `submit`: its scrapes are read, mapped and aggregated, one after the other.

use std::sync::Arc;
use std::time::Duration;

use crate::aggregate::{
    Accounts, Aggregator, Batch, Collisions, Marks, MarksContent, MarksError, Refused, Slots, TargetKey,
};
use crate::config::Instance;
use crate::map::{
    Begun, Contexts, Mapper, NativeSubmission, Origin, SeriesId, ServiceCheck, Submission, Submissions, Trace,
};
use crate::pipeline::{Pipeline, Recorder, Report};
use crate::scrape::{Response, ScrapeError};
use crate::time::UnixTime;

/// One target and all that is remembered of it.
#[derive(Debug)]
pub struct Road {
    instance: Arc<Instance>,
    pipeline: Pipeline,
    aggregator: Aggregator,
    watched_since: Option<UnixTime>,
    /// Whether everything is to be forgotten before the next scrape.
    overflowed: bool,
    /// Whose marks are kept; none if none are.
    marked_as: Option<TargetKey>,
}

/// What one scrape contributes.
#[derive(Debug)]
pub struct Contribution {
    /// How the scrape went.
    pub report: Report,
    /// Its points and sketches.
    pub batch: Batch,
    /// What the aggregator refused.
    pub refused: Vec<(Refused, u64)>,
    /// Gauges that dropped labels let replace each other.
    pub collisions: Collisions,
    /// What a later process needs to go on from here, if that is kept.
    pub marks: Option<Marks>,
}

/// Sees everything that passes on the road: submissions, and, if it wants to know, why they are what they are.
pub trait Witness: Submissions {
    /// Whether it wants to see each submission. What nobody sees passes without being made in full; all the rest, such as
    /// service checks, is shown in either case.
    fn sees_submissions(&self) -> bool {
        true
    }

    /// Who wants to know how each growth came about.
    fn accounts(&mut self) -> Option<&mut dyn Accounts> {
        None
    }
}

impl Witness for Recorder {}

impl Road {
    /// A target that was never scraped. `watched_since`: when the process began that watches it; unknown for a replay.
    pub fn new(instance: Arc<Instance>, watched_since: Option<UnixTime>) -> Self {
        Self {
            aggregator: Aggregator::new(instance.min_collection_interval, watched_since),
            pipeline: Pipeline::new(Arc::clone(&instance), watched_since),
            instance,
            watched_since,
            overflowed: false,
            marked_as: None,
        }
    }

    /// A target whose scrapes leave marks, under this key.
    #[must_use]
    pub fn with_marks(mut self, target: TargetKey) -> Self {
        self.marked_as = Some(target);
        self.aggregator = self.aggregator.with_marks();
        self
    }

    /// Goes on where an earlier process was, before the first scrape: see [`Aggregator::restore`].
    ///
    /// # Errors
    ///
    /// When any of the marks cannot be read. Nothing is taken then.
    pub fn restore(&mut self, marks: &[MarksContent], now: UnixTime, age_limit: Duration) -> Result<(), MarksError> {
        self.aggregator.restore(marks, now, age_limit)
    }

    /// The contexts of all submissions so far.
    pub fn contexts(&self) -> &Contexts {
        self.pipeline.contexts()
    }

    /// What is remembered of the target.
    pub fn mapper(&self) -> &Mapper {
        self.pipeline.mapper()
    }

    /// A series as exposed, if it is remembered.
    pub fn exposed(&self, series: SeriesId) -> Option<String> {
        self.pipeline.series(series)
    }

    /// A series as exposed for a message, which may come when it is remembered no longer.
    pub(crate) fn exposed_or_gone(&self, series: SeriesId) -> String {
        self.exposed(series).unwrap_or_else(|| "a series that is gone".to_owned())
    }

    /// The series of the last batch.
    pub fn slots(&self) -> &Slots {
        self.pipeline.contexts().slots()
    }

    /// Takes back the room that a batch takes, once it was read.
    pub fn reuse(&mut self, batch: Batch) {
        self.aggregator.reuse(batch);
    }

    /// How many series the aggregator remembers.
    pub fn series(&self) -> usize {
        self.aggregator.len()
    }

    /// Takes a response through all stages; `witness` sees the submissions as they pass.
    pub async fn scrape<W: Witness>(
        &mut self,
        response: Result<Response, ScrapeError>,
        now: UnixTime,
        witness: &mut W,
    ) -> Contribution {
        if self.overflowed {
            // Failed scrapes age nothing, so what a target makes up at every scrape would stay for ever.
            let new = Self::new(Arc::clone(&self.instance), self.watched_since);
            *self = match self.marked_as {
                Some(target) => new.with_marks(target),
                None => new,
            };
        }
        let is_seen = witness.sees_submissions() || witness.accounts().is_some();
        let mut out = Passing { aggregator: &mut self.aggregator, is_seen, witness };
        let report = self.pipeline.scrape(response, now, &mut out).await;
        let pipeline = &self.pipeline;
        self.aggregator.recall(&|series| pipeline.series(series));
        let batch = self.aggregator.commit(now, pipeline.contexts().slots(), witness.accounts());
        let refused = self.aggregator.take_refused();
        let collisions = self.aggregator.take_collisions();
        self.overflowed = report.overflowed;
        // Only what a successful scrape lacks was not there.
        if report.failure.is_none() && report.ignored.is_none() {
            self.aggregator.succeeded(now);
        }
        let pipeline = &self.pipeline;
        let marks = self.marked_as.and_then(|target| {
            let content = self.aggregator.marks(&|series| pipeline.series(series))?;
            Some(Marks { target, content })
        });
        self.aggregator.forget(&self.pipeline.take_forgotten());
        Contribution { report, batch, refused, collisions, marks }
    }
}

/// Hands submissions to the aggregator and shows them to a witness.
struct Passing<'r, W> {
    aggregator: &'r mut Aggregator,
    /// Whether the witness sees submissions.
    is_seen: bool,
    witness: &'r mut W,
}

impl<W: Submissions> Submissions for Passing<'_, W> {
    fn submit(&mut self, submission: &Submission, contexts: &Contexts) {
        self.aggregator.accept(submission);
        self.witness.submit(submission, contexts);
    }

    #[inline]
    fn again(&mut self, series: SeriesId, value: f64, flush_first_value: bool) -> bool {
        !self.is_seen && self.aggregator.again(series, value, flush_first_value)
    }

    fn expect(&mut self, series: usize) {
        self.aggregator.expect(series);
    }

    fn group_sum(&mut self, origin: Origin, value: f64, flush_first_value: bool) {
        self.aggregator.group_sum(origin, value, flush_first_value);
    }

    fn native(&mut self, submission: NativeSubmission, contexts: &Contexts) {
        self.witness.native(submission.clone(), contexts);
        self.aggregator.accept_native(submission);
    }

    fn begun(&mut self, begun: Begun, start: UnixTime) {
        self.aggregator.begun(begun, start);
        self.witness.begun(begun, start);
    }

    fn process_started(&mut self, start: UnixTime) {
        self.aggregator.process_started(start);
        self.witness.process_started(start);
    }

    fn trace(&mut self) -> Option<&mut dyn Trace> {
        self.witness.trace()
    }

    fn service_check(&mut self, check: ServiceCheck) {
        self.witness.service_check(check);
    }

    fn health(&mut self, check: ServiceCheck) {
        self.witness.health(check);
    }

    fn metadata(&mut self, name: &str, value: &str) {
        self.witness.metadata(name, value);
    }
}
