//! Deliveries to submit.

use std::borrow::Cow;

use retriever::aggregate::{Batch, Point, PointKind, Sketch, SketchPoint, SlotId, Slots};
use retriever::map::{ServiceCheck, Status};
use retriever::submit::Delivery;
use retriever::time::UnixTime;

/// The time of all points.
pub(crate) fn timestamp() -> i64 {
    UnixTime::now().whole_seconds()
}

/// Something to submit that tells its series itself.
pub(crate) struct Made<T> {
    metric: String,
    tags: Vec<String>,
    host: String,
    what: T,
}

impl<T> Made<T> {
    fn new(metric: &str, tags: &[&str], host: &str, what: T) -> Self {
        let tags = tags.iter().map(ToString::to_string).collect();
        Self { metric: metric.to_owned(), tags, host: host.to_owned(), what }
    }

    fn series(&self, slots: &mut Slots) -> SlotId {
        slots.intern(&self.metric, &self.host, self.tags.iter().map(String::as_str), None)
    }
}

pub(crate) fn point(kind: PointKind, metric: &str, value: f64, tags: &[&str], host: &str) -> Made<(PointKind, f64)> {
    Made::new(metric, tags, host, (kind, value))
}

pub(crate) fn gauge(metric: &str, value: f64) -> Made<(PointKind, f64)> {
    point(PointKind::Gauge, metric, value, &[], "")
}

pub(crate) fn sketch(metric: &str, values: &[f64]) -> Made<Sketch> {
    let mut sketch = Sketch::default();
    for value in values {
        sketch.insert(*value);
    }
    tagged_sketch(metric, &["kind:sketch"], sketch)
}

pub(crate) fn tagged_sketch(metric: &str, tags: &[&str], sketch: Sketch) -> Made<Sketch> {
    Made::new(metric, tags, "", sketch)
}

pub(crate) fn service_check(name: &str, status: Status) -> ServiceCheck {
    let tags = vec!["endpoint:http://target/metrics".to_owned()];
    ServiceCheck { name: name.into(), status, tags, hostname: String::new(), message: String::new() }
}

pub(crate) fn delivery(
    points: Vec<Made<(PointKind, f64)>>,
    sketches: Vec<Made<Sketch>>,
    service_checks: Vec<ServiceCheck>,
) -> Delivery<'static> {
    let mut slots = Slots::default();
    let points = points.into_iter().map(|made| {
        let (kind, value) = made.what;
        Point { series: made.series(&mut slots), kind, value }
    });
    let points = points.collect();
    let sketches = sketches.into_iter();
    let sketches = sketches.map(|made| SketchPoint { series: made.series(&mut slots), sketch: made.what }).collect();
    let batch = Batch { timestamp: timestamp(), interval: 15, points, sketches };
    Delivery {
        target: "http://target/metrics".into(),
        time: UnixTime::now(),
        batch,
        slots: Cow::Owned(slots),
        service_checks,
        events: Vec::new(),
        marks: None,
        default_host: true,
    }
}

pub(crate) fn points(points: Vec<Made<(PointKind, f64)>>) -> Delivery<'static> {
    delivery(points, Vec::new(), Vec::new())
}
