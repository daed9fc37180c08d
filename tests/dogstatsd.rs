//! What was submitted arrives at an Agent's `DogStatsD` listener, over each transport, also when the Agent is late.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use retriever::aggregate::PointKind;
use retriever::config::{DogstatsdAddress, Enrichment, Output};
use retriever::map::Status;
use retriever::submit::{Delivery, DropReason, Health, Submitter};
use support::deliveries::{delivery, gauge, point, points, service_check, sketch};
use tokio::io::AsyncReadExt;
use tokio::net::{UdpSocket, UnixDatagram, UnixListener};

const PATIENCE: Duration = Duration::from_secs(10);

fn submitter(address: DogstatsdAddress) -> Submitter {
    let enrichment = Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() };
    Submitter::start(&Output::Dogstatsd(address), enrichment).unwrap()
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

fn lines(packet: &[u8]) -> Vec<String> {
    String::from_utf8(packet.to_vec()).unwrap().split('\n').map(str::to_owned).collect()
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
    while submitter.stats().health() == Health::Fine {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
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
    let begin = std::time::Instant::now();
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
