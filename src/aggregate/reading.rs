//! What the aggregator remembers of each series of a target whose growth counts: its last reading, and the one of the
//! present scrape.

use super::distribution::Bounds;
use super::native::Cells;
use crate::map::{NativeReading, Origin};
use crate::time::UnixTime;

/// A series whose growth counts.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) origin: Origin,
    /// Where its growth goes: the place of a slot.
    pub(super) slot: u32,
    pub(super) last: Option<Last>,
    pub(super) present: Option<Present>,
}

/// The reading before.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) value: Value,
    pub(super) at: UnixTime,
    /// When the series began, as it was last told.
    pub(super) start: Option<UnixTime>,
}

/// The reading of the present scrape; of several the last counts.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) value: Value,
    pub(super) at: UnixTime,
    pub(super) flush: bool,
}

/// What was read.
#[derive(Debug)]
pub(super) enum Value {
    /// Finite; and of a bucket without those below it, the bound above which it counts.
    Count(f64, Option<f64>),
    /// Finite.
    Rate(f64),
    Bucket(Bounds, u64),
    Native(Box<NativeReading>),
}

impl Value {
    /// Whether it is lower than one before; none if the two cannot be compared.
    pub(super) fn fell(&self, before: &Self) -> Option<bool> {
        match (self, before) {
            (Self::Rate(value), Self::Rate(before)) => Some(value < before),
            // Counts between other bounds are counts of something else.
            (Self::Count(value, lower), Self::Count(before, known)) => (lower == known).then_some(value < before),
            (Self::Bucket(bounds, count), Self::Bucket(known, before)) => (bounds == known).then_some(count < before),
            (Self::Native(reading), Self::Native(before)) => Some(Cells::of(reading, before).fell(reading, before)),
            _ => None,
        }
    }
}
