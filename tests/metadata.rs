//! `retriever metadata`: what exporters say of their metrics reaches Datadog, and only what it does not know.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::program::{Finished, Folder, retriever, retriever_beside};
use tokio::net::TcpListener;

const API_KEY: &str = "api-hunter2";
const APPLICATION_KEY: &str = "application-hunter2";

/// Datadog as far as it keeps metadata.
#[derive(Default)]
struct State {
    metrics: BTreeMap<String, Value>,
    /// Method, metric and body of each request, in order.
    asked: Vec<(Method, String, Value)>,
    /// Answers to the next requests in place of the right ones: a status, and `X-RateLimit-Reset`.
    next: VecDeque<(u16, Option<u32>)>,
    /// How many are served, and how many were together.
    busy: (usize, usize),
    began: Vec<Instant>,
}

#[derive(Clone)]
struct Datadog {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Datadog {
    async fn knowing(metrics: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let state = Arc::new(Mutex::new(State { metrics, ..State::default() }));
        let datadog = Self { url: format!("http://{}", listener.local_addr().unwrap()), state };
        let serving = datadog.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let datadog = serving.clone();
                let service = service_fn(move |request| {
                    let datadog = datadog.clone();
                    async move { Ok::<_, Infallible>(datadog.answer(request).await) }
                });
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // How a connection ends is no concern of the test.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        datadog
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(head.headers["dd-api-key"], API_KEY);
        assert_eq!(head.headers["dd-application-key"], APPLICATION_KEY);
        {
            let mut state = self.state.lock().unwrap();
            state.busy.0 += 1;
            state.busy.1 = state.busy.1.max(state.busy.0);
            state.began.push(Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut state = self.state.lock().unwrap();
        state.busy.0 -= 1;
        let metric = head.uri.path().strip_prefix("/api/v1/metrics/").unwrap().to_owned();
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        state.asked.push((head.method.clone(), metric.clone(), body.clone()));
        if let Some((status, reset)) = state.next.pop_front() {
            let mut answer = Response::builder().status(status);
            if let Some(reset) = reset {
                answer = answer.header("X-RateLimit-Reset", reset);
            }
            return answer.body(Full::new(Bytes::from_static(br#"{"errors":["so be it"]}"#))).unwrap();
        }
        let (status, text) = match (head.method, state.metrics.get_mut(&metric)) {
            (_, None) => (404, json!({"errors": ["metric_name not found"]}).to_string()),
            (Method::PUT, Some(known)) => {
                // The harshest reading of the API: what is not in the body is gone.
                *known = body;
                (200, known.to_string())
            }
            (_, Some(known)) => (200, known.to_string()),
        };
        Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap()
    }

    fn asked(&self, method: &Method) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let asked = state.asked.iter().filter(|(asked, ..)| asked == method);
        asked.map(|(_, metric, _)| metric.clone()).collect()
    }
}

const BODY: &str = "\
# HELP http_requests_total Requests that were\\n  answered, by \"code\".
# TYPE http_requests_total counter
http_requests_total{code=\"200\"} 7
http_requests_total{code=\"500\"} 1
# HELP lag_seconds How far behind.
# TYPE lag_seconds gauge
lag_seconds 3
# TYPE silent gauge
silent 1
# HELP wait_seconds Waiting, in seconds.
# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"1\"} 1
wait_seconds_bucket{le=\"+Inf\"} 2
wait_seconds_sum 3
wait_seconds_count 2
";

/// A folder with settings, these at the top, whose target is recorded.
fn place(top: &str, options: &str) -> (Folder, Vec<String>) {
    let settings = format!(
        "admin_listen: none\n{top}\ninstances:\n  - openmetrics_endpoint: http://app:9100/metrics\n    namespace: web\n    \
         metrics: [.+]\n{options}"
    );
    let (folder, settings) = Folder::with_settings(&settings);
    let fixture = folder.write("1.prom", BODY);
    let args = ["metadata", &settings, "--fixture", &fixture, "--rate", "1000"].map(ToOwned::to_owned).to_vec();
    (folder, args)
}

fn with(args: &[String], more: &[&str]) -> Vec<String> {
    args.iter().cloned().chain(more.iter().map(ToString::to_string)).collect()
}

fn keys(datadog: &Datadog) -> String {
    format!("api_key: {API_KEY}\napp_key: {APPLICATION_KEY}\ndd_url: {}", datadog.url)
}

fn state_of<'d>(document: &'d Value, metric: &str) -> &'d Value {
    let metrics = document["metrics"].as_array().unwrap();
    metrics.iter().find(|entry| entry["name"] == metric).unwrap_or_else(|| panic!("no {metric} in {document}"))
}

#[tokio::test]
async fn what_differs_is_changed_and_the_rest_is_left_alone() {
    let datadog = Datadog::knowing(&[
        ("web.http_requests.count", json!({"type": "count", "unit": null, "description": null, "short_name": "req"})),
        ("web.lag_seconds", json!({"type": "gauge", "unit": "second", "description": "How far behind."})),
        ("web.silent", json!({"type": "gauge", "unit": "page", "description": "Theirs."})),
        ("web.wait_seconds.bucket", json!({"type": "count", "description": "Waiting, in seconds."})),
        ("web.wait_seconds.count", json!({"type": "gauge", "description": "Waiting, in seconds."})),
        (
            "web.wait_seconds.sum",
            json!({"type": "count", "description": "Old.", "unit": "second", "per_unit": "query"}),
        ),
    ])
    .await;
    let (_folder, args) = place(&keys(&datadog), "");
    let dry = retriever_beside(with(&args, &["--dry-run"])).await;
    let said = &dry.assert_code(0).stdout;
    assert!(said.ends_with("6 metrics: 3 would be changed, 3 as they should be\n"), "{dry}");
    assert_eq!(datadog.asked(&Method::PUT), [""; 0]);

    let finished = retriever_beside(args.clone()).await;
    let expected = "web.http_requests.count: changed
  unit         request (was none)
  description  Requests that were answered, by \"code\". (was none)
web.wait_seconds.count: changed
  type         count (was `gauge`)
web.wait_seconds.sum: changed
  description  Waiting, in seconds. (was `Old.`)
6 metrics: 3 changed, 3 as they should be
";
    assert_eq!(finished.assert_code(0).stdout, expected, "{finished}");
    let mut changed = datadog.asked(&Method::PUT);
    changed.sort();
    assert_eq!(changed, ["web.http_requests.count", "web.wait_seconds.count", "web.wait_seconds.sum"]);
    let known = |metric: &str| datadog.state.lock().unwrap().metrics[metric].clone();
    assert_eq!(
        known("web.http_requests.count"),
        json!({"type": "count", "short_name": "req", "unit": "request", "description": "Requests that were answered, by \"code\"."})
    );
    assert_eq!(known("web.wait_seconds.sum")["per_unit"], "query", "what nobody spoke of stays");
    assert_eq!(known("web.silent")["description"], "Theirs.");

    let again = retriever_beside(args).await;
    assert_eq!(again.assert_code(0).stdout, "6 metrics: 6 as they should be\n", "{again}");
    assert_eq!(datadog.asked(&Method::PUT).len(), 3);
    assert!(datadog.state.lock().unwrap().busy.1 <= 4);
}

#[tokio::test]
async fn what_datadog_does_not_know_is_said_and_counted() {
    let datadog = Datadog::knowing(&[("web.lag_seconds", json!({"type": "gauge"}))]).await;
    let (_folder, args) = place(&keys(&datadog), "    exclude_metrics: [wait_seconds, silent]\n");
    let finished = retriever_beside(args.clone()).await;
    let said = &finished.assert_code(1).stdout;
    assert!(said.contains("web.http_requests.count: Datadog does not know it\n"), "{finished}");
    assert!(
        said.ends_with(
            "2 metrics: 1 changed, 1 not known to Datadog; a metric is known some minutes after it was first \
                            sent, so run this again then\n"
        ),
        "{finished}"
    );
    let document = retriever_beside(with(&args, &["--format", "json"])).await.assert_code(1).json();
    assert_eq!(state_of(&document, "web.http_requests.count")["state"], "unknown");
    assert_eq!(state_of(&document, "web.lag_seconds")["state"], "same");
}

#[tokio::test]
async fn datadog_is_not_hurried() {
    let known = json!({"type": "gauge", "unit": "second", "description": "How far behind."});
    let datadog = Datadog::knowing(&[("web.lag_seconds", known), ("web.silent", json!({"type": "gauge"}))]).await;
    datadog.state.lock().unwrap().next.push_back((429, Some(1)));
    let (_folder, mut args) = place(&keys(&datadog), "    exclude_metrics: [wait_seconds, http_requests]\n");
    *args.last_mut().unwrap() = "5".to_owned();
    let finished = retriever_beside(args).await;
    finished.assert_code(0);
    assert_eq!(finished.stderr.matches("Datadog asks to wait 1 s").count(), 1, "{finished}");
    let began = datadog.state.lock().unwrap().began.clone();
    // Two, of which one came too soon and is repeated; a fifth of a second apart, and a second after that.
    assert_eq!(began.len(), 3);
    assert!(began[1] - began[0] >= Duration::from_millis(150), "{began:?}");
    assert!(began[2] - began[0] >= Duration::from_millis(950), "{began:?}");
}

#[tokio::test]
async fn failures_are_of_one_metric_or_of_all() {
    let datadog = Datadog::knowing(&[]).await;
    let (_folder, args) = place(&keys(&datadog), "");
    datadog.state.lock().unwrap().next.extend([(400, None)]);
    let document = retriever_beside(with(&args, &["--format", "json"])).await.assert_code(1).json();
    let failed: Vec<_> =
        document["metrics"].as_array().unwrap().iter().filter(|entry| entry["state"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error"], "400 Bad Request: so be it");

    datadog.state.lock().unwrap().next.extend([(403, None); 6]);
    let finished = retriever_beside(args).await;
    let said = &finished.assert_code(1).stdout;
    let expected = "answers 403 Forbidden when asked to read metadata: compare `api_key`, `app_key` and `site` (`dd_url`), \
                    and give the application key the permission `metrics_read`";
    assert_eq!(said.matches(expected).count(), 1, "{finished}");
    assert!(said.ends_with("6 metrics: 1 failed, 5 not tried\n"), "{finished}");
    assert!(!finished.to_string().contains("hunter2"), "{finished}");
}

#[test]
fn keys_are_needed_to_change_and_to_compare() {
    let unusable = |top: &str| {
        let (_folder, args) = place(top, "");
        let finished = retriever(&args);
        assert_eq!(finished.assert_code(2).stdout, "", "{finished}");
        finished.stderr
    };
    assert!(unusable("").contains("there is no API key: set `api_key` or DD_API_KEY"));
    assert!(unusable("api_key: abc").contains("there is no application key, without which metadata cannot be changed"));
    let (_folder, args) = place("output: console", "    exclude_metrics: [wait_seconds]\n");
    let finished = retriever(with(&args, &["--dry-run"]));
    let expected = "web.http_requests.count
  type         count
  unit         request
  description  Requests that were answered, by \"code\".
web.lag_seconds
  type         gauge
  unit         second
  description  How far behind.
web.silent
  type         gauge
3 metrics
";
    assert_eq!(finished.assert_code(0).stdout, expected);
    assert!(finished.stderr.contains("what Datadog has is not compared"), "{finished}");
}

#[test]
fn metadata_csv() {
    let (folder, args) = place("", "    collect_histograms_as_distributions: true\n    exclude_metrics: [silent]\n");
    let args: Vec<String> = args.into_iter().filter(|arg| arg != "--rate" && arg != "1000").collect();
    let expected =
        "metric_name,metric_type,interval,unit_name,per_unit_name,description,orientation,integration,short_name,\
curated_metric,sample_tags
web.http_requests.count,count,,request,,\"Requests that were answered, by \"\"code\"\".\",0,web,,,
web.lag_seconds,gauge,,second,,How far behind.,0,web,,,
web.wait_seconds,distribution,,second,,\"Waiting, in seconds.\",0,web,,,
";
    assert_eq!(retriever(with(&args, &["--csv", "-"])).assert_code(0).stdout, expected);
    let file = folder.path("metadata.csv").display().to_string();
    assert_eq!(retriever(with(&args, &["--csv", &file])).assert_code(0).stdout, "");
    assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
    let finished: Finished = retriever(with(&args, &["--csv", "/nowhere/metadata.csv"]));
    assert!(finished.assert_code(2).stderr.contains("`/nowhere/metadata.csv` cannot be written"), "{finished}");
}

#[tokio::test]
async fn targets_that_differ_are_named_and_the_first_one_counts() {
    let target = |text: &'static str| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
                let service = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(answer.clone())));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        url
    };
    let first = target("# HELP up Whether it is up.\n# TYPE up gauge\nup 1\n# TYPE late gauge\nlate 1\n").await;
    let second =
        target("# HELP up Up?\n# TYPE up gauge\nup 1\n# HELP late Said later.\n# TYPE late gauge\nlate 1\n").await;
    let entry = |url: &str| format!("  - {{openmetrics_endpoint: '{url}', namespace: app, metrics: [.+]}}\n");
    let settings = format!("instances:\n{}{}{}", entry(&first), entry(&second), entry("http://127.0.0.1:1/"));
    let (_folder, settings) = Folder::with_settings(&settings);
    let args = ["metadata", &settings, "--dry-run", "--format", "json"].map(ToOwned::to_owned).to_vec();
    let finished = retriever_beside(args).await;
    let document = finished.assert_code(1).json();
    assert_eq!(state_of(&document, "app.up")["description"], "Whether it is up.");
    assert_eq!(state_of(&document, "app.late")["description"], "Said later.");
    let conflict = json!([{
        "metric": "app.up",
        "field": "description",
        "used": {"value": "Whether it is up.", "target": first},
        "other": {"value": "Up?", "target": second},
    }]);
    assert_eq!(document["conflicts"], conflict);
    let said = format!("the description of `app.up` is `Whether it is up.`, as `{first}` says; `{second}` says `Up?`");
    assert!(finished.stderr.contains(&said), "{finished}");
    assert!(finished.stderr.contains("http://127.0.0.1:1/"), "{finished}");
}

#[test]
fn descriptions_are_cut_to_what_datadog_takes() {
    let (folder, mut args) = place("", "");
    let long = folder.write("long.prom", format!("# HELP a {}\n# TYPE a gauge\na 1\n", "\u{e4} ".repeat(500)));
    args[3] = long;
    let document = retriever(with(&args, &["--dry-run", "--format", "json"])).assert_code(0).json();
    assert_eq!(state_of(&document, "web.a")["description"].as_str().unwrap().chars().count(), 400);
}
