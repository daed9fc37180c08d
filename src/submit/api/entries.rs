//! A delivery as entries of payloads: what Datadog cannot store is dropped here, and counted.

use super::arranged::Arrangement;
use super::framing::Framing;
use super::packing::Packing;
use super::payload::{Entries, Payload, PayloadKind};
use super::reading::{encoder, reading};
use crate::aggregate::{FullPoint, FullSketch};
use crate::map::ServiceCheck;
use crate::submit::delivery::Delivery;
use crate::submit::encode::{
    CheckRun, DEVICE, EventPost, Series, SketchSeries, encode_check_run, encode_event, encode_series, encode_sketch,
};
use crate::submit::enrich::Enricher;
use crate::submit::event::Event;
use crate::submit::name::{self, cut_to};
use crate::submit::stats::{DropReason, Dropped};
use crate::time::UnixTime;

/// The longest message of a service check, in characters.
const MESSAGE: usize = 500;
/// The longest text and aggregation key of an event, in characters.
const EVENT_TEXT: usize = 4000;
const AGGREGATION_KEY: usize = 100;
/// A delivery with so many points, a megabyte or so, shares no payload with others: they are compressed at once, rather
/// than kept until the load is closed.
const MANY: usize = 4096;

/// So many bytes of series share no payload with those of other deliveries either.
const MUCH: usize = 1 << 20;

/// The entries of one delivery.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Series of a delivery that has so many that they share no payload with those of others.
    pub(super) payloads: Vec<Payload>,
    pub(super) series: Entries,
    pub(super) sketches: Entries,
    pub(super) service_checks: Entries,
    pub(super) events: Entries,
    pub(super) dropped: Dropped,
}

impl Default for Encoded {
    fn default() -> Self {
        Self {
            payloads: Vec::new(),
            series: Entries::new(PayloadKind::Series),
            sketches: Entries::new(PayloadKind::Sketches),
            service_checks: Entries::new(PayloadKind::ServiceChecks),
            events: Entries::new(PayloadKind::Events),
            dropped: Dropped::default(),
        }
    }
}

impl Encoded {
    pub(super) fn new(delivery: &Delivery<'_>, enricher: &Enricher) -> Self {
        let mut encoded = Self::default();
        encoded.points(delivery, enricher);
        let mut bins = Vec::new();
        for sketch in delivery.sketches() {
            let done = encoded.sketch(&sketch, enricher, &mut bins);
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

    fn points(&mut self, delivery: &Delivery<'_>, enricher: &Enricher) {
        if delivery.batch.points.len() >= MANY {
            self.many_points(delivery, enricher);
        } else {
            // What is noted of series from now on is not known to what is kept.
            delivery.slots.forget_kept();
            self.few_points(delivery, enricher);
        }
    }

    /// Most of many points are in segments that were compressed before.
    fn many_points(&mut self, delivery: &Delivery<'_>, enricher: &Enricher) {
        let (batch, slots) = (&delivery.batch, &*delivery.slots);
        let mut framing = Framing::new(delivery.time, PayloadKind::Series.limits());
        let odd =
            slots.with_kept(|arrangement: &mut Arrangement| arrangement.deliver(batch, slots, enricher, &mut framing));
        self.payloads = framing.finish();
        let mut packing = None;
        for place in odd {
            self.pack_series(&mut packing, delivery.time);
            self.repaired(&batch.full_point(slots, &batch.points[place as usize]), enricher);
        }
        self.finish_packing(packing);
    }

    /// Points of series that need no repair are encoded together.
    fn few_points(&mut self, delivery: &Delivery<'_>, enricher: &Enricher) {
        let (batch, slots) = (&delivery.batch, &*delivery.slots);
        let mut encoder = encoder(batch, slots, enricher);
        let mut packing = None;
        for point in &batch.points {
            if let Some(size) = self.pack_series(&mut packing, delivery.time) {
                encoder.restart(size);
            }
            if let Some(reading) = reading(point, slots, enricher) {
                let layout = encoder.lay_out(reading);
                self.series.add(|buffer| encoder.tell(buffer, &layout));
            } else {
                self.repaired(&batch.full_point(slots, point), enricher);
            }
        }
        self.finish_packing(packing);
    }

    /// Makes payloads of the series that are in none yet, if others are.
    fn finish_packing(&mut self, packing: Option<Packing>) {
        let Some(mut packing) = packing else { return };
        packing.feed(&self.series);
        self.series.clear();
        let (payloads, too_large) = packing.finish();
        self.payloads.extend(payloads);
        self.dropped.add(DropReason::TooLarge, too_large);
    }

    /// Makes payloads of the series that are in none yet, if they fill one; gives how many bytes they had.
    fn pack_series(&mut self, packing: &mut Option<Packing>, time: UnixTime) -> Option<usize> {
        if self.series.size() < MUCH {
            return None;
        }
        let new = || Packing::new(PayloadKind::Series, PayloadKind::Series.limits(), time);
        let packing = packing.get_or_insert_with(new);
        packing.is_filled_by(&self.series).then(|| {
            packing.feed(&self.series);
            let size = self.series.size();
            self.series.clear();
            size
        })
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u64 {
        let kinds = [&self.series, &self.sketches, &self.service_checks, &self.events];
        let compressed = self.payloads.iter().map(|payload| payload.entries).sum::<u64>();
        compressed + kinds.into_iter().map(|entries| entries.len() as u64).sum::<u64>()
    }

    fn count(&mut self, done: Result<(), DropReason>) {
        if let Err(reason) = done {
            self.dropped.add(reason, 1);
        }
    }

    /// Encodes a point by itself, with what has to be repaired.
    fn repaired(&mut self, point: &FullPoint<'_>, enricher: &Enricher) {
        let done = self.point(point, enricher);
        self.count(done);
    }

    fn point(&mut self, point: &FullPoint<'_>, enricher: &Enricher) -> Result<(), DropReason> {
        if !point.value.is_finite() {
            return Err(DropReason::NotFinite);
        }
        let metric = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?;
        let tags = enricher.tags(point.series);
        // As in the Agent the last device counts; further ones stay tags.
        let device = tags.clone().filter(|tag| tag.len() > DEVICE.len() && tag.starts_with(DEVICE)).last();
        let series = Series {
            host: enricher.host(point.series.host),
            device: device.map_or("", |tag| &tag[DEVICE.len()..]),
            metric: &metric,
            tags: tags.filter(|tag| Some(*tag) != device),
            points: &[(point.value, point.timestamp)],
            kind: point.kind,
            unit: enricher.unit(point.series.unit),
            source_type_name: "",
            interval: point.interval,
            origin: None,
        };
        self.series.add(|buffer| encode_series(buffer, series));
        Ok(())
    }

    fn sketch(
        &mut self,
        point: &FullSketch<'_>,
        enricher: &Enricher,
        bins: &mut Vec<(i16, u16)>,
    ) -> Result<(), DropReason> {
        let sketch = point.sketch;
        bins.clear();
        bins.extend(sketch.bins());
        if bins.is_empty() || sketch.count() == 0 {
            return Err(DropReason::EmptySketch);
        }
        let summary = [sketch.min(), sketch.max(), sketch.avg(), sketch.sum()];
        if !summary.into_iter().all(f64::is_finite) {
            return Err(DropReason::NotFinite);
        }
        let metric = name::metric_name(point.series.metric).ok_or(DropReason::InvalidName)?;
        let [min, max, avg, sum] = summary;
        let series = SketchSeries {
            metric: &metric,
            host: enricher.host(point.series.host),
            tags: enricher.tags(point.series),
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
