//! What the console shows of deliveries, for people and for programs.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retriever::aggregate::PointKind;
use retriever::config::{Enrichment, OutputFormat};
use retriever::map::Status;
use retriever::submit::{Console, Delivery, DropReason, Event, EventAlertType, EventPriority, Submitter};
use retriever::time::UnixTime;
use serde_json::{Value, json};
use support::deliveries::{delivery, point, points, service_check, sketch};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that went away.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn enrichment() -> Enrichment {
    Enrichment { hostname: "here".into(), tags: vec!["team:a".into()], ..Enrichment::default() }
}

fn example() -> Delivery<'static> {
    let points = vec![
        point(PointKind::Count, "app:requests", 3.0, &["code:200"], ""),
        point(PointKind::Gauge, "app.load", 1e300, &["bell:\u{7}"], "there"),
    ];
    let mut check = service_check("app.health", Status::Critical);
    check.message = "refused\n\u{1b}[31mred".into();
    let mut example = delivery(points, vec![sketch("app.latency", &[1.0, 2.0])], vec![check]);
    example.time = UnixTime::from_seconds(1_700_000_000.9);
    example.batch.timestamp = 1_700_000_000;
    example.events.push(Event {
        title: "deployed".into(),
        text: "all is well".into(),
        time: UnixTime::from_seconds(1_700_000_000.5),
        priority: EventPriority::Low,
        alert_type: EventAlertType::Success,
        aggregation_key: "key".into(),
        source_type: "app".into(),
        tags: vec!["a:b".into()],
        hostname: String::new(),
    });
    example
}

async fn shown(format: OutputFormat) -> String {
    let page = Page::default();
    let submitter = Submitter::console(Console::new(page.clone(), format), enrichment()).unwrap();
    submitter.submit(&example()).unwrap();
    assert_eq!(submitter.drain(Duration::from_secs(10)).await.given_up, 0);
    let bytes = page.0.lock().unwrap().clone();
    assert_eq!((submitter.stats().points_delivered, submitter.stats().bytes_sent), (5, bytes.len() as u64));
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn people_see_aligned_columns_and_nothing_that_commands_their_terminal() {
    let expected = "\
http://target/metrics  2023-11-14T22:13:20Z  2 points, 1 sketch, 1 service check, 1 event
  app_requests  count          3                            code:200,team:a                        host=here
  app.load      gauge          1e300                        bell:\u{fffd},team:a                          host=there
  app.latency   sketch         count=2 min=1 max=2 avg=1.5  kind:sketch,team:a                     host=here
  app.health    service check  CRITICAL: refused\u{fffd}\u{fffd}[31mred   endpoint:http://target/metrics,team:a  host=here
  deployed      success event  all is well                  a:b,team:a                             host=here

";
    assert_eq!(shown(OutputFormat::Text).await, expected);
}

#[tokio::test]
async fn programs_read_one_object_on_each_line() {
    let text = shown(OutputFormat::Json).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    let expected = json!({"metric": "app_requests", "type": "count", "value": 3.0, "timestamp": 1_700_000_000,
        "interval": 15, "tags": ["code:200", "team:a"], "host": "here"});
    assert_eq!(lines[0], expected);
    let expected = json!({"metric": "app.latency", "type": "sketch", "count": 2, "min": 1.0, "max": 2.0, "sum": 3.0,
        "avg": 1.5, "bins": [[1338, 1], [1383, 1]], "timestamp": 1_700_000_000,
        "tags": ["kind:sketch", "team:a"], "host": "here"});
    assert_eq!(lines[2], expected);
    assert_eq!((&lines[3]["check"], &lines[3]["status"]), (&json!("app.health"), &json!("CRITICAL")));
    assert_eq!(lines[3]["timestamp"], 1_700_000_000);
    let expected = json!({"event": "deployed", "type": "event", "text": "all is well", "timestamp": 1_700_000_000,
        "priority": "low", "alert_type": "success", "aggregation_key": "key", "source_type": "app",
        "tags": ["a:b", "team:a"], "host": "here"});
    assert_eq!(lines[4], expected);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_an_error_that_tells_itself_apart() {
    let submitter = Submitter::console(Console::new(Gone, OutputFormat::Text), Enrichment::default()).unwrap();
    // The writer may be so fast that this is an error already.
    let _ = submitter.submit(&example());
    submitter.unread().await;
    let error = submitter.submit(&example()).unwrap_err();
    assert!(error.is_broken_pipe());
    let stats = submitter.stats();
    assert_eq!((stats.payloads_delivered, stats.dropped.count(DropReason::SendFailed)), (0, 10));
}

/// A reader that does not read.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Until the test is over.
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_pauses_holds_nothing_up() {
    let (_over, until) = std::sync::mpsc::channel();
    let submitter = Submitter::console(Console::new(Stuck(until), OutputFormat::Json), enrichment()).unwrap();
    // Far more than the room for waiting pages.
    let tags: Vec<String> = (0..40).map(|number| format!("tag{number}:{}", "v".repeat(190))).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let large = points((0..305).map(|_| point(PointKind::Gauge, "app.load", 1.0, &tags, "")).collect());
    for _ in 0..10 {
        submitter.submit(&large).unwrap();
    }
    let stats = submitter.stats();
    assert!(stats.dropped.count(DropReason::QueueFull) > 0 && stats.queue_bytes <= 16 << 20, "{stats:?}");
    let given_up = submitter.drain(Duration::from_millis(50)).await.given_up;
    assert!(given_up > 0);
    assert_eq!(submitter.stats().dropped.total(), 10 * 305);
}
