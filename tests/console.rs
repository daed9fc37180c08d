//! What the console shows of deliveries, for people and for programs.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use retriever::aggregate::PointKind;
use retriever::config::Enrichment;
use retriever::map::Status;
use retriever::submit::{Console, ConsoleFormat, Delivery, Submitter};
use retriever::time::UnixTime;
use serde_json::{Value, json};
use support::deliveries::{delivery, point, service_check, sketch};

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
    example
}

fn shown(format: ConsoleFormat) -> String {
    let page = Page::default();
    let submitter = Submitter::console(Console::new(page.clone(), format), enrichment());
    submitter.submit(&example()).unwrap();
    let bytes = page.0.lock().unwrap().clone();
    assert_eq!((submitter.stats().points_delivered, submitter.stats().bytes_sent), (4, bytes.len() as u64));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn people_see_aligned_columns_and_nothing_that_commands_their_terminal() {
    let expected = "\
http://target/metrics  2023-11-14T22:13:20Z  2 points, 1 sketch, 1 service check
  app_requests  count          3                            code:200,team:a                        host=here
  app.load      gauge          1e300                        bell:\u{fffd},team:a                          host=there
  app.latency   sketch         count=2 min=1 max=2 avg=1.5  kind:sketch,team:a                     host=here
  app.health    service check  CRITICAL: refused\u{fffd}\u{fffd}[31mred   endpoint:http://target/metrics,team:a  host=here

";
    assert_eq!(shown(ConsoleFormat::Text), expected);
}

#[test]
fn programs_read_one_object_on_each_line() {
    let text = shown(ConsoleFormat::Json);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    let expected = json!({"metric": "app_requests", "type": "count", "value": 3.0, "timestamp": 1_700_000_000,
        "interval": 15, "tags": ["code:200", "team:a"], "host": "here"});
    assert_eq!(lines[0], expected);
    let expected = json!({"metric": "app.latency", "type": "sketch", "count": 2, "min": 1.0, "max": 2.0, "sum": 3.0,
        "avg": 1.5, "bins": [[1338, 1], [1383, 1]], "timestamp": 1_700_000_000,
        "tags": ["kind:sketch", "team:a"], "host": "here"});
    assert_eq!(lines[2], expected);
    assert_eq!((&lines[3]["check"], &lines[3]["status"]), (&json!("app.health"), &json!("CRITICAL")));
    assert_eq!(lines[3]["timestamp"], 1_700_000_000);
}

#[test]
fn a_reader_that_goes_away_is_an_error_that_tells_itself_apart() {
    let submitter = Submitter::console(Console::new(Gone, ConsoleFormat::Text), Enrichment::default());
    let error = submitter.submit(&example()).unwrap_err();
    assert!(error.is_broken_pipe());
    assert_eq!(submitter.stats().payloads_delivered, 0);
}
