//! What is replayed from memory is what reading each line anew would have given, and what is decided for all series of a
//! kind what deciding for each would have: the same points and sketches, the same counts of what was read and dropped, for
//! any sequence of scrapes in which series appear, vanish and change places, families change their types, and labels are
//! shared.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use proptest::prelude::*;
use retriever::config::{BodyLimits, Config, ConfiguredInstance, Instance, NoSurroundings};
use retriever::map::{Contexts, NativeSubmission, SeriesId, ServiceCheck, Step, Submission, Submissions, Trace};
use retriever::parse::Totals;
use retriever::road::{Road, Witness};
use retriever::scrape::{Body, Head, Response};
use retriever::time::UnixTime;
use tokio::runtime::{Builder, Runtime};

const TEXT: &str = "text/plain; version=0.0.4";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

/// How closely a target is looked at.
#[derive(Clone, Copy, PartialEq)]
enum Look {
    /// Not at all.
    Away,
    /// At every submission, so that each is made in full.
    AtSubmissions,
    /// At every decision, so that each is made anew.
    AtDecisions,
}

struct Looking(Look);

impl Witness for Looking {
    fn sees_submissions(&self) -> bool {
        self.0 != Look::Away
    }
}

impl Trace for Looking {
    fn step(&mut self, _: Step<'_>) {}
}

impl Submissions for Looking {
    fn submit(&mut self, _: &Submission, _: &Contexts) {}
    fn native(&mut self, _: NativeSubmission, _: &Contexts) {}
    fn service_check(&mut self, _: ServiceCheck) {}
    fn health(&mut self, _: ServiceCheck) {}
    fn metadata(&mut self, _: &str, _: &str) {}

    fn trace(&mut self) -> Option<&mut dyn Trace> {
        (self.0 == Look::AtDecisions).then_some(self)
    }
}

fn instance(options: &str) -> Arc<Instance> {
    let text = format!("instances: [{{openmetrics_endpoint: 'http://t', metrics: [.+], {options}}}]");
    let config = Config::read(&text, "test", &NoSurroundings);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{:?}", config.problems) };
    Arc::new(instance.as_ref().clone())
}

/// A target, and how it is looked at.
struct Target {
    road: Road,
    witness: Looking,
    now: UnixTime,
}

impl Target {
    fn new(options: &str, look: Look) -> Self {
        let road = Road::new(instance(options), None);
        Self { road, witness: Looking(look), now: UnixTime::from_seconds(1_700_000_000.0) }
    }

    /// Whether each of the series with these numbers is another one.
    fn remembers_each_once(&self, numbers: std::ops::Range<u32>) -> bool {
        let mut known = HashSet::new();
        numbers.filter_map(|number| self.road.exposed(SeriesId::new(number))).all(|text| known.insert(text))
    }

    /// All that a scrape comes to, as text.
    fn scrape(&mut self, runtime: &Runtime, content_type: &'static str, body: &str) -> String {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let head = Head { status: 200, reason: String::new(), final_url: String::new(), headers };
        let body = Body::from_bytes(&head, Bytes::copy_from_slice(body.as_bytes()), &BodyLimits::default());
        self.now = self.now.plus(Duration::from_secs(15));
        let scrape = self.road.scrape(Ok(Response { head, body }), self.now, &mut self.witness);
        let contribution = runtime.block_on(scrape);
        let mut text = String::new();
        for point in contribution.batch.full_points(self.road.slots()) {
            writeln!(text, "{point:?}").unwrap();
        }
        for sketch in contribution.batch.full_sketches(self.road.slots()) {
            writeln!(text, "{sketch:?}").unwrap();
        }
        let (report, refused) = (&contribution.report, &contribution.refused);
        // Lines of known series are not held against the format again.
        let totals = Totals { departing: 0, ..report.totals };
        writeln!(text, "{totals:?} {:?} {refused:?}", report.failure).unwrap();
        writeln!(text, "{:?} {:?}", report.dropped, report.diagnostics).unwrap();
        text
    }
}

/// What stands for one family in one scrape.
#[derive(Clone, Debug)]
struct Shown {
    family: usize,
    kind: usize,
    /// Which labels its series have beside the one that tells them apart.
    labels: usize,
    /// Label values, in the order in which they come; of each whether its value is odd.
    members: Vec<(u8, u16, u8)>,
}

fn shown() -> impl Strategy<Value = Shown> {
    let members = prop::collection::vec((0..12_u8, 0..2000_u16, 0..40_u8), 0..14);
    let shown = (0..4_usize, 0..12_usize, 0..10_usize, members);
    shown.prop_map(|(family, kind, labels, members)| Shown { family, kind, labels, members })
}

/// Mostly the scrape before, with other values; now and then something else.
fn scrapes() -> impl Strategy<Value = Vec<Vec<Shown>>> {
    let change = (any::<prop::sample::Index>(), shown(), 0..6_u8, any::<u64>());
    let again = prop::option::of(0..12_usize);
    let all = (prop::collection::vec(shown(), 1..5), again, prop::collection::vec(change, 1..12));
    all.prop_map(|(mut first, again, changes)| {
        // A family that comes twice, as what it is or as something else.
        first.extend(again.map(|kind| Shown { kind, ..first[0].clone() }));
        let mut all = vec![first];
        for (place, other, how, seed) in changes {
            let mut next = all.last().unwrap().clone();
            let at = place.index(next.len());
            match how {
                0 => next[at] = other,
                1 => next.insert(at, other),
                2 if next.len() > 1 => _ = next.remove(at),
                3 => next[at].members.reverse(),
                4 => {
                    let members = &mut next[at].members;
                    let steps = seed as usize % members.len().max(1);
                    members.rotate_left(steps);
                }
                _ => {}
            }
            for (place, (_, value, _)) in next.iter_mut().flat_map(|shown| &mut shown.members).enumerate() {
                *value = value.wrapping_add((seed >> (place % 48)) as u16 % 5);
            }
            all.push(next);
        }
        all
    })
}

/// How a sample shows its value.
fn number(value: u16, odd: u8) -> String {
    match odd {
        0 => "NaN".to_owned(),
        1 => format!("{value} 1700000000000"),
        2 => format!("{value}.5"),
        3 => format!("{value}e-3"),
        4 => "+Inf".to_owned(),
        5 => format!("0.{value}12345678901234567"),
        6 => format!(" {value}"),
        7 => format!("{value}x"),
        8 => format!("-{value}"),
        9 => format!("{value}\r"),
        _ => value.to_string(),
    }
}

/// The labels of a series but for a bound, and whether that comes first.
fn labels(labels: usize, label: u8, odd: u8) -> (String, bool) {
    // Now and then one that is not like its neighbours.
    let labels = if (13..22).contains(&odd) { usize::from(odd) - 13 } else { labels };
    let text = match labels {
        0 => format!("a=\"{label}\""),
        1 => format!("a=\"{label} }}\\\\\",b=\"x\""),
        2 => format!("code=\"20{label}\",a=\"{}\",b=\"{label}\"", label / 2),
        3 => format!("b=\"{label}\",a=\"{}\",a=\"{label}\"", label / 3),
        4 => format!("upper_bound=\"{label}\",a=\"1\""),
        6 => format!("\"a.b\"=\"{label}\""),
        7 => format!("a.b=\"{label}\""),
        8 => format!("a=\"{}\",b=\"{label}\",", label / 4),
        9 => format!("b=\"caf\u{e9} {label}\",a=\"x\""),
        _ => format!("b=\"{}\",c=\"{}\",a=\"{label}\"", label / 4, label / 2),
    };
    (text, label.is_multiple_of(4) && labels == 5)
}

fn body(scrape: &[Shown], open_metrics: bool) -> String {
    let mut body = String::new();
    for Shown { family, kind, labels: which, members } in scrape {
        // The last one looks like one that says when another began.
        let name = if *family == 3 { "f1_created".to_owned() } else { format!("f{family}") };
        let word = ["gauge", "counter", "histogram", "summary", "untyped", "gauge", "counter"].get(*kind);
        if let Some(word) = word {
            let word = if open_metrics && *word == "untyped" { "unknown" } else { word };
            writeln!(body, "# TYPE {name} {word}").unwrap();
        }
        if open_metrics && members.len() % 2 == 1 {
            writeln!(body, "# UNIT {name} seconds").unwrap();
        }
        let suffix = if *kind == 1 { "_total" } else { "" };
        for (label, value, odd) in members {
            let shown = number(*value, *odd);
            let (labels, bound_first) = labels(*which, *label, *odd);
            let bound = |bound: &str| {
                if bound_first { format!("{bound},{labels}") } else { format!("{labels},{bound}") }
            };
            match kind {
                2 => {
                    writeln!(body, "{name}_bucket{{{}}} {}", bound("le=\"1\""), value / 3).unwrap();
                    writeln!(body, "{name}_bucket{{{}}} {}", bound("le=\"2.50\""), value / 2).unwrap();
                    writeln!(body, "{name}_bucket{{{}}} {value}", bound("le=\"+Inf\"")).unwrap();
                    writeln!(body, "{name}_sum{{{labels}}} {shown}").unwrap();
                    writeln!(body, "{name}_count{{{labels}}} {value}").unwrap();
                    if *odd == 11 {
                        writeln!(body, "{name}_created{{{labels}}} {}", 1_700_000_000 + u32::from(*value % 200))
                            .unwrap();
                    }
                }
                3 => {
                    writeln!(body, "{name}{{{}}} {shown}", bound("quantile=\"0.5\"")).unwrap();
                    writeln!(body, "{name}{{{}}} {shown}", bound("quantile=\"0.990\"")).unwrap();
                    writeln!(body, "{name}_count{{{labels}}} {value}").unwrap();
                }
                _ if *odd == 12 => writeln!(body, "{name}{suffix} {shown}").unwrap(),
                _ => {
                    writeln!(body, "{name}{suffix}{{{labels}}} {shown}").unwrap();
                    if *kind == 1 && *odd >= 11 {
                        writeln!(body, "{name}_created{{{labels}}} {}", 1_700_000_000 + u32::from(*value % 200))
                            .unwrap();
                    }
                }
            }
        }
    }
    if open_metrics {
        body.push_str("# EOF\n");
    }
    body
}

/// Settings under which something else happens to what is replayed, or under which nothing can be.
const OPTIONS: [&str; 20] = [
    "",
    "collect_histograms_as_distributions: true, collect_counters_with_distributions: true",
    "non_cumulative_histogram_buckets: true",
    "share_labels: {f0: {match: [a], labels: [b]}}",
    "share_labels: {f1: true}, exclude_labels: [b]",
    "exclude_labels: [a]",
    "max_returned_metrics: 7",
    "exclude_metrics: [f2], telemetry: true",
    "metric_relabel_configs: [{source_labels: [a], regex: '(.).*', target_label: a}]",
    "use_process_start_time: true, rename_labels: {a: c}",
    "code_class_labels: [code], tags: ['a:1', static]",
    "exclude_metrics_by_labels: {a: ['1'], upper_bound: ['2.5']}",
    "hostname_label: a, exclude_labels: [upper_bound]",
    "include_labels: [a, upper_bound]",
    "rename_labels: {a: b, upper_bound: c}",
    "disable_generic_tags: true, rename_labels: {a: host}",
    "histogram_buckets_as_distributions: true",
    "raw_metric_prefix: f",
    "extra_metrics: [{f0_created: {type: gauge}}, {f1_created: {type: gauge}}, {f2_total: {type: gauge}}]",
    "extra_metrics: [{f0: {type: rate}}, {f1: {type: gauge}}, {f2: {type: counter}}]",
];

/// More series than there are in a sequence of scrapes.
const MOST_SERIES: u32 = 4000;

/// So many series that others are kept in another way than where there are few.
const CROWD: usize = 16_500;

/// Before a body: that many.
fn crowd() -> String {
    let lines = (0..CROWD).map(|number| format!("crowd{{a=\"{number}\",b=\"1\"}} 1\n"));
    "# TYPE crowd gauge\n".to_owned() + &lines.collect::<String>()
}

/// What stands before the first body is that of other series.
fn compare(options: &str, first: &str, scrapes: &[Vec<Shown>], open_metrics: bool) -> Result<(), TestCaseError> {
    let runtime = Builder::new_current_thread().build().unwrap();
    let looks = [Look::Away, Look::AtSubmissions, Look::AtDecisions];
    let [mut replaying, mut reading, mut deciding] = looks.map(|look| Target::new(options, look));
    let content_type = if open_metrics { OPEN_METRICS } else { TEXT };
    for (at, scrape) in scrapes.iter().enumerate() {
        let body = if at == 0 { first } else { "" }.to_owned() + &body(scrape, open_metrics);
        let replayed = replaying.scrape(&runtime, content_type, &body);
        let read = reading.scrape(&runtime, content_type, &body);
        prop_assert_eq!(&replayed, &read, "{} {}", options, &body);
        let decided = deciding.scrape(&runtime, content_type, &body);
        prop_assert_eq!(replayed, decided, "{} {}", options, body);
        let others = first.lines().filter(|line| !line.starts_with('#')).count() as u32;
        prop_assert!(replaying.remembers_each_once(others..others + MOST_SERIES), "{} {}", options, body);
    }
    Ok(())
}

#[test]
fn a_bucket_without_bound_is_remembered_once_however_its_group_comes() {
    const BODY: &str = "# TYPE h histogram\nh_count{a=\"0\"} 1\nh_count{a=\"00\"} 1\nh_bucket{a=\"0\",le=\"1\"} 1\n\
        h_bucket{a=\"1\",le=\"1\"} 1\nh_count{a=\"1\"} 1\nh_bucket{a=\"1\",le=\"+Inf\"} 1\n\
        h_bucket{a=\"1\",le=\"2\"} 1\nh_bucket{a=\"1\",le=\"+Inf\"} 1\n";
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut target = Target::new("", Look::Away);
    target.scrape(&runtime, TEXT, BODY);
    assert!(target.remembers_each_once(0..MOST_SERIES));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn replaying_is_reading(scrapes in scrapes(), options in prop::sample::select(&OPTIONS[..]), open_metrics: bool) {
        compare(options, "", &scrapes, open_metrics)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn replaying_is_reading_also_among_many(
        scrapes in scrapes(),
        options in prop::sample::select(&OPTIONS[..]),
        open_metrics: bool,
    ) {
        compare(options, &crowd(), &scrapes, open_metrics)?;
    }
}
