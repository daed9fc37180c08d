//! Metrics as JSON: one object on each line, in the form of `retriever check --stage points`. The form is described in
//! `docs/outputs.md`: keys may be added to it, those that are there stay.

use std::borrow::Cow;

use serde_json::json;

use super::super::delivery::Delivery;
use super::super::enrich::Enricher;
use super::super::name::metric_name;
use crate::aggregate::SeriesRef;

/// The lines of one scrape.
pub(super) fn lines(delivery: &Delivery<'_>, enricher: &Enricher) -> String {
    let name =
        |series: SeriesRef<'_>| metric_name(series.metric).map_or_else(|| series.metric.to_owned(), Cow::into_owned);
    let measured = |mut object: serde_json::Value, series: SeriesRef<'_>| {
        let unit = enricher.unit(series.unit);
        if !unit.is_empty() {
            object["unit"] = unit.into();
        }
        object
    };
    let points = delivery.points().map(|point| {
        let object = json!({
            "metric": name(point.series), "type": point.kind.as_str(), "value": number(point.value),
            "timestamp": point.timestamp, "interval": point.interval,
            "tags": enricher.tags(point.series).collect::<Vec<_>>(), "host": enricher.host(point.series.host),
        });
        measured(object, point.series)
    });
    let sketches = delivery.sketches().map(|point| {
        let sketch = point.sketch;
        let object = json!({
            "metric": name(point.series), "type": "sketch", "count": sketch.count(), "min": number(sketch.min()),
            "max": number(sketch.max()), "sum": number(sketch.sum()), "avg": number(sketch.avg()),
            "bins": sketch.bins().collect::<Vec<_>>(), "timestamp": point.timestamp,
            "tags": enricher.tags(point.series).collect::<Vec<_>>(), "host": enricher.host(point.series.host),
        });
        measured(object, point.series)
    });
    let checks = delivery.service_checks.iter().map(|check| {
        json!({
            "check": check.name, "type": "service_check", "status": check.status.as_str(), "message": check.message,
            "timestamp": delivery.time.whole_seconds(), "tags": enricher.check_tags(check),
            "host": enricher.host(&check.hostname),
        })
    });
    let events = delivery.events.iter().map(|event| {
        json!({
            "event": event.title, "type": "event", "text": event.text, "timestamp": event.time.whole_seconds(),
            "priority": event.priority.as_str(), "alert_type": event.alert_type.as_str(),
            "aggregation_key": event.aggregation_key, "source_type": event.source_type,
            "tags": enricher.all_tags(&event.tags), "host": enricher.host(&event.hostname),
        })
    });
    let mut lines = String::new();
    for object in points.chain(sketches).chain(checks).chain(events) {
        lines.push_str(&object.to_string());
        lines.push('\n');
    }
    lines
}

/// JSON has no word for what is not finite.
fn number(value: f64) -> serde_json::Value {
    if value.is_finite() {
        json!(value)
    } else if value.is_nan() {
        json!("nan")
    } else {
        json!(if value > 0.0 { "inf" } else { "-inf" })
    }
}
