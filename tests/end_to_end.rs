//! The whole way from an exporter to where metrics go, through the program as its users start it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::float_cmp, reason = "whole numbers, and what was written must come out")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use server::{Server, Step, response};
use support::intake::Intake;
use support::program::{Finished, Folder, PATIENCE, Running, free_address};
use support::proto::{MetricSeries, MetricType};
use tokio::io::AsyncReadExt;
use tokio::net::{UdpSocket, UnixDatagram, UnixListener};

const VARIABLES: [(&str, &str); 4] = [
    ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
    ("DD_TAGS", "team:a zone:b"),
    ("DD_ENV", "staging"),
    ("DD_HOSTNAME", "scraper-1"),
];

// --- A real exporter --------------------------------------------------------------------------------------------------

/// A program in the search path.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A running `prometheus-node-exporter`; it is killed when it is dropped.
struct NodeExporter(Child);

impl NodeExporter {
    async fn start(program: &PathBuf, address: SocketAddr) -> Self {
        let mut command = Command::new(program);
        command.args(["--collector.disable-defaults", "--collector.meminfo", "--collector.uname"]);
        command.arg(format!("--web.listen-address={address}"));
        let exporter = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "`{}` does not listen on {address}", program.display());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        exporter
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn series(intake: &Intake, metric: &str) -> Vec<MetricSeries> {
    intake.series().into_iter().filter(|series| series.metric == metric).collect()
}

/// All values of a metric, in the order in which they were made.
fn values(intake: &Intake, metric: &str) -> Vec<f64> {
    series(intake, metric).iter().flat_map(|series| &series.points).map(|point| point.value).collect()
}

/// The service checks of one status: their messages.
fn checks(intake: &Intake, status: u8) -> Vec<String> {
    let checks = intake.service_checks().into_iter().filter(|check| check["status"] == status);
    checks.map(|check| check["message"].as_str().unwrap_or_default().to_owned()).collect()
}

fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags
}

/// What the exporter itself says of a counter.
async fn fetch(address: SocketAddr, sample: &str) -> f64 {
    use tokio::io::AsyncWriteExt;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(sample)).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_real_exporter_is_scraped_lost_and_found_again() {
    let Some(program) = installed("prometheus-node-exporter") else {
        eprintln!("skipped: prometheus-node-exporter is not installed");
        return;
    };
    let (intake, address) = (Intake::start().await, free_address());
    let exporter = NodeExporter::start(&program, address).await;
    let settings = format!(
        "dd_url: {}
admin_listen: 127.0.0.1:0
instances:
  - openmetrics_endpoint: http://{address}/metrics
    namespace: node
    min_collection_interval: 1
    tags: [kind:test]
    service: machine
    metrics:
      - promhttp_metric_handler_requests: scrapes
      - process_start_time_seconds: start
      - node_memory_MemTotal_bytes: memory.total
      - node_uname_info: uname
",
        intake.url()
    );
    let mut running = Running::start(&settings, &VARIABLES);
    running.until("the first deltas", || values(&intake, "node.scrapes.count").iter().sum::<f64>() >= 2.0).await;
    check_values_and_tags(&intake, address);
    assert!(checks(&intake, 0).len() >= 3, "{:?}", intake.service_checks());
    assert_eq!(checks(&intake, 2), [""; 0]);

    drop(exporter);
    running.until("the check is CRITICAL, twice", || checks(&intake, 2).len() >= 2).await;
    let expected =
        format!("`http://{address}/metrics` cannot be scraped: the connection was refused; check that the target runs");
    for message in checks(&intake, 2) {
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(running.said("the target is down"), 1, "{}", running.stderr());
    assert_eq!(running.said(&expected), 1, "{}", running.stderr());

    let exporter = NodeExporter::start(&program, address).await;
    let lives = |intake: &Intake| {
        let mut starts = values(intake, "node.start");
        starts.sort_by(f64::total_cmp);
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        [first, last].map(|life| starts.iter().filter(|start| **start == life).count())
    };
    running
        .until("scrapes of the second life", || {
            lives(&intake)[1] >= 2 && values(&intake, "node.start").len() > lives(&intake)[0]
        })
        .await;
    assert_eq!(running.said("the target is up"), 2, "{}", running.stderr());

    let asked = Instant::now();
    let finished = running.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "nothing kept it");
    finished.assert_code(0);
    assert!(finished.stderr.contains("stopped; everything was delivered"), "{finished}");
    assert_eq!(finished.stdout, "");

    // Each scrape is one more request that the exporter has answered; only the growth within each life is known.
    let [first, second] = lives(&intake);
    assert_eq!(fetch(address, "promhttp_metric_handler_requests_total{code=\"200\"}").await, second as f64);
    drop(exporter);
    let deltas = values(&intake, "node.scrapes.count");
    assert!(deltas.iter().all(|delta| [0.0, 1.0].contains(delta)), "neither negative nor a spike: {deltas:?}");
    assert_eq!(deltas.iter().sum::<f64>(), (first - 1 + second - 1) as f64);
    assert_eq!(checks(&intake, 0).len(), first + second);
}

fn check_values_and_tags(intake: &Intake, address: SocketAddr) {
    let common = ["env:staging", "kind:test", "service:machine", "team:a", "zone:b"];
    let tags = |more: &[String]| {
        let endpoint = format!("endpoint:http://{address}/metrics");
        sorted(common.iter().map(ToString::to_string).chain([endpoint]).chain(more.iter().cloned()).collect())
    };
    let of = |metric, tag: &str| {
        let found =
            series(intake, metric).into_iter().find(|series| series.tags.iter().any(|own| own.starts_with(tag)));
        found.unwrap_or_else(|| panic!("`{metric}` with `{tag}`"))
    };
    let memory = of("node.memory.total", "");
    let told = std::fs::read_to_string("/proc/meminfo").unwrap();
    let told = told.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB")).unwrap();
    assert_eq!(memory.points[0].value, told.trim().parse::<f64>().unwrap() * 1024.0);
    assert_eq!((memory.r#type(), memory.interval), (MetricType::Gauge, 0));
    assert_eq!(sorted(memory.tags.clone()), tags(&[]));
    let hosts: Vec<(&str, &str)> =
        memory.resources.iter().map(|resource| (&*resource.r#type, &*resource.name)).collect();
    assert_eq!(hosts, [("host", "scraper-1")]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(memory.points.iter().all(|point| now.abs_diff(point.timestamp as u64) < 60));

    let scrapes = of("node.scrapes.count", "code:200");
    assert_eq!((scrapes.r#type(), scrapes.interval), (MetricType::Count, 1));
    assert_eq!(sorted(scrapes.tags), tags(&["code:200".to_owned()]));

    let uname = of("node.uname", "release:");
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(uname.tags.contains(&format!("release:{}", release.trim())), "{:?}", uname.tags);

    let check = &intake.service_checks()[0];
    assert_eq!((&check["check"], &check["host_name"]), (&"node.openmetrics.health".into(), &"scraper-1".into()));
    let own = check["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned());
    assert_eq!(sorted(own.collect()), tags(&[]));
}

// --- An exporter whose every scrape is known --------------------------------------------------------------------------

/// What `app_requests` shows, scrape by scrape. It is reset twice: between two scrapes, where the Agent takes what
/// follows as growth from zero, and while a scrape fails, where nobody knows how far it came.
const REQUESTS: [Option<u32>; 8] = [Some(1000), Some(1007), Some(1014), Some(5), Some(8), None, Some(2), Some(4)];
/// The growth that can be known, and only that.
const GROWTH: [f64; 6] = [7.0, 7.0, 5.0, 3.0, 0.0, 2.0];

/// Exposes [`REQUESTS`], and from then on the last of them; a gauge that counts the scrapes; a counter that appears in
/// the second scrape and was at three by then.
async fn known_exporter() -> Server {
    let scrapes = AtomicUsize::new(0);
    Server::start(move |_| {
        let number = scrapes.fetch_add(1, Ordering::Relaxed);
        let Some(requests) = REQUESTS[number.min(REQUESTS.len() - 1)] else {
            return vec![Step::Send(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec())];
        };
        let mut body = format!(
            "# TYPE app_requests_total counter\napp_requests_total{{path=\"/a\"}} {requests}\n\
             # TYPE app_scrapes gauge\napp_scrapes {number}\n"
        );
        if number > 0 {
            body.push_str("# TYPE app_late_total counter\napp_late_total 3\n");
        }
        vec![Step::Send(response("Content-Type: text/plain; version=0.0.4\r\n", body))]
    })
    .await
}

/// Scrapes the known exporter with these settings at the top, until it was scraped often enough.
async fn scrape_known(exporter: &Server, top: &str) -> Finished {
    let settings = format!(
        "{top}
admin_listen: none
instances:
  - openmetrics_endpoint: {}
    namespace: app
    min_collection_interval: 0.1
    metrics: [app_requests: requests, app_scrapes: scrapes, app_late: late]
",
        exporter.url("/metrics")
    );
    let variables = &VARIABLES[usize::from(!top.contains("dd_url"))..];
    let mut running = Running::start(&settings, variables);
    running.until("all scrapes", || exporter.requests().len() > REQUESTS.len()).await;
    let finished = running.stop().await;
    finished.assert_code(0);
    assert!(finished.stderr.contains("stopped; everything was delivered"), "{finished}");
    finished
}

/// Deltas of the known exporter: the growth, and then nothing.
fn assert_growth(deltas: &[f64]) {
    assert_eq!(&deltas[..GROWTH.len()], GROWTH, "{deltas:?}");
    assert!(deltas[GROWTH.len()..].iter().all(|delta| *delta == 0.0), "{deltas:?}");
}

#[tokio::test]
async fn deltas_are_the_growth_of_the_counter() {
    let (intake, exporter) = (Intake::start().await, known_exporter().await);
    scrape_known(&exporter, &format!("dd_url: {}", intake.url())).await;
    let deltas = values(&intake, "app.requests.count");
    assert_growth(&deltas);
    // Every scrape whose answer came has arrived, but the first gives no delta, and the failed one gives nothing.
    let scrapes = exporter.requests().len();
    assert_eq!(deltas.len(), scrapes - 2);
    let gauges: Vec<f64> = (0..scrapes).filter(|number| *number != 5).map(|number| number as f64).collect();
    assert_eq!(values(&intake, "app.scrapes"), gauges);
    assert_eq!(values(&intake, "app.late.count").iter().sum::<f64>(), 3.0, "what appears counts from zero");
    assert_eq!(checks(&intake, 0).len(), scrapes - 1);
    let failures = checks(&intake, 2);
    assert_eq!(failures.len(), 1);
    assert!(failures[0].starts_with("503 Server Error: Service Unavailable for url: http://"), "{failures:?}");
}

/// Value, kind and the rest of each line of a metric.
fn lines<'a>(packets: &'a [Vec<u8>], metric: &str) -> Vec<(f64, &'a str, &'a str)> {
    let lines = packets.iter().flat_map(|packet| std::str::from_utf8(packet).unwrap().lines());
    let lines = lines.filter_map(|line| line.strip_prefix(metric)?.strip_prefix(':'));
    let parsed = lines.map(|line| {
        let (value, rest) = line.split_once('|').unwrap();
        let (kind, rest) = rest.split_once('|').unwrap();
        (value.parse().unwrap(), kind, rest)
    });
    parsed.collect()
}

fn assert_packets(packets: &[Vec<u8>], exporter: &Server) {
    let requests = lines(packets, "app.requests.count");
    assert_growth(&requests.iter().map(|line| line.0).collect::<Vec<_>>());
    assert_eq!(requests.len(), exporter.requests().len() - 2);
    let tags = format!("endpoint:{},path:/a,team:a,zone:b,env:staging", exporter.url("/metrics"));
    for (_, kind, rest) in requests {
        let (timestamp, rest) = rest.strip_prefix('T').unwrap().split_once("|#").unwrap();
        assert_eq!((kind, timestamp.parse::<u32>().is_ok()), ("c", true));
        assert_eq!(sorted(rest.split(',').map(ToOwned::to_owned).collect()), {
            sorted(tags.split(',').map(ToOwned::to_owned).collect())
        });
    }
    assert!(lines(packets, "app.scrapes").iter().all(|line| line.1 == "g"));
    let checks = |status: u8| {
        let beginning = format!("_sc|app.openmetrics.health|{status}|");
        let lines = packets.iter().flat_map(|packet| std::str::from_utf8(packet).unwrap().lines());
        lines.filter(|line| line.starts_with(&beginning)).count()
    };
    assert_eq!((checks(0), checks(2)), (exporter.requests().len() - 1, 1));
}

#[tokio::test]
async fn the_same_over_udp() {
    let (agent, exporter) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), known_exporter().await);
    let url = format!("dogstatsd_url: udp://{}", agent.local_addr().unwrap());
    scrape_known(&exporter, &url).await;
    let mut packets = Vec::new();
    let mut buffer = vec![0; 65_536];
    while let Ok(length) = agent.try_recv(&mut buffer) {
        packets.push(buffer[..length].to_vec());
    }
    assert_packets(&packets, &exporter);
}

#[tokio::test]
async fn the_same_to_a_socket_of_datagrams() {
    let (folder, exporter) = (Folder::new(), known_exporter().await);
    let path = folder.path("dsd.socket");
    let agent = Arc::new(UnixDatagram::bind(&path).unwrap());
    let reader = tokio::spawn({
        let agent = Arc::clone(&agent);
        async move {
            let mut packets = Vec::new();
            let mut buffer = vec![0; 65_536];
            // The queue of such a socket is short: it must be read all the while.
            while let Ok(length @ 1..) = agent.recv(&mut buffer).await {
                packets.push(buffer[..length].to_vec());
            }
            packets
        }
    });
    scrape_known(&exporter, &format!("dogstatsd_url: unix://{}", path.display())).await;
    // Nothing is left to come: an empty datagram of the test's own ends the reading.
    UnixDatagram::unbound().unwrap().send_to(b"", &path).await.unwrap();
    assert_packets(&reader.await.unwrap(), &exporter);
}

#[tokio::test]
async fn the_same_to_a_socket_of_streams() {
    let (folder, exporter) = (Folder::new(), known_exporter().await);
    let path = folder.path("dsd.socket");
    let agent = UnixListener::bind(&path).unwrap();
    let reader = tokio::spawn(async move {
        let (mut stream, _) = agent.accept().await.unwrap();
        let mut packets = Vec::new();
        // Each packet comes behind its length.
        while let Ok(length) = stream.read_u32_le().await {
            let mut packet = vec![0; length as usize];
            stream.read_exact(&mut packet).await.unwrap();
            packets.push(packet);
        }
        packets
    });
    scrape_known(&exporter, &format!("dogstatsd_url: unixstream://{}", path.display())).await;
    assert_packets(&reader.await.unwrap(), &exporter);
}

#[tokio::test]
async fn the_same_on_the_console() {
    let exporter = known_exporter().await;
    let finished = scrape_known(&exporter, "").await;
    // Data alone: a heading for each scrape, a line for each value, a blank line.
    let headings = finished.stdout.lines().filter(|line| line.starts_with(&exporter.url("/metrics")));
    assert_eq!(headings.count(), exporter.requests().len(), "{finished}");
    let is_data =
        |line: &str| line.is_empty() || line.starts_with("  app.") || line.starts_with(&exporter.url("/metrics"));
    assert!(finished.stdout.lines().all(is_data), "{finished}");
    let row = |line: &str| -> Vec<String> { line.split_whitespace().map(ToOwned::to_owned).collect() };
    let rows: Vec<Vec<String>> = finished.stdout.lines().map(row).collect();
    let deltas: Vec<f64> = rows
        .iter()
        .filter(|row| row.first().is_some_and(|metric| metric == "app.requests.count"))
        .map(|row| {
            assert_eq!((row[1].as_str(), row[4].as_str()), ("count", "host=scraper-1"));
            row[2].parse().unwrap()
        })
        .collect();
    assert_growth(&deltas);
    // And the standard error is talk alone: each line has its time and its level.
    for line in finished.stderr.lines() {
        assert!([" INFO ", " WARN "].iter().any(|level| line.contains(level)), "`{line}` is no line of the log");
    }
    assert!(finished.stderr.contains("metrics are printed and go nowhere else"), "{finished}");
    assert_eq!(finished.stderr.matches("the target is down").count(), 1, "{finished}");
}

#[tokio::test]
async fn sketches_hold_what_was_observed_between_two_scrapes() {
    // Scrape n finds 10 n observations more than the scrape before: a tenth of them up to 0.5, the others up to 2.
    let scrapes = AtomicUsize::new(0);
    let exporter = Server::start(move |_| {
        let number = scrapes.fetch_add(1, Ordering::Relaxed);
        let observed: usize = (1..=number + 1).sum();
        let body = format!(
            "# TYPE app_latency_seconds histogram\napp_latency_seconds_bucket{{le=\"0.5\"}} {observed}\n\
             app_latency_seconds_bucket{{le=\"2\"}} {all}\napp_latency_seconds_bucket{{le=\"+Inf\"}} {all}\n\
             app_latency_seconds_sum {sum}\napp_latency_seconds_count {all}\n",
            all = 10 * observed,
            sum = 7 * observed
        );
        vec![Step::Send(response("Content-Type: text/plain; version=0.0.4\r\n", body))]
    })
    .await;
    let intake = Intake::start().await;
    let settings = format!(
        "dd_url: {}
admin_listen: none
instances:
  - openmetrics_endpoint: {}
    namespace: app
    min_collection_interval: 0.1
    collect_histograms_as_distributions: true
    metrics: [app_latency_seconds: latency]
",
        intake.url(),
        exporter.url("/metrics")
    );
    let mut running = Running::start(&settings, &VARIABLES);
    running.until("some scrapes", || exporter.requests().len() > 5).await;
    running.stop().await.assert_code(0);
    let sketches = intake.sketches();
    assert!(sketches.iter().all(|sketch| sketch.metric == "app.latency" && sketch.host == "scraper-1"));
    let sketches: Vec<_> = sketches.into_iter().flat_map(|sketch| sketch.dogsketches).collect();
    let expected: Vec<i64> = (2..).map(|number| 10 * number).take(exporter.requests().len() - 1).collect();
    assert_eq!(sketches.iter().map(|sketch| sketch.cnt).collect::<Vec<_>>(), expected);
    for sketch in &sketches {
        assert_eq!(sketch.n.iter().map(|count| i64::from(*count)).sum::<i64>(), sketch.cnt, "{sketch:?}");
        assert_eq!((sketch.min, sketch.max), (0.0, 2.0), "{sketch:?}");
        // What is exposed, not what the buckets let one guess.
        assert!((sketch.sum - 0.7 * sketch.cnt as f64).abs() < 1e-9 && (sketch.avg - 0.7).abs() < 1e-9, "{sketch:?}");
    }
    assert!(series(&intake, "app.latency.count").is_empty(), "sum and count are within the sketch");
}
