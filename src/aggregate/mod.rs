//! Aggregation: turns the submissions of one target into points and sketches, one batch per scrape. Growth of counters
//! and buckets, rates and distributions come into being here; where they go is not known here.

mod point;
mod sketch;

pub use point::{Batch, Point, PointKind, SeriesKey, SketchPoint};
pub use sketch::{Sketch, SketchError};
