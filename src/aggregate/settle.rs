//! The moment at which the reading of a series becomes growth: the end of its scrape.

use std::time::Duration;

use super::aggregator::Group;
use super::distribution::{Allowance, Bounds, spread};
use super::growth::{Evidence, Growth, Previous, ProcessStart, Taken};
use super::native::Cells;
use super::reading::{Last, Present, Series, Value};
use super::refused::Refused;
use super::state::State;
use crate::map::NativeReading;
use crate::time::UnixTime;

/// What is known beside the series itself.
pub(super) struct Circumstances {
    /// When the series began, if the exposition says so.
    pub(super) start: Option<UnixTime>,
    pub(super) group: Group,
    pub(super) process: Option<ProcessStart>,
    pub(super) watched_until: Option<UnixTime>,
    pub(super) slack: Duration,
}

/// What a reading came to.
pub(super) struct Settled {
    pub(super) growth: Growth,
    pub(super) previous: Option<f64>,
    pub(super) present: f64,
    /// What was added to the slot, or why it could not be.
    pub(super) amount: Result<Option<f64>, Refused>,
}

/// Makes growth of the present reading of a series, adds it to `state`, and lets the reading be the last one.
pub(super) fn settle(
    series: &mut Series,
    circumstances: &Circumstances,
    state: Option<&mut State>,
    allowance: &mut Allowance,
) -> Option<Settled> {
    let Present { value, at, flush } = series.present.take()?;
    let start = circumstances.start.or(circumstances.group.start);
    let known = series.last.as_ref().and_then(|last| last.start);
    let last = series.last.replace(Last { value, at, start: start.or(known) });
    let value = &series.last.as_ref()?.value;
    // A last reading that cannot be compared is none.
    let compared = last.as_ref().and_then(|last| Some((last, value.fell(&last.value)?)));
    let evidence = Evidence {
        previous: compared.map(|(last, _)| Previous { at: last.at, start: last.start }),
        fell: compared.is_some_and(|(_, fell)| fell),
        // The flag is about series that the scrape before did not have.
        flush: flush && (last.is_none() || compared.is_some()),
        start,
        process: circumstances.process,
        group_fell: circumstances.group.fell,
        part: series.origin.group.map(|(_, part)| part),
        watched_until: circumstances.watched_until,
        now: at,
        slack: circumstances.slack,
    };
    let growth = evidence.growth();
    let before = compared.map(|(last, _)| last);
    let amount = state.map_or(Ok(None), |state| add_growth(value, before, at, growth.taken(), state, allowance));
    Some(Settled { growth, previous: before.map(|last| last.value.number()), present: value.number(), amount })
}

/// Adds what is taken of a reading to `state`; gives how much that is, if it is anything.
fn add_growth(
    value: &Value,
    before: Option<&Last>,
    at: UnixTime,
    taken: Taken,
    state: &mut State,
    allowance: &mut Allowance,
) -> Result<Option<f64>, Refused> {
    match value {
        Value::Rate(value) => rate(*value, at, before).map(|rate| rate.inspect(|rate| state.add(*rate))),
        Value::Count(value, _) => {
            let previous = before.map_or(0.0, |last| last.value.number());
            let amount = match taken {
                Taken::Nothing => None,
                Taken::Zero => Some(0.0),
                Taken::Whole => Some(*value),
                Taken::Difference => Some(value - previous),
            };
            Ok(amount.inspect(|amount| state.add(*amount)))
        }
        Value::Bucket(bounds, count) => {
            let previous = match before {
                Some(Last { value: Value::Bucket(_, before), .. }) => *before,
                _ => 0,
            };
            let amount = match taken {
                Taken::Nothing | Taken::Zero => 0,
                Taken::Whole => *count,
                Taken::Difference => count.saturating_sub(previous),
            };
            add(state, [(*bounds, amount)], allowance).map(|()| Some(amount as f64))
        }
        Value::Native(reading) => {
            let empty = NativeReading { count: 0.0, sum: 0.0, buckets: Vec::new() };
            let before = match (taken, before) {
                (Taken::Difference, Some(Last { value: Value::Native(before), .. })) => before,
                _ => &empty,
            };
            match taken {
                Taken::Nothing | Taken::Zero => Ok(None),
                Taken::Whole | Taken::Difference => native(reading, before, state, allowance).map(Some),
            }
        }
    }
}

/// Growth per second.
fn rate(value: f64, at: UnixTime, before: Option<&Last>) -> Result<Option<f64>, Refused> {
    let Some(before) = before else { return Ok(None) };
    let seconds = at.seconds() - before.at.seconds();
    // A clock that was set back gives no rate either.
    if seconds <= 0.0 {
        return Err(Refused::RateWithoutTime);
    }
    let rate = (value - before.value.number()) / seconds;
    if rate < 0.0 { Err(Refused::NegativeRate) } else { Ok(Some(rate)) }
}

fn native(
    reading: &NativeReading,
    before: &NativeReading,
    state: &mut State,
    allowance: &mut Allowance,
) -> Result<f64, Refused> {
    let mut grown = Vec::new();
    let mut values = 0.0;
    for cell in Cells::of(reading, before).iter() {
        let growth = cell.values();
        values += growth as f64;
        grown.push((Bounds::new(cell.lower, cell.upper)?, growth));
    }
    add(state, grown, allowance).map(|()| values)
}

/// Spreads values over the buckets of a sketch; one bucket that cannot be placed costs only itself.
fn add(
    state: &mut State,
    buckets: impl IntoIterator<Item = (Bounds, u64)>,
    allowance: &mut Allowance,
) -> Result<(), Refused> {
    let State::Distribution(sketch) = state else { return Err(Refused::KindChanged) };
    let mut result = Ok(());
    for (bounds, growth) in buckets {
        if growth > 0 {
            result = result.and(spread(sketch, bounds, growth, allowance));
        }
    }
    result
}

impl Value {
    /// The reading as one number: of a histogram, its count.
    fn number(&self) -> f64 {
        match self {
            Self::Count(value, _) | Self::Rate(value) => *value,
            Self::Bucket(_, count) => *count as f64,
            Self::Native(reading) => reading.count,
        }
    }
}
