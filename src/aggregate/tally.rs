//! What each series of Datadog came to within the present scrape, and the points that are made of that at its end.
//!
//! The rules are those of the Datadog Agent's check sampler, kind by kind. A number that grows with every scrape tells
//! what is of the present one, so that nothing has to be cleared.

use super::point::{Point, PointKind, SketchPoint};
use super::refused::{Refused, RefusedCounts};
use super::sketch::Sketch;
use crate::config::GaugeAggregation;
use crate::map::{MetricKind, SeriesId};
use crate::slots::SlotId;
use crate::texts::{make_room_for, reach};

/// What the values of a slot are; fixed by the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotKind {
    /// The last value counts.
    Gauge,
    /// One value is made of those of several series.
    Gathered(GaugeAggregation),
    Count,
    MonotonicCount,
    /// Per second.
    Rate,
    Distribution,
}

impl SlotKind {
    pub(super) fn of(kind: MetricKind, gauges: GaugeAggregation) -> Self {
        match (kind, gauges) {
            (MetricKind::Gauge, GaugeAggregation::Last) => Self::Gauge,
            (MetricKind::Gauge, _) => Self::Gathered(gauges),
            (MetricKind::Count, _) => Self::Count,
            (MetricKind::MonotonicCount, _) => Self::MonotonicCount,
            (MetricKind::Rate, _) => Self::Rate,
        }
    }

    /// The kind of its points; a distribution gives sketches instead.
    fn point(self) -> Option<PointKind> {
        match self {
            // The Agent stores a rate as the gauge of a value per second.
            Self::Gauge | Self::Gathered(_) | Self::Rate => Some(PointKind::Gauge),
            Self::Count | Self::MonotonicCount => Some(PointKind::Count),
            Self::Distribution => None,
        }
    }

    fn is_like(self, other: Self) -> bool {
        self == other || matches!((self, other), (Self::Gauge | Self::Gathered(_), Self::Gauge | Self::Gathered(_)))
    }
}

/// The slots of one target.
#[derive(Debug)]
pub(super) struct Tally {
    /// The number of the present scrape.
    scrape: u32,
    /// By the number of the slot, like `kinds`.
    cells: Vec<Cell>,
    /// `None` if no value came since the number was given out.
    kinds: Vec<Option<SlotKind>>,
    /// How many slots have a kind.
    open: usize,
    /// Gauges of which one is made at the end.
    gathered: Vec<(SlotId, SeriesId, f64)>,
    sketches: Vec<SketchPoint>,
}

/// What a slot came to in the scrape `seen`.
#[derive(Clone, Copy, Debug)]
struct Cell {
    value: f64,
    seen: u32,
    /// Of a gauge the series it was read from, of a distribution the place among the sketches.
    by: u32,
}

impl Default for Tally {
    fn default() -> Self {
        Self { scrape: 1, cells: Vec::new(), kinds: Vec::new(), open: 0, gathered: Vec::new(), sketches: Vec::new() }
    }
}

impl Tally {
    /// The number of the present scrape: never 0.
    #[inline]
    pub(super) fn scrape(&self) -> u32 {
        self.scrape
    }

    /// The kind of a slot, which is `kind` from now on if it has none; refused if it has another.
    pub(super) fn is(&mut self, slot: SlotId, kind: SlotKind) -> Result<SlotKind, Refused> {
        let known = if let Some(Some(known)) = self.kinds.get(slot.index()) {
            *known
        } else {
            self.open(slot, kind);
            kind
        };
        if known.is_like(kind) { Ok(known) } else { Err(Refused::KindChanged) }
    }

    /// Makes room for so many slots in all.
    pub(super) fn expect(&mut self, slots: usize) {
        make_room_for(&mut self.cells, slots);
        make_room_for(&mut self.kinds, slots);
    }

    /// The first value of a slot comes.
    fn open(&mut self, slot: SlotId, kind: SlotKind) {
        reach(&mut self.cells, slot.index(), || Cell { value: 0.0, seen: 0, by: 0 });
        reach(&mut self.kinds, slot.index(), || None);
        self.kinds[slot.index()] = Some(kind);
        self.open += 1;
    }

    /// The number of a slot will have another meaning. Gives whether it ever had a value.
    pub(super) fn close(&mut self, slot: SlotId) -> bool {
        let was_open = self.kinds.get_mut(slot.index()).is_some_and(|kind| kind.take().is_some());
        if was_open {
            self.cells[slot.index()].seen = 0;
            self.open -= 1;
        }
        was_open
    }

    /// Whether a slot has a kind.
    pub(super) fn is_open(&self, slot: SlotId) -> bool {
        self.kinds.get(slot.index()).is_some_and(Option::is_some)
    }

    /// How many slots have a kind.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Takes the gauge of a series; gives the series whose value it replaced, if that was another.
    #[inline]
    pub(super) fn gauge(&mut self, slot: SlotId, series: SeriesId, value: f64) -> Option<SeriesId> {
        let cell = &mut self.cells[slot.index()];
        let before = SeriesId::new(cell.by);
        let replaced = (cell.seen == self.scrape && before != series).then_some(before);
        *cell = Cell { value, seen: self.scrape, by: series.index() as u32 };
        replaced
    }

    /// Whether the last gauge of a slot is one of this series and this scrape.
    pub(super) fn is_gauge_of(&self, slot: SlotId, series: SeriesId) -> bool {
        let cell = self.cells[slot.index()];
        cell.seen == self.scrape && cell.by == series.index() as u32
    }

    /// Takes the gauge of one of several series.
    pub(super) fn gather(&mut self, slot: SlotId, series: SeriesId, value: f64) {
        self.gathered.push((slot, series, value));
    }

    /// Adds a finite value. One that goes to no slot is only remembered elsewhere.
    #[inline]
    pub(super) fn add(&mut self, slot: SlotId, value: f64) {
        if let Some(cell) = self.cells.get_mut(slot.index()) {
            let sum = if cell.seen == self.scrape { cell.value } else { 0.0 };
            (cell.value, cell.seen) = (sum + value, self.scrape);
        }
    }

    /// The sketch of a distribution.
    pub(super) fn sketch(&mut self, slot: SlotId) -> &mut Sketch {
        let cell = &mut self.cells[slot.index()];
        if cell.seen != self.scrape {
            (cell.seen, cell.by) = (self.scrape, self.sketches.len() as u32);
            self.sketches.push(SketchPoint { series: slot, sketch: Sketch::default() });
        }
        &mut self.sketches[cell.by as usize].sketch
    }

    /// Ends the scrape: what there is to tell of it goes to `points` and is returned as sketches.
    pub(super) fn finish(&mut self, points: &mut Vec<Point>, refused: &mut RefusedCounts) -> Vec<SketchPoint> {
        self.join_gathered();
        let scrape = self.scrape;
        points.reserve_exact(self.cells.iter().filter(|cell| cell.seen == scrape).count());
        for (place, (cell, kind)) in self.cells.iter().zip(&self.kinds).enumerate() {
            if cell.seen != scrape {
                continue;
            }
            let Some(kind) = kind.and_then(SlotKind::point) else { continue };
            // Sums and differences of finite values can exceed what a double holds.
            if cell.value.is_finite() {
                points.push(Point { series: SlotId(place as u32), kind, value: cell.value });
            } else {
                refused.add(Refused::NotFinite);
            }
        }
        self.scrape = self.scrape.wrapping_add(1).max(1);
        let mut sketches = std::mem::take(&mut self.sketches);
        sketches.retain(|point| !point.sketch.is_empty());
        sketches.sort_by_key(|point| point.series);
        sketches
    }

    /// Makes one gauge of those of several series. A series that is exposed twice is still one, and the last reading
    /// counts.
    fn join_gathered(&mut self) {
        // A stable sort: readings of one series stay in their order.
        self.gathered.sort_by_key(|&(slot, series, _)| (slot, series));
        for same in self.gathered.chunk_by(|one, next| one.0 == next.0) {
            let slot = same[0].0;
            let Some(SlotKind::Gathered(aggregation)) = self.kinds[slot.index()] else { continue };
            let values = same.chunk_by(|one, next| one.1 == next.1).filter_map(|same| Some(same.last()?.2));
            if let Some(value) = aggregated(values, aggregation) {
                self.cells[slot.index()] = Cell { value, seen: self.scrape, by: 0 };
            }
        }
        self.gathered.clear();
    }
}

/// What the gauges of several series come to.
fn aggregated(mut values: impl Iterator<Item = f64>, aggregation: GaugeAggregation) -> Option<f64> {
    match aggregation {
        GaugeAggregation::Last => values.last(),
        GaugeAggregation::Sum => values.reduce(|sum, value| sum + value),
        GaugeAggregation::Max => values.reduce(f64::max),
        GaugeAggregation::Min => values.reduce(f64::min),
        GaugeAggregation::Avg => {
            let (count, sum) = values.by_ref().fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
            (count > 0).then(|| sum / f64::from(count))
        }
    }
}
