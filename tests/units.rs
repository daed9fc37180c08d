//! What metrics are measured in reaches the intake: from the exposition, through the mapping, onto the wire.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use retriever::config::{BodyLimits, Config, ConfiguredInstance, FileSettings, NoSurroundings, Output, OutputFormat};
use retriever::pipeline::Recorder;
use retriever::road::Road;
use retriever::scrape::{Body, Head, Response};
use retriever::submit::{Delivery, Submitter};
use retriever::time::UnixTime;
use retriever::unit::Unit;
use support::deliveries::points;
use support::intake::Intake;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";
const TEXT: &str = "text/plain; version=0.0.4";

/// Settings of one instance that collects everything, under the namespace `t`.
fn config(top: &str, options: &str, url: &str) -> Config {
    let text = format!(
        "api_key: abc\ndd_url: {url}\nhostname: here\n{top}\ninstances: [{{openmetrics_endpoint: 'http://t', \
         tag_by_endpoint: false, namespace: t, {options}}}]"
    );
    let config = Config::read(&text, "test", &NoSurroundings);
    assert!(!config.has_errors(), "{:?}", config.problems);
    config
}

/// What comes of scrapes of these bodies, one after the other.
async fn deliveries(config: &Config, content_type: &'static str, bodies: [&str; 2]) -> Vec<Delivery<'static>> {
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{:?}", config.problems) };
    let mut road = Road::new(Arc::new(instance.as_ref().clone()), None);
    let mut all = Vec::new();
    for (seconds, body) in [0.0, 15.0].into_iter().zip(bodies) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let head = Head { status: 200, reason: String::new(), final_url: String::new(), headers };
        let body = Body::from_bytes(&head, Bytes::copy_from_slice(body.as_bytes()), &BodyLimits::default());
        let at = UnixTime::from_seconds(1_700_000_000.0 + seconds);
        let contribution = road.scrape(Ok(Response { head, body }), at, &mut Recorder::default()).await;
        assert!(contribution.report.failure.is_none(), "{:?}", contribution.report.failure);
        let slots = Cow::Owned(road.slots().clone());
        all.push(Delivery { batch: contribution.batch, slots, ..points(Vec::new()) });
    }
    all
}

/// The unit of each metric as the intake reads it. The lines of a file tell the same.
async fn units(top: &str, options: &str, content_type: &'static str, body: &str) -> BTreeMap<String, String> {
    let intake = Intake::start().await;
    let config = config(top, options, intake.url());
    let deliveries = deliveries(&config, content_type, [body, body]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.json");
    let mut outputs = config.global.outputs.clone();
    outputs.push(Output::File(FileSettings { path: path.clone(), format: OutputFormat::Json }));
    let submitter = Submitter::start(&outputs, config.global.enrichment.clone()).unwrap();
    for delivery in deliveries {
        submitter.submit(&delivery).unwrap();
    }
    submitter.drain(Duration::from_secs(10)).await;
    let units: BTreeMap<_, _> = intake.series().into_iter().map(|series| (series.metric, series.unit)).collect();
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let series = lines.filter(|line| line["type"] != "sketch" && line["metric"].is_string());
    let told = series.map(|line| {
        assert!(line["unit"].is_string() || line.get("unit").is_none(), "{line}");
        (line["metric"].as_str().unwrap().to_owned(), line["unit"].as_str().unwrap_or_default().to_owned())
    });
    assert_eq!(told.collect::<BTreeMap<_, _>>(), units);
    units
}

fn expect(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(metric, unit)| ((*metric).to_owned(), (*unit).to_owned())).collect()
}

const BODY: &str = "\
# TYPE lag_seconds gauge
lag_seconds 3
# TYPE sent_bytes counter
# UNIT sent_bytes bytes
sent_bytes_total 7
# TYPE odd_furlongs gauge
# UNIT odd_furlongs furlongs
odd_furlongs 1
# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"1\"} 1
wait_seconds_bucket{le=\"+Inf\"} 2
wait_seconds_sum 3
wait_seconds_count 2
# TYPE size_bytes summary
size_bytes{quantile=\"0.5\"} 1
size_bytes_sum 3
size_bytes_count 2
# TYPE plain gauge
plain 1
# EOF
";

#[tokio::test]
async fn each_type_tells_what_it_is_measured_in() {
    let expected = expect(&[
        ("t.lag_seconds", "second"),
        ("t.sent_bytes.count", "byte"),
        ("t.odd_furlongs", ""),
        ("t.wait_seconds.bucket", ""),
        ("t.wait_seconds.count", ""),
        ("t.wait_seconds.sum", "second"),
        ("t.size_bytes.count", ""),
        ("t.size_bytes.sum", "byte"),
        ("t.size_bytes.quantile", "byte"),
        ("t.plain", ""),
    ]);
    let options = "metrics: [.+], use_process_start_time: true";
    let with_start =
        BODY.replace("# EOF", "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1\n# EOF");
    let mut all = units("", options, OPEN_METRICS, &with_start).await;
    assert_eq!(all.remove("t.process_start_time_seconds").as_deref(), Some("unix second"));
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_changes_the_value_changes_the_unit() {
    let body = "# TYPE a_seconds gauge\na_seconds 5\n# TYPE b_seconds gauge\nb_seconds 5\n# TYPE c_bytes gauge\n\
                c_bytes 5\n# TYPE d_bytes counter\nd_bytes_total 5\n# TYPE e_bytes gauge\ne_bytes 5\n";
    let options = "metrics: [{a_seconds: {name: a, type: time_elapsed}}, {b_seconds: {name: b, type: temporal_percent, \
                   scale: 1}}, {c_bytes: {name: c, type: rate}}, {d_bytes: {name: d, type: counter_gauge}}, \
                   {e_bytes: renamed}]";
    let expected = expect(&[
        ("t.a", "second"),
        ("t.b", "percent"),
        ("t.c", ""),
        ("t.d.total", "byte"),
        ("t.d.count", "byte"),
        ("t.renamed", "byte"),
    ]);
    assert_eq!(units("", options, TEXT, body).await, expected);
}

#[tokio::test]
async fn nothing_is_told_where_the_settings_say_so() {
    let all = units("send_units: false", "metrics: [.+]", OPEN_METRICS, BODY).await;
    assert!(all.contains_key("t.lag_seconds") && all.values().all(String::is_empty), "{all:?}");
}

#[tokio::test]
async fn a_distribution_keeps_the_unit_of_its_family() {
    let options = "metrics: [.+], collect_histograms_as_distributions: true";
    let config = config("", options, "http://127.0.0.1:1");
    let grown = BODY.replace("le=\"1\"} 1", "le=\"1\"} 2").replace("+Inf\"} 2", "+Inf\"} 3");
    let deliveries = deliveries(&config, OPEN_METRICS, [BODY, &grown]).await;
    let sketches = deliveries.iter().flat_map(Delivery::sketches);
    let units = sketches.map(|sketch| (sketch.series.metric, sketch.series.unit.map(Unit::name)));
    assert_eq!(units.collect::<Vec<_>>(), [("t.wait_seconds", Some("second"))]);
}
