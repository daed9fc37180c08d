//! A target whose scrapes are made up: contexts, series, an aggregator and a clock.

use std::collections::HashMap;
use std::time::Duration;

use retriever::aggregate::{Account, Accounts, Aggregator, Collisions, Growth, PointKind, Refused, SeriesKey, Sketch};
use retriever::config::GaugeAggregation;
use retriever::map::{
    Begun, ContextId, Contexts, Forgotten, GroupId, MetricKind, NativeCount, NativeReading, NativeSubmission, Origin,
    Part, SeriesId, Submission,
};
use retriever::time::UnixTime;

/// When the first scrape is, with a fraction that points must not have.
const START: f64 = 1_700_000_000.75;
/// Seconds between scrapes.
pub(crate) const INTERVAL: u64 = 15;
/// Series that a test does not name have numbers from here on.
const UNNAMED: u32 = 1000;

pub(crate) struct Target {
    pub(crate) contexts: Contexts,
    pub(crate) aggregator: Aggregator,
    pub(crate) now: UnixTime,
    /// The series of readings that name none: one for each context, and within it for each upper bound.
    unnamed: HashMap<(ContextId, Option<u64>), SeriesId>,
}

impl Default for Target {
    fn default() -> Self {
        Self::new(Duration::from_secs(INTERVAL), None)
    }
}

/// What a scrape reads of one series.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    submission: Made,
    series: Option<SeriesId>,
    group: Option<(GroupId, Part)>,
}

#[derive(Clone, Debug)]
enum Made {
    Plain(Submission),
    Native(NativeSubmission),
}

impl Reading {
    fn new(submission: Made) -> Self {
        Self { submission, series: None, group: None }
    }

    /// The same, read from this series rather than from one that the context has to itself.
    pub(crate) fn of(mut self, series: u32) -> Self {
        assert!(series < UNNAMED);
        self.series = Some(SeriesId::new(series));
        self
    }

    /// The same, of a series that is part of a histogram or summary.
    pub(crate) fn in_group(mut self, group: u32, part: Part) -> Self {
        self.group = Some((GroupId::new(group), part));
        self
    }

    /// The same native histogram, with a sum.
    pub(crate) fn summing_up_to(mut self, sum: f64) -> Self {
        let Made::Native(submission) = &mut self.submission else { panic!("only a native histogram tells its sum") };
        submission.reading.sum = sum;
        self
    }

    fn context(&self) -> ContextId {
        match &self.submission {
            Made::Plain(submission) => submission.context(),
            Made::Native(submission) => submission.context,
        }
    }

    fn upper(&self) -> Option<u64> {
        match self.submission {
            Made::Plain(Submission::Bucket { upper, .. }) => Some(upper.to_bits()),
            Made::Plain(Submission::Metric { .. }) | Made::Native(_) => None,
        }
    }
}

/// What a scrape came to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) points: Vec<Point>,
    pub(crate) sketches: Vec<SketchPoint>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) series: SeriesKey,
    pub(crate) kind: PointKind,
    pub(crate) value: f64,
    pub(crate) timestamp: i64,
    pub(crate) interval: u32,
}

#[derive(Debug, PartialEq)]
pub(crate) struct SketchPoint {
    pub(crate) series: SeriesKey,
    pub(crate) sketch: Sketch,
    pub(crate) timestamp: i64,
}

/// How the growth of each series came about, and what was added.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Vec<(SeriesId, Growth, Option<f64>)>);

impl Accounts for Told {
    fn account(&mut self, account: Account<'_>) {
        self.0.push((account.series, account.growth, account.amount));
    }
}

impl Target {
    pub(crate) fn new(interval: Duration, watched_since: Option<UnixTime>) -> Self {
        Self {
            contexts: Contexts::default(),
            aggregator: Aggregator::new(interval, watched_since),
            now: UnixTime::from_seconds(START),
            unnamed: HashMap::new(),
        }
    }

    /// A target that is watched since so many seconds before its first scrape.
    pub(crate) fn watched_for(seconds: f64) -> Self {
        Self::new(Duration::from_secs(INTERVAL), Some(UnixTime::from_seconds(START - seconds)))
    }

    pub(crate) fn context(&mut self, name: &str, tags: &[&str]) -> ContextId {
        self.contexts.intern(name, "", tags.iter().copied(), None)
    }

    pub(crate) fn accept(&mut self, reading: Reading) {
        let next = SeriesId::new(UNNAMED + u32::try_from(self.unnamed.len()).unwrap());
        let series = match reading.series {
            Some(series) => series,
            None => *self.unnamed.entry((reading.context(), reading.upper())).or_insert(next),
        };
        let made = Origin { series, group: reading.group };
        match reading.submission {
            Made::Native(mut submission) => {
                submission.origin = made;
                self.aggregator.accept_native(submission);
            }
            Made::Plain(mut submission) => {
                let (Submission::Metric { origin, .. } | Submission::Bucket { origin, .. }) = &mut submission;
                *origin = made;
                self.aggregator.accept(&submission);
            }
        }
    }

    /// A series submits what it last did, with this value.
    pub(crate) fn again(&mut self, series: u32, value: f64, flush_first_value: bool) -> bool {
        self.aggregator.again(SeriesId::new(series), value, flush_first_value)
    }

    /// A moment so many seconds before the present scrape; negative ones are after it.
    pub(crate) fn ago(&self, seconds: f64) -> UnixTime {
        UnixTime::from_seconds(self.now.seconds() - seconds)
    }

    /// The present scrape exposes when a series began, in seconds before it.
    pub(crate) fn began(&mut self, series: u32, seconds_ago: f64) {
        self.aggregator.begun(Begun::Series(SeriesId::new(series)), self.ago(seconds_ago));
    }

    /// Likewise, of a group.
    pub(crate) fn group_began(&mut self, group: u32, seconds_ago: f64) {
        self.aggregator.begun(Begun::Group(GroupId::new(group)), self.ago(seconds_ago));
    }

    /// Likewise, of the process.
    pub(crate) fn process_started(&mut self, seconds_ago: f64) {
        self.aggregator.process_started(self.ago(seconds_ago));
    }

    /// A successful scrape; the next one is an interval later.
    pub(crate) fn scrape(&mut self, readings: impl IntoIterator<Item = Reading>) -> Batch {
        self.told(readings).0
    }

    /// A successful scrape, and the growth of its series.
    pub(crate) fn told(&mut self, readings: impl IntoIterator<Item = Reading>) -> (Batch, Told) {
        readings.into_iter().for_each(|reading| self.accept(reading));
        let mut told = Told::default();
        let batch = self.commit(Some(&mut told));
        self.aggregator.succeeded(self.now);
        self.pass(1);
        (batch, told)
    }

    /// A scrape that failed after these readings.
    pub(crate) fn failed_scrape(&mut self, readings: impl IntoIterator<Item = Reading>) -> Batch {
        readings.into_iter().for_each(|reading| self.accept(reading));
        let batch = self.commit(None);
        self.pass(1);
        batch
    }

    /// Ends a scrape now, and tells what it came to.
    pub(crate) fn commit(&mut self, accounts: Option<&mut dyn Accounts>) -> Batch {
        self.contexts.clear_away();
        let slots = self.contexts.slots();
        let batch = self.aggregator.commit(self.now, slots, accounts);
        let points = batch.full_points(slots).map(|point| Point {
            series: point.series.into(),
            kind: point.kind,
            value: point.value,
            timestamp: point.timestamp,
            interval: point.interval,
        });
        let sketches = batch.full_sketches(slots).map(|point| SketchPoint {
            series: point.series.into(),
            sketch: point.sketch.clone(),
            timestamp: point.timestamp,
        });
        let seen = Batch { points: points.collect(), sketches: sketches.collect() };
        self.aggregator.reuse(batch);
        seen
    }

    /// Lets intervals pass without a scrape.
    pub(crate) fn pass(&mut self, intervals: u64) {
        self.now = self.now.plus(Duration::from_secs(intervals * INTERVAL));
    }

    /// One successful scrape of a target with one context: the value of its only point.
    pub(crate) fn value(&mut self, readings: impl IntoIterator<Item = Reading>) -> Option<f64> {
        let batch = self.scrape(readings);
        assert!(batch.points.len() <= 1, "one context has one point");
        batch.points.first().map(|point| point.value)
    }

    /// How the growth of the only series of a scrape came about.
    pub(crate) fn growth(&mut self, reading: Reading) -> (Growth, Option<f64>) {
        let (_, Told(told)) = self.told([reading]);
        let [(_, growth, amount)] = told[..] else { panic!("one reading has one growth: {told:?}") };
        (growth, amount)
    }

    /// The growth of each reading of a scrape, in their order.
    pub(crate) fn growths(&mut self, readings: impl IntoIterator<Item = Reading>) -> Vec<(Growth, Option<f64>)> {
        self.told(readings).1.0.into_iter().map(|(_, growth, amount)| (growth, amount)).collect()
    }

    /// Likewise, of a distribution.
    pub(crate) fn sketch(&mut self, readings: impl IntoIterator<Item = Reading>) -> Option<Sketch> {
        let mut batch = self.scrape(readings);
        assert!(batch.sketches.len() <= 1, "one context has one sketch");
        batch.sketches.pop().map(|point| point.sketch)
    }

    /// How many values the sketch of one scrape has.
    pub(crate) fn sketched(&mut self, readings: impl IntoIterator<Item = Reading>) -> Option<i64> {
        self.sketch(readings).map(|sketch| sketch.count())
    }

    pub(crate) fn forget(&mut self, series: &[u32], contexts: &[ContextId]) {
        let series = series.iter().map(|series| SeriesId::new(*series)).collect();
        self.contexts.release(contexts.iter().copied());
        self.aggregator.forget(&Forgotten { series, contexts: contexts.to_vec(), groups: Vec::new() });
    }

    pub(crate) fn refused(&mut self) -> Vec<(Refused, u64)> {
        self.aggregator.take_refused()
    }

    pub(crate) fn collisions(&mut self) -> Collisions {
        self.aggregator.take_collisions()
    }
}

/// Replaced by the series of the reading.
fn nobody() -> Origin {
    Origin::alone(SeriesId::new(u32::MAX))
}

fn plain(kind: MetricKind, context: ContextId, gauges: GaugeAggregation, value: f64, flush: bool) -> Reading {
    let flush_first_value = flush;
    Reading::new(Made::Plain(Submission::Metric {
        kind,
        context,
        origin: nobody(),
        gauges,
        lower: None,
        value,
        flush_first_value,
    }))
}

pub(crate) fn metric(kind: MetricKind, context: ContextId, value: f64) -> Reading {
    plain(kind, context, GaugeAggregation::Last, value, false)
}

pub(crate) fn gauge(aggregation: GaugeAggregation, context: ContextId, value: f64) -> Reading {
    plain(MetricKind::Gauge, context, aggregation, value, false)
}

pub(crate) fn counter(context: ContextId, value: f64, flush_first_value: bool) -> Reading {
    plain(MetricKind::MonotonicCount, context, GaugeAggregation::Last, value, flush_first_value)
}

pub(crate) fn bucket(context: ContextId, bounds: (f64, f64), value: i64, flush_first_value: bool) -> Reading {
    let (lower, upper) = bounds;
    Reading::new(Made::Plain(Submission::Bucket {
        context,
        origin: nobody(),
        lower,
        upper,
        value,
        flush_first_value,
        multiple_buckets: true,
    }))
}

/// A native histogram of these buckets: lower bound, upper bound, count. All its observations are in buckets.
pub(crate) fn native(context: ContextId, buckets: &[(f64, f64, f64)], flush_first_value: bool) -> Reading {
    native_of(context, buckets.iter().map(|(_, _, count)| count).sum(), buckets, flush_first_value)
}

/// A native histogram with some observations in no bucket, as NaN is.
pub(crate) fn native_of(
    context: ContextId,
    count: f64,
    buckets: &[(f64, f64, f64)],
    flush_first_value: bool,
) -> Reading {
    let buckets = buckets.iter().map(|&(lower, upper, count)| NativeCount { lower, upper, count }).collect();
    // No sum, so that sketches are those of their buckets.
    let reading = NativeReading { count, sum: f64::NAN, buckets };
    Reading::new(Made::Native(NativeSubmission { context, origin: nobody(), reading, flush_first_value }))
}
