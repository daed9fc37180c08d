//! What was submitted arrives at an Agent's `DogStatsD` listener, over each transport, also when the Agent is late.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use retriever::aggregate::{PointKind, Sketch};
use retriever::config::{Cardinality, DogstatsdAddress, DogstatsdIdentity, DogstatsdSettings, Enrichment, Output};
use retriever::map::Status;
use retriever::submit::{Delivery, DropReason, Event, EventAlertType, EventPriority, Health, Submitter};
use retriever::time::UnixTime;
use support::api::stats_when;
use support::deliveries::{delivery, gauge, point, points, service_check, sketch, tagged_sketch};
use support::dogstatsd::{event, lines, metric, service_check as read_check};
use tokio::io::AsyncReadExt;
use tokio::net::{UdpSocket, UnixDatagram, UnixListener};

const PATIENCE: Duration = Duration::from_secs(10);

fn submitter(address: DogstatsdAddress) -> Submitter {
    let enrichment = Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() };
    Submitter::start(&Output::Dogstatsd(address.into()), enrichment).unwrap()
}

fn everything() -> Delivery<'static> {
    let count = point(PointKind::Count, "app.requests", 3.0, &["code:200"], "there");
    let mut delivery =
        delivery(vec![count], vec![sketch("app.latency", &[1.0, 1.0])], vec![service_check("app.health", Status::Ok)]);
    delivery.batch.timestamp = 1_700_000_000;
    delivery
}

/// The lines that [`everything`] has.
fn check(lines: &[String]) {
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "app.requests:3|c|T1700000000|#code:200,team:a,host:there");
    let rate = lines[1].strip_prefix("app.latency:1|d|@").and_then(|rest| rest.strip_suffix("|#kind:sketch,team:a"));
    assert_eq!((1.0 / rate.unwrap().parse::<f64>().unwrap()).trunc() as i64, 2);
    assert!(
        lines[2].starts_with("_sc|app.health|0|d:") && lines[2].ends_with("|#endpoint:http://target/metrics,team:a")
    );
}

struct Sockets(tempfile::TempDir);

impl Sockets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("dsd.socket")
    }
}

async fn receive<T>(what: impl Future<Output = std::io::Result<T>>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap().unwrap()
}

#[tokio::test]
async fn over_udp() {
    let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = agent.local_addr().unwrap().port();
    let submitter = submitter(DogstatsdAddress::Udp { host: "localhost".into(), port });
    submitter.submit(&everything()).unwrap();
    let mut buffer = [0; 16_384];
    let length = receive(agent.recv(&mut buffer)).await;
    check(&lines(&buffer[..length]));

    // Paced, so that the listener's buffer holds what comes; packets keep to their size and lines stay whole.
    let count = 5000;
    let all = (0..count).map(|number| gauge(&format!("app.metric_{number}"), 1.0)).collect();
    submitter.submit(&points(all)).unwrap();
    let mut received = Vec::new();
    while received.len() < count {
        let length = receive(agent.recv(&mut buffer)).await;
        assert!(length <= 1432);
        received.extend(lines(&buffer[..length]));
    }
    for (number, line) in received.iter().enumerate() {
        assert!(line.starts_with(&format!("app.metric_{number}:1|g|T")), "{line}");
    }
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
    let stats = submitter.stats();
    assert_eq!((stats.points_delivered, stats.dropped.total()), (count as u64 + 3, 0));
}

#[tokio::test]
async fn over_udp_nobody_needs_to_listen() {
    let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let submitter = submitter(DogstatsdAddress::Udp { host: "127.0.0.1".into(), port });
    for _ in 0..5 {
        submitter.submit(&everything()).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
}

#[tokio::test]
async fn over_unix_datagrams() {
    let sockets = Sockets::new();
    let submitter = submitter(DogstatsdAddress::UnixDatagram(sockets.path()));
    submitter.submit(&everything()).unwrap();
    stats_when(&submitter, |stats| stats.health() != Health::Fine).await;
    // The Agent comes late ...
    let agent = UnixDatagram::bind(sockets.path()).unwrap();
    let mut buffer = [0; 16_384];
    let length = receive(agent.recv(&mut buffer)).await;
    check(&lines(&buffer[..length]));
    // ... and starts anew.
    drop(agent);
    std::fs::remove_file(sockets.path()).unwrap();
    submitter.submit(&everything()).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let agent = UnixDatagram::bind(sockets.path()).unwrap();
    let length = receive(agent.recv(&mut buffer)).await;
    check(&lines(&buffer[..length]));
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
    assert_eq!((submitter.stats().points_delivered, submitter.stats().dropped.total()), (6, 0));
    assert_eq!(submitter.stats().health(), Health::Fine);
}

#[tokio::test]
async fn an_agent_that_does_not_read_costs_packets_and_no_time() {
    let sockets = Sockets::new();
    let _agent = UnixDatagram::bind(sockets.path()).unwrap();
    let submitter = submitter(DogstatsdAddress::UnixDatagram(sockets.path()));
    let long = "v".repeat(190);
    let tags: Vec<String> = (0..35).map(|number| format!("tag{number:02}:{long}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    // One packet each; far more than a socket holds.
    let all: Vec<_> = (0..2000).map(|_| point(PointKind::Gauge, "m", 1.0, &tags, "")).collect();
    let begin = Instant::now();
    submitter.submit(&points(all)).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(3));
    let given_up = submitter.drain(Duration::from_millis(500)).await.given_up;
    let stats = submitter.stats();
    assert!(stats.dropped.count(DropReason::SendFailed) >= 1 && given_up > 0, "{stats:?}");
    assert_eq!(stats.points_delivered + stats.dropped.total(), 2000);
}

#[tokio::test]
async fn over_a_unix_stream() {
    let sockets = Sockets::new();
    let agent = UnixListener::bind(sockets.path()).unwrap();
    let submitter = submitter(DogstatsdAddress::UnixStream(sockets.path()));
    // The second time the Agent has closed the connection.
    for _ in 0..2 {
        submitter.submit(&everything()).unwrap();
        let (mut stream, _) = receive(agent.accept()).await;
        let length = receive(stream.read_u32_le()).await;
        let mut packet = vec![0; length as usize];
        receive(stream.read_exact(&mut packet)).await;
        check(&lines(&packet));
    }
    assert_eq!(submitter.drain(PATIENCE).await.given_up, 0);
}

#[tokio::test]
async fn a_line_that_fits_no_packet_is_dropped_and_counted() {
    let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = agent.local_addr().unwrap().port();
    let submitter = submitter(DogstatsdAddress::Udp { host: "127.0.0.1".into(), port });
    let long = "v".repeat(190);
    let tags: Vec<String> = (0..10).map(|number| format!("tag{number}:{long}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    submitter.submit(&points(vec![point(PointKind::Gauge, "m", 1.0, &tags, ""), gauge("ok", 1.0)])).unwrap();
    let mut buffer = [0; 16_384];
    let length = receive(agent.recv(&mut buffer)).await;
    assert!(buffer[..length].starts_with(b"ok:1|g|T"));
    assert_eq!(submitter.stats().dropped.count(DropReason::TooLarge), 1);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_an_agent_that_is_gone() {
    let sockets = Sockets::new();
    let submitter = submitter(DogstatsdAddress::UnixStream(sockets.path()));
    submitter.submit(&everything()).unwrap();
    assert_eq!(submitter.drain(Duration::from_millis(100)).await.given_up, 3);
    submitter.submit(&everything()).unwrap();
    assert_eq!(submitter.stats().dropped.count(DropReason::Shutdown), 6);
}

#[tokio::test]
async fn over_udp_to_a_name_and_to_an_address_of_version_6() {
    let Ok(agent) = UdpSocket::bind("[::1]:0").await else { return };
    let port = agent.local_addr().unwrap().port();
    let submitter = submitter(DogstatsdAddress::Udp { host: "::1".into(), port });
    submitter.submit(&everything()).unwrap();
    let mut buffer = [0; 16_384];
    let length = receive(agent.recv(&mut buffer)).await;
    check(&lines(&buffer[..length]));
}

/// What arrives of a delivery at a socket with these settings.
async fn received(with: impl Fn(&mut DogstatsdSettings), delivery: &Delivery<'_>) -> Vec<String> {
    let sockets = Sockets::new();
    let agent = UnixDatagram::bind(sockets.path()).unwrap();
    let mut settings = DogstatsdSettings::from(DogstatsdAddress::UnixDatagram(sockets.path()));
    with(&mut settings);
    let limit = settings.packet_bytes;
    let enrichment = Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() };
    let submitter = Submitter::start(&Output::Dogstatsd(settings), enrichment).unwrap();
    submitter.submit(delivery).unwrap();
    let drained = tokio::spawn(async move {
        submitter.drain(PATIENCE).await;
        submitter.stats()
    });
    let mut buffer = vec![0; 70_000];
    let mut received = Vec::new();
    let stats = loop {
        let length = tokio::time::timeout(Duration::from_millis(20), agent.recv(&mut buffer)).await;
        match length {
            Ok(length) => {
                let length = length.unwrap();
                assert!(length <= limit, "{length}");
                received.extend(lines(&buffer[..length]));
            }
            Err(_) if drained.is_finished() => break drained.await.unwrap(),
            Err(_) => {}
        }
    };
    assert_eq!(stats.last_failure, None);
    received
}

/// The expected lines are what version 0.56 of the Python package `datadog` writes of the same; fields may come in any
/// order.
#[tokio::test]
async fn lines_say_what_those_of_an_official_client_say() {
    let count = point(PointKind::Count, "app.requests", 3.0, &["code:200"], "");
    let load = point(PointKind::Gauge, "app.load", -0.25, &["a:b"], "here");
    let mut health = service_check("app.health", Status::Critical);
    health.tags = vec!["endpoint:http://x".into()];
    health.message = "line m: one\nline two".into();
    health.hostname = "there".into();
    let mut all = delivery(vec![count, load], Vec::new(), vec![health]);
    all.time = UnixTime::from_seconds(17.0);
    all.batch.timestamp = 1_700_000_000;
    all.events.push(Event {
        title: "größer".into(),
        text: "one\ntwo".into(),
        time: UnixTime::from_seconds(17.0),
        priority: EventPriority::Low,
        alert_type: EventAlertType::Warning,
        aggregation_key: "key".into(),
        source_type: "app".into(),
        tags: vec!["z:1".into()],
        hostname: "there".into(),
    });
    let identity = DogstatsdIdentity {
        external_data: Some("it-false,cn-nginx,pu-75a2b6d5".into()),
        cardinality: Some(Cardinality::Low),
        ..DogstatsdIdentity::default()
    };
    let received = received(|settings| settings.identity = identity.clone(), &all).await;
    let external = "|e:it-false,cn-nginx,pu-75a2b6d5|card:low";
    assert_eq!(received.len(), 4, "{received:?}");
    let official = format!("app.requests:3.0|c|#code:200,team:a{external}|T1700000000");
    assert_eq!(metric(&received[0]), metric(&official));
    let official = format!("app.load:-0.25|g|#a:b,team:a{external}|T1700000000");
    assert_eq!(metric(&received[1]), metric(&official));
    let official = "_sc|app.health|2|d:17|h:there|#endpoint:http://x,team:a|m:line m\\: one\\nline two|card:low";
    let (name, status, mut fields) = read_check(&received[2]);
    // The official client does not send this field with checks and events.
    assert!(fields.external.take().is_some());
    assert_eq!((name, status, fields), read_check(official));
    let official = "_e{8,8}:größer|one\\ntwo|d:17|h:there|k:key|p:low|s:app|t:warning|#team:a,z:1|card:low";
    let (title, text, mut fields) = event(&received[3]);
    assert!(fields.external.take().is_some());
    assert_eq!((title, text, fields), event(official));
}

/// Text as a target may expose it.
fn strange() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![4 => prop::char::range('a', 'z'), 2 => prop::sample::select(vec![
            ':', '|', '@', ',', '\n', '\r', '#', ' ', 'ä', '\u{2028}', '\0', '_', '.', '{', '\\',
        ])],
        0..12,
    )
    .prop_map(String::from_iter)
}

/// What has no place within a tag, by the grammar.
fn clean(tag: &str) -> String {
    tag.chars().map(|c| if c.is_control() || matches!(c, ',' | '|') { '_' } else { c }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_a_target_exposes_every_line_is_one_of_the_grammar(
        series in prop::collection::vec((strange(), prop::collection::vec(strange(), 0..4), -1e9..1e9_f64), 1..40),
        message in strange(),
    ) {
        let all: Vec<_> = series
            .iter()
            .map(|(name, tags, value)| {
                let tags: Vec<&str> = tags.iter().map(String::as_str).filter(|tag| !tag.is_empty()).collect();
                point(PointKind::Gauge, &format!("m{name}"), *value, &tags, "")
            })
            .collect();
        let mut health = service_check("app.health", Status::Ok);
        health.message.clone_from(&message);
        let all = delivery(all, Vec::new(), vec![health]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let received = runtime.block_on(received(|settings| settings.packet_bytes = 700, &all));
        prop_assert_eq!(received.len(), series.len() + 1);
        for (point, line) in all.points().zip(&received) {
            let read = metric(line);
            prop_assert_eq!(&read.values, &vec![point.value]);
            let mut tags: Vec<String> = point.series.tags.iter().map(clean).collect();
            if !point.series.tags.iter().any(|tag| tag == "team:a") {
                tags.push("team:a".to_owned());
            }
            prop_assert_eq!(&read.fields.tags, &tags);
            prop_assert!(read.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte)));
        }
        let (_, status, fields) = read_check(&received[series.len()]);
        prop_assert_eq!((status, fields.message.unwrap_or_default().is_empty()), (0, message.is_empty()));
    }
}

fn latency() -> Sketch {
    let mut sketch = Sketch::default();
    for (lower, upper, count) in [(0.0, 0.005, 3000), (0.005, 0.1, 812), (0.1, 1.0, 93), (1.0, 10.0, 1)] {
        sketch.interpolate(lower, upper, count).unwrap();
    }
    sketch
}

#[tokio::test]
async fn an_agent_makes_the_same_bins_of_a_distribution() {
    let tags: Vec<String> = (0..8).map(|number| format!("label{number}:value{number}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let all = delivery(Vec::new(), vec![tagged_sketch("app.latency", &tags, latency())], Vec::new());
    let exact = received(|_| (), &all).await;
    let mut agent = Sketch::default();
    for line in &exact {
        let read = metric(line);
        for value in &read.values {
            agent.insert_sampled(*value, read.fields.rate.unwrap_or(1.0)).unwrap();
        }
    }
    assert!(agent.bins().eq(latency().bins()));
    let bins = latency().bins().len();
    let bytes: usize = exact.iter().map(String::len).sum();
    assert!(exact.len() * 5 < bins && bytes < 16 * 1024, "{} lines, {bytes} bytes, {bins} bins", exact.len());

    // Few values keep the count and the extremes.
    let few = received(|settings| settings.distribution_values = std::num::NonZeroUsize::new(8), &all).await;
    let read: Vec<_> = few.iter().map(|line| metric(line)).collect();
    let values: Vec<f64> = read.iter().flat_map(|metric| metric.values.clone()).collect();
    assert!(values.len() <= 8, "{values:?}");
    let observed: u64 = read.iter().map(|metric| metric.copies() * metric.values.len() as u64).sum();
    assert_eq!(observed, 3906);
    let (lowest, highest) =
        (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max));
    let mut extremes = Sketch::default();
    extremes.insert(lowest);
    extremes.insert(highest);
    let keys: Vec<i16> = latency().bins().map(|(key, _)| key).collect();
    assert!(extremes.bins().map(|(key, _)| key).eq([keys[0], keys[keys.len() - 1]]));
}
