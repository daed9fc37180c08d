//! What arrives at an intake is what `retriever check` prints: payloads of the program, decoded by means that share
//! nothing with its encoder, for recordings of real exporters.
//!
//! The JSON among the payloads is left in `target/tmp/decode` for `tools/models.py`, which lets the models of Datadog's own
//! client read it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::intake::{CHECK_RUN, Intake};
use support::program::{Folder, Running, retriever_beside};
use support::proto::{MetricSeries, MetricType, SketchSeries};
use tokio::net::TcpListener;

const HOST: &str = "decode-host";
/// Seconds between two scrapes, so that each has a second of its own.
const INTERVAL: u32 = 2;
const SCRAPES: usize = 3;
/// What is made of histograms.
const VARIANTS: [&str; 3] = [
    "histogram_buckets_as_distributions: false",
    "histogram_buckets_as_distributions: true, collect_counters_with_distributions: true",
    "non_cumulative_histogram_buckets: true",
];

/// Points, sketches and service checks of one scrape, each as a text, in the order of these texts.
type Scrape = Vec<String>;

/// A recorded exporter.
struct Exporter {
    name: String,
    recordings: Vec<PathBuf>,
}

fn exporters() -> Vec<Exporter> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let recorded = folders.filter(|folder| folder.join(format!("{SCRAPES}.http")).exists());
    let mut exporters: Vec<_> = recorded
        .map(|folder| Exporter {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            recordings: (1..=SCRAPES).map(|number| folder.join(format!("{number}.http"))).collect(),
        })
        .collect();
    exporters.sort_by(|one, other| one.name.cmp(&other.name));
    exporters
}

// --- The exporters, played back ---------------------------------------------------------------------------------------

/// What answers requests for a path, and how many came.
type Player = (Arc<[Vec<u8>]>, AtomicUsize);

/// Answers requests for `/NAME/VARIANT` with the recordings of `NAME`, and with the last of them from then on.
async fn play(exporters: &[Exporter]) -> (SocketAddr, Arc<BTreeMap<String, Player>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bodies = exporters.iter().flat_map(|exporter| {
        let recordings: Arc<[Vec<u8>]> = exporter.recordings.iter().map(|path| std::fs::read(path).unwrap()).collect();
        (0..VARIANTS.len()).map(move |variant| {
            (format!("/{}/{variant}", exporter.name), (Arc::clone(&recordings), AtomicUsize::new(0)))
        })
    });
    let bodies: Arc<BTreeMap<_, _>> = Arc::new(bodies.collect());
    let players = Arc::clone(&bodies);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let bodies = Arc::clone(&bodies);
            let service = service_fn(move |request: Request<Incoming>| {
                let (recordings, turn) = &bodies[request.uri().path()];
                let turn = turn.fetch_add(1, Ordering::Relaxed).min(SCRAPES - 1);
                let response = answer(&recordings[turn]);
                async { Ok::<_, io::Error>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async { drop(connection.await) });
        }
    });
    (address, players)
}

/// A recorded response, with the length that its recording leaves out.
fn answer(recording: &[u8]) -> Response<Full<Bytes>> {
    let end = recording.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&recording[..end]).unwrap();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let (_, content_type) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-type")).unwrap();
    let body = Bytes::copy_from_slice(&recording[end + 4..]);
    Response::builder().header("content-type", content_type).body(Full::new(body)).unwrap()
}

fn instances(exporter: &str, address: SocketAddr) -> String {
    let instance = |(number, variant): (usize, &&str)| {
        format!(
            "- {{openmetrics_endpoint: 'http://{address}/{exporter}/{number}', namespace: {exporter}, metrics: [.+], \
             min_collection_interval: {INTERVAL}, {variant}}}\n"
        )
    };
    VARIANTS.iter().enumerate().map(instance).collect()
}

// --- What is expected -------------------------------------------------------------------------------------------------

/// What `check` says of three scrapes, by endpoint.
async fn expected(exporters: &[Exporter], address: SocketAddr) -> BTreeMap<String, Vec<Scrape>> {
    let folder = Folder::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut expected = BTreeMap::new();
    for exporter in exporters {
        let settings = format!("instances:\n{}", instances(&exporter.name, address));
        let settings = folder.write(&format!("{}.yaml", exporter.name), settings);
        let mut arguments = vec!["check".to_owned(), settings, format!("--now={now}")];
        arguments.extend(["--stage=points", "--format=json"].map(ToOwned::to_owned));
        arguments.extend(exporter.recordings.iter().map(|path| format!("--fixture={}", path.display())));
        let document = retriever_beside(arguments).await.json();
        for instance in document["instances"].as_array().unwrap() {
            let scrapes = instance["scrapes"].as_array().unwrap().iter().map(printed).collect();
            expected.insert(instance["endpoint"].as_str().unwrap().to_owned(), scrapes);
        }
    }
    expected
}

fn printed(scrape: &Value) -> Scrape {
    let entries = |name: &str| scrape[name].as_array().unwrap().clone();
    let points = entries("points").into_iter().map(|point| {
        json!({"metric": point["metric"], "type": point["type"], "value": point["value"], "tags": point["tags"],
               "interval": point["interval"]})
    });
    let sketches = entries("sketches").into_iter().map(|mut sketch| {
        let fields = sketch.as_object_mut().unwrap();
        fields.retain(|name, _| !matches!(name.as_str(), "timestamp" | "host"));
        sketch
    });
    let checks = entries("service_checks").into_iter().map(|check| {
        json!({"check": check["name"], "status": check["status"], "tags": check["tags"], "message": check["message"]})
    });
    points.chain(sketches).chain(checks).map(text).collect::<BTreeSet<_>>().into_iter().collect()
}

/// An entry as text: numbers as doubles, tags sorted, fields in the order of their names.
fn text(entry: Value) -> String {
    let Value::Object(fields) = entry else { panic!("{entry} is no object") };
    let plain = fields.into_iter().map(|(name, value)| match value {
        Value::Number(number) => (name, json!(number.as_f64().unwrap())),
        Value::Array(mut values) if name == "tags" => {
            values.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            (name, Value::Array(values))
        }
        other => (name, other),
    });
    format!("{:?}", plain.collect::<BTreeMap<_, _>>())
}

// --- What arrived -----------------------------------------------------------------------------------------------------

/// Where an entry comes from, and when.
type Origin = (String, i64);

fn endpoint(tags: &[String]) -> String {
    tags.iter().find_map(|tag| tag.strip_prefix("endpoint:")).unwrap().to_owned()
}

fn point(series: MetricSeries) -> (Origin, String) {
    let mut tags = series.tags;
    let mut hosts = Vec::new();
    for resource in series.resources {
        match &*resource.r#type {
            "host" => hosts.push(resource.name),
            // The tag that becomes a resource.
            "device" => tags.push(format!("device:{}", resource.name)),
            other => panic!("{other} is no resource of {}", series.metric),
        }
    }
    assert_eq!(hosts, [HOST], "{}", series.metric);
    let [point] = series.points[..] else { panic!("{:?}", series.points) };
    let kind = match MetricType::try_from(series.r#type) {
        Ok(MetricType::Count) => "count",
        Ok(MetricType::Rate) => "rate",
        Ok(MetricType::Gauge) => "gauge",
        other => panic!("{other:?}"),
    };
    let origin = (endpoint(&tags), point.timestamp);
    let entry = json!({"metric": series.metric, "type": kind, "value": point.value, "tags": tags,
                       "interval": series.interval});
    (origin, text(entry))
}

fn sketch(series: &SketchSeries) -> (Origin, String) {
    assert_eq!(series.host, HOST);
    let [sketch] = &series.dogsketches[..] else { panic!("{:?}", series.dogsketches) };
    let origin = (endpoint(&series.tags), sketch.ts);
    let bins: Vec<_> = sketch.k.iter().zip(&sketch.n).collect();
    let entry = json!({"metric": series.metric, "count": sketch.cnt, "min": sketch.min, "max": sketch.max,
                       "sum": sketch.sum, "avg": sketch.avg, "bins": bins, "tags": series.tags});
    (origin, text(entry))
}

fn service_check(check: &Value) -> (Origin, String) {
    assert_eq!(check["host_name"], HOST);
    let tags: Vec<String> = serde_json::from_value(check["tags"].clone()).unwrap();
    let origin = (endpoint(&tags), check["timestamp"].as_i64().unwrap());
    let status = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][check["status"].as_u64().unwrap() as usize];
    let entry = json!({"check": check["check"], "status": status, "tags": tags, "message": check["message"]});
    (origin, text(entry))
}

/// All entries, by endpoint and second.
fn arrived(intake: &Intake) -> BTreeMap<String, Vec<Scrape>> {
    let points = intake.series().into_iter().map(point);
    let sketches = intake.sketches();
    let sketches = sketches.iter().map(sketch);
    let checks = intake.service_checks();
    let checks = checks.iter().map(service_check);
    let mut scrapes: BTreeMap<Origin, BTreeSet<String>> = BTreeMap::new();
    for (origin, entry) in points.chain(sketches).chain(checks) {
        assert!(scrapes.entry(origin).or_default().insert(entry.clone()), "{entry} arrived twice");
    }
    let mut by_endpoint: BTreeMap<String, Vec<Scrape>> = BTreeMap::new();
    for ((endpoint, _), entries) in scrapes {
        by_endpoint.entry(endpoint).or_default().push(entries.into_iter().collect());
    }
    by_endpoint
}

/// Leaves the JSON among the payloads for others to read.
fn keep_json(intake: &Intake) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("decode");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, received) in intake.received(CHECK_RUN).iter().enumerate() {
        std::fs::write(folder.join(format!("check_run-{number}.json")), received.decompressed()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_decoder_finds_in_payloads_what_check_prints() {
    let (intake, recorded) = (Intake::start().await, exporters());
    assert!(recorded.len() >= 5, "only {} recordings were found", recorded.len());
    let (address, players) = play(&recorded).await;
    let all: String = recorded.iter().map(|exporter| instances(&exporter.name, address)).collect();
    let settings = format!(
        "api_key: {}\ndd_url: {}\nadmin_listen: none\nhostname: {HOST}\ninstances:\n{all}",
        "0".repeat(32),
        intake.url()
    );
    let mut running = Running::start(&settings, &[("RETRIEVER_DATA_DIR", "none")]);
    let is_enough = || players.values().all(|(_, requests)| requests.load(Ordering::Relaxed) > SCRAPES);
    running.until("enough scrapes of every target", is_enough).await;
    running.stop().await.assert_code(0);

    keep_json(&intake);
    let (mut arrived, mut entries) = (arrived(&intake), 0);
    for (endpoint, scrapes) in expected(&recorded, address).await {
        let arrived = arrived.remove(&endpoint).unwrap();
        for (number, (expected, arrived)) in scrapes.iter().zip(&arrived).enumerate() {
            let missing: Vec<_> = expected.iter().filter(|entry| !arrived.contains(entry)).take(3).collect();
            let surplus: Vec<_> = arrived.iter().filter(|entry| !expected.contains(entry)).take(3).collect();
            assert!(expected == arrived, "{endpoint}, scrape {number}\nmissing {missing:#?}\nsurplus {surplus:#?}");
            entries += arrived.len();
        }
    }
    assert!(entries > 10_000, "only {entries} entries were compared");
}
