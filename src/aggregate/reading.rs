//! What the aggregator remembers of each series of a target whose growth counts: its last reading, and the one of the
//! present scrape.

use std::collections::HashMap;

use super::distribution::Bounds;
use super::native::Cells;
use crate::map::{GroupId, NativeReading, Origin, Part, SeriesId};
use crate::slots::{NOWHERE, SlotId};
use crate::texts::make_room;
use crate::time::UnixTime;

/// The group of a series that stands alone.
const ALONE: u32 = u32::MAX;
/// The bounds of a reading that has none.
const UNBOUNDED: u32 = u32::MAX;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadingKind {
    /// A finite value; of a bucket without those below it, one that counts above a bound.
    Count,
    /// A finite value.
    Rate,
    /// How many values lie between two bounds.
    Bucket,
    Native,
}

/// What is known of the reading before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// There is none.
    Nothing,
    /// It is one of the same kind and between the same bounds.
    Comparable,
    /// It was one of something else.
    Foreign,
}

/// A series whose growth counts. Of what is read, `present` and `last` hold the bits of a finite value, or the count of
/// a bucket; native histograms stand beside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) present: u64,
    pub(super) last: u64,
    /// When `last` was read.
    pub(super) last_at: UnixTime,
    pub(super) series: SeriesId,
    /// Where its growth goes.
    pub(super) slot: SlotId,
    /// [`ALONE`], or the number of a group.
    group: u32,
    /// The scrape of which `present` is.
    pub(super) seen: u32,
    /// A place in [`Readings::bounds`].
    bounds: u32,
    pub(super) kind: ReadingKind,
    pub(super) before: Before,
    /// What it can say of its group.
    pub(super) part: Option<Part>,
    pub(super) flush: bool,
}

impl Reading {
    pub(super) fn group(&self) -> Option<GroupId> {
        (self.group != ALONE).then(|| GroupId::new(self.group))
    }

    /// What `bits` stand for; of a native histogram nothing.
    #[inline]
    pub(super) fn number(&self, bits: u64) -> f64 {
        match self.kind {
            ReadingKind::Count | ReadingKind::Rate => f64::from_bits(bits),
            ReadingKind::Bucket | ReadingKind::Native => bits as f64,
        }
    }

    /// Whether it is lower than a comparable one before.
    #[inline]
    pub(super) fn is_lower(&self) -> bool {
        self.before == Before::Comparable
            && match self.kind {
                ReadingKind::Count | ReadingKind::Rate => f64::from_bits(self.present) < f64::from_bits(self.last),
                ReadingKind::Bucket => self.present < self.last,
                ReadingKind::Native => false,
            }
    }

    /// The present reading is the last one from now on.
    #[inline]
    pub(super) fn advance(&mut self, at: UnixTime) {
        (self.last, self.last_at, self.before) = (self.present, at, Before::Comparable);
    }
}

/// A native histogram, now and before.
#[derive(Debug, Default)]
pub(super) struct NativePair {
    pub(super) present: Option<NativeReading>,
    pub(super) last: Option<NativeReading>,
}

impl NativePair {
    /// Whether it was reset since the reading before.
    pub(super) fn fell(&self) -> bool {
        let (Some(present), Some(last)) = (&self.present, &self.last) else { return false };
        Cells::of(present, last).fell(present, last)
    }
}

/// What comes in for one series.
pub(super) struct Incoming {
    pub(super) kind: ReadingKind,
    pub(super) bits: u64,
    /// Of a bucket; or of a count above a bound, where the upper one says nothing.
    pub(super) bounds: Option<Bounds>,
    pub(super) flush: bool,
}

/// The readings of one target.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) all: Vec<Reading>,
    free: Vec<u32>,
    bounds: Vec<Bounds>,
    free_bounds: Vec<u32>,
    /// By place.
    pub(super) natives: HashMap<u32, NativePair>,
}

impl Readings {
    /// A place for a series that has none.
    pub(super) fn open(&mut self, series: SeriesId) -> u32 {
        let reading = Reading {
            present: 0,
            last: 0,
            last_at: UnixTime::from_seconds(0.0),
            series,
            slot: NOWHERE,
            group: ALONE,
            seen: 0,
            bounds: UNBOUNDED,
            kind: ReadingKind::Count,
            before: Before::Nothing,
            part: None,
            flush: false,
        };
        if let Some(place) = self.free.pop() {
            self.all[place as usize] = reading;
            return place;
        }
        make_room(&mut self.all, 1);
        self.all.push(reading);
        u32::try_from(self.all.len() - 1).expect("fewer than 2^32 series fit in memory")
    }

    /// Forgets a series.
    pub(super) fn close(&mut self, place: u32) {
        self.set_bounds(place, None);
        self.natives.remove(&place);
        (self.all[place as usize].seen, self.all[place as usize].before) = (0, Before::Nothing);
        self.free.push(place);
    }

    /// Takes a reading of the scrape `scrape`; of several the last counts.
    pub(super) fn take(&mut self, place: u32, slot: SlotId, origin: Origin, incoming: &Incoming, scrape: u32) {
        let bounds = self.bounds_of(place);
        let reading = &mut self.all[place as usize];
        // Counts between other bounds are counts of something else.
        if reading.before == Before::Comparable && (reading.kind != incoming.kind || bounds != incoming.bounds) {
            reading.before = Before::Foreign;
        }
        (reading.slot, reading.seen, reading.flush) = (slot, scrape, incoming.flush);
        (reading.kind, reading.present) = (incoming.kind, incoming.bits);
        reading.group = origin.group.map_or(ALONE, |(group, _)| group.index() as u32);
        reading.part = origin.group.map(|(_, part)| part);
        self.set_bounds(place, incoming.bounds);
    }

    /// The bounds of a bucket; or of a count above a bound, where the upper one says nothing.
    pub(super) fn bounds_of(&self, place: u32) -> Option<Bounds> {
        self.bounds.get(self.all[place as usize].bounds as usize).copied()
    }

    fn set_bounds(&mut self, place: u32, bounds: Option<Bounds>) {
        let known = &mut self.all[place as usize].bounds;
        match bounds {
            None if *known != UNBOUNDED => self.free_bounds.push(std::mem::replace(known, UNBOUNDED)),
            None => {}
            Some(bounds) => {
                if *known == UNBOUNDED {
                    *known = self.free_bounds.pop().unwrap_or_else(|| {
                        make_room(&mut self.bounds, 1);
                        self.bounds.push(bounds);
                        (self.bounds.len() - 1) as u32
                    });
                }
                self.bounds[*known as usize] = bounds;
            }
        }
    }

    /// Whether a series fell since the reading before.
    pub(super) fn fell(&self, place: u32) -> bool {
        let reading = &self.all[place as usize];
        if reading.kind == ReadingKind::Native {
            let pair = self.natives.get(&place);
            return reading.before == Before::Comparable && pair.is_some_and(NativePair::fell);
        }
        reading.is_lower()
    }
}

#[cfg(test)]
mod tests {
    use super::Reading;

    #[test]
    fn a_reading_takes_little_room() {
        assert!(size_of::<Reading>() <= 48);
    }
}
