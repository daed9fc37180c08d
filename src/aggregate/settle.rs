//! The moment at which the readings of a scrape become growth: its end.

use std::time::Duration;

use super::account::{Account, Accounts};
use super::distribution::{Allowance, Bounds, spread};
use super::growth::{Evidence, Growth, Previous, ProcessStart, Taken};
use super::native::Cells;
use super::reading::{Before, NativePair, Reading, ReadingKind, Readings};
use super::refused::{Refused, RefusedCounts};
use super::starts::{Falls, Starts};
use super::sums::{Since, Spread, Sums};
use super::tally::Tally;
use crate::map::{NativeReading, Part};
use crate::slots::{NOWHERE, Slots};
use crate::time::UnixTime;

/// What is known at the end of a scrape beside the readings.
pub(super) struct Settling<'a, 'w> {
    pub(super) slots: &'a Slots,
    pub(super) tally: &'a mut Tally,
    pub(super) starts: &'a mut Starts,
    pub(super) falls: &'a mut Falls,
    pub(super) sums: &'a mut Sums,
    pub(super) refused: &'a mut RefusedCounts,
    pub(super) allowance: Allowance,
    pub(super) process: Option<ProcessStart>,
    pub(super) watched_until: Option<UnixTime>,
    pub(super) slack: Duration,
    pub(super) now: UnixTime,
    pub(super) accounts: Option<&'w mut dyn Accounts>,
}

impl Settling<'_, '_> {
    /// Makes growth of all readings of the scrape, and lets them be the last ones. `fell`: whether any is lower than the
    /// one before, or may be.
    pub(super) fn settle(&mut self, readings: &mut Readings, fell: bool) {
        let scrape = self.tally.scrape();
        if fell {
            self.find_falls(readings, scrape);
        }
        for place in 0..readings.all.len() {
            let reading = &mut readings.all[place];
            if reading.seen != scrape {
                continue;
            }
            if self.accounts.is_some() || !self.grew_plainly(reading) {
                self.settle_one(readings, place as u32);
                continue;
            }
            match reading.kind {
                ReadingKind::Count => {
                    let growth = f64::from_bits(reading.present) - f64::from_bits(reading.last);
                    self.tally.add(reading.slot, growth);
                    if self.sums.are_wanted && reading.part == Some(Part::Sum) {
                        self.sum(&*reading, Taken::Difference, growth);
                    }
                    reading.advance(self.now);
                }
                ReadingKind::Bucket if reading.present == reading.last => reading.advance(self.now),
                ReadingKind::Bucket | ReadingKind::Rate | ReadingKind::Native => {
                    self.settle_one(readings, place as u32);
                }
            }
        }
        self.falls.clear();
        self.sums.finish(self.tally);
    }

    /// Finds the groups of which a count or a bucket fell.
    fn find_falls(&mut self, readings: &Readings, scrape: u32) {
        for (place, reading) in (0..).zip(&readings.all) {
            if reading.seen == scrape
                && reading.part == Some(Part::Count)
                && let Some(group) = reading.group()
            {
                self.falls.note(group, readings.fell(place));
            }
        }
    }

    /// Whether all that is known says [`Growth::Grown`] without being looked at any closer: a comparable reading before
    /// that is not higher, a group that was not reset, and no start that was not known then.
    #[inline]
    fn grew_plainly(&self, reading: &Reading) -> bool {
        reading.before == Before::Comparable
            && !reading.is_lower()
            && self.falls.of(reading.group()) != Some(true)
            && self.process.is_none_or(|process| process.told <= reading.last_at)
            && self.starts.is_as_known(reading)
    }

    fn settle_one(&mut self, readings: &mut Readings, place: u32) {
        let fell = readings.fell(place);
        let bounds = readings.bounds_of(place);
        let reading = &mut readings.all[place as usize];
        let mut native = match reading.kind {
            ReadingKind::Native => readings.natives.get_mut(&place),
            ReadingKind::Count | ReadingKind::Rate | ReadingKind::Bucket => None,
        };
        let start = self.starts.present(reading);
        let growth = self.growth(reading, fell, start);
        self.starts.keep(reading.series, start);
        let is_compared = reading.before == Before::Comparable;
        let (previous, present) = match &native {
            Some(pair) => (count(pair.last.as_ref()), count(pair.present.as_ref())),
            None => (reading.number(reading.last), reading.number(reading.present)),
        };
        let amount = match (reading.kind, bounds) {
            (ReadingKind::Rate, _) => self.rate(reading),
            (ReadingKind::Count, _) => Ok(self.count(reading, growth.taken())),
            (ReadingKind::Bucket, Some(bounds)) => self.bucket(reading, bounds, growth.taken()).map(Some),
            (ReadingKind::Bucket, None) => Ok(None),
            (ReadingKind::Native, _) => native.as_deref().map_or(Ok(None), |pair| self.native(reading, pair, growth)),
        };
        if let Some(accounts) = &mut self.accounts
            && reading.slot != NOWHERE
        {
            accounts.account(Account {
                series: reading.series,
                key: self.slots.get(reading.slot),
                growth,
                previous: is_compared.then_some(previous),
                present,
                amount: amount.ok().flatten(),
            });
        }
        if let Err(reason) = amount {
            self.refused.add(reason);
        }
        reading.advance(self.now);
        if let Some(pair) = &mut native {
            pair.last = pair.present.take();
        }
    }

    fn growth(&self, reading: &Reading, fell: bool, start: Option<UnixTime>) -> Growth {
        let is_compared = reading.before == Before::Comparable;
        let known = self.starts.known(reading.series);
        let evidence = Evidence {
            // A last reading that cannot be compared is none.
            previous: is_compared.then_some(Previous { at: reading.last_at, start: known }),
            fell,
            // The flag is about series that the scrape before did not have.
            flush: reading.flush && reading.before != Before::Foreign,
            start,
            process: self.process,
            group_fell: self.falls.of(reading.group()),
            part: reading.part,
            watched_until: self.watched_until,
            now: self.now,
            slack: self.slack,
        };
        evidence.growth()
    }

    /// Growth per second.
    fn rate(&mut self, reading: &Reading) -> Result<Option<f64>, Refused> {
        if reading.before != Before::Comparable {
            return Ok(None);
        }
        let seconds = self.now.seconds() - reading.last_at.seconds();
        // A clock that was set back gives no rate either.
        if seconds <= 0.0 {
            return Err(Refused::RateWithoutTime);
        }
        let rate = (f64::from_bits(reading.present) - f64::from_bits(reading.last)) / seconds;
        if rate < 0.0 {
            return Err(Refused::NegativeRate);
        }
        self.tally.add(reading.slot, rate);
        Ok(Some(rate))
    }

    fn count(&mut self, reading: &Reading, taken: Taken) -> Option<f64> {
        let present = f64::from_bits(reading.present);
        let amount = match taken {
            Taken::Nothing => return None,
            Taken::Zero => 0.0,
            Taken::Whole => present,
            Taken::Difference => present - f64::from_bits(reading.last),
        };
        self.tally.add(reading.slot, amount);
        if self.sums.are_wanted && reading.part == Some(Part::Sum) {
            self.sum(reading, taken, amount);
        }
        Some(amount)
    }

    /// The sum of a histogram grew.
    fn sum(&mut self, reading: &Reading, taken: Taken, amount: f64) {
        if let (Some(group), Some(since)) = (reading.group(), since(reading, taken)) {
            self.sums.sum(group, since, amount);
        }
    }

    fn bucket(&mut self, reading: &Reading, bounds: Bounds, taken: Taken) -> Result<f64, Refused> {
        let amount = match taken {
            Taken::Nothing | Taken::Zero => 0,
            Taken::Whole => reading.present,
            Taken::Difference => reading.present.saturating_sub(reading.last),
        };
        if let Some(group) = reading.group().filter(|_| self.sums.are_wanted) {
            self.sums.bucket(group, reading.slot, since(reading, taken), bounds, amount);
        }
        self.spread(reading, [(bounds, amount)]).map(|()| amount as f64)
    }

    fn native(&mut self, reading: &Reading, pair: &NativePair, growth: Growth) -> Result<Option<f64>, Refused> {
        let empty = NativeReading { count: 0.0, sum: 0.0, buckets: Vec::new() };
        let Some(present) = &pair.present else { return Ok(None) };
        let before = match growth.taken() {
            Taken::Nothing | Taken::Zero => return Ok(None),
            Taken::Whole => &empty,
            Taken::Difference => pair.last.as_ref().unwrap_or(&empty),
        };
        let mut grown = Vec::new();
        let (mut values, mut spread) = (0.0, Spread::default());
        for cell in Cells::of(present, before).iter() {
            let (bounds, growth) = (Bounds::new(cell.lower, cell.upper)?, cell.values());
            values += growth as f64;
            spread.add(bounds, growth);
            grown.push((bounds, growth));
        }
        // Observations that are in no bucket are NaN, and so is the sum then.
        self.sums.native(reading.slot, present.sum - before.sum, spread);
        self.spread(reading, grown).map(|()| Some(values))
    }

    /// Spreads values over the buckets of a sketch; one bucket that cannot be placed costs only itself.
    fn spread(&mut self, reading: &Reading, buckets: impl IntoIterator<Item = (Bounds, u64)>) -> Result<(), Refused> {
        let mut result = Ok(());
        for (bounds, growth) in buckets {
            if growth > 0 {
                let sketch = self.tally.sketch(reading.slot);
                result = result.and(spread(sketch, bounds, growth, &mut self.allowance));
            }
        }
        result
    }
}

/// Since when what is taken of a reading grew; none if it is not known what grew.
fn since(reading: &Reading, taken: Taken) -> Option<Since> {
    match taken {
        Taken::Nothing | Taken::Zero => None,
        Taken::Whole => Some(Since::Beginning),
        Taken::Difference => Some(Since::Reading(reading.last_at)),
    }
}

fn count(reading: Option<&NativeReading>) -> f64 {
    reading.map_or(0.0, |reading| reading.count)
}
