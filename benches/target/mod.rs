//! A target of which everything is collected and nobody looks at submissions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use retriever::config::{BodyLimits, Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::map::{Contexts, NativeSubmission, ServiceCheck, Submission, Submissions};
use retriever::road::{Contribution, Road, Witness};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use tokio::runtime::{Builder, Runtime};

/// A target that is scraped every 15 seconds, with no limits that matter.
pub(crate) struct Target {
    pub(crate) road: Road,
    runtime: Runtime,
    now: UnixTime,
    limits: BodyLimits,
}

impl Target {
    pub(crate) fn new() -> Self {
        let instance = instance(|instance| {
            let limits = &mut instance.http.limits;
            (limits.series, limits.samples, limits.body_bytes) = (4_000_000, 4_000_000, 1 << 30);
        });
        let limits = instance.http.limits;
        let runtime = Builder::new_current_thread().build().expect("a runtime can be made");
        Self { road: Road::new(instance, None), runtime, now: UnixTime::from_seconds(1_700_000_000.0), limits }
    }

    /// Scrapes a body in the text format of Prometheus; gives how long that took, too.
    pub(crate) fn scrape(&mut self, body: &Bytes) -> (Duration, Contribution) {
        let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
        let head = Head { status: 200, reason: String::new(), final_url: String::new(), headers };
        let body = Body::from_bytes(&head, body.clone(), &self.limits);
        self.now = self.now.plus(Duration::from_secs(15));
        let begun = Instant::now();
        let contribution = self.runtime.block_on(self.road.scrape(Ok(Response { head, body }), self.now, &mut Unseen));
        let took = begun.elapsed();
        assert!(contribution.report.failure.is_none(), "{:?}", contribution.report.failure);
        (took, contribution)
    }

    /// Scrapes a body of which nothing but the time is wanted.
    pub(crate) fn time(&mut self, body: &Bytes) -> Duration {
        let (took, contribution) = self.scrape(body);
        self.road.reuse(contribution.batch);
        took
    }
}

/// Its settings; `change` may change them first.
pub(crate) fn instance(change: impl FnOnce(&mut Instance)) -> Arc<Instance> {
    let config =
        Config::read("instances: [{openmetrics_endpoint: 'http://t', metrics: [.+]}]", "bench", &NoSurroundings);
    let Some(ConfiguredInstance::Valid(mut instance)) = config.instances.into_iter().next() else {
        panic!("the settings are valid")
    };
    change(&mut instance);
    Arc::from(instance)
}

/// Lets everything pass.
pub(crate) struct Unseen;

impl Witness for Unseen {
    fn sees_submissions(&self) -> bool {
        false
    }
}

impl Submissions for Unseen {
    fn submit(&mut self, _: &Submission, _: &Contexts) {}
    fn native(&mut self, _: NativeSubmission, _: &Contexts) {}
    fn service_check(&mut self, _: ServiceCheck) {}
    fn health(&mut self, _: ServiceCheck) {}
    fn metadata(&mut self, _: &str, _: &str) {}
}
