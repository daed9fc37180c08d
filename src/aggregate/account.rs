//! What the aggregator tells of its decisions: how each growth came about, and which gauges replaced each other.

use super::growth::Growth;
use super::point::SeriesKey;
use crate::map::SeriesId;
use crate::slots::{SeriesRef, SlotId, Slots};

/// How the growth of one series in one scrape came about.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The series of the exposition.
    pub series: SeriesId,
    /// The series of Datadog to which it was added.
    pub key: SeriesRef<'a>,
    /// What was decided.
    pub growth: Growth,
    /// The reading before, if there is one that can be compared.
    pub previous: Option<f64>,
    /// The present reading.
    pub present: f64,
    /// What was added; none if nothing was.
    pub amount: Option<f64>,
}

/// Receives the accounts of a commit.
pub trait Accounts {
    /// The growth of one series was decided.
    fn account(&mut self, account: Account<'_>);
}

/// Two series of which one gauge was made, so that one of them is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// The metric and its tags.
    pub series: SeriesKey,
    /// The series whose value was replaced.
    pub replaced: SeriesId,
    /// The series whose value replaced it.
    pub by: SeriesId,
}

/// The collisions of a scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collisions {
    /// How many values were replaced.
    pub replaced: u64,
    /// The first of them.
    pub examples: Vec<Collision>,
}

/// The collisions since they were taken last, the first of them by their numbers until the scrape ends.
#[derive(Debug, Default)]
pub(super) struct CollisionsSoFar {
    told: Collisions,
    examples: Vec<(SlotId, SeriesId, SeriesId)>,
}

impl CollisionsSoFar {
    /// How many are kept to be shown.
    const KEPT: usize = 5;

    /// The value of the series `replaced` was replaced.
    #[cold]
    pub(super) fn add(&mut self, slot: SlotId, replaced: SeriesId, by: SeriesId) {
        self.told.replaced += 1;
        if self.told.examples.len() + self.examples.len() < Self::KEPT {
            self.examples.push((slot, replaced, by));
        }
    }

    /// Ends a scrape; `slots` knows its series.
    pub(super) fn tell(&mut self, slots: &Slots) {
        let examples = self.examples.drain(..);
        let named = examples.map(|(slot, replaced, by)| Collision { series: slots.get(slot).into(), replaced, by });
        self.told.examples.extend(named);
    }

    pub(super) fn take(&mut self) -> Collisions {
        std::mem::take(&mut self.told)
    }
}
