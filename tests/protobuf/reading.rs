//! What becomes of each kind of family.

use retriever::parse::{MetricType, Role, Span};

use super::messages::*;
use super::{OwnedExemplar, bits, read};

const CREATED: Timestamp = Timestamp { seconds: 1_625_851_153, nanos: 146_848_499 };
const CREATED_MS: i64 = 1_625_851_153_146;

fn gauge(labels: Vec<LabelPair>, value: f64) -> Metric {
    Metric { label: labels, gauge: Some(Value { value: Some(value) }), ..Metric::default() }
}

#[test]
fn single_values() {
    let timed = Metric { timestamp_ms: Some(-5), ..gauge(labels(&[("b", "x\n\"y\\"), ("a", "")]), 1.5) };
    let untimed = Metric { timestamp_ms: Some(0), ..gauge(Vec::new(), f64::NEG_INFINITY) };
    let described = MetricFamily {
        help: Some("What \\ \"it\" is.".into()),
        unit: Some("seconds".into()),
        ..family("g", GAUGE, vec![timed, untimed])
    };
    let untyped = Metric { untyped: Some(Value { value: Some(42.0) }), ..Metric::default() };
    let read = read(&body(&[described, family("u.v", UNTYPED, vec![untyped])]));
    assert_eq!(read.lines(), ["g{b=\"x\\n\\\"y\\\\\",a=\"\"} 1.5", "g -inf", "{\"u.v\"} 42.0"]);
    let (family, samples) = &read.families[0];
    assert_eq!((family.name.as_str(), family.metric_type, family.declared), ("g", MetricType::Gauge, true));
    assert_eq!(family.help.as_deref(), Some("What \\ \"it\" is."));
    assert_eq!(family.unit.as_deref(), Some("seconds"));
    assert_eq!(samples[0].labels, [("b".to_owned(), "x\n\"y\\".to_owned()), ("a".to_owned(), String::new())]);
    assert_eq!([samples[0].timestamp_ms, samples[1].timestamp_ms], [Some(-5), None]);
    assert_eq!((samples[0].name.as_str(), samples[0].role, samples[0].start_ms), ("g", Role::Value, None));
    let (family, samples) = &read.families[1];
    assert_eq!((family.metric_type, family.help.as_deref()), (MetricType::Unknown, None));
    assert_eq!(samples[0].name, "u.v");
}

#[test]
fn counters_have_exemplars_and_start_times() {
    let exemplar = Exemplar { label: labels(&[("id", "7")]), value: Some(0.5), timestamp: Some(CREATED) };
    let counter = Counter { value: Some(3.0), exemplar: Some(exemplar), created_timestamp: Some(CREATED) };
    let first = Metric { counter: Some(counter), ..Metric::default() };
    let bare = Exemplar { label: Vec::new(), value: Some(-1.0), timestamp: None };
    let counter = Counter { value: Some(0.0), exemplar: Some(bare), created_timestamp: Some(Timestamp::default()) };
    let second = Metric { counter: Some(counter), label: labels(&[("a", "b")]), ..Metric::default() };
    let third = Metric { counter: Some(Counter { value: Some(1.0), ..Counter::default() }), ..second.clone() };
    // The type of counters is zero, which older writers leave out.
    let untold = MetricFamily { r#type: None, ..family("x", COUNTER, vec![third]) };
    let read = read(&body(&[family("x_total", COUNTER, vec![first, second]), untold]));
    let samples = read.samples();
    assert_eq!(read.lines(), ["x_total 3.0", "x_total{a=\"b\"} 0.0", "x{a=\"b\"} 1.0"]);
    assert_eq!(samples.iter().map(|sample| sample.role).collect::<Vec<_>>(), [Role::Total, Role::Total, Role::Value]);
    assert_eq!(samples.iter().map(|sample| sample.start_ms).collect::<Vec<_>>(), [Some(CREATED_MS), None, None]);
    let exemplar = |labels: &[(&str, &str)], value, timestamp_ms| {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(OwnedExemplar { labels, value: bits(value), timestamp_ms })
    };
    assert_eq!(samples[0].exemplar, exemplar(&[("id", "7")], 0.5, Some(CREATED_MS)));
    assert_eq!(samples[1].exemplar, exemplar(&[], -1.0, None));
    assert_eq!(samples[2].exemplar, None);
    assert_eq!(read.families[1].0.metric_type, MetricType::Counter);
}

#[test]
fn summaries_are_counts_sums_and_quantiles() {
    let quantile = |quantile, value| Quantile { quantile: Some(quantile), value: Some(value) };
    let summary = Summary {
        sample_count: Some(262),
        sample_sum: Some(0.25),
        quantile: vec![quantile(0.5, 1.0), quantile(0.99, f64::NAN), quantile(1.0, 1e-9)],
        created_timestamp: Some(CREATED),
    };
    let metric = Metric { summary: Some(summary), label: labels(&[("a", "b")]), ..Metric::default() };
    let read = read(&body(&[family("s", SUMMARY, vec![metric])]));
    assert_eq!(
        read.lines(),
        [
            "s_count{a=\"b\"} 262.0",
            "s_sum{a=\"b\"} 0.25",
            "s{a=\"b\",quantile=\"0.5\"} 1.0",
            "s{a=\"b\",quantile=\"0.99\"} NaN",
            "s{a=\"b\",quantile=\"1.0\"} 1e-9",
        ]
    );
    let roles: Vec<_> = read.samples().iter().map(|sample| sample.role).collect();
    assert_eq!(roles, [Role::Count, Role::Sum, Role::Quantile, Role::Quantile, Role::Quantile]);
    assert!(read.samples().iter().all(|sample| sample.start_ms == Some(CREATED_MS)));
    assert_eq!(read.samples()[3].labels[1], ("quantile".to_owned(), "0.99".to_owned()));
}

fn bucket(bound: f64, count: u64) -> Bucket {
    Bucket { upper_bound: Some(bound), cumulative_count: Some(count), ..Bucket::default() }
}

fn classic(bucket: Vec<Bucket>) -> Metric {
    let histogram = Histogram { sample_count: Some(6), sample_sum: Some(50.0), bucket, ..Histogram::default() };
    Metric { histogram: Some(histogram), ..Metric::default() }
}

#[test]
fn classic_histograms_are_counts_sums_and_buckets() {
    let exemplar = Exemplar { label: labels(&[("id", "7")]), value: Some(15.0), timestamp: None };
    let with_exemplar = Bucket { exemplar: Some(exemplar), ..bucket(20.0, 4) };
    let open = classic(vec![bucket(-20.0, 2), with_exemplar, bucket(1e6, 5)]);
    let closed = classic(vec![bucket(0.25, 1), bucket(f64::INFINITY, 7), bucket(3.0, 1)]);
    let mut float = classic(vec![Bucket { cumulative_count_float: Some(2.5), ..bucket(1.0, 2) }]);
    float.histogram.as_mut().unwrap().sample_count_float = Some(3.5);
    let read = read(&body(&[
        family("h", HISTOGRAM, vec![open, closed, float]),
        family("g", GAUGE_HISTOGRAM, vec![classic(Vec::new())]),
    ]));
    assert_eq!(
        read.lines(),
        [
            "h_count 6.0",
            "h_sum 50.0",
            "h_bucket{le=\"-20.0\"} 2.0",
            "h_bucket{le=\"20.0\"} 4.0",
            "h_bucket{le=\"1e+06\"} 5.0",
            "h_bucket{le=\"+Inf\"} 6.0",
            "h_count 6.0",
            "h_sum 50.0",
            "h_bucket{le=\"0.25\"} 1.0",
            "h_bucket{le=\"+Inf\"} 7.0",
            "h_count 3.5",
            "h_sum 50.0",
            "h_bucket{le=\"1.0\"} 2.5",
            "h_bucket{le=\"+Inf\"} 3.5",
            "g_count 6.0",
            "g_sum 50.0",
            "g_bucket{le=\"+Inf\"} 6.0",
        ]
    );
    let samples = read.samples();
    assert_eq!(samples[2].role, Role::Bucket);
    assert_eq!(samples.iter().filter(|sample| sample.exemplar.is_some()).count(), 1);
    assert_eq!(samples[3].exemplar.as_ref().unwrap().labels, [("id".to_owned(), "7".to_owned())]);
    assert_eq!(read.families[1].0.metric_type, MetricType::GaugeHistogram);
}

fn native() -> Histogram {
    let span = |offset, length| BucketSpan { offset: Some(offset), length: Some(length) };
    Histogram {
        sample_count: Some(10),
        sample_sum: Some(1.5),
        schema: Some(3),
        zero_threshold: Some(0.001),
        zero_count: Some(2),
        negative_span: vec![span(-162, 1), span(23, 2)],
        negative_delta: vec![1, 3, -2],
        positive_span: vec![span(5, 1)],
        positive_delta: vec![1],
        ..Histogram::default()
    }
}

#[test]
fn native_histograms_come_beside_the_classic_samples() {
    let exemplar = |value, timestamp| Exemplar { label: labels(&[("id", "7")]), value: Some(value), timestamp };
    let with_exemplar = Bucket { exemplar: Some(exemplar(0.5, Some(CREATED))), ..bucket(1.0, 3) };
    let mut integer = Histogram { bucket: vec![with_exemplar], ..native() };
    let from_buckets = Metric { histogram: Some(integer.clone()), ..Metric::default() };
    integer.exemplars = vec![exemplar(1.0, None), exemplar(2.0, Some(CREATED)), exemplar(3.0, Some(CREATED))];
    let own = Metric { histogram: Some(integer), ..Metric::default() };
    let read = read(&body(&[family("h", HISTOGRAM, vec![from_buckets, own])]));
    let lines = ["h 10.0", "h_count 10.0", "h_sum 1.5", "h_bucket{le=\"1.0\"} 3.0", "h_bucket{le=\"+Inf\"} 10.0"];
    assert_eq!(read.lines(), [lines, lines].concat());
    let samples = read.samples();
    assert_eq!(samples.iter().filter(|sample| sample.native.is_some()).count(), 2);
    assert_eq!((samples[0].role, samples[0].name.as_str()), (Role::NativeHistogram, "h"));
    let native = samples[0].native.as_ref().unwrap();
    assert_eq!((native.schema, native.zero, native.integer, native.gauge), (3, (bits(0.001), bits(2.0)), true, false));
    assert_eq!((native.count, native.sum), (bits(10.0), bits(1.5)));
    let span = |offset, length| Span { offset, length };
    assert_eq!(native.negative, (vec![span(-162, 1), span(23, 2)], [1.0, 4.0, 2.0].map(bits).to_vec()));
    assert_eq!(native.positive, (vec![span(5, 1)], vec![bits(1.0)]));
    let values = |at: usize| -> Vec<f64> {
        let native = samples[at].native.as_ref().unwrap();
        native.exemplars.iter().map(|exemplar| f64::from_bits(exemplar.value)).collect()
    };
    assert_eq!((values(0), values(5)), (vec![0.5], vec![2.0, 3.0]));
}

#[test]
fn float_histograms_have_absolute_counts() {
    let float = Histogram {
        sample_count: Some(99),
        sample_count_float: Some(10.5),
        zero_count_float: Some(2.5),
        negative_count: vec![1.0, 3.5, 0.25],
        positive_count: vec![1.5],
        ..native()
    };
    let metric = Metric { histogram: Some(float), ..Metric::default() };
    let read = read(&body(&[family("h", GAUGE_HISTOGRAM, vec![metric])]));
    assert_eq!(read.lines(), ["h 10.5", "h_count 10.5", "h_sum 1.5", "h_bucket{le=\"+Inf\"} 10.5"]);
    let native = read.samples()[0].native.clone().unwrap();
    assert_eq!((native.integer, native.gauge, native.zero.1), (false, true, bits(2.5)));
    assert_eq!(native.negative.1, [1.0, 3.5, 0.25].map(bits));
}

/// What makes a histogram native: a span, even an empty one, a threshold, or a whole-numbered zero count.
#[test]
fn native_histograms_are_told_from_classic_ones() {
    let empty = BucketSpan { offset: Some(0), length: Some(0) };
    for (histogram, is_native) in [
        (Histogram::default(), false),
        (Histogram { schema: Some(3), zero_count_float: Some(1.0), ..Histogram::default() }, false),
        (Histogram { positive_span: vec![empty], ..Histogram::default() }, true),
        (Histogram { negative_span: vec![empty], ..Histogram::default() }, true),
        (Histogram { zero_threshold: Some(1e-9), ..Histogram::default() }, true),
        (Histogram { zero_count: Some(1), ..Histogram::default() }, true),
    ] {
        let metric = Metric { histogram: Some(histogram.clone()), ..Metric::default() };
        let read = read(&body(&[family("h", HISTOGRAM, vec![metric])]));
        assert_eq!(read.samples()[0].native.is_some(), is_native, "{histogram:?}");
    }
}

#[test]
fn a_message_that_does_not_fit_the_type_counts_as_zero() {
    let metric = || vec![gauge(labels(&[("a", "b")]), 5.0)];
    let read = read(&body(&[
        family("c", COUNTER, metric()),
        family("s", SUMMARY, metric()),
        family("u", UNTYPED, metric()),
        family("h", HISTOGRAM, metric()),
    ]));
    assert_eq!(
        read.lines(),
        [
            "c{a=\"b\"} 0.0",
            "s_count{a=\"b\"} 0.0",
            "s_sum{a=\"b\"} 0.0",
            "u{a=\"b\"} 0.0",
            "h_count{a=\"b\"} 0.0",
            "h_sum{a=\"b\"} 0.0",
            "h_bucket{a=\"b\",le=\"+Inf\"} 0.0",
        ]
    );
}

#[test]
fn families_without_metrics_are_nothing() {
    let nameless = MetricFamily { name: None, r#type: Some(77), ..MetricFamily::default() };
    let read = read(&body(&[nameless, MetricFamily::default(), family("a", GAUGE, Vec::new())]));
    assert_eq!(read.families.len(), 0);
}
