//! What the aggregator hands to `submit`: the points and sketches of one scrape of one target.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::sketch::Sketch;
use crate::unit::Unit;

/// Metric name, tags and host as Datadog stores them, which make up its identity, and what is known beside.
#[derive(Debug)]
pub struct SeriesKey {
    /// The full name.
    pub metric: Arc<str>,
    /// Sorted, each once.
    pub tags: Box<[Arc<str>]>,
    /// Empty where the host of the submitter is meant.
    pub host: Arc<str>,
    /// What its values are measured in, if that is known.
    pub unit: Option<Unit>,
}

impl SeriesKey {
    fn identity(&self) -> (&str, &[Arc<str>], &str) {
        (&self.metric, &self.tags, &self.host)
    }
}

impl PartialEq for SeriesKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for SeriesKey {}

impl Hash for SeriesKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
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
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which series.
    pub series: Arc<SeriesKey>,
    /// How it is stored.
    pub kind: PointKind,
    /// Finite.
    pub value: f64,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Seconds that a count or rate covers; 0 for a gauge.
    pub interval: u32,
}

/// The distribution of one series within one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct SketchPoint {
    /// Which series.
    pub series: Arc<SeriesKey>,
    /// Not empty.
    pub sketch: Sketch,
    /// Seconds since the epoch.
    pub timestamp: i64,
}

/// All that one scrape contributes to metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In the order in which their contexts were first seen.
    pub points: Vec<Point>,
    /// Likewise.
    pub sketches: Vec<SketchPoint>,
}
