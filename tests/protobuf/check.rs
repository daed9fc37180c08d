//! `retriever check` with recorded protobuf: the same submissions as from the text format.

use std::fs;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value as Json;

use super::messages::*;

const SETTINGS: &str = "instances:
  - openmetrics_endpoint: http://localhost:9100/metrics
    namespace: app
    metrics: [.+]
";

const TEXT: &str = "# TYPE requests_total counter
requests_total{code=\"200\"} 3
# TYPE load gauge
load 0.5
# TYPE latency histogram
latency_count 6
latency_sum 50
latency_bucket{le=\"0.25\"} 2
latency_bucket{le=\"1e+06\"} 5
latency_bucket{le=\"+Inf\"} 6
# TYPE size summary
size_count 4
size_sum 12
size{quantile=\"0.5\"} 3
";

fn families() -> [MetricFamily; 4] {
    let counter = Counter { value: Some(3.0), ..Counter::default() };
    let counter = Metric { counter: Some(counter), label: labels(&[("code", "200")]), ..Metric::default() };
    let gauge = Metric { gauge: Some(Value { value: Some(0.5) }), ..Metric::default() };
    let bucket = |bound, count| Bucket { upper_bound: Some(bound), cumulative_count: Some(count), ..Bucket::default() };
    let histogram = Histogram {
        sample_count: Some(6),
        sample_sum: Some(50.0),
        bucket: vec![bucket(0.25, 2), bucket(1e6, 5)],
        zero_threshold: Some(0.5),
        zero_count: Some(2),
        positive_span: vec![BucketSpan { offset: Some(1), length: Some(2) }],
        positive_delta: vec![3, -2],
        ..Histogram::default()
    };
    let histogram = Metric { histogram: Some(histogram), ..Metric::default() };
    let quantile = vec![Quantile { quantile: Some(0.5), value: Some(3.0) }];
    let summary = Summary { sample_count: Some(4), sample_sum: Some(12.0), quantile, ..Summary::default() };
    let summary = Metric { summary: Some(summary), ..Metric::default() };
    [
        family("requests_total", COUNTER, vec![counter]),
        family("load", GAUGE, vec![gauge]),
        family("latency", HISTOGRAM, vec![histogram]),
        family("size", SUMMARY, vec![summary]),
    ]
}

/// The one scrape that `check` shows of a recording with this ending.
fn checked(ending: &str, recording: &[u8]) -> Json {
    let folder = tempfile::tempdir().unwrap();
    let (settings, file) = (folder.path().join("conf.yaml"), folder.path().join(format!("x.{ending}")));
    fs::write(&settings, SETTINGS).unwrap();
    fs::write(&file, recording).unwrap();
    let mut command = Command::cargo_bin("retriever").unwrap();
    let output = command.arg("check").arg(&settings).args(["--format", "json", "--fixture"]).arg(&file).output();
    let document: Json = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    document["instances"][0]["scrapes"][0].clone()
}

#[test]
fn protobuf_submits_what_text_submits_and_native_histograms_as_sketches() {
    let (text, protobuf) = (checked("prom", TEXT.as_bytes()), checked("pb", &body(&families())));
    assert_eq!(text["submissions"].as_array().unwrap().len(), 9);
    assert_eq!(protobuf["error"], Json::Null);
    let submissions = protobuf["submissions"].as_array().unwrap().clone();
    let (native, others): (Vec<Json>, Vec<Json>) =
        submissions.into_iter().partition(|submission| submission["type"] == "histogram_bucket");
    assert_eq!(Json::Array(others), text["submissions"]);
    // Schema 0: bounds are powers of two.
    let buckets: Vec<_> = native
        .iter()
        .map(|bucket| [&bucket["name"], &bucket["lower_bound"], &bucket["upper_bound"], &bucket["value"]])
        .map(|bucket| bucket.map(ToString::to_string).join(" "))
        .collect();
    assert_eq!(buckets, ["\"app.latency\" -0.5 0.5 2", "\"app.latency\" 1.0 2.0 3", "\"app.latency\" 2.0 4.0 1"]);
}

#[test]
fn recorded_responses_say_that_they_are_protobuf() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.google.protobuf; \
                proto=io.prometheus.client.MetricFamily; encoding=delimited\r\n\r\n";
    let recording = [head.as_bytes(), &body(&families())].concat();
    assert_eq!(checked("http", &recording), checked("pb", &body(&families())));
}

#[test]
fn a_violation_fails_the_scrape_and_keeps_what_came_before_it() {
    let broken = [body(&families()), b"\x02\x0e\x00".to_vec()].concat();
    let (whole, broken) = (checked("pb", &body(&families())), checked("pb", &broken));
    assert_eq!(broken["submissions"], whole["submissions"]);
    assert!(broken["error"].as_str().unwrap().contains("wire type 6"), "{}", broken["error"]);
}
