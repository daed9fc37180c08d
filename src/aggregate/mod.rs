//! Aggregation: turns the submissions of one target into points and sketches, one batch per scrape.
//!
//! Growth of counters and buckets, rates and distributions come into being here, by the rules of the Datadog Agent's
//! check sampler; where they go is not known here.

mod aggregator;
mod distribution;
mod point;
mod refused;
mod sketch;
mod state;

pub use aggregator::{Aggregator, RETAIN_COMMITS};
pub use point::{Batch, Point, PointKind, SeriesKey, SketchPoint};
pub use refused::Refused;
pub use sketch::{Sketch, SketchError};
