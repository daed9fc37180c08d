//! A target that answers with real bodies, and all that is remembered of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use retriever::aggregate::{Sketch, Slots};
use retriever::config::{BodyLimits, Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::map::SeriesId;
use retriever::pipeline::{Recorded, Recorder};
use retriever::road::{Contribution, Road};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use tokio::runtime::{Builder, Runtime};

pub(crate) const TEXT: &str = "text/plain; version=0.0.4";
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

/// Histograms as sketches, beside their sums and counts.
pub(crate) const SKETCHES: &str =
    "collect_histograms_as_distributions: true, collect_counters_with_distributions: true";

/// A target that is scraped every 15 seconds.
pub(crate) struct Target {
    pub(crate) road: Road,
    runtime: Runtime,
    pub(crate) now: UnixTime,
    /// What the last scrape submitted.
    submitted: Vec<Recorded>,
    /// The sketches of the last scrape.
    pub(crate) sketches: Vec<Sketch>,
}

impl Target {
    pub(crate) fn new(options: &str) -> Self {
        let now = UnixTime::from_seconds(1_700_000_000.0);
        Self {
            road: Road::new(Arc::new(instance(options)), None),
            runtime: Builder::new_current_thread().build().unwrap(),
            now,
            submitted: Vec::new(),
            sketches: Vec::new(),
        }
    }

    fn answer(&mut self, status: u16, content_type: &'static str, body: &str) -> Contribution {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let head = Head { status, reason: String::new(), final_url: String::new(), headers };
        let body = Body::from_bytes(&head, Bytes::copy_from_slice(body.as_bytes()), &BodyLimits::default());
        let mut recorder = Recorder::default();
        let scrape = self.road.scrape(Ok(Response { head, body }), self.now, &mut recorder);
        let contribution = self.runtime.block_on(scrape);
        self.now = self.now.plus(Duration::from_secs(15));
        self.submitted = recorder.submissions;
        self.sketches = contribution.batch.sketches.iter().map(|point| point.sketch.clone()).collect();
        contribution
    }

    /// A successful scrape of the text format.
    pub(crate) fn scrape(&mut self, body: &str) -> Contribution {
        self.succeed(TEXT, body)
    }

    /// A successful scrape of any format: as [`Target::values`].
    pub(crate) fn answered(&mut self, content_type: &'static str, body: &str) -> BTreeMap<String, f64> {
        let contribution = self.succeed(content_type, body);
        values(&contribution, self.road.slots())
    }

    fn succeed(&mut self, content_type: &'static str, body: &str) -> Contribution {
        let contribution = self.answer(200, content_type, body);
        assert!(contribution.report.failure.is_none(), "{:?}", contribution.report.failure);
        assert_eq!(contribution.refused, []);
        contribution
    }

    /// A successful scrape: the values of its points, and the counts of its sketches, by name and tags.
    pub(crate) fn values(&mut self, body: &str) -> BTreeMap<String, f64> {
        let contribution = self.scrape(body);
        values(&contribution, self.road.slots())
    }

    /// As many successful scrapes of one body.
    pub(crate) fn repeat(&mut self, scrapes: u32, body: &str) {
        for _ in 0..scrapes {
            self.scrape(body);
        }
    }

    /// A scrape that fails: the target says so, or breaks off.
    pub(crate) fn fail(&mut self, content_type: &'static str, status: u16, body: &str) -> BTreeMap<String, f64> {
        let contribution = self.answer(status, content_type, body);
        assert!(contribution.report.failure.is_some());
        values(&contribution, self.road.slots())
    }

    /// How many contexts, series of Datadog, and series of the exposition are remembered.
    pub(crate) fn remembered(&self) -> (usize, usize, usize) {
        let exposed = (0..10_000).filter(|place| self.road.exposed(SeriesId::new(*place)).is_some());
        (self.road.contexts().len(), self.road.series(), exposed.count())
    }

    /// The highest numbers of context, series and group that the last scrape submitted with.
    pub(crate) fn numbers(&self) -> [usize; 3] {
        let mut highest = [0; 3];
        for recorded in &self.submitted {
            let (context, origin) = match recorded {
                Recorded::Submission(submission) => (submission.context(), submission.origin()),
                Recorded::Native(native) => (native.context, native.origin),
                Recorded::Metadata { .. } => continue,
            };
            let group = origin.group.map_or(0, |(group, _)| group.index());
            for (highest, number) in highest.iter_mut().zip([context.index(), origin.series.index(), group]) {
                *highest = number.max(*highest);
            }
        }
        highest
    }
}

pub(crate) fn instance(options: &str) -> Instance {
    let text =
        format!("instances: [{{openmetrics_endpoint: 'http://t', tag_by_endpoint: false, metrics: [.+], {options}}}]");
    let config = Config::read(&text, "test", &NoSurroundings);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{:?}", config.problems) };
    instance.as_ref().clone()
}

fn values(contribution: &Contribution, slots: &Slots) -> BTreeMap<String, f64> {
    let batch = &contribution.batch;
    let points = batch.full_points(slots).map(|point| (point.series, point.value));
    let sketches = batch.full_sketches(slots).map(|point| (point.series, point.sketch.count() as f64));
    let all = points.chain(sketches).map(|(series, value)| {
        let tags: Vec<&str> = series.tags.iter().collect();
        (format!("{}{}", series.metric, tags.join(",")), value)
    });
    all.collect()
}

pub(crate) fn expect(expected: &[(&str, f64)]) -> BTreeMap<String, f64> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}
