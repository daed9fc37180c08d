//! Settings in the legacy form of Datadog's check: the same metrics as from the modern form that a user would write by hand,
//! and a note for every option.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::sync::Arc;

use retriever::config::{Config, ConfiguredInstance, Instance, NoSurroundings, Places, Severity};
use retriever::fixture::document;
use retriever::parse::Format;
use retriever::pipeline::{Pipeline, Recorder};
use retriever::time::UnixTime;

use support::program::{Folder, retriever};

const LEGACY: &str = r#"
init_config:

instances:
  - prometheus_url: https://shop.test:9090/metrics
    namespace: shop
    prometheus_metrics_prefix: app_
    metrics:
      - http_requests_total
      - orders_total: orders.placed
      - queue_*
      - temperature: celsius
      - latency_seconds
      - payload_bytes
      - uptime
      - legacy_events_total
      - 'batch_*_runs_total'
    type_overrides:
      app_uptime: gauge
      app_legacy_events_total: counter
      queue_oddity: gauge
    label_to_hostname: node
    label_to_hostname_suffix: -eu
    labels_mapper:
      method: http_method
    exclude_labels: [uid]
    ignore_metrics:
      - queue_debug*
    ignore_metrics_by_labels:
      env: ["test", "a.b"]
      canary: ["*"]
    send_histograms_buckets: true
    non_cumulative_buckets: false
    health_service_check: true
    prometheus_timeout: 5
    ssl_verify: false
    tags: [team:web]
"#;

/// What a user would write instead, from Datadog's documents of the two forms.
const MODERN: &str = r"
init_config:

instances:
  - openmetrics_endpoint: https://shop.test:9090/metrics
    tag_by_endpoint: false
    namespace: shop
    raw_metric_prefix: app_
    metrics:
      - http_requests
      - http_requests_total
      - orders: orders.placed
      - orders_total: orders.placed
      - queue_oddity:
          type: gauge
      - ^queue(?:_.*)?$
      - temperature: celsius
      - latency_seconds
      - payload_bytes
      - uptime:
          type: gauge
      - legacy_events
      - legacy_events_total:
          name: legacy_events
          type: counter
      - ^batch_.*_runs(?:_total)?$
    hostname_label: node
    hostname_format: <HOSTNAME>-eu
    rename_labels:
      method: http_method
    exclude_labels: [uid]
    exclude_metrics:
      - ^queue_debug.*$
    exclude_metrics_by_labels:
      env: [^test$, '^a\.b$']
      canary: true
    collect_histogram_buckets: true
    non_cumulative_histogram_buckets: false
    enable_health_service_check: true
    timeout: 5
    tls_verify: false
    tags: [team:web]
";

const EXPOSITION: &str = r#"# TYPE app_http_requests_total counter
app_http_requests_total{method="get",node="n1",uid="7"} 5
app_http_requests_total{method="get",env="test"} 1
app_http_requests_total{method="get",env="a.b"} 1
app_http_requests_total{method="get",env="axb"} 2
app_http_requests_total{method="get",canary="yes"} 1
# TYPE app_orders_total counter
app_orders_total 3
# TYPE app_queue_depth gauge
app_queue_depth{node=""} 4
# TYPE app_queue_debug_depth gauge
app_queue_debug_depth 1
# TYPE app_queue_pushes_total counter
app_queue_pushes_total 9
# TYPE app_queue_total counter
app_queue_total 8
# TYPE app_myqueue_depth gauge
app_myqueue_depth 1
app_queue_oddity 6
# TYPE app_temperature gauge
app_temperature 21.5
# TYPE app_latency_seconds histogram
app_latency_seconds_bucket{le="0.1"} 1
app_latency_seconds_bucket{le="+Inf"} 2
app_latency_seconds_sum 0.7
app_latency_seconds_count 2
# TYPE app_payload_bytes summary
app_payload_bytes{quantile="0.5"} 10
app_payload_bytes_sum 30
app_payload_bytes_count 3
app_uptime 77
app_legacy_events_total 2
app_unknown 1
# TYPE app_batch_night_runs_total counter
app_batch_night_runs_total 4
# TYPE app_other gauge
app_other 1
"#;

fn instance(text: &str) -> Instance {
    let config = Config::read(text, "conf.yaml", &NoSurroundings);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("{:#?}", config.problems) };
    instance.as_ref().clone()
}

/// `type name value tags host` of each submission.
fn submissions(text: &str) -> Vec<String> {
    let mut target = Pipeline::new(Arc::new(instance(text)), None);
    let mut recorder = Recorder::default();
    let mut scrape = target.begin(Format::PrometheusText, UnixTime::from_seconds(1_700_000_000.0), &mut recorder);
    scrape.push(EXPOSITION.as_bytes());
    let read = scrape.finish(None);
    let report = target.end(read, &mut recorder);
    assert!(report.failure.is_none() && report.diagnostics.is_empty(), "{report:?}");
    let entries = recorder.submissions.iter().flat_map(|entry| document::submissions(entry, target.contexts()));
    let lines = entries.map(|entry| {
        let word = |key: &str| entry[key].as_str().map_or_else(|| entry[key].to_string(), str::to_owned);
        format!("{} {} {} {} {}", word("type"), word("name"), word("value"), word("tags"), word("hostname"))
    });
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn both_forms_submit_the_same() {
    let legacy = submissions(LEGACY);
    assert_eq!(legacy, submissions(MODERN));
    assert_eq!(
        legacy,
        [
            r#"monotonic_count shop.http_requests.count 5.0 ["http_method:get","node:n1","team:web"] n1-eu"#,
            r#"monotonic_count shop.http_requests.count 2.0 ["env:axb","http_method:get","team:web"]"#,
            r#"monotonic_count shop.orders.placed.count 3.0 ["team:web"]"#,
            r#"gauge shop.queue_depth 4.0 ["node:","team:web"] -eu"#,
            r#"monotonic_count shop.queue_pushes.count 9.0 ["team:web"]"#,
            r#"monotonic_count shop.queue.count 8.0 ["team:web"]"#,
            r#"gauge shop.queue_oddity 6.0 ["team:web"]"#,
            r#"gauge shop.celsius 21.5 ["team:web"]"#,
            r#"monotonic_count shop.latency_seconds.bucket 1.0 ["team:web","upper_bound:0.1"]"#,
            r#"monotonic_count shop.latency_seconds.sum 0.7 ["team:web"]"#,
            r#"monotonic_count shop.latency_seconds.count 2.0 ["team:web"]"#,
            r#"gauge shop.payload_bytes.quantile 10.0 ["quantile:0.5","team:web"]"#,
            r#"monotonic_count shop.payload_bytes.sum 30.0 ["team:web"]"#,
            r#"monotonic_count shop.payload_bytes.count 3.0 ["team:web"]"#,
            r#"gauge shop.uptime 77.0 ["team:web"]"#,
            r#"monotonic_count shop.legacy_events.count 2.0 ["team:web"]"#,
            r#"monotonic_count shop.batch_night_runs.count 4.0 ["team:web"]"#,
        ]
    );
}

/// All settings but the places of their lines, options without effect on a submission included.
#[test]
fn both_forms_are_the_same_settings() {
    let settings = |text: &str| {
        let mut instance = instance(text);
        let at = instance.at;
        instance.metrics.iter_mut().for_each(|rule| rule.at = at);
        instance.places = Places::default();
        // The members of sets and maps have no order of their own.
        let mut lines: Vec<_> = format!("{instance:#?}").lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(settings(LEGACY), settings(MODERN));
}

#[test]
fn validate_prints_the_translation_option_by_option() {
    let (_folder, path) = Folder::with_settings(LEGACY.trim_start());
    let finished = retriever(["validate", &path]);
    finished.assert_code(0);
    let said: Vec<_> = finished.stdout.lines().filter_map(|line| line.strip_prefix(&path)?.strip_prefix(':')).collect();
    assert_eq!(
        said,
        [
            "4:5: note: `prometheus_url` is read as `openmetrics_endpoint`, with `tag_by_endpoint: false`, since no metric of \
             the legacy form has the tag `endpoint`",
            "6:5: note: `prometheus_metrics_prefix` is read as `raw_metric_prefix`",
            "7:5: note: `metrics` has the same name in the modern form, and metrics are sent under other names: a counter is \
             `<name>.count`, a bucket is `<name>.bucket`, and like sums and counts both are monotonic counts",
            "8:9: note: `http_requests_total` in `metrics` is read as `http_requests` and `http_requests_total`: a counter has \
             no `_total` in its name there, and is sent as `http_requests.count`",
            "9:9: note: `{orders_total: orders.placed}` in `metrics` is read as `{orders: orders.placed}` and `{orders_total: \
             orders.placed}`: a counter has no `_total` in its name there, and is sent as `orders.placed.count`",
            "10:9: note: `'queue_*'` in `metrics` is read as `{queue_oddity: {type: gauge}}` and `'^queue(?:_.*)?$'`",
            "14:9: note: `uptime` in `metrics` is read as `{uptime: {type: gauge}}`",
            "15:9: note: `legacy_events_total` in `metrics` is read as `legacy_events` and `{legacy_events_total: {name: \
             legacy_events, type: counter}}`: a counter has no `_total` in its name there, and is sent as \
             `legacy_events.count`",
            "16:9: note: `'batch_*_runs_total'` in `metrics` is read as `'^batch_.*_runs(?:_total)?$'`",
            "18:7: note: `type_overrides` for `app_uptime` is read as `type: gauge` in entries of `metrics`",
            "19:7: note: `type_overrides` for `app_legacy_events_total` is read as `type: counter` in entries of `metrics`",
            "20:7: note: `type_overrides` for `queue_oddity` is read as `type: gauge` in entries of `metrics`",
            "21:5: note: `label_to_hostname` is read as `hostname_label`",
            "22:5: note: `label_to_hostname_suffix` is read as `hostname_format: '<HOSTNAME>-eu'`",
            "23:5: note: `labels_mapper` is read as `rename_labels`",
            "26:5: note: `ignore_metrics` is read as `exclude_metrics: ['^queue_debug.*$']`",
            "28:5: note: `ignore_metrics_by_labels` is read as `exclude_metrics_by_labels: {env: ['^test$', '^a\\.b$'], \
             canary: true}`",
            "31:5: note: `send_histograms_buckets` is read as `collect_histogram_buckets`",
            "32:5: note: `non_cumulative_buckets` is read as `non_cumulative_histogram_buckets`",
            "33:5: note: `health_service_check` is read as `enable_health_service_check`; the service check is \
             `openmetrics.health` and no longer `prometheus.health`",
            "34:5: note: `prometheus_timeout` is read as `timeout`",
            "35:5: note: `ssl_verify` is read as `tls_verify`",
        ]
    );
    let json = retriever(["validate", "--format", "json", &path]);
    json.assert_code(0);
    let problems = json.json()["problems"].as_array().unwrap().clone();
    assert!(problems.iter().all(|problem| problem["severity"] == "note") && problems.len() == said.len(), "{json}");
}

#[test]
fn check_says_once_that_the_form_is_the_legacy_one() {
    let (folder, path) = Folder::with_settings(LEGACY);
    let body = folder.write("body.prom", EXPOSITION);
    let finished = retriever(["check", &path, "--fixture", &body, "--format", "json"]);
    finished.assert_code(0);
    assert!(!finished.stderr.contains("note:"), "{finished}");
    let said = "the settings are of the legacy form; `retriever validate` shows what became of each option";
    assert_eq!(finished.stderr.matches(said).count(), 1, "{finished}");
    let scrape = &finished.json()["instances"][0]["scrapes"][0];
    assert_eq!(scrape["submissions"].as_array().unwrap().len(), submissions(LEGACY).len());
}

/// Whatever is wrong is said of the line that the user wrote, and nothing that is secret is shown.
#[test]
fn problems_stand_where_the_user_wrote() {
    let config = Config::read(
        "instances:\n  - prometheus_url: http://me:hunter2@a/metrics\n    prometheus_timeout: soon\n    password: hunter2\n\
         \x20   extra_headers: {Authorization: hunter2}\n    bearer_token_auth: true\n    labels_mapper:\n      a: 5\n\
         \x20   metrics:\n      - c_total: [x]\n      - 'a[z-a]*'\n",
        "conf.yaml",
        &NoSurroundings,
    );
    let said: Vec<_> = config.problems.iter().map(ToString::to_string).collect();
    assert!(!format!("{said:?}").contains("hunter2"), "{said:#?}");
    let errors: Vec<_> =
        config.problems.iter().filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect();
    let expected = [
        "conf.yaml:3:25: error: `timeout` is text; expected a number",
        "conf.yaml:8:10: error: the new name of `a` in `rename_labels` is the number `5`; expected text",
        "conf.yaml:10:18: error: the value of `c_total` is a list; expected a new name or a mapping",
        "conf.yaml:11:9: error: `^a[z-a].*$` is not a regular expression",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}");
    }
    let ConfiguredInstance::Invalid { endpoint, .. } = &config.instances[0] else { panic!("{said:#?}") };
    assert_eq!(endpoint.as_deref(), Some("http://me:hunter2@a/metrics"));
}
