//! How long a target's series are remembered, seen from outside: real bodies in, points and the size of the memory out.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use retriever::config::{BodyLimits, Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::map::{Forgotten, RETAIN_SCRAPES, SeriesId};
use retriever::parse::Format;
use retriever::pipeline::{FetchFailure, Pipeline, Recorded, Recorder};
use retriever::road::{Contribution, Road};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use tokio::runtime::{Builder, Runtime};

/// How many more successful scrapes than promised a series may be remembered.
const SWEEP: u32 = 16;
/// Beyond so many successful scrapes without it a series is certainly forgotten.
const LONG: u32 = RETAIN_SCRAPES + SWEEP;

const TEXT: &str = "text/plain; version=0.0.4";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

/// A target that is scraped every 15 seconds.
struct Target {
    road: Road,
    runtime: Runtime,
    now: UnixTime,
    /// What the last scrape submitted.
    submitted: Vec<Recorded>,
}

impl Target {
    fn new(options: &str) -> Self {
        let now = UnixTime::from_seconds(1_700_000_000.0);
        Self {
            road: Road::new(Arc::new(instance(options)), None),
            runtime: Builder::new_current_thread().build().unwrap(),
            now,
            submitted: Vec::new(),
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
        contribution
    }

    /// A successful scrape of the text format.
    fn scrape(&mut self, body: &str) -> Contribution {
        let contribution = self.answer(200, TEXT, body);
        assert!(contribution.report.failure.is_none(), "{:?}", contribution.report.failure);
        assert_eq!(contribution.refused, []);
        contribution
    }

    /// A successful scrape: the values of its points, and the counts of its sketches, by name and tags.
    fn values(&mut self, body: &str) -> BTreeMap<String, f64> {
        values(&self.scrape(body))
    }

    /// As many successful scrapes of one body.
    fn repeat(&mut self, scrapes: u32, body: &str) {
        for _ in 0..scrapes {
            self.scrape(body);
        }
    }

    /// A scrape that fails: the target says so, or breaks off.
    fn fail(&mut self, content_type: &'static str, status: u16, body: &str) -> BTreeMap<String, f64> {
        let contribution = self.answer(status, content_type, body);
        assert!(contribution.report.failure.is_some());
        values(&contribution)
    }

    /// How many contexts, series of Datadog, and series of the exposition are remembered.
    fn remembered(&self) -> (usize, usize, usize) {
        let exposed = (0..10_000).filter(|place| self.road.exposed(SeriesId::new(*place)).is_some());
        (self.road.contexts().len(), self.road.series(), exposed.count())
    }

    /// The highest numbers of context, series and group that the last scrape submitted with.
    fn numbers(&self) -> [usize; 3] {
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

fn instance(options: &str) -> Instance {
    let text =
        format!("instances: [{{openmetrics_endpoint: 'http://t', tag_by_endpoint: false, metrics: [.+], {options}}}]");
    let config = Config::read(&text, "test", &NoSurroundings);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{:?}", config.problems) };
    instance.as_ref().clone()
}

fn values(contribution: &Contribution) -> BTreeMap<String, f64> {
    let batch = &contribution.batch;
    let points = batch.points.iter().map(|point| (&point.series, point.value));
    let sketches = batch.sketches.iter().map(|point| (&point.series, point.sketch.count() as f64));
    let all = points.chain(sketches);
    all.map(|(series, value)| (format!("{}{}", series.metric, series.tags.join(",")), value)).collect()
}

fn expect(expected: &[(&str, f64)]) -> BTreeMap<String, f64> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

const STAYS: &str = "# TYPE up gauge\nup 1\n";

/// A counter and a histogram with a label, beside a gauge that stays.
fn pod(name: u32, value: u32) -> String {
    format!(
        "{STAYS}# TYPE x counter\nx_total{{pod=\"{name}\"}} {value}\n# TYPE h histogram\n\
         h_bucket{{pod=\"{name}\",le=\"1\"}} {value}\nh_bucket{{pod=\"{name}\",le=\"+Inf\"}} {value}\n\
         h_sum{{pod=\"{name}\"}} {value}\nh_count{{pod=\"{name}\"}} {value}\n"
    )
}

const SKETCHES: &str = "collect_histograms_as_distributions: true, collect_counters_with_distributions: true";

#[test]
fn a_series_that_returns_in_time_continues() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    target.repeat(RETAIN_SCRAPES, STAYS);
    assert_eq!(target.remembered(), (5, 5, 6));
    let grown = [("h.countpod:1", 4.0), ("h.sumpod:1", 4.0), ("hpod:1", 4.0), ("up", 1.0), ("x.countpod:1", 4.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&grown));
}

#[test]
fn a_series_that_stays_away_is_forgotten_and_returns_as_a_first_value() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    target.repeat(LONG, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
    let first = [("h.countpod:1", 9.0), ("h.sumpod:1", 9.0), ("hpod:1", 9.0), ("up", 1.0), ("x.countpod:1", 9.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&first));
    assert_eq!(target.remembered(), (5, 5, 6));
}

#[test]
fn each_series_is_forgotten_on_its_own() {
    let mut target = Target::new("");
    let body = |names: &[u32]| {
        names.iter().fold("# TYPE x counter\n".to_owned(), |mut body, name| {
            let _ = writeln!(body, "x_total{{pod=\"{name}\"}} 5");
            body
        })
    };
    target.scrape(&body(&[1, 2, 3]));
    target.repeat(100, &body(&[2, 3]));
    target.repeat(LONG - 100, &body(&[3]));
    assert_eq!(target.remembered(), (2, 2, 2));
    target.repeat(100, &body(&[3]));
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// A context, and a histogram, are remembered as long as one of their series is.
#[test]
fn what_series_share_is_forgotten_with_the_last_of_them() {
    let mut target = Target::new("exclude_labels: [pod]");
    let both =
        "# TYPE x counter\nx_total{pod=\"1\"} 5\nx_total{pod=\"2\"} 50\n# TYPE h histogram\nh_count 3\nh_sum 9\n";
    let one = "# TYPE x counter\nx_total{pod=\"2\"} 50\n# TYPE h histogram\nh_sum 9\n";
    target.scrape(both);
    target.repeat(LONG, one);
    assert_eq!(target.remembered(), (2, 2, 2));
    // 5 is a first value, 50 is known; the sum is known, and its count begins anew.
    assert_eq!(target.values(both), expect(&[("x.count", 5.0), ("h.sum", 0.0), ("h.count", 3.0)]));
    target.repeat(LONG, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
}

#[test]
fn failed_scrapes_age_nothing() {
    let mut target = Target::new(SKETCHES);
    target.scrape(&pod(1, 5));
    for _ in 0..LONG {
        assert_eq!(target.fail(TEXT, 503, ""), expect(&[]));
        // A whole exposition ends with a mark, and nothing is known of what would have come before it.
        assert_eq!(target.fail(OPEN_METRICS, 200, "# TYPE up gauge\nup 1\n"), expect(&[("up", 1.0)]));
    }
    assert_eq!(target.remembered().0, 5);
    let grown = [("h.countpod:1", 4.0), ("h.sumpod:1", 4.0), ("hpod:1", 4.0), ("up", 1.0), ("x.countpod:1", 4.0)];
    assert_eq!(target.values(&pod(1, 9)), expect(&grown));
    // They do not keep anything young either.
    for _ in 0..LONG {
        target.scrape(STAYS);
        target.fail(TEXT, 503, "");
    }
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// For an hour there was no connection, which is to be ignored: nothing is known of what was there meanwhile.
#[test]
fn ignored_failures_age_nothing() {
    let mut pipeline = Pipeline::new(Arc::new(instance("ignore_connection_errors: true")), None);
    let now = UnixTime::from_seconds(1_700_000_000.0);
    let mut recorder = Recorder::default();
    let mut scrape = pipeline.begin(Format::PrometheusText, now, &mut recorder);
    scrape.push(STAYS.as_bytes());
    let read = scrape.finish(None);
    pipeline.end(read, &mut recorder);
    for _ in 0..2 * LONG {
        let message = "the connection was refused".to_owned();
        let failure = FetchFailure { reason: "refused", message, connection: true, limit: false };
        let report = pipeline.unanswered(failure, &mut recorder);
        assert!(report.failure.is_none() && report.ignored.is_some());
    }
    assert_eq!(pipeline.contexts().len(), 1);
    assert_eq!(pipeline.take_forgotten(), Forgotten::default());
}

#[test]
fn a_failed_scrape_that_has_a_series_keeps_it() {
    let mut target = Target::new("");
    let cut = "# TYPE x counter\nx_total 5\n";
    target.scrape(cut);
    for _ in 0..LONG {
        target.scrape(STAYS);
        target.fail(OPEN_METRICS, 200, cut);
    }
    assert_eq!(target.remembered(), (2, 2, 2));
}

/// The aggregator takes no values of a series that is dropped, or is not a number, but the series is there.
#[test]
fn a_series_without_values_is_remembered_while_it_is_exposed() {
    let mut target = Target::new("");
    target.scrape("# TYPE x counter\nx_total 5\n");
    target.repeat(LONG, "# TYPE x counter\nx_total NaN\n");
    assert_eq!(target.remembered(), (1, 1, 1));
    assert_eq!(target.values("# TYPE x counter\nx_total 9\n"), expect(&[("x.count", 4.0)]));
}

#[test]
fn churn_does_not_add_up() {
    let mut target = Target::new(SKETCHES);
    // Each scrape has other series than the one before: 6, of which the gauge stays.
    let most = LONG as usize + 1;
    let mut highest = [0; 3];
    for name in 0..3 * LONG {
        target.scrape(&pod(name, 1));
        let (contexts, series, exposed) = target.remembered();
        assert!(contexts <= most * 4 + 1 && series <= most * 4 + 1 && exposed <= most * 5 + 1);
        for (highest, number) in highest.iter_mut().zip(target.numbers()) {
            *highest = number.max(*highest);
        }
    }
    // Numbers are places in arrays, which do not grow either.
    let [context, series, group] = highest;
    assert!(context <= most * 4 + 1 && series <= most * 5 + 1 && group <= most, "{highest:?}");
    target.repeat(LONG, STAYS);
    assert_eq!(target.remembered(), (1, 1, 1));
}

/// Every scrape moves the bounds of a bucket, and so makes it another context.
#[test]
fn contexts_of_bounds_that_change_do_not_add_up() {
    for options in [
        "non_cumulative_histogram_buckets: true",
        "histogram_buckets_as_distributions: true, collect_counters_with_distributions: true",
    ] {
        let mut target = Target::new(options);
        for round in 0..2 * LONG {
            let low = f64::from(round) / 1000.0;
            target.scrape(&format!("# TYPE h histogram\nh_bucket{{le=\"{low}\"}} 1\nh_bucket{{le=\"5\"}} 3\n"));
            // The bucket up to 5 has its present context only; of the others, those within memory.
            assert!(target.remembered().0 <= LONG as usize + 2, "{options}");
        }
    }
}

/// A bucket appears between two others, so that the upper of them counts less than before: that is no reset, of it or of
/// its histogram.
#[test]
fn a_bucket_that_loses_its_lower_part_to_a_new_one_has_not_fallen() {
    let body = |buckets: &str, total: u32| {
        format!("# TYPE h histogram\n{buckets}h_bucket{{le=\"+Inf\"}} {total}\nh_sum {total}\nh_count {total}\n")
    };
    let few = body("h_bucket{le=\"1\"} 10\nh_bucket{le=\"4\"} 17\n", 20);
    let more = body("h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 15\nh_bucket{le=\"4\"} 18\n", 21);
    let mut target = Target::new("non_cumulative_histogram_buckets: true");
    target.scrape(&few);
    let expected = [
        ("h.bucketlower_bound:0,upper_bound:1.0", 0.0),
        // New, so that all of it counts, as for the Agent; it does not know either that others counted it before.
        ("h.bucketlower_bound:1.0,upper_bound:2.0", 5.0),
        ("h.count", 1.0),
        ("h.sum", 1.0),
    ];
    assert_eq!(target.values(&more), expect(&expected));
    let mut target = Target::new(SKETCHES);
    target.scrape(&few);
    assert_eq!(target.values(&more), expect(&[("h", 5.0), ("h.count", 1.0), ("h.sum", 1.0)]));
}

/// What becomes of series in one stretch of scrapes.
#[derive(Clone, Debug)]
struct Stretch {
    /// Which of the names are exposed.
    exposed: u16,
    scrapes: u32,
    /// A scrape at its beginning that fails, with what it exposes or without anything.
    failure: Option<bool>,
    /// Which names restart before it.
    restarts: u16,
    step: u32,
}

const NAMES: u32 = 9;

fn stretch() -> impl Strategy<Value = Stretch> {
    let scrapes = prop_oneof![4 => 1..4u32, 1 => Just(LONG + 1)];
    let failure = proptest::option::weighted(0.3, any::<bool>());
    (any::<u16>(), scrapes, failure, any::<u16>(), 1..100u32).prop_map(|(exposed, scrapes, failure, restarts, step)| {
        // One in four restarts.
        Stretch { exposed, scrapes, failure, restarts: restarts & exposed.rotate_left(3), step }
    })
}

/// What is known of one name, whatever number it has.
#[derive(Clone, Copy, Debug, Default)]
struct Model {
    value: u32,
    /// The value that was last exposed, and for how many successful scrapes it has been missing since.
    seen: Option<(u32, u32)>,
}

impl Model {
    /// The growth that a reading shows.
    fn read(&mut self, flush: bool) -> Option<u32> {
        let known = self.seen.replace((self.value, 0));
        match known.filter(|(_, missing)| *missing <= RETAIN_SCRAPES) {
            None => flush.then_some(self.value),
            Some((before, _)) if self.value < before => Some(if flush { self.value } else { 0 }),
            Some((before, _)) => Some(self.value - before),
        }
    }

    /// Whether it may be remembered still, but need not.
    fn is_on_the_edge(&self) -> bool {
        self.seen.is_some_and(|(_, missing)| (RETAIN_SCRAPES..=LONG).contains(&missing))
    }
}

/// The lines of a name, as a type of its own: a counter, a histogram, or a counter that shares its context with others.
fn expose(body: &mut [String; 3], name: u32, value: u32) {
    let _ = match name % 3 {
        0 => writeln!(body[0], "c_total{{name=\"{name}\"}} {value}"),
        1 => writeln!(
            body[1],
            "h_bucket{{name=\"{name}\",le=\"2\"}} {value}\nh_bucket{{name=\"{name}\",le=\"+Inf\"}} {value}\n\
             h_sum{{name=\"{name}\"}} {value}\nh_count{{name=\"{name}\"}} {value}"
        ),
        _ => writeln!(body[2], "s_total{{dropped=\"{name}\"}} {value}"),
    };
}

/// What a name adds to points and sketches.
fn contribute(points: &mut HashMap<String, f64>, name: u32, growth: u32) {
    let growth = f64::from(growth);
    let mut add = |point: String| *points.entry(point).or_default() += growth;
    match name % 3 {
        0 => add(format!("c.countname:{name}")),
        1 => {
            add(format!("h.countname:{name}"));
            add(format!("h.sumname:{name}"));
            if growth > 0.0 {
                add(format!("hname:{name}"));
            }
        }
        _ => add("s.count".to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Series come and go, some for so long that they are forgotten and their numbers given to others: what comes out is
    /// what a memory by name would say.
    #[test]
    fn numbers_that_are_used_again_have_no_past(stretches in vec(stretch(), 1..12)) {
        let mut target = Target::new(&format!("{SKETCHES}, exclude_labels: [dropped]"));
        let mut models = [Model::default(); NAMES as usize];
        let mut flush = false;
        for Stretch { exposed, scrapes, failure, restarts, step } in stretches {
            for (name, model) in models.iter_mut().enumerate() {
                if restarts >> name & 1 == 1 {
                    model.value = 0;
                }
            }
            let failing = usize::from(failure.is_some());
            for number in 0..scrapes as usize + failing {
                let fails = number < failing;
                let mut body = ["# TYPE c counter\n", "# TYPE h histogram\n", "# TYPE s counter\n"].map(str::to_owned);
                let mut expected = HashMap::new();
                for (place, model) in models.iter_mut().enumerate() {
                    model.value += step + place as u32;
                    let wanted = exposed >> place & 1 == 1 && !(fails && failure == Some(false));
                    if wanted && !model.is_on_the_edge() {
                        expose(&mut body, place as u32, model.value);
                        if let Some(growth) = model.read(flush) {
                            contribute(&mut expected, place as u32, growth);
                        }
                    } else if !fails && let Some((_, missing)) = &mut model.seen {
                        *missing += 1;
                    }
                }
                let points = match (fails, body.concat()) {
                    // It does not end as it should.
                    (true, body) => target.fail(OPEN_METRICS, 200, &body),
                    (false, body) => target.values(&body),
                };
                prop_assert_eq!(points, expected.into_iter().collect::<BTreeMap<_, _>>());
                flush = !fails;
            }
        }
    }
}
