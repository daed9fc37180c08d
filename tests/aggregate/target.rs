//! A target whose scrapes are made up: contexts, an aggregator and a clock.

use std::time::Duration;

use retriever::aggregate::{Aggregator, Batch, Refused, Sketch};
use retriever::map::{Context, ContextId, Contexts, MetricKind, Submission};
use retriever::time::UnixTime;

/// When the first scrape is, with a fraction that points must not have.
const START: f64 = 1_700_000_000.75;
/// Seconds between scrapes.
const INTERVAL: u64 = 15;

pub(crate) struct Target {
    pub(crate) contexts: Contexts,
    pub(crate) aggregator: Aggregator,
    pub(crate) now: UnixTime,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            contexts: Contexts::default(),
            aggregator: Aggregator::new(Duration::from_secs(INTERVAL)),
            now: UnixTime::from_seconds(START),
        }
    }
}

impl Target {
    pub(crate) fn context(&mut self, name: &str, tags: &[&str]) -> ContextId {
        let tags = tags.iter().map(|tag| self.contexts.text(tag)).collect();
        let (name, hostname) = (self.contexts.text(name), self.contexts.text(""));
        self.contexts.intern(Context { name, tags, hostname })
    }

    pub(crate) fn accept(&mut self, submission: Submission) {
        self.aggregator.accept(submission, &self.contexts, self.now);
    }

    /// A successful scrape; the next one is an interval later.
    pub(crate) fn scrape(&mut self, submissions: impl IntoIterator<Item = Submission>) -> Batch {
        submissions.into_iter().for_each(|submission| self.accept(submission));
        let batch = self.aggregator.commit(self.now);
        let expired = self.aggregator.expire();
        self.contexts.release(expired);
        self.now = self.now.plus(Duration::from_secs(INTERVAL));
        batch
    }

    /// One successful scrape of a target with one series: the value of its only point.
    pub(crate) fn value(&mut self, submissions: impl IntoIterator<Item = Submission>) -> Option<f64> {
        let batch = self.scrape(submissions);
        assert!(batch.points.len() <= 1, "one context has one point");
        batch.points.first().map(|point| point.value)
    }

    /// Likewise, of a distribution.
    pub(crate) fn sketch(&mut self, submissions: impl IntoIterator<Item = Submission>) -> Option<Sketch> {
        let mut batch = self.scrape(submissions);
        assert!(batch.sketches.len() <= 1, "one context has one sketch");
        batch.sketches.pop().map(|point| point.sketch)
    }

    pub(crate) fn refused(&mut self) -> Vec<(Refused, u64)> {
        self.aggregator.take_refused()
    }
}

pub(crate) fn metric(kind: MetricKind, context: ContextId, value: f64) -> Submission {
    Submission::Metric { kind, context, value, flush_first_value: false }
}

pub(crate) fn counter(context: ContextId, value: f64, flush_first_value: bool) -> Submission {
    Submission::Metric { kind: MetricKind::MonotonicCount, context, value, flush_first_value }
}

/// One of several buckets of a context.
pub(crate) fn bucket(context: ContextId, bounds: (f64, f64), value: i64, flush_first_value: bool) -> Submission {
    let (lower, upper) = bounds;
    Submission::Bucket { context, lower, upper, value, flush_first_value, multiple_buckets: true }
}

/// A bucket that has its context to itself.
pub(crate) fn lone_bucket(context: ContextId, bounds: (f64, f64), value: i64, flush_first_value: bool) -> Submission {
    let (lower, upper) = bounds;
    Submission::Bucket { context, lower, upper, value, flush_first_value, multiple_buckets: false }
}
