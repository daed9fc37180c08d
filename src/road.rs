//! The whole road of one target up to `submit`: its scrapes are read, mapped and aggregated, one after the other.

use std::sync::Arc;

use crate::aggregate::{Aggregator, Batch, Refused};
use crate::config::Instance;
use crate::map::{Contexts, ServiceCheck, Submission, Submissions};
use crate::pipeline::{Pipeline, Report};
use crate::scrape::{Response, ScrapeError};
use crate::time::UnixTime;

/// One target and all that is remembered of it.
#[derive(Debug)]
pub struct Road {
    instance: Arc<Instance>,
    pipeline: Pipeline,
    aggregator: Aggregator,
    /// Whether everything is to be forgotten before the next scrape.
    overflowed: bool,
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
}

impl Road {
    /// A target that was never scraped.
    pub fn new(instance: Arc<Instance>) -> Self {
        // The Agent, not the check, adds the service to what an instance submits.
        let service = instance.service.iter().map(|service| Arc::from(format!("service:{service}")));
        let aggregator = Aggregator::new(instance.min_collection_interval).with_tags(service.collect());
        Self { pipeline: Pipeline::new(Arc::clone(&instance)), instance, aggregator, overflowed: false }
    }

    /// The contexts of all submissions so far.
    pub fn contexts(&self) -> &Contexts {
        self.pipeline.contexts()
    }

    /// How many series the aggregator remembers.
    pub fn series(&self) -> usize {
        self.aggregator.len()
    }

    /// Takes a response through all stages; `witness` sees the submissions as they pass.
    pub async fn scrape<W: Submissions>(
        &mut self,
        response: Result<Response, ScrapeError>,
        now: UnixTime,
        witness: &mut W,
    ) -> Contribution {
        if self.overflowed {
            // Failed scrapes age nothing, so what a target makes up at every scrape would stay for ever.
            *self = Self::new(Arc::clone(&self.instance));
        }
        let mut out = Passing { aggregator: &mut self.aggregator, now, witness };
        let report = self.pipeline.scrape(response, now, &mut out).await;
        let batch = self.aggregator.commit(now);
        let refused = self.aggregator.take_refused();
        self.overflowed = report.overflowed;
        // Only what a successful scrape lacks has vanished.
        if report.failure.is_none() && report.ignored.is_none() {
            let expired = self.aggregator.expire();
            if !expired.is_empty() {
                self.pipeline.release(expired);
            }
        }
        Contribution { report, batch, refused }
    }
}

/// Hands submissions to the aggregator and shows them to a witness.
struct Passing<'r, W> {
    aggregator: &'r mut Aggregator,
    now: UnixTime,
    witness: &'r mut W,
}

impl<W: Submissions> Submissions for Passing<'_, W> {
    fn submit(&mut self, submission: Submission, contexts: &Contexts) {
        self.aggregator.accept(submission, contexts, self.now);
        self.witness.submit(submission, contexts);
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
