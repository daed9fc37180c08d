//! A delivery as entries of payloads: what Datadog cannot store is dropped here, and counted.

use super::payload::{Entries, PayloadKind};
use crate::aggregate::{Point, SketchPoint};
use crate::map::ServiceCheck;
use crate::submit::delivery::Delivery;
use crate::submit::encode::{
    CheckRun, EventPost, Series, SketchSeries, encode_check_run, encode_event, encode_series, encode_sketch,
};
use crate::submit::enrich::Enricher;
use crate::submit::event::Event;
use crate::submit::name::{self, cut_to};
use crate::submit::stats::{DropReason, Dropped};

/// The longest message of a service check, in characters.
const MESSAGE: usize = 500;
/// The longest text and aggregation key of an event, in characters.
const EVENT_TEXT: usize = 4000;
const AGGREGATION_KEY: usize = 100;
/// The tag that the Agent makes a resource of.
const DEVICE: &str = "device:";

/// The entries of one delivery.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) series: Entries,
    pub(super) sketches: Entries,
    pub(super) service_checks: Entries,
    pub(super) events: Entries,
    pub(super) dropped: Dropped,
}

impl Default for Encoded {
    fn default() -> Self {
        Self {
            series: Entries::new(PayloadKind::Series),
            sketches: Entries::new(PayloadKind::Sketches),
            service_checks: Entries::new(PayloadKind::ServiceChecks),
            events: Entries::new(PayloadKind::Events),
            dropped: Dropped::default(),
        }
    }
}

impl Encoded {
    pub(super) fn new(delivery: &Delivery, enricher: &Enricher) -> Self {
        let mut encoded = Self::default();
        for point in &delivery.batch.points {
            let done = encoded.point(point, enricher);
            encoded.count(done);
        }
        let mut bins = Vec::new();
        for sketch in &delivery.batch.sketches {
            let done = encoded.sketch(sketch, enricher, &mut bins);
            encoded.count(done);
        }
        for check in &delivery.service_checks {
            encoded.service_check(check, delivery.time.whole_seconds(), enricher);
        }
        for event in &delivery.events {
            encoded.event(event, enricher);
        }
        encoded
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        let kinds = [&self.series, &self.sketches, &self.service_checks, &self.events];
        kinds.into_iter().map(|entries| entries.len() as u64).sum()
    }

    fn count(&mut self, done: Result<(), DropReason>) {
        if let Err(reason) = done {
            self.dropped.add(reason, 1);
        }
    }

    fn point(&mut self, point: &Point, enricher: &Enricher) -> Result<(), DropReason> {
        if !point.value.is_finite() {
            return Err(DropReason::NotFinite);
        }
        let metric = name::metric_name(&point.series.metric).ok_or(DropReason::InvalidName)?;
        let tags = enricher.tags(&point.series);
        // As in the Agent the last device counts; further ones stay tags.
        let device = tags.clone().filter(|tag| tag.len() > DEVICE.len() && tag.starts_with(DEVICE)).last();
        let series = Series {
            host: enricher.host(&point.series.host),
            device: device.map_or("", |tag| &tag[DEVICE.len()..]),
            metric: &metric,
            tags: tags.filter(|tag| Some(*tag) != device),
            points: &[(point.value, point.timestamp)],
            kind: point.kind,
            unit: "",
            source_type_name: "",
            interval: point.interval,
            origin: None,
        };
        self.series.add(|buffer| encode_series(buffer, series));
        Ok(())
    }

    fn sketch(
        &mut self,
        point: &SketchPoint,
        enricher: &Enricher,
        bins: &mut Vec<(i16, u16)>,
    ) -> Result<(), DropReason> {
        let sketch = &point.sketch;
        bins.clear();
        bins.extend(sketch.bins());
        if bins.is_empty() || sketch.count() == 0 {
            return Err(DropReason::EmptySketch);
        }
        let summary = [sketch.min(), sketch.max(), sketch.avg(), sketch.sum()];
        if !summary.into_iter().all(f64::is_finite) {
            return Err(DropReason::NotFinite);
        }
        let metric = name::metric_name(&point.series.metric).ok_or(DropReason::InvalidName)?;
        let [min, max, avg, sum] = summary;
        let series = SketchSeries {
            metric: &metric,
            host: enricher.host(&point.series.host),
            tags: enricher.tags(&point.series),
            timestamp: point.timestamp,
            count: sketch.count(),
            min,
            max,
            avg,
            sum,
            bins,
        };
        self.sketches.add(|buffer| encode_sketch(buffer, series));
        Ok(())
    }

    fn service_check(&mut self, check: &ServiceCheck, timestamp: i64, enricher: &Enricher) {
        let run = CheckRun {
            check: name::cut(&check.name),
            host_name: enricher.host(&check.hostname),
            status: check.status,
            timestamp,
            message: cut_to(&check.message, MESSAGE),
            tags: &enricher.check_tags(check),
        };
        self.service_checks.add(|buffer| encode_check_run(buffer, &run));
    }

    fn event(&mut self, event: &Event, enricher: &Enricher) {
        let post = EventPost {
            title: &event.title,
            text: cut_to(&event.text, EVENT_TEXT),
            date_happened: event.time.whole_seconds(),
            priority: event.priority.as_str(),
            alert_type: event.alert_type.as_str(),
            aggregation_key: cut_to(&event.aggregation_key, AGGREGATION_KEY),
            host: enricher.host(&event.hostname),
            source_type_name: &event.source_type,
            tags: &enricher.all_tags(&event.tags),
        };
        self.events.add(|buffer| encode_event(buffer, &post));
    }
}
