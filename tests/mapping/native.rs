//! Native histograms: distributions in every mode, and never the same observations twice.

use prost::Message as _;
use retriever::parse::Format;

use super::messages::{
    Bucket, BucketSpan, GAUGE_HISTOGRAM, HISTOGRAM, Histogram, Metric, MetricFamily, body, family, labels,
};
use super::points::{Recording, points};
use super::target::{Ending, Scraped, Target};

/// Observations within a thousandth of zero, from 1 to 2, and from 2 to 4, with the count and sum that they make.
fn native(zero: u64, one: i64, two: i64) -> Histogram {
    Histogram {
        sample_count: Some(zero + u64::try_from(one + two).unwrap()),
        sample_sum: Some(1.5 * one as f64 + 3.0 * two as f64),
        schema: Some(0),
        zero_threshold: Some(0.001),
        zero_count: Some(zero),
        positive_span: vec![BucketSpan { offset: Some(1), length: Some(2) }],
        // Each is told by what it has more than the one before.
        positive_delta: vec![one, two - one],
        ..Histogram::default()
    }
}

/// The same beside classic buckets up to 2 and 4.
fn both(zero: u64, one: i64, two: i64) -> Histogram {
    let below = |values: u64| Some(values);
    let lower = zero + u64::try_from(one).unwrap();
    let upper = lower + u64::try_from(two).unwrap();
    let bucket = vec![
        Bucket { upper_bound: Some(2.0), cumulative_count: below(lower), ..Bucket::default() },
        Bucket { upper_bound: Some(4.0), cumulative_count: below(upper), ..Bucket::default() },
    ];
    Histogram { bucket, ..native(zero, one, two) }
}

fn h(of: i32, histogram: Histogram, pairs: &[(&str, &str)]) -> MetricFamily {
    let metric = Metric { label: labels(pairs), histogram: Some(histogram), ..Metric::default() };
    family("h", of, vec![metric])
}

fn scraped(options: &str, families: &[MetricFamily]) -> Scraped {
    Target::new(options).scrape(Format::PrometheusProtobuf, body(families), Ending::Whole)
}

const BUCKETS: [&str; 3] = [
    "histogram_bucket h 1 (-0.001, 0.001] shared a:b",
    "histogram_bucket h 2 (1, 2] shared a:b",
    "histogram_bucket h 3 (2, 4] shared a:b",
];

#[test]
fn a_native_histogram_is_a_distribution_beside_its_sum_and_count() {
    let family = || h(HISTOGRAM, native(1, 2, 3), &[("a", "b")]);
    let counted = ["monotonic_count h.count 6 a:b", "monotonic_count h.sum 12 a:b"];
    for mode in ["", ", non_cumulative_histogram_buckets: true"] {
        let scraped = scraped(&format!("metrics: [h]{mode}"), &[family()]);
        assert_eq!(scraped.lines, [&BUCKETS[..], &counted].concat());
        assert_eq!(scraped.dropped, [("infinite bucket, same as the count", 1)]);
    }
    let without = scraped("metrics: [h], collect_histogram_buckets: false", &[family()]);
    assert_eq!(without.lines, counted);
    assert_eq!(without.dropped, [("left out by the histogram options", 2)]);
    let named = scraped("metrics: [{h: latency}], namespace: app, exclude_labels: [a]", &[family()]);
    assert_eq!(named.lines[0], "histogram_bucket app.latency 1 (-0.001, 0.001] shared");
}

#[test]
fn as_a_distribution_it_replaces_the_classic_buckets() {
    for mode in ["histogram_buckets_as_distributions: true", "collect_histograms_as_distributions: true"] {
        let only = scraped(&format!("metrics: [h], {mode}"), &[h(HISTOGRAM, native(1, 2, 3), &[("a", "b")])]);
        assert_eq!(only.lines, BUCKETS, "{mode}");
        let beside = scraped(&format!("metrics: [h], {mode}"), &[h(HISTOGRAM, both(1, 2, 3), &[("a", "b")])]);
        assert_eq!(beside.lines, BUCKETS, "{mode}");
        assert_eq!(
            beside.dropped,
            [("left out by the histogram options", 2), ("bucket, in the native histogram already", 3)]
        );
        let counters = format!("metrics: [h], {mode}, collect_counters_with_distributions: true");
        let counted = scraped(&counters, &[h(HISTOGRAM, both(1, 2, 3), &[("a", "b")])]);
        assert_eq!(counted.lines[3..], ["monotonic_count h.count 6 a:b", "monotonic_count h.sum 12 a:b"]);
    }
    // Each of the two says something of its own otherwise.
    let cumulative = scraped("metrics: [h]", &[h(HISTOGRAM, both(1, 2, 3), &[("a", "b")])]);
    assert_eq!(
        cumulative.lines[3..],
        [
            "monotonic_count h.count 6 a:b",
            "monotonic_count h.sum 12 a:b",
            "monotonic_count h.bucket 3 a:b,upper_bound:2.0",
            "monotonic_count h.bucket 6 a:b,upper_bound:4.0",
        ]
    );
}

/// The same observations, written in the draft of OpenMetrics 2.0.
#[test]
fn text_can_hold_native_histograms_too() {
    let body = "# TYPE h histogram\nh{a=\"b\"} {count:6,sum:12,schema:0,zero_threshold:0.001,zero_count:1,\
        positive_spans:[1:2],positive_buckets:[2,3],bucket:[2.0:3,4.0:6,+Inf:6]}\n# EOF\n";
    let scraped = |options: &str| {
        let scraped = Target::new(options).scrape(Format::OpenMetrics2, body, Ending::Whole);
        assert_eq!((scraped.failure, scraped.malformed), (None, vec![]));
        scraped.lines
    };
    assert_eq!(scraped("metrics: [h], collect_histograms_as_distributions: true"), BUCKETS);
    let mut all = scraped("metrics: [h]");
    all.sort_unstable();
    let classic = [
        "monotonic_count h.bucket 3 a:b,upper_bound:2.0",
        "monotonic_count h.bucket 6 a:b,upper_bound:4.0",
        "monotonic_count h.count 6 a:b",
        "monotonic_count h.sum 12 a:b",
    ];
    assert_eq!(all, [&BUCKETS[..], &classic].concat());
}

/// Only the histogram with the same labels is the same.
#[test]
fn other_histograms_of_the_family_keep_their_buckets() {
    let metric = |histogram, pair| Metric { label: labels(&[pair]), histogram: Some(histogram), ..Metric::default() };
    let classic = Histogram {
        sample_count: Some(3),
        sample_sum: Some(4.0),
        bucket: vec![Bucket { upper_bound: Some(2.0), cumulative_count: Some(3), ..Bucket::default() }],
        ..Histogram::default()
    };
    let families = [family("h", HISTOGRAM, vec![metric(classic, ("a", "c")), metric(both(1, 2, 3), ("a", "b"))])];
    let scraped = scraped("metrics: [h], collect_histograms_as_distributions: true", &families);
    let classic = ["histogram_bucket h 3 (0, 2] shared a:c", "histogram_bucket h 0 (2, inf] shared a:c"];
    assert_eq!(scraped.lines, [&classic[..], &BUCKETS].concat());
}

/// One that counts without saying where leaves that to the buckets beside it.
#[test]
fn an_empty_native_histogram_replaces_nothing() {
    let histogram = Histogram { sample_count: Some(6), sample_sum: Some(9.0), ..both(0, 0, 0) };
    let bucket = vec![Bucket { upper_bound: Some(2.0), cumulative_count: Some(6), ..Bucket::default() }];
    let histogram = Histogram { bucket, ..histogram };
    let scraped = scraped("metrics: [h], collect_histograms_as_distributions: true", &[h(HISTOGRAM, histogram, &[])]);
    assert_eq!(scraped.lines, ["histogram_bucket h 6 (0, 2] shared", "histogram_bucket h 0 (2, inf] shared"]);
}

#[test]
fn a_native_histogram_of_a_gauge_is_not_sent() {
    let family = || h(GAUGE_HISTOGRAM, native(1, 2, 3), &[]);
    let unselected = scraped("metrics: [h]", &[family()]);
    assert_eq!(unselected.lines, [""; 0]);
    assert_eq!(unselected.dropped, [("type `gaugehistogram` is only submitted when configured", 4)]);
    let typed = scraped("metrics: [{h: {type: histogram}}]", &[family()]);
    assert_eq!(typed.lines, ["monotonic_count h.count 6", "monotonic_count h.sum 12"], "which the settings ask for");
    assert!(typed.dropped.contains(&("native histogram of a gauge", 1)), "{:?}", typed.dropped);
}

#[test]
fn as_another_type_only_its_numbers_are_sent() {
    let scraped = scraped("metrics: [{h: {type: gauge}}]", &[h(HISTOGRAM, native(1, 2, 3), &[])]);
    assert_eq!(scraped.lines, ["gauge h 6", "gauge h 12", "gauge h 6 upper_bound:inf"]);
    assert_eq!(scraped.dropped, [("native histogram, configured as another type", 1)]);
}

#[test]
fn a_native_histogram_can_be_relabeled() {
    let rule = "{source_labels: [__name__], regex: 'h(.*)', target_label: __name__, replacement: 'g$1'}";
    let options = format!("metrics: [g], metric_relabel_configs: [{rule}], collect_histograms_as_distributions: true");
    let scraped = scraped(&options, &[h(HISTOGRAM, both(1, 2, 3), &[("a", "b")])]);
    assert_eq!(scraped.lines, BUCKETS.map(|line| line.replace(" h ", " g ")));
    assert!(scraped.dropped.contains(&("bucket, in the native histogram already", 3)), "{:?}", scraped.dropped);
}

/// A native histogram is no number that could be infinite.
#[test]
fn a_sum_that_is_not_finite_costs_itself_only() {
    let histogram = Histogram { sample_sum: Some(f64::NAN), ..native(1, 2, 3) };
    let scraped = scraped("metrics: [h]", &[h(HISTOGRAM, histogram, &[("a", "b")])]);
    assert_eq!(scraped.lines, [&BUCKETS[..], &["monotonic_count h.count 6 a:b"]].concat());
}

#[test]
fn the_sketch_holds_each_observation_once() {
    let scrapes = |of: fn(u64, i64, i64) -> Histogram| {
        [(1, 2, 3), (1, 2, 3), (2, 4, 7)]
            .map(|(zero, one, two)| Recording { ending: "pb", body: body(&[h(HISTOGRAM, of(zero, one, two), &[])]) })
    };
    for mode in ["collect_histograms_as_distributions: true", "histogram_buckets_as_distributions: true"] {
        for scrapes in [scrapes(native), scrapes(both)] {
            let lines = points(&format!("metrics: [h], {mode}"), &scrapes, &[]);
            assert_eq!(lines[0], [""; 0], "of the first reading nobody knows what is new");
            assert_eq!(lines[1], [""; 0], "nothing was observed");
            let [sketch] = &lines[2][..] else { panic!("{lines:?}") };
            assert!(sketch.starts_with("sketch h count 7 "), "{sketch}");
        }
    }
}

/// The encoder of these tests says what it is meant to say.
#[test]
fn messages_have_the_numbers_of_the_schema() {
    let message = h(HISTOGRAM, native(1, 2, 3), &[]);
    assert_eq!(MetricFamily::decode(&*message.encode_to_vec()).unwrap(), message);
}
