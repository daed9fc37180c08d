//! The series of one target in the order in which payloads have them, in segments that were compressed before.
//!
//! Of most targets most series stay from scrape to scrape, with other values at another time. So segments are kept, and
//! a delivery fills them anew; those that lost a series, or have one of another kind, are made again.

mod order;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use segment::{Segment, SegmentBuilder};

use super::framing::Framing;
use super::reading::{encoder, form, reading};
use crate::aggregate::{Batch, Point, PointKind, SlotId, Slots};
use crate::submit::encode::time_field;
use crate::submit::enrich::Enricher;
use crate::submit::frame::SHORTEST_NEW;

/// The bit of a place that says that an entry stands for the point.
const TAKEN: u32 = 1 << 31;
/// The place of no point.
const NO_PLACE: u32 = u32::MAX;

/// Segments of one target, and what they were made with.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    segments: Vec<Segment>,
    /// Series whose entries are too large for a segment.
    large: HashSet<SlotId>,
    made_with: Option<Settings>,
}

/// What all entries have in common.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    enricher: Enricher,
    interval: u32,
    /// The bytes of the field that tells the time.
    time: usize,
}

impl Arrangement {
    /// Adds the points of a batch to payloads; gives the places of those that cannot be told as the others.
    pub(super) fn deliver(
        &mut self,
        batch: &Batch,
        slots: &Slots,
        enricher: &Enricher,
        framing: &mut Framing,
    ) -> Vec<u32> {
        let time = time_field(batch.timestamp);
        self.begin(enricher, batch.interval, &time);
        let mut present = Present::new(batch, slots, enricher, &self.large);
        let mut making = Making { batch, slots, enricher, builder: None, odd: Vec::new() };
        let mut segments = Vec::with_capacity(self.segments.len());
        for mut segment in self.segments.drain(..) {
            let Err(filled) = segment.fill(&time, |series, kind| present.take(series, kind)) else {
                segments.push(segment);
                continue;
            };
            let left = present.left_of(&segment, filled);
            if segment.is_small_with(left.len()) {
                present.new.extend(left);
            } else {
                segments.extend(making.segments(&left));
            }
        }
        present.add_rest();
        if !present.new.is_empty() {
            if let Some(last) = segments.pop_if(|last| last.has_room()) {
                let places = present.left_of(&last, last.len());
                present.new.extend(places);
            }
            order::arrange(&mut present.new, &batch.points, slots);
            segments.extend(making.segments(&present.new));
            let series = |place: &u32| batch.points[*place as usize].series;
            present.new.iter().map(series).for_each(|series| _ = self.large.remove(&series));
            self.large.extend(making.odd.iter().map(series));
        }
        for segment in &mut segments {
            framing.add(segment.len(), segment.block());
        }
        self.segments = segments;
        present.odd.extend(making.odd);
        present.odd
    }

    /// Keeps only segments that serve what is delivered now.
    fn begin(&mut self, enricher: &Enricher, interval: u32, time: &[u8]) {
        let settings = Settings { enricher: enricher.clone(), interval, time: time.len() };
        // The time of most points is a copy, if it is long enough for one.
        if time.len() < SHORTEST_NEW || self.made_with.as_ref() != Some(&settings) {
            self.segments.clear();
            self.large.clear();
        }
        self.made_with = Some(settings);
    }
}

/// The points of a batch, and which of them an entry stands for.
struct Present<'b> {
    points: &'b [Point],
    /// By the number of the series; [`NO_PLACE`] and [`TAKEN`] ones are not given out.
    places: Vec<u32>,
    new: Vec<u32>,
    odd: Vec<u32>,
}

impl<'b> Present<'b> {
    fn new(batch: &'b Batch, slots: &Slots, enricher: &Enricher, large: &HashSet<SlotId>) -> Self {
        let points = &*batch.points;
        let most = points.iter().map(|point| point.series.index() + 1).max().unwrap_or(0);
        let mut present = Self { points, places: vec![NO_PLACE; most], new: Vec::new(), odd: Vec::new() };
        for (place, point) in (0..).zip(points) {
            let kept = &mut present.places[point.series.index()];
            // What is not known is new, even if its number is that of a series before.
            match form(slots, point.series, enricher) {
                _ if !point.value.is_finite() => present.odd.push(place),
                (None, _) => present.odd.push(place),
                (Some(_), true) if !large.is_empty() && large.contains(&point.series) => present.odd.push(place),
                (Some(_), true) if *kept == NO_PLACE => *kept = place,
                (Some(_), _) => present.new.push(place),
            }
        }
        present
    }

    /// The value of a series that has one of this kind which was not given out yet.
    #[inline]
    fn take(&mut self, series: SlotId, kind: PointKind) -> Option<f64> {
        let place = self.places.get_mut(series.index())?;
        if *place & TAKEN != 0 {
            return None;
        }
        let point = &self.points[*place as usize];
        if point.kind != kind {
            return None;
        }
        *place |= TAKEN;
        Some(point.value)
    }

    /// The places of points for a segment, of which the first entries took theirs.
    fn left_of(&mut self, segment: &Segment, taken: usize) -> Vec<u32> {
        let mut left = Vec::with_capacity(segment.len());
        for (at, (series, kind)) in segment.series().enumerate() {
            if at < taken || self.take(series, kind).is_some() {
                left.push(self.places[series.index()] & !TAKEN);
            }
        }
        left
    }

    /// Takes those for new for which no entry stands.
    fn add_rest(&mut self) {
        let rest = (0..).zip(self.points).filter(|(place, point)| self.places[point.series.index()] == *place);
        self.new.extend(rest.map(|(place, _)| place));
    }
}

/// Makes segments.
struct Making<'b> {
    batch: &'b Batch,
    slots: &'b Slots,
    enricher: &'b Enricher,
    builder: Option<SegmentBuilder<'b>>,
    odd: Vec<u32>,
}

impl Making<'_> {
    /// Segments of the points at these places.
    fn segments(&mut self, places: &[u32]) -> impl Iterator<Item = Segment> {
        let Self { batch, slots, enricher, .. } = *self;
        let builder = self.builder.get_or_insert_with(|| SegmentBuilder::new(encoder(batch, slots, enricher)));
        for &place in places {
            let reading = reading(&batch.points[place as usize], slots, enricher);
            if !reading.is_some_and(|reading| builder.add(reading)) {
                self.odd.push(place);
            }
        }
        builder.take()
    }
}
