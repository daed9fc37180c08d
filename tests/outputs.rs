//! Several outputs at once, and files as outputs: none waits for another, and each is accounted for.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "scrape/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use retriever::config::{DogstatsdAddress, Enrichment, FileSettings, Output, OutputFormat, OutputKind};
use retriever::map::Status;
use retriever::submit::{Drained, DropReason, Event, EventAlertType, EventPriority, Health, Submitter};
use retriever::time::UnixTime;
use serde_json::{Value, json};
use server::{Server, response};
use support::api::{KEY, stats_when};
use support::deliveries::{delivery, gauge, points, service_check, sketch};
use support::dogstatsd::{event, lines, metric};
use support::intake::{EVENTS, Intake};
use support::program::{Folder, Running, free_address};
use tokio::net::UdpSocket;

const PATIENCE: Duration = Duration::from_secs(10);

fn file(path: &Path, format: OutputFormat) -> Output {
    Output::File(FileSettings { path: path.to_owned(), format })
}

fn api(url: &str) -> Output {
    Output::Api(support::api::settings([url], PATIENCE))
}

fn start(outputs: &[Output]) -> Submitter {
    Submitter::start(
        outputs,
        Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() },
    )
    .unwrap()
}

/// The metrics in a file of JSON lines.
fn metrics(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let objects = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    objects.filter_map(|object| object["metric"].as_str().map(str::to_owned)).collect()
}

/// From the settings to the API, an Agent, a file and the console, and what the metrics page says of each.
#[tokio::test]
async fn the_same_goes_to_all_outputs() {
    let body = "# TYPE load gauge\nload 1\n# TYPE requests counter\nrequests_total 2\n";
    let target = Server::with(response("Content-Type: text/plain\r\n", body)).await;
    let intake = Intake::start().await;
    let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let admin = free_address();
    let folder = Folder::new();
    let path = folder.path("metrics.json");
    folder.write(
        "conf.yaml",
        format!(
            "dd_url: {}\ndogstatsd_url: udp://{}\noutput_file: {}\noutputs: [api, dogstatsd, file, console]\n\
             admin_listen: {admin}\ninstances:\n  - openmetrics_endpoint: {}\n    namespace: app\n    \
             metrics: [load, requests]\n    min_collection_interval: 0.2\n",
            intake.url(),
            agent.local_addr().unwrap(),
            path.display(),
            target.url("/metrics")
        ),
    );
    let mut running = Running::start_in(folder, &[], &[("DD_API_KEY", KEY), ("DD_HOSTNAME", "scraper-1")]);
    let mut buffer = [0; 16_384];
    let mut to_agent = BTreeSet::new();
    while !to_agent.contains("app.requests.count") {
        let length = tokio::time::timeout(PATIENCE, agent.recv(&mut buffer)).await.unwrap().unwrap();
        let metrics = lines(&buffer[..length]).into_iter().filter(|line| !line.starts_with("_sc|"));
        to_agent.extend(metrics.map(|line| metric(&line).name));
    }
    let expected: BTreeSet<String> = ["app.load", "app.requests.count"].map(str::to_owned).into();
    running
        .until("the intake has them", || {
            intake.series().into_iter().map(|series| series.metric).collect::<BTreeSet<_>>() == expected
        })
        .await;
    let page = tokio::task::spawn_blocking(move || get(admin)).await.unwrap();
    for output in ["api", "dogstatsd", "file", "console"] {
        assert!(page.contains(&format!("retriever_delivery_healthy{{output=\"{output}\"}} 1\n")), "{page}");
        let line =
            page.lines().find(|line| line.starts_with(&format!("retriever_delivered_total{{output=\"{output}\"}}")));
        assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{page}");
    }
    assert_eq!(running.said("metrics go to "), 4);
    let kept = running.folder().path("kept.json");
    let finished = {
        // The folder goes with the process.
        std::fs::hard_link(&path, &kept).unwrap();
        let held = metrics(&kept);
        assert_eq!(held.iter().cloned().collect::<BTreeSet<_>>(), expected);
        running.stop().await
    };
    finished.assert_code(0);
    assert!(finished.stdout.contains("  app.requests.count      count "), "{finished}");
}

#[tokio::test]
async fn an_event_goes_to_all_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let (intake, agent) = (Intake::start().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let path = folder.path().join("metrics.json");
    let dogstatsd = DogstatsdAddress::Udp { host: "127.0.0.1".into(), port: agent.local_addr().unwrap().port() };
    let submitter = start(&[api(intake.url()), Output::Dogstatsd(dogstatsd.into()), file(&path, OutputFormat::Json)]);
    let mut all = points(Vec::new());
    all.events.push(Event {
        title: "deployed".into(),
        text: "all is well".into(),
        time: UnixTime::from_seconds(1_700_000_000.5),
        priority: EventPriority::Low,
        alert_type: EventAlertType::Success,
        aggregation_key: "key".into(),
        source_type: String::new(),
        tags: vec!["a:b".into()],
        hostname: String::new(),
    });
    submitter.submit(&all).unwrap();
    assert_eq!(submitter.drain(PATIENCE).await, Drained::default());
    assert!(submitter.outputs().into_iter().all(|(_, stats)| stats.points_delivered == 1));

    let [posted] = &intake.received(EVENTS)[..] else { panic!("one request") };
    let posted: Value = serde_json::from_slice(&posted.body).unwrap();
    let mut buffer = [0; 2048];
    let length = tokio::time::timeout(PATIENCE, agent.recv(&mut buffer)).await.unwrap().unwrap();
    let [line] = &lines(&buffer[..length])[..] else { panic!("one line") };
    let (title, text, fields) = event(line);
    let written: Value = serde_json::from_str(std::fs::read_to_string(&path).unwrap().trim_end()).unwrap();
    for (title, text, time, tags) in [
        (&posted["title"], &posted["text"], &posted["date_happened"], &posted["tags"]),
        (&json!(title), &json!(text), &json!(fields.time), &json!(fields.tags)),
        (&written["event"], &written["text"], &written["timestamp"], &written["tags"]),
    ] {
        assert_eq!((title, text), (&json!("deployed"), &json!("all is well")));
        assert_eq!((time, tags), (&json!(1_700_000_000), &json!(["a:b", "team:a"])));
    }
}

fn get(address: std::net::SocketAddr) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn an_output_out_of_reach_and_one_that_fails_hold_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody comes to listen there.
    let socket = folder.path().join("dsd.socket");
    let intake = Intake::start().await;
    let good = folder.path().join("good.json");
    let mut large = points((0..20_000).map(|number| gauge(&format!("app.metric_{number}"), 1.0)).collect());
    large.service_checks.push(service_check("app.health", Status::Ok));
    let outputs = [
        Output::Dogstatsd(DogstatsdAddress::UnixStream(socket).into()),
        file(Path::new("/dev/full"), OutputFormat::Text),
        api(intake.url()),
    ];
    let submitter = start(&outputs);
    let beside = start(&[file(&good, OutputFormat::Json)]);
    submitter.submit(&large).unwrap();
    beside.submit(&large).unwrap();
    let begin = Instant::now();
    // One drain for all of them: the intake gets everything although the Agent takes nothing until the deadline.
    let drained = submitter.drain(Duration::from_secs(5)).await;
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    assert_eq!(drained.given_up, 20_001);
    assert_eq!(intake.series().len(), 20_000);
    let outputs = submitter.outputs();
    let kinds: Vec<OutputKind> = outputs.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [OutputKind::Dogstatsd, OutputKind::File, OutputKind::Api]);
    let [(_, dogstatsd), (_, full), (_, api)] = &outputs[..] else { panic!() };
    assert_eq!((dogstatsd.points_delivered, dogstatsd.dropped.count(DropReason::Shutdown)), (0, 20_001));
    assert_eq!((full.points_delivered, full.dropped.count(DropReason::SendFailed)), (0, 20_001));
    assert!(matches!(full.health(), Health::Failing { .. }), "{full:?}");
    assert_eq!((api.points_delivered, api.dropped.total(), api.health()), (20_001, 0, Health::Fine));
    assert_eq!(beside.drain(PATIENCE).await.given_up, 0);
    assert_eq!(metrics(&good).len(), 20_000);
    // All together.
    assert_eq!(submitter.stats().points_delivered, dogstatsd.points_delivered + 20_001);
    assert!(submitter.stats().unhealthy_since.is_some());
}

/// Waits until the file has that many metrics.
async fn until(path: &Path, count: usize) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let present = metrics(path);
        if present.len() >= count {
            return present;
        }
        assert!(begin.elapsed() < PATIENCE, "{present:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_file_is_appended_to_and_may_be_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("metrics.json"), folder.path().join("metrics.json.1"));
    std::fs::write(&path, "{\"metric\":\"before\"}\n").unwrap();
    let submitter = start(&[file(&path, OutputFormat::Json)]);
    submitter.submit(&delivery(vec![gauge("one", 1.0)], vec![sketch("latency", &[1.0])], Vec::new())).unwrap();
    assert_eq!(until(&path, 3).await, ["before", "one", "latency"]);
    // What was written stays in the file that is moved; the rest goes into a new one.
    std::fs::rename(&path, &moved).unwrap();
    submitter.submit(&points(vec![gauge("two", 1.0)])).unwrap();
    assert_eq!(until(&path, 1).await, ["two"]);
    assert_eq!(metrics(&moved).len(), 3);
    // A copy that is emptied in place is gone on with.
    std::fs::write(&path, "").unwrap();
    submitter.submit(&points(vec![gauge("three", 1.0)])).unwrap();
    assert_eq!(until(&path, 1).await, ["three"]);
    // A folder that is gone for a while costs what is written meanwhile.
    let elsewhere = tempfile::tempdir().unwrap();
    let away = elsewhere.path().join("away");
    std::fs::rename(folder.path(), &away).unwrap();
    submitter.submit(&points(vec![gauge("lost", 1.0)])).unwrap();
    stats_when(&submitter, |stats| stats.health() != Health::Fine).await;
    std::fs::rename(&away, folder.path()).unwrap();
    submitter.submit(&points(vec![gauge("four", 1.0)])).unwrap();
    assert_eq!(until(&path, 2).await, ["three", "four"]);
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
    let stats = submitter.stats();
    assert_eq!((stats.points_delivered, stats.dropped.count(DropReason::SendFailed)), (5, 1));
    assert_eq!(stats.health(), Health::Fine);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_said_at_the_start() {
    let settings = "output_file: /nowhere/metrics.json\nadmin_listen: none\n\
                    instances: [{openmetrics_endpoint: 'http://127.0.0.1:1'}]\n";
    let finished = Running::start(settings, &[]).ended().await;
    finished.assert_code(2);
    assert!(
        finished.stderr.contains("`output_file` is `/nowhere/metrics.json`, which cannot be written to"),
        "{finished}"
    );
}

/// A full disk is said once, however long it lasts.
#[tokio::test]
async fn a_full_disk_is_said_once_and_scrapes_go_on() {
    let body = "# TYPE load gauge\nload 1\n";
    let target = Server::with(response("Content-Type: text/plain\r\n", body)).await;
    let settings = format!(
        "output_file: /dev/full\nadmin_listen: none\ninstances:\n  - openmetrics_endpoint: {}\n    metrics: [load]\n    \
         min_collection_interval: 0.1\n",
        target.url("/metrics")
    );
    let mut running = Running::start(&settings, &[]);
    running.until("several scrapes", || target.requests().len() >= 5).await;
    assert_eq!(running.said("metrics cannot be written to `/dev/full`"), 1);
    let finished = running.stop().await;
    finished.assert_code(0);
}
