//! Aggregation: turns the submissions of one target into points and sketches, one batch per scrape.
//!
//! Growth of counters and buckets, rates and distributions come into being here, by the rules of the Datadog Agent's
//! check sampler; where they go is not known here.

mod account;
mod aggregator;
mod distribution;
mod growth;
mod mark;
mod marking;
mod marks;
mod native;
mod point;
mod reading;
mod refused;
mod settle;
mod sketch;
mod starts;
mod sums;
mod tally;

pub use account::{Account, Accounts, Collision, Collisions};
pub use aggregator::Aggregator;
pub use growth::Growth;
pub use mark::MarksError;
pub use marks::{Marks, MarksContent, TargetKey};
pub use point::{Batch, FullPoint, FullSketch, Point, PointKind, SeriesKey, SketchPoint};
pub use refused::Refused;
pub use sketch::{Sketch, SketchError};

pub use crate::slots::{SeriesRef, SlotId, Slots, Tags};
