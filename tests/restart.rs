//! The program from one start to the next: counters go on where they were, after a stop and after a kill.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::intake::Intake;
use support::program::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The most that the counter grows by between two scrapes.
const STEP: u64 = 50;

/// A target with a counter and a histogram that grow with each scrape, by another number each time.
#[derive(Debug)]
struct Exporter {
    url: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    hits: AtomicU64,
    requests: AtomicU64,
    /// What the counter was when it was first exposed.
    first: Mutex<Option<u64>>,
    is_frozen: AtomicBool,
}

impl State {
    fn exposition(&self) -> String {
        let hits = self.hits.fetch_add(1, Ordering::Relaxed);
        if !self.is_frozen.load(Ordering::Relaxed) {
            self.requests.fetch_add(1 + hits * 7 % STEP, Ordering::Relaxed);
        }
        let total = 1000 + self.requests.load(Ordering::Relaxed);
        self.first.lock().unwrap().get_or_insert(total);
        let low = total / 3;
        format!(
            "# TYPE requests counter\nrequests_total{{code=\"200\"}} {total}\n# TYPE latency histogram\n\
             latency_bucket{{le=\"0.5\"}} {low}\nlatency_bucket{{le=\"+Inf\"}} {total}\nlatency_count {total}\n\
             latency_sum {total}\n"
        )
    }

    /// What the counter grew by since it was first exposed.
    fn growth(&self) -> u64 {
        let first = self.first.lock().unwrap().unwrap();
        1000 + self.requests.load(Ordering::Relaxed) - first
    }
}

impl Exporter {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever scraped may be killed meanwhile.
                let _ = serve(stream, &shared).await;
            }
        });
        Self { url, state }
    }
}

async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let body = state.exposition();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
    stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

/// What arrived: the growth of each series, told by name and tags, by the second of its scrape.
#[derive(Debug, Default)]
struct Growth(BTreeMap<(String, String), BTreeMap<i64, f64>>);

impl Growth {
    fn add(&mut self, metric: &str, tags: &[String], time: i64, value: f64) {
        let key = (metric.to_owned(), tags.join(","));
        let before = self.0.entry(key).or_default().insert(time, value);
        // The same payload may come twice, but never another value.
        assert!(before.is_none_or(|before| before.to_bits() == value.to_bits()), "{metric}: {before:?}, {value}");
    }

    /// All growth of one metric.
    fn of(&self, metric: &str) -> Vec<f64> {
        let series = self.0.iter().filter(|((name, _), _)| name == metric);
        series.flat_map(|(_, points)| points.values().copied()).collect()
    }
}

fn at_intake(intake: &Intake) -> Growth {
    let mut growth = Growth::default();
    for series in intake.series() {
        for point in &series.points {
            growth.add(&series.metric, &series.tags, point.timestamp, point.value);
        }
    }
    for series in intake.sketches() {
        for sketch in &series.dogsketches {
            growth.add(&series.metric, &series.tags, sketch.ts, sketch.cnt as f64);
        }
    }
    growth
}

fn in_file(path: &Path) -> Growth {
    let mut growth = Growth::default();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The last line may be on its way.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in complete.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        if let (Some(metric), Some(value)) = (object["metric"].as_str(), object["value"].as_f64()) {
            let tags: Vec<String> = serde_json::from_value(object["tags"].clone()).unwrap();
            growth.add(metric, &tags, object["timestamp"].as_i64().unwrap(), value);
        }
    }
    growth
}

/// Stops and kills the program in turns while the targets count on, and compares what arrived in the end with that.
/// `metrics` names what grows with each of them.
async fn counters_go_on(settings: &str, metrics: &[(&Exporter, &[&str])], arrived: impl Fn() -> Growth) {
    let scrapes = || arrived().of("app.requests.count").len();
    for signal in ["TERM", "KILL", "TERM", "KILL"] {
        let before = scrapes();
        let mut running = Running::start(settings, &[]);
        running.until("scrapes arrive", || scrapes() >= before + 2).await;
        // Between two scrapes: marks and points are kept together by the journal, but not by other outputs.
        tokio::time::sleep(Duration::from_millis(300)).await;
        running.signal(signal);
        let finished = running.ended().await;
        assert_eq!(finished.code, (signal == "TERM").then_some(0), "{finished}");
        assert!(!finished.stderr.contains("panicked"), "{finished}");
    }
    let mut running = Running::start(settings, &[]);
    for (exporter, _) in metrics {
        exporter.state.is_frozen.store(true, Ordering::Relaxed);
    }
    let ends_flat = || arrived().of("app.requests.count").ends_with(&[0.0, 0.0]);
    running.until("scrapes without growth arrive", ends_flat).await;
    running.stop().await.assert_code(0);

    let growth = arrived();
    for (exporter, metrics) in metrics {
        let expected = exporter.state.growth();
        assert!(expected > 0);
        for metric in *metrics {
            let values = growth.of(metric);
            let sum: f64 = values.iter().sum();
            assert!((sum - expected as f64).abs() < 1e-9, "{metric}: {sum} of {expected}: {growth:?}");
            // The scrapes that a kill took are in the next points, and nothing of the time before.
            let bound = (8 * STEP) as f64;
            assert!(values.iter().all(|value| (0.0..=bound).contains(value)), "{metric}: {growth:?}");
        }
    }
}

/// The counters of a target, and what else is to be scraped.
fn settings(output: &str, directory: &Path, exporter: &Exporter, more: &str) -> String {
    format!(
        "{output}\nadmin_listen: none\ndata_dir: {}\ninstances:\n\
         - {{openmetrics_endpoint: '{}', namespace: app, metrics: [requests, latency], min_collection_interval: 1}}\n\
         {more}",
        directory.display(),
        exporter.url,
    )
}

const COUNTERS: [&str; 3] = ["app.requests.count", "app.latency.count", "app.latency.sum"];

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_at_the_intake() {
    let (folder, intake) = (tempfile::tempdir().unwrap(), Intake::start().await);
    let (exporter, spread) = (Exporter::start().await, Exporter::start().await);
    let output = format!("dd_url: {}\napi_key: 0123456789abcdef0123456789abcdef", intake.url());
    let more = format!(
        "- {{openmetrics_endpoint: '{}', namespace: spread, metrics: [latency], min_collection_interval: 1, \
         collect_histograms_as_distributions: true}}\n",
        spread.url
    );
    let settings = settings(&output, &folder.path().join("data"), &exporter, &more);
    let metrics: [(_, &[_]); 2] = [(&exporter, &COUNTERS), (&spread, &["spread.latency"])];
    counters_go_on(&settings, &metrics, || at_intake(&intake)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_in_a_file() {
    let (folder, exporter) = (tempfile::tempdir().unwrap(), Exporter::start().await);
    let path = folder.path().join("metrics.json");
    let output = format!("output_file: {}", path.display());
    let settings = settings(&output, &folder.path().join("data"), &exporter, "");
    counters_go_on(&settings, &[(&exporter, &COUNTERS)], || in_file(&path)).await;
}
