//! Retriever's own pages, fetched over the network as a monitoring system does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use prometheus_parse::Value;
use retriever::aggregate::Refused;
use retriever::config::{Config, ConfiguredInstance, NoSurroundings, OutputKind};
use retriever::parse::{Diagnostic, Family, Format, Reader, ReaderLimits, Sample, Sink};
use retriever::pipeline::{FetchFailure, Pipeline, Recorder, Report};
use retriever::scrape::Skip;
use retriever::submit::{DropReason, Failure, IntakeStats, JournalStats, Stats};
use retriever::telemetry::{AdminServer, Readiness, Scraped, Telemetry};
use retriever::time::UnixTime;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const STARTED: f64 = 1_700_000_000.0;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// One sample that is wanted, one that is not, one malformed line.
const EXPOSITION: &str = "# TYPE wanted gauge\nwanted 1\n# TYPE other gauge\nother 2\n{{{\n";

fn pipeline() -> Pipeline {
    let settings = "instances:\n  - openmetrics_endpoint: http://a\n    metrics: [wanted]\n";
    let config = Config::read(settings, "test", &NoSurroundings);
    let ConfiguredInstance::Valid(instance) = &config.instances[0] else { panic!("the settings are valid") };
    Pipeline::new(Arc::new(instance.as_ref().clone()), None)
}

fn read(body: &str) -> Report {
    let (mut pipeline, mut out) = (pipeline(), Recorder::default());
    let mut scrape = pipeline.begin(Format::PrometheusText, UnixTime::from_seconds(STARTED), &mut out);
    scrape.push(body.as_bytes());
    let read = scrape.finish(None);
    pipeline.end(read, &mut out)
}

fn unanswered() -> Report {
    let failure =
        FetchFailure { reason: "test", message: "connection refused".to_owned(), connection: true, limit: false };
    pipeline().unanswered(failure, &mut Recorder::default())
}

fn scraped(report: &Report, seconds: f64) -> Scraped<'_> {
    let duration = Duration::from_secs_f64(seconds);
    Scraped {
        duration,
        report,
        points: 1,
        sketches: 2,
        refused: &[(Refused::NegativeRate, 3)],
        collisions: 7,
        contexts: 4,
    }
}

fn delivery() -> Stats {
    Stats {
        payloads_delivered: 5,
        points_delivered: 67,
        bytes_sent: 8000,
        dropped: [(DropReason::QueueFull, 10)].into_iter().collect(),
        retries: 9,
        queue_bytes: 3000,
        queue_payloads: 2,
        last_failure: Some(Failure {
            time: UnixTime::from_seconds(STARTED + 50.0),
            message: "the intake answers 403".to_owned(),
        }),
        last_success: Some(UnixTime::from_seconds(STARTED + 60.0)),
        unhealthy_since: Some(UnixTime::from_seconds(STARTED + 50.0)),
        ..Stats::default()
    }
}

fn telemetry(delivery: Stats) -> Telemetry {
    Telemetry::new(UnixTime::from_seconds(STARTED), Arc::new(move || vec![(OutputKind::Api, delivery.clone())]))
}

/// A server at a port of its own.
struct Running {
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(telemetry: &Telemetry, readiness: &Readiness) -> Self {
        let server = AdminServer::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let served = tokio::spawn(server.serve(telemetry.clone(), readiness.clone(), shutdown));
        Self { client: Client::connect(address).await.expect("it listens"), stop, served }
    }

    async fn get(&mut self, path: &str) -> Fetched {
        self.client.fetch(Method::GET, path).await
    }
}

/// One connection, kept open.
struct Client {
    address: SocketAddr,
    sender: SendRequest<Empty<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

struct Fetched {
    status: u16,
    content_type: String,
    allow: Option<String>,
    content_length: Option<String>,
    body: String,
}

impl Client {
    async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        Ok(Self { address, sender, connection: tokio::spawn(connection) })
    }

    async fn fetch(&mut self, method: Method, path: &str) -> Fetched {
        let request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        let request = request.header("accept", "text/plain").body(Empty::new()).expect("a request");
        self.sender.ready().await.expect("the connection is open");
        let response = self.sender.send_request(request).await.expect("an answer");
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        let (content_type, allow, content_length) = (header("content-type"), header("allow"), header("content-length"));
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole body").to_bytes().to_vec();
        let body = String::from_utf8(body).expect("UTF-8");
        Fetched { status, content_type: content_type.expect("a content type"), allow, content_length, body }
    }
}

/// Names and values in the order of the page.
type Labels = Vec<(String, String)>;

/// What the project's own reader finds on a page.
#[derive(Default)]
struct Found {
    families: Vec<(String, &'static str, bool)>,
    samples: Vec<(String, Labels, f64)>,
    malformed: Vec<String>,
}

impl Sink for Found {
    fn family(&mut self, family: &Family) {
        let described = family.declared && family.help.is_some();
        self.families.push((family.name.clone(), family.metric_type.as_str(), described));
    }

    fn sample(&mut self, _: &Family, sample: &Sample<'_>) {
        let labels = sample.labels.iter().map(|label| (label.name.text().into(), label.value.text().into()));
        self.samples.push((sample.name.text().into_owned(), labels.collect(), sample.value));
    }

    fn family_end(&mut self, _: &Family) {}

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        self.malformed.push(diagnostic.to_string());
    }
}

impl Found {
    /// Reads a page, which has to be OpenMetrics without fault.
    fn on(page: &str) -> Self {
        let mut found = Self::default();
        let mut reader = Reader::new(Format::OpenMetrics, ReaderLimits::default());
        reader.push(page.as_bytes(), &mut found).expect("an exposition");
        reader.finish(&mut found).expect("a whole exposition");
        assert_eq!(found.malformed, Vec::<String>::new());
        found
    }

    /// The value of the one sample of that name with these labels.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let same = |found: &[(String, String)]| {
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(labels.iter().copied())
        };
        let mut values = self.samples.iter().filter(|(found, with, _)| found == name && same(with));
        let value = values.next().map(|(.., value)| *value);
        assert!(values.next().is_none(), "`{name}` with {labels:?} stands twice");
        value
    }
}

#[tokio::test]
async fn the_metrics_page_is_open_metrics() {
    let telemetry = telemetry(delivery());
    let target = telemetry.target("http://a/metrics");
    target.scraped(&scraped(&read(EXPOSITION), 0.03));
    let fetched = Running::start(&telemetry, &Readiness::default()).await.get("/metrics").await;
    assert_eq!((fetched.status, fetched.content_type.as_str()), (200, OPEN_METRICS));
    assert!(fetched.body.ends_with("\n# EOF\n"), "{}", fetched.body);

    let found = Found::on(&fetched.body);
    let mut names: Vec<_> = found.families.iter().map(|(name, ..)| name.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a family stands twice");
    for (name, metric_type, described) in &found.families {
        assert!(described, "`{name}` has no help");
        assert!(name.starts_with("retriever_") || name.starts_with("process_"), "{name}");
        assert!(!name.ends_with("_total"), "{name}");
        let samples = found.samples.iter().filter(|(sample, ..)| sample.strip_prefix(name.as_str()) == Some("_total"));
        assert_eq!(samples.count() > 0, *metric_type == "counter", "{name}");
    }
    for unit in fetched.body.lines().filter_map(|line| line.strip_prefix("# UNIT ")) {
        let (name, unit) = unit.split_once(' ').unwrap();
        assert!(name.ends_with(&format!("_{unit}")), "{name} {unit}");
    }
}

#[tokio::test]
async fn what_is_recorded_is_shown() {
    let telemetry = telemetry(delivery());
    let (a, b) = (telemetry.target("http://a/metrics"), telemetry.target("http://b/metrics"));
    let report = read(EXPOSITION);
    a.scraped(&scraped(&report, 0.25));
    a.scraped(&scraped(&report, 0.5));
    a.skipped(Skip::NoSlot, 2);
    b.scraped(&scraped(&unanswered(), 2.0));
    let page = Found::on(&telemetry.exposition());
    let a = |name: &str| page.value(name, &[("target", "http://a/metrics")]);
    assert_eq!(a("retriever_target_up"), Some(1.0));
    assert_eq!(a("retriever_scrape_last_duration_seconds"), Some(0.5));
    assert_eq!(a("retriever_scrape_body_bytes_total"), Some(2.0 * EXPOSITION.len() as f64));
    assert_eq!(a("retriever_scrape_lines_total"), Some(10.0));
    assert_eq!(a("retriever_scrape_samples_total"), Some(4.0));
    assert_eq!(a("retriever_scrape_last_samples"), Some(2.0));
    assert_eq!(a("retriever_scrape_last_families"), Some(2.0));
    assert_eq!(a("retriever_collisions_total"), Some(14.0));
    assert_eq!(a("retriever_points_total"), Some(2.0));
    assert_eq!(a("retriever_sketches_total"), Some(4.0));
    assert_eq!(a("retriever_contexts"), Some(4.0));
    let a = |name: &str, label: &str, value: &str| page.value(name, &[("target", "http://a/metrics"), (label, value)]);
    assert_eq!(a("retriever_scrapes_total", "outcome", "success"), Some(2.0));
    assert_eq!(a("retriever_scrapes_total", "outcome", "mapping"), Some(0.0));
    assert_eq!(a("retriever_skipped_scrapes_total", "reason", "no slot"), Some(2.0));
    assert_eq!(a("retriever_skipped_scrapes_total", "reason", "still running"), Some(0.0));
    assert_eq!(a("retriever_dropped_total", "reason", "not selected"), Some(2.0));
    assert_eq!(a("retriever_dropped_total", "reason", "malformed line"), Some(2.0));
    assert_eq!(a("retriever_refused_total", "reason", "rate negative"), Some(6.0));
    assert_eq!(page.value("retriever_target_up", &[("target", "http://b/metrics")]), Some(0.0));
    let failed = [("target", "http://b/metrics"), ("outcome", "request")];
    assert_eq!(page.value("retriever_scrapes_total", &failed), Some(1.0));
    assert_eq!(page.value("retriever_scrape_duration_seconds_count", &[]), Some(3.0));
    assert_eq!(page.value("retriever_scrape_duration_seconds_sum", &[]), Some(2.75));
    assert_eq!(page.value("retriever_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
}

#[tokio::test]
async fn delivery_and_the_process_are_shown() {
    let page = Found::on(&telemetry(delivery()).exposition());
    assert_eq!(page.value("retriever_delivery_healthy", &[("output", "api")]), Some(0.0));
    assert_eq!(page.value("retriever_delivery_queue_payloads", &[("output", "api")]), Some(2.0));
    assert_eq!(page.value("retriever_delivery_queue_bytes", &[("output", "api")]), Some(3000.0));
    assert_eq!(page.value("retriever_delivery_payloads_total", &[("output", "api")]), Some(5.0));
    assert_eq!(page.value("retriever_delivered_total", &[("output", "api")]), Some(67.0));
    assert_eq!(page.value("retriever_delivery_sent_bytes_total", &[("output", "api")]), Some(8000.0));
    assert_eq!(page.value("retriever_delivery_retries_total", &[("output", "api")]), Some(9.0));
    assert_eq!(
        page.value("retriever_delivery_dropped_total", &[("output", "api"), ("reason", "queue_full")]),
        Some(10.0)
    );
    assert_eq!(
        page.value("retriever_delivery_last_success_timestamp_seconds", &[("output", "api")]),
        Some(STARTED + 60.0)
    );
    assert_eq!(page.value("retriever_journal_size_bytes", &[]), None);
    assert_eq!(page.value("process_start_time_seconds", &[]), Some(STARTED));
    let on_linux = cfg!(target_os = "linux");
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
        assert_eq!(page.value(name, &[]).is_some(), on_linux, "{name}");
    }
    let untouched = Found::on(&telemetry(Stats::default()).exposition());
    assert_eq!(untouched.value("retriever_delivery_healthy", &[("output", "api")]), Some(1.0));
    assert_eq!(untouched.value("retriever_delivery_last_success_timestamp_seconds", &[("output", "api")]), None);
}

#[tokio::test]
async fn each_intake_and_the_journal_are_shown() {
    let intake = |name: &str, stats: Stats| IntakeStats { intake: name.to_owned(), stats };
    let journal = JournalStats { bytes: 400, segments: 2, failures: 3, damaged: 1, failing_since: None };
    let stats = Stats {
        intakes: vec![intake("https://a", Stats::default()), intake("https://b #2", delivery())],
        journal: Some(journal),
        ..delivery()
    };
    let page = Found::on(&telemetry(stats).exposition());
    let of = |family: &str, name: &str| page.value(family, &[("intake", name)]);
    assert_eq!(of("retriever_intake_healthy", "https://a"), Some(1.0));
    assert_eq!(of("retriever_intake_healthy", "https://b #2"), Some(0.0));
    assert_eq!(of("retriever_intake_payloads_total", "https://a"), Some(0.0));
    for (family, expected) in [
        ("retriever_intake_queue_payloads", 2.0),
        ("retriever_intake_queue_bytes", 3000.0),
        ("retriever_intake_payloads_total", 5.0),
        ("retriever_intake_delivered_total", 67.0),
        ("retriever_intake_retries_total", 9.0),
        ("retriever_intake_last_success_timestamp_seconds", STARTED + 60.0),
    ] {
        assert_eq!(of(family, "https://b #2"), Some(expected), "{family}");
    }
    let dropped = [("intake", "https://b #2"), ("reason", "queue_full")];
    assert_eq!(page.value("retriever_intake_dropped_total", &dropped), Some(10.0));
    for (family, expected) in [
        ("retriever_journal_healthy", 1.0),
        ("retriever_journal_size_bytes", 400.0),
        ("retriever_journal_segments", 2.0),
        ("retriever_journal_failures_total", 3.0),
        ("retriever_journal_damaged_files_total", 1.0),
    ] {
        assert_eq!(page.value(family, &[]), Some(expected), "{family}");
    }
}

/// prometheus-parse reads Prometheus' text format: of OpenMetrics it understands gauges and histograms.
#[tokio::test]
async fn an_independent_reader_reads_the_same() {
    let telemetry = telemetry(delivery());
    let target = telemetry.target("http://a/metrics");
    target.scraped(&scraped(&read(EXPOSITION), 0.03));
    let page = telemetry.exposition();
    let read = prometheus_parse::Scrape::parse(page.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let find = |name: &str| &read.samples.iter().find(|sample| sample.metric == name).unwrap().value;
    assert_eq!(find("retriever_target_up"), &Value::Gauge(1.0));
    assert_eq!(find("retriever_scrape_last_duration_seconds"), &Value::Gauge(0.03));
    assert_eq!(find("retriever_delivery_queue_bytes"), &Value::Gauge(3000.0));
    assert_eq!(find("process_start_time_seconds"), &Value::Gauge(STARTED));
    assert_eq!(find("retriever_scrape_samples_total"), &Value::Untyped(2.0));
    let Value::Histogram(buckets) = find("retriever_scrape_duration_seconds") else { panic!("not a histogram") };
    assert!(buckets.iter().all(|bucket| (bucket.count > 0.5) == (bucket.less_than >= 0.03)), "{buckets:?}");
    assert_eq!(buckets.last().map(|bucket| bucket.less_than), Some(f64::INFINITY));
    let target = read.samples.iter().find(|sample| sample.metric == "retriever_target_up").unwrap();
    assert_eq!(target.labels.get("target"), Some("http://a/metrics"));
}

#[tokio::test]
async fn label_values_are_escaped() {
    let telemetry = telemetry(Stats::default());
    let endpoint = "http://a/\"quoted\"\\n\nline,x=\"1\"}";
    let target = telemetry.target(endpoint);
    target.scraped(&scraped(&read(EXPOSITION), 0.03));
    let page = telemetry.exposition();
    let escaped = r#"retriever_target_up{target="http://a/\"quoted\"\\n\nline,x=\"1\"}"} 1"#;
    assert!(page.lines().any(|line| line == escaped), "{page}");
    assert_eq!(Found::on(&page).value("retriever_target_up", &[("target", endpoint)]), Some(1.0));
}

#[tokio::test]
async fn a_target_takes_its_series_with_it() {
    let telemetry = telemetry(Stats::default());
    let report = read(EXPOSITION);
    let (first, second) = (telemetry.target("http://a"), telemetry.target("http://a"));
    first.scraped(&scraped(&report, 0.01));
    let up = |label: &str| Found::on(&telemetry.exposition()).value("retriever_target_up", &[("target", label)]);
    assert_eq!((up("http://a"), up("http://a (2)")), (Some(1.0), None), "never scraped is neither up nor down");
    second.scraped(&scraped(&unanswered(), 0.01));
    assert_eq!((up("http://a"), up("http://a (2)")), (Some(1.0), Some(0.0)));
    drop(first);
    assert_eq!((up("http://a"), up("http://a (2)")), (None, Some(0.0)));
    drop(second);
    assert!(!telemetry.exposition().contains("http://a"));
}

#[tokio::test]
async fn ready_is_who_tried_every_first_target() {
    let (telemetry, readiness) = (telemetry(Stats::default()), Readiness::default());
    let mut running = Running::start(&telemetry, &readiness).await;
    let fetched = running.get("/-/ready").await;
    assert_eq!(fetched.status, 503);
    assert!(fetched.body.contains("scheduler"), "{}", fetched.body);
    let (a, b) = (telemetry.target("http://a"), telemetry.target("http://b"));
    readiness.scheduled();
    a.scraped(&scraped(&read(EXPOSITION), 0.01));
    let fetched = running.get("/-/ready").await;
    assert_eq!(fetched.status, 503);
    assert!(fetched.body.contains("http://b") && !fetched.body.contains("http://a"), "{}", fetched.body);
    b.scraped(&scraped(&unanswered(), 0.01));
    let fetched = running.get("/-/ready").await;
    assert_eq!((fetched.status, fetched.body.as_str()), (200, "ready\n"));
    let _later = telemetry.target("http://c");
    assert_eq!(running.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn failing_delivery_is_told_but_does_not_make_unready() {
    let (telemetry, readiness) = (telemetry(delivery()), Readiness::default());
    readiness.scheduled();
    let fetched = Running::start(&telemetry, &readiness).await.get("/-/ready").await;
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.body, "ready\ndelivery fails: the intake answers 403\n");
}

#[tokio::test]
async fn the_other_pages_are_plain_text() {
    let mut running = Running::start(&telemetry(Stats::default()), &Readiness::default()).await;
    let fetched = running.get("/-/healthy?verbose=1").await;
    assert_eq!((fetched.status, fetched.body.as_str()), (200, "healthy\n"));
    let index = running.get("/").await;
    assert_eq!((index.status, index.content_type.as_str()), (200, "text/plain; charset=utf-8"));
    for page in ["/metrics", "/-/healthy", "/-/ready"] {
        assert!(index.body.contains(page), "{}", index.body);
    }
    for missing in ["/nothing", "/metrics/", "/-/", "//metrics", "/%2e%2e/metrics"] {
        let fetched = running.get(missing).await;
        assert_eq!((fetched.status, fetched.content_type.as_str()), (404, "text/plain; charset=utf-8"), "{missing}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let mut running = Running::start(&telemetry(Stats::default()), &Readiness::default()).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let fetched = running.client.fetch(method.clone(), "/metrics").await;
        assert_eq!((fetched.status, fetched.allow.as_deref()), (405, Some("GET, HEAD")), "{method}");
    }
    let (get, head) = (running.get("/").await, running.client.fetch(Method::HEAD, "/").await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!((head.content_type, head.content_length), (get.content_type, get.content_length));
    let head = running.client.fetch(Method::HEAD, "/metrics").await;
    assert_eq!((head.status, head.content_type.as_str(), head.body.as_str()), (200, OPEN_METRICS, ""));
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_the_listener() {
    let mut running = Running::start(&telemetry(Stats::default()), &Readiness::default()).await;
    assert_eq!(running.get("/").await.status, 200);
    let Running { client, stop, served } = running;
    stop.send(()).unwrap();
    // An idle connection is closed at once; only a response that does not end is waited for, and for 5 s.
    tokio::time::timeout(Duration::from_secs(3), served).await.unwrap().unwrap();
    client.connection.await.unwrap().unwrap();
    assert!(Client::connect(client.address).await.is_err());
}

/// 64 at a time, and the next one gets its turn as soon as one of them ends.
#[tokio::test]
async fn connections_are_limited_and_make_room() {
    let mut running = Running::start(&telemetry(Stats::default()), &Readiness::default()).await;
    assert_eq!(running.get("/").await.status, 200);
    let mut held = Vec::new();
    for _ in 1..64 {
        let mut client = Client::connect(running.client.address).await.unwrap();
        assert_eq!(client.fetch(Method::GET, "/").await.status, 200);
        held.push(client);
    }
    let mut next = Client::connect(running.client.address).await.unwrap();
    let waiting = tokio::spawn(async move { next.fetch(Method::GET, "/").await.status });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    assert_eq!(running.get("/").await.status, 200);
    held.pop();
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn an_address_in_use_says_what_to_set() {
    let taken = AdminServer::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let error = AdminServer::bind(taken.local_addr()).await.unwrap_err().to_string();
    for part in [&taken.local_addr().to_string(), "in use", "`admin_listen`", "`none`"] {
        assert!(error.contains(part), "{error}");
    }
}
