//! Aggregation.

mod point;
mod sketch;

pub use point::{Batch, Point, PointKind, SeriesKey, SketchPoint};
pub use sketch::Sketch;
