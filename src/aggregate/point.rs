//! What the aggregator hands to `submit`: the points and sketches of one scrape of one target.

use std::sync::Arc;

use super::sketch::Sketch;
use crate::slots::{SeriesRef, SlotId, Slots};

/// Metric name, tags and host as Datadog stores them, on their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// The full name.
    pub metric: Arc<str>,
    /// Sorted, each once.
    pub tags: Box<[Arc<str>]>,
    /// Empty where the host of the submitter is meant.
    pub host: Arc<str>,
}

impl From<SeriesRef<'_>> for SeriesKey {
    fn from(series: SeriesRef<'_>) -> Self {
        let tags = series.tags.iter().map(Arc::from).collect();
        Self { metric: series.metric.into(), tags, host: series.host.into() }
    }
}

/// How Datadog stores a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointKind {
    /// A value at a moment.
    Gauge,
    /// What happened within the interval.
    Count,
    /// What happened per second.
    Rate,
}

impl PointKind {
    /// The word of the series API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Count => "count",
            Self::Rate => "rate",
        }
    }
}

/// One value of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Which series.
    pub series: SlotId,
    /// How it is stored.
    pub kind: PointKind,
    /// Finite.
    pub value: f64,
}

/// The distribution of one series within one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct SketchPoint {
    /// Which series.
    pub series: SlotId,
    /// Not empty.
    pub sketch: Sketch,
}

/// All that one scrape contributes to metrics. What its series are, the [`Slots`] beside it say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Of all points and sketches, in seconds since the epoch.
    pub timestamp: i64,
    /// Seconds that counts and rates cover.
    pub interval: u32,
    /// In the order in which their contexts were first made, but for those that took the number of one that is gone.
    pub points: Vec<Point>,
    /// Likewise.
    pub sketches: Vec<SketchPoint>,
}

/// A point, and all that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct FullPoint<'b> {
    /// Which series.
    pub series: SeriesRef<'b>,
    /// How it is stored.
    pub kind: PointKind,
    /// Finite.
    pub value: f64,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Seconds that a count or rate covers; 0 for a gauge.
    pub interval: u32,
}

/// A sketch, and all that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct FullSketch<'b> {
    /// Which series.
    pub series: SeriesRef<'b>,
    /// Not empty.
    pub sketch: &'b Sketch,
    /// Seconds since the epoch.
    pub timestamp: i64,
}

impl Batch {
    /// Seconds that a point of this kind covers; 0 for a gauge.
    pub fn interval_of(&self, kind: PointKind) -> u32 {
        if kind == PointKind::Gauge { 0 } else { self.interval }
    }

    /// A point of this batch with its series.
    pub(crate) fn full_point<'b>(&self, slots: &'b Slots, point: &Point) -> FullPoint<'b> {
        FullPoint {
            series: slots.get(point.series),
            kind: point.kind,
            value: point.value,
            timestamp: self.timestamp,
            interval: self.interval_of(point.kind),
        }
    }

    /// The points with their series.
    pub fn full_points<'b>(&'b self, slots: &'b Slots) -> impl ExactSizeIterator<Item = FullPoint<'b>> {
        self.points.iter().map(|point| self.full_point(slots, point))
    }

    /// The sketches with their series.
    pub fn full_sketches<'b>(&'b self, slots: &'b Slots) -> impl ExactSizeIterator<Item = FullSketch<'b>> {
        self.sketches.iter().map(|point| FullSketch {
            series: slots.get(point.series),
            sketch: &point.sketch,
            timestamp: self.timestamp,
        })
    }
}
