//! Deliveries to submit.

use std::sync::Arc;

use retriever::aggregate::{Batch, Point, PointKind, SeriesKey, Sketch, SketchPoint};
use retriever::map::{ServiceCheck, Status};
use retriever::submit::Delivery;
use retriever::time::UnixTime;

/// The time of all points.
pub(crate) fn timestamp() -> i64 {
    UnixTime::now().whole_seconds()
}

pub(crate) fn key(metric: &str, tags: &[&str], host: &str) -> Arc<SeriesKey> {
    let mut tags: Vec<Arc<str>> = tags.iter().map(|tag| Arc::from(*tag)).collect();
    tags.sort();
    Arc::new(SeriesKey { metric: metric.into(), tags: tags.into(), host: host.into() })
}

pub(crate) fn point(kind: PointKind, metric: &str, value: f64, tags: &[&str], host: &str) -> Point {
    let interval = if kind == PointKind::Gauge { 0 } else { 15 };
    Point { series: key(metric, tags, host), kind, value, timestamp: timestamp(), interval }
}

pub(crate) fn gauge(metric: &str, value: f64) -> Point {
    point(PointKind::Gauge, metric, value, &[], "")
}

pub(crate) fn sketch(metric: &str, values: &[f64]) -> SketchPoint {
    let mut sketch = Sketch::default();
    for value in values {
        sketch.insert(*value);
    }
    SketchPoint { series: key(metric, &["kind:sketch"], ""), sketch, timestamp: timestamp() }
}

pub(crate) fn service_check(name: &str, status: Status) -> ServiceCheck {
    let tags = vec!["endpoint:http://target/metrics".to_owned()];
    ServiceCheck { name: name.into(), status, tags, hostname: String::new(), message: String::new() }
}

pub(crate) fn delivery(points: Vec<Point>, sketches: Vec<SketchPoint>, service_checks: Vec<ServiceCheck>) -> Delivery {
    let batch = Batch { points, sketches };
    Delivery {
        target: "http://target/metrics".into(),
        time: UnixTime::now(),
        batch,
        service_checks,
        events: Vec::new(),
        marks: None,
        default_host: true,
    }
}

pub(crate) fn points(points: Vec<Point>) -> Delivery {
    delivery(points, Vec::new(), Vec::new())
}
